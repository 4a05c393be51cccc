/* SPDX-License-Identifier: Apache-2.0 */
/* engine/forward.c -- a block of rows through the layers, and the head. The
 * same code serves prefill, decode and batches of sequences.
 */
#include "base/progress.h"
#include "engine/engine_int.h"
#include <string.h>

double eng_clock(struct engine *e)
{
    return e->profile ? fl_now() : 0;
}

double eng_clock_add(struct engine *e, enum eng_op op, double start)
{
    if (!e->profile)
        return 0;
    double now = fl_now();
    e->prof.seconds[op] += now - start;
    return now;
}

/* Row by row work: embed, norm, silu, Hadamard, quantise. */
struct rows_job {
    struct engine *e;
    const struct num_qlayer *layer;
    const struct num_qsite *site;
    const struct eng_row *row;
    const int *list; /* rows of r to norm; NULL: all, in order */
    int n, step;
    void (*fn)(struct rows_job *j, int t, struct eng_scratch *w);
};

static void rows_item(void *arg, int item, int thread)
{
    struct rows_job *j = arg;
    int end = (item + 1) * j->step < j->n ? (item + 1) * j->step : j->n;
    for (int t = item * j->step; t < end; t++)
        j->fn(j, t, &j->e->scratch[thread]);
}

static void rows_run(struct rows_job *j)
{
    j->step = 4;
    pool_run(j->e->pool, rows_item, j, (j->n + j->step - 1) / j->step);
}

static void embed_row(struct rows_job *j, int t, struct eng_scratch *w)
{
    const struct num_qmodel *m = j->e->m;
    int d = m->shape.d;
    size_t token = (size_t)j->row[t].token;
    struct num_scale s = {m->embed_mant[token],
                          (int16_t)(m->embed_exp[token] + m->res_frac)};
    const int8_t *code = m->embed + token * (size_t)d;
    int32_t *r = j->e->r + (ptrdiff_t)t * d;
    for (int i = 0; i < d; i++)
        r[i] = (int32_t)num_sat(num_scaled(code[i], s), NUM_RES_BITS);
}

static void quant_row(struct rows_job *j, int t, int32_t *x, int n)
{
    struct eng_in *in = &j->e->in;
    int kp = (n + ENG_KB - 1) / ENG_KB * ENG_KB;
    struct eng_codes c = {in->x + t * in->xs, in->pre + t * in->ps, {0}};
    j->e->k->quant(x, n, kp, j->site, &c);
    in->q[t] = c.q;
    in->zp[t] = c.q.zp;
    in->scale[t] = __builtin_ldexp(c.q.scale.mant, c.q.scale.exp);
}

static void norm_row(struct rows_job *j, int t, struct eng_scratch *w)
{
    struct engine *e = j->e;
    int d = e->m->shape.d;
    ptrdiff_t from = j->list ? j->list[t] : t;
    e->k->norm(e->r + from * d, d, e->m->eps_q, e->m->sqrt_d, w->y);
    quant_row(j, t, w->y, d);
}

static void att_row(struct rows_job *j, int t, struct eng_scratch *w)
{
    int n = j->e->m->shape.nq * j->e->m->shape.head;
    quant_row(j, t, j->e->att + (ptrdiff_t)t * n, n);
}

static void ffn_row(struct rows_job *j, int t, struct eng_scratch *w)
{
    struct engine *e = j->e;
    int f = e->m->shape.ffn;
    int32_t *g = e->gate + (ptrdiff_t)t * f, *u = e->up + (ptrdiff_t)t * f;
    e->k->silu(g, j->layer->lin[NUM_GATE].frac, u, j->layer->lin[NUM_UP].frac,
               j->layer->h_frac, f, g);
    if (e->m->r4)
        e->k->fht(g, f);
    quant_row(j, t, g, f);
}

