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

static void rotate(const struct engine *e, int32_t *x, int pos)
{
    int head = e->m->shape.head;
    e->k->rope(x, head, e->m->rope + (size_t)pos * (size_t)head);
    if (e->m->r3)
        e->k->fht(x, head);
}

static void rope_row(struct eng_pass *p, int row, struct eng_scratch *w)
{
    struct engine *e = p->e;
    const struct num_shape *m = &e->m->shape;
    const struct num_qlayer *l = p->layer;
    int t = p->row0 + row;
    int head = m->head, hp = e->hp, g = m->nq / m->nkv, pos = e->at[t].pos;
    int32_t *x = p->w->qkv + (ptrdiff_t)row * (m->nq + 2 * m->nkv) * head;
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
        int8_t *to = eng_cache(e->at[t].s, p->index, 0, h) +
                     (ptrdiff_t)(pos / 16) * 16 * hp + pos % 16 * 4;
        for (int i = 0; i < head; i++)
            to[i / 4 * 64 + i % 4] = code[i];
    }
    for (int h = 0; h < m->nkv; h++, x += head) {
        e->k->codes(x, head, l->v_scale[h], code);
        int8_t *to = eng_cache(e->at[t].s, p->index, 1, h) +
                     (ptrdiff_t)(pos / 4) * 4 * hp + pos % 4;
        for (int i = 0; i < head; i++)
            to[i * 4] = code[i];
    }
}

void eng_rope(struct eng_pass *p)
{
    eng_each_row(p, rope_row);
}

/* Consecutive rows of one sequence, from the pass's row `row` on. */
struct run {
    int row, n;
};

/* Rows i0 .. i0 + n - 1 of a run against key/value head kv: row i is token
 * i / g of the run, query head i % g of the group. */
static void attn_tile(struct eng_pass *pass, struct run run, int kv, int i0,
                      int n, struct eng_scratch *w)
{
    struct engine *e = pass->e;
    const struct num_shape *m = &e->m->shape;
    const struct num_qlayer *l = pass->layer;
    int g = m->nq / m->nkv, hp = e->hp, head = m->head;
    const struct eng_at *at = e->at + pass->row0 + run.row;
    const struct eng_session *s = at->s;
    int last = at[(i0 + n - 1) / g].pos;
    int blocks = last / ENG_TB + 1, padded = blocks * ENG_TB;
    const int8_t *q =
        e->qc +
        (((ptrdiff_t)kv * e->block + pass->row0 + run.row) * g + i0) * hp;
    e->k->qk(q, n, eng_cache(s, pass->index, 0, kv), hp, blocks, w->score,
             e->seq);
    uint32_t sum[8];
    char *p = w->p;
    for (int r = 0; r < n; r++) {
        int pos = at[(i0 + r) / g].pos;
        sum[r] = e->k->prob(w->score + (ptrdiff_t)r * e->seq, pos + 1, padded,
                            l->s_scale[kv * g + (i0 + r) % g],
                            p + (ptrdiff_t)r * e->seq * e->k->p_bytes);
    }
    const int8_t *v = eng_cache(s, pass->index, 1, kv);
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
        int32_t *y = pass->w->att +
                     (ptrdiff_t)(run.row + (i0 + r) / g) * m->nq * head +
                     (kv * g + (i0 + r) % g) * head;
        if (!wide)
            e->k->scaled(w->av + r * hp, head, f, y);
        for (int i = 0; i < head && wide; i++)
            y[i] = num_attn(w->av_sum[r * hp + i], f);
    }
}

static void attn_run(struct eng_pass *p, struct run run, int kv,
                     struct eng_scratch *w)
{
    int rows = run.n * (p->e->m->shape.nq / p->e->m->shape.nkv);
    int step = p->e->k->p_rows;
    for (int i = 0; i < rows; i += step)
        attn_tile(p, run, kv, i, rows - i < step ? rows - i : step, w);
}

/* With few rows, each is a run of its own; an item is a row and a query head
 * where contexts are long, else a row and a key/value head. */
enum { LONG = 128 };

struct attn_job {
    struct eng_pass *p;
    int split;
};

static void attn_item(void *arg, int item, int thread)
{
    struct attn_job *j = arg;
    struct eng_pass *p = j->p;
    const struct num_shape *m = &p->e->m->shape;
    int heads = j->split ? m->nq : m->nkv, g = m->nq / m->nkv;
    struct run run = {item / heads, 1};
    int h = item % heads;
    if (j->split)
        attn_tile(p, run, h / g, h % g, 1, &p->e->scratch[thread]);
    else
        attn_run(p, run, h, &p->e->scratch[thread]);
}

void eng_attention(struct eng_pass *p)
{
    struct engine *e = p->e;
    const struct eng_at *at = e->at + p->row0;
    int nkv = e->m->shape.nkv;
    if (p->parallel) {
        struct attn_job j = {p, p->n == 1 && at[0].pos >= LONG};
        int items = j.split ? e->m->shape.nq : p->n * nkv;
        if (p->n == 1 && !j.split) /* not worth a barrier */
            for (int i = 0; i < items; i++)
                attn_item(&j, i, 0);
        else
            pool_run(e->pool, attn_item, &j, items);
        return;
    }
    for (int t = 0; t < p->n;) {
        struct run run = {t, 0};
        while (t < p->n && run.n < ENG_RUN && at[t].s == at[run.row].s) {
            run.n++;
            t++;
        }
        for (int kv = 0; kv < nkv; kv++)
            attn_run(p, run, kv, p->w);
    }
}
