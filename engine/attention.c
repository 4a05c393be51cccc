/* SPDX-License-Identifier: Apache-2.0 */
/* engine/attention.c -- rotation, codes, cache, attention.
 *
 * The query heads that share a key/value head, and the tokens of a run, are
 * rows against the same keys: a tile of p_rows of them reads each key once.
 * Every row takes its own positions only (0 up to its own): what a tile
 * computes beyond is not looked at, and its probabilities are zeros there.
 */
#include "engine/engine_int.h"
#include <string.h>

struct rope_job {
    struct engine *e;
    int layer, rows, step;
};

static void rotate(const struct engine *e, int32_t *x, int pos)
{
    int head = e->m->shape.head;
    e->k->rope(x, head, e->m->rope + (size_t)pos * (size_t)head);
    if (e->m->r3)
        e->k->fht(x, head);
}

static void rope_row(struct rope_job *j, int t)
{
    struct engine *e = j->e;
    const struct num_shape *m = &e->m->shape;
    const struct num_qlayer *l = &e->m->layer[j->layer];
    int head = m->head, hp = e->hp, g = m->nq / m->nkv, pos = e->at[t].pos;
    int32_t *x = e->qkv + (ptrdiff_t)t * (m->nq + 2 * m->nkv) * head;
    _Alignas(64) int8_t code[NUM_MAX_HEAD];
    for (int h = 0; h < m->nq; h++, x += head) {
        rotate(e, x, pos);
        int8_t *to =
            e->qc + ((ptrdiff_t)(h / g) * e->block + t) * g * hp + h % g * hp;
        e->k->codes(x, head, l->q_scale[h], to);
    }
    for (int h = 0; h < m->nkv; h++, x += head) {
        rotate(e, x, pos);
        e->k->codes(x, head, l->k_scale[h], code);
        int8_t *to = eng_cache(e->at[t].s, j->layer, 0, h) +
                     (ptrdiff_t)(pos / 16) * 16 * hp + pos % 16 * 4;
        for (int i = 0; i < head; i++)
            to[i / 4 * 64 + i % 4] = code[i];
    }
    for (int h = 0; h < m->nkv; h++, x += head) {
        e->k->codes(x, head, l->v_scale[h], code);
        int8_t *to = eng_cache(e->at[t].s, j->layer, 1, h) +
                     (ptrdiff_t)(pos / 4) * 4 * hp + pos % 4;
        for (int i = 0; i < head; i++)
            to[i * 4] = code[i];
    }
}

static void rope_item(void *arg, int item, int thread)
{
    struct rope_job *j = arg;
    int end = (item + 1) * j->step < j->rows ? (item + 1) * j->step : j->rows;
    for (int t = item * j->step; t < end; t++)
        rope_row(j, t);
}

void eng_rope(struct engine *e, int layer, int rows)
{
    /* Four rows share a word of V: no two threads write one cache line's
     * neighbours needlessly, and small batches stay on one thread. */
    struct rope_job j = {e, layer, rows, 8};
    pool_run(e->pool, rope_item, &j, (rows + j.step - 1) / j.step);
}

struct attn_job {
    struct engine *e;
    int layer;
    int split; /* query heads of a group are separate items */
};

/* Rows i0 .. i0 + n - 1 of a run against key/value head kv: row i is token
 * i / g of the run, query head i % g of the group. */
static void attn_tile(struct attn_job *j, const struct eng_run *run, int kv,
                      int i0, int n, struct eng_scratch *w)
{
    struct engine *e = j->e;
    const struct num_shape *m = &e->m->shape;
    const struct num_qlayer *l = &e->m->layer[j->layer];
    int g = m->nq / m->nkv, hp = e->hp, head = m->head;
    const struct eng_session *s = e->at[run->row].s;
    int last = e->at[run->row + (i0 + n - 1) / g].pos;
    int blocks = last / ENG_TB + 1, padded = blocks * ENG_TB;
    const int8_t *q =
        e->qc + (((ptrdiff_t)kv * e->block + run->row) * g + i0) * hp;
    e->k->qk(q, n, eng_cache(s, j->layer, 0, kv), hp, blocks, w->score, e->seq);
    uint32_t sum[8];
    char *p = w->p;
    for (int r = 0; r < n; r++) {
        int pos = e->at[run->row + (i0 + r) / g].pos;
        sum[r] = e->k->prob(w->score + (ptrdiff_t)r * e->seq, pos + 1, padded,
                            l->s_scale[kv * g + (i0 + r) % g],
                            p + (ptrdiff_t)r * e->seq * e->k->p_bytes);
    }
    const int8_t *v = eng_cache(s, j->layer, 1, kv);
    int wide = padded > ENG_AV_MAX;
    if (wide)
        memset(w->av_sum, 0, (size_t)(n * hp) * sizeof *w->av_sum);
    for (int t = 0; t < padded; t += ENG_AV_MAX) {
        int part = padded - t < ENG_AV_MAX ? padded - t : ENG_AV_MAX;
        e->k->av(p + (ptrdiff_t)t * e->k->p_bytes, e->seq, n,
                 v + (ptrdiff_t)t * hp, hp, part / ENG_TB, w->av);
        for (int i = 0; i < n * hp && wide; i++)
            w->av_sum[i] += w->av[i];
    }
    for (int r = 0; r < n; r++) {
        struct num_scale f = num_attn_scale(sum[r], l->o_scale[kv]);
        int32_t *y = e->att +
                     (ptrdiff_t)(run->row + (i0 + r) / g) * m->nq * head +
                     (kv * g + (i0 + r) % g) * head;
        if (!wide)
            e->k->scaled(w->av + r * hp, head, f, y);
        for (int i = 0; i < head && wide; i++)
            y[i] = num_attn(w->av_sum[r * hp + i], f);
    }
}

static void attn_item(void *arg, int item, int thread)
{
    struct attn_job *j = arg;
    struct engine *e = j->e;
    int nkv = e->m->shape.nkv, g = e->m->shape.nq / nkv;
    int heads = j->split ? e->m->shape.nq : nkv;
    const struct eng_run *run = &e->run[item / heads];
    int h = item % heads;
    if (j->split) { /* one token */
        attn_tile(j, run, h / g, h % g, 1, &e->scratch[thread]);
        return;
    }
    for (int i = 0; i < run->n * g; i += e->k->p_rows) {
        int n = run->n * g - i;
        attn_tile(j, run, h, i, n < e->k->p_rows ? n : e->k->p_rows,
                  &e->scratch[thread]);
    }
}

void eng_attention(struct engine *e, int layer, int runs)
{
    const struct num_shape *m = &e->m->shape;
    struct attn_job j = {e, layer, 0};
    /* A long context and few items: share out the query heads. */
    if (runs == 1 && e->run[0].n == 1 && e->at[e->run[0].row].pos >= 128)
        j.split = 1;
    if (runs == 1 && e->run[0].n == 1 && !j.split) {
        for (int h = 0; h < m->nkv; h++)
            attn_item(&j, h, 0);
        return;
    }
    pool_run(e->pool, attn_item, &j, runs * (j.split ? m->nq : m->nkv));
}