/* Consecutive rows of one session, at most ENG_RUN together. */
static int find_runs(struct engine *e, int n)
{
    int runs = 0;
    for (int t = 0; t < n; t++) {
        struct eng_run *r = runs ? &e->run[runs - 1] : NULL;
        if (r && r->n < ENG_RUN && e->at[r->row].s == e->at[t].s)
            r->n++;
        else
            e->run[runs++] = (struct eng_run){t, 1};
    }
    return runs;
}

void eng_layers(struct engine *e, const struct eng_row *row, int n)
{
    const struct num_shape *m = &e->m->shape;
    ptrdiff_t width = (ptrdiff_t)(m->nq + 2 * m->nkv) * m->head;
    int runs = find_runs(e, n);
    double t = eng_clock(e);
    struct rows_job j = {.e = e, .row = row, .n = n, .fn = embed_row};
    rows_run(&j);
    t = eng_clock_add(e, ENG_EMBED, t);
    for (int i = 0; i < m->layers; i++) {
        const struct eng_lin *lin = e->layer[i].lin;
        j.layer = &e->m->layer[i];
        j.site = &j.layer->site[NUM_SITE_ATTN];
        j.fn = norm_row;
        rows_run(&j);
        t = eng_clock_add(e, ENG_NORM, t);
        eng_matmul(&(struct eng_mm){
            .e = e,
            .in = &e->in,
            .rows = n,
            .count = 3,
            .lin = {&lin[NUM_Q], &lin[NUM_K], &lin[NUM_V]},
            .y = {e->qkv, e->qkv + m->nq * m->head,
                  e->qkv + (m->nq + m->nkv) * m->head},
            .ys = {width, width, width},
        });
        t = eng_clock_add(e, ENG_QKV, t);
        eng_rope(e, i, n);
        t = eng_clock_add(e, ENG_ROPE, t);
        eng_attention(e, i, runs);
        t = eng_clock_add(e, ENG_ATTN, t);
        j.site = &j.layer->site[NUM_SITE_O];
        j.fn = att_row;
        rows_run(&j);
        eng_matmul(&(struct eng_mm){.e = e,
                                    .in = &e->in,
                                    .rows = n,
                                    .count = 1,
                                    .lin = {&lin[NUM_O]},
                                    .y = {e->r},
                                    .ys = {m->d},
                                    .add = 1});
        t = eng_clock_add(e, ENG_OPROJ, t);
        j.site = &j.layer->site[NUM_SITE_FFN];
        j.fn = norm_row;
        rows_run(&j);
        t = eng_clock_add(e, ENG_NORM, t);
        eng_matmul(&(struct eng_mm){.e = e,
                                    .in = &e->in,
                                    .rows = n,
                                    .count = 2,
                                    .lin = {&lin[NUM_GATE], &lin[NUM_UP]},
                                    .y = {e->gate, e->up},
                                    .ys = {m->ffn, m->ffn}});
        t = eng_clock_add(e, ENG_FFN, t);
        j.site = &j.layer->site[NUM_SITE_DOWN];
        j.fn = ffn_row;
        rows_run(&j);
        t = eng_clock_add(e, ENG_FHT, t);
        eng_matmul(&(struct eng_mm){.e = e,
                                    .in = &e->in,
                                    .rows = n,
                                    .count = 1,
                                    .lin = {&lin[NUM_DOWN]},
                                    .y = {e->r},
                                    .ys = {m->d},
                                    .add = 1});
        t = eng_clock_add(e, ENG_DOWN, t);
    }
}

void eng_head(struct engine *e, const int *rows, int n)
{
    double t = eng_clock(e);
    struct rows_job j = {
        .e = e, .site = &e->m->head_site, .list = rows, .n = n, .fn = norm_row};
    rows_run(&j);
    eng_matmul(&(struct eng_mm){.e = e,
                                .in = &e->in,
                                .rows = n,
                                .count = 1,
                                .lin = {&e->head},
                                .y = {e->logits},
                                .ys = {e->m->shape.vocab}});
    eng_clock_add(e, ENG_HEAD, t);
}
