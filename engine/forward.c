/* SPDX-License-Identifier: Apache-2.0 */
/* engine/forward.c -- a block of rows through the layers.
 *
 * Few rows (decode): every operation is shared out among the threads, rows'
 * values lie in the first thread's scratch memory.
 *
 * Many rows (prefill): a thread takes a chunk of rows through a whole layer,
 * so that what passes between two linears stays in its second-level cache, and
 * the threads meet once a layer, where attention needs the keys and values of
 * all rows:
 *
 *     item of layer i: attention, o, ffn of layer i; norm, q k v of i + 1
 *
 * Both ways call the same operations (struct eng_pass).
 */
#include "base/progress.h"
#include "engine/engine_int.h"
#include <string.h>

/* Below this many rows a thread, work is shared by operation. */
enum { FEW = 6 };

void eng_clock(struct eng_pass *p, enum eng_op op)
{
    if (!p->e->profile)
        return;
    double now = fl_now();
    p->w->op[op] += now - p->clock;
    p->clock = now;
}

struct each {
    struct eng_pass *p;
    eng_row_fn *fn;
};

static void each_item(void *arg, int item, int thread)
{
    struct each *j = arg;
    j->fn(j->p, item, &j->p->e->scratch[thread]);
}

/* fn for 0 .. n - 1, on the pass's threads. */
static void each(struct eng_pass *p, eng_row_fn *fn, int n)
{
    struct each j = {p, fn};
    if (p->parallel)
        pool_run(p->e->pool, each_item, &j, n);
    else
        for (int t = 0; t < n; t++)
            fn(p, t, p->w);
}

void eng_each_row(struct eng_pass *p, eng_row_fn *fn)
{
    each(p, fn, p->n);
}

static void embed_row(struct eng_pass *p, int t, struct eng_scratch *w)
{
    const struct num_qmodel *m = p->e->m;
    int d = m->shape.d;
    int token = p->row[p->row0 + t].token, own = token - m->shape.vocab;
    struct num_row row =
        own >= 0
            ? p->e->vector[own]
            : (struct num_row){m->embed + (size_t)token * (size_t)d,
                               {m->embed_mant[token], m->embed_exp[token]}};
    struct num_scale s = num_scale_shift(row.scale, m->res_frac);
    const int8_t *code = row.code;
    int32_t *r = p->e->r + (ptrdiff_t)(p->row0 + t) * d;
    for (int i = 0; i < d; i++)
        r[i] = (int32_t)num_sat(num_scaled(code[i], s), NUM_RES_BITS);
}

/* Row t of the pass's input becomes the codes of x. */
static void quant_row(struct eng_pass *p, const struct num_qsite *site, int t,
                      int32_t *x, int n)
{
    struct eng_in *in = &p->w->in;
    int kp = (n + ENG_KB - 1) / ENG_KB * ENG_KB;
    struct eng_codes c = {.x = in->x + t * in->xs,
                          .pre = in->pre + t * in->ps,
                          .pair = in->pair ? in->pair + t * in->ps : NULL};
    p->e->k->quant(x, n, kp, site, &c);
    in->q[t] = c.q;
    in->zp[t] = c.q.zp;
    in->run[t] = c.run;
    in->scale[t] = __builtin_ldexp(c.q.scale.mant, c.q.scale.exp);
}

static void set_width(struct eng_pass *p, int width)
{
    p->w->in.xs = (width + 63) / 64 * 64;
}

static void norm_row(struct eng_pass *p, const struct num_qsite *site, int t,
                     int from, struct eng_scratch *w)
{
    struct engine *e = p->e;
    int d = e->m->shape.d;
    e->k->norm(e->r + (ptrdiff_t)from * d, d, e->m->eps_q, e->m->sqrt_d, w->y);
    quant_row(p, site, t, w->y, d);
}

static void norm_attn_row(struct eng_pass *p, int t, struct eng_scratch *w)
{
    norm_row(p, &p->layer->site[NUM_SITE_ATTN], t, p->row0 + t, w);
}

static void norm_ffn_row(struct eng_pass *p, int t, struct eng_scratch *w)
{
    norm_row(p, &p->layer->site[NUM_SITE_FFN], t, p->row0 + t, w);
}

static void att_row(struct eng_pass *p, int t, struct eng_scratch *w)
{
    int n = p->e->m->shape.nq * p->e->m->shape.head;
    quant_row(p, &p->layer->site[NUM_SITE_O], t, p->w->att + (ptrdiff_t)t * n,
              n);
}

/* PIECE channels of gate and up, and their product: what the two linears give
 * stays in the first-level cache. */
enum { PIECE = 64 };

static void ffn_linear(struct eng_pass *p, const struct eng_lin *lin, int first,
                       int size, int32_t *y, const uint8_t *next)
{
    int panel = p->e->k->vec / 2;
    struct eng_mm mm = {.e = p->e,
                        .in = &p->w->in,
                        .rows = p->n,
                        .count = 1,
                        .lin = {lin},
                        .y = {y},
                        .ys = {PIECE},
                        .y_first = first,
                        .next = next};
    eng_matmul_panels(&mm, first / panel, (first + size + panel - 1) / panel);
}

static void ffn_piece(struct eng_pass *p, int piece, struct eng_scratch *w)
{
    struct engine *e = p->e;
    const struct eng_lin *lin = e->layer[p->index].lin;
    const struct num_qlayer *l = p->layer;
    int first = piece * PIECE, left = e->m->shape.ffn - first;
    int size = left < PIECE ? left : PIECE;
    int32_t *g = w->part, *u = w->part + ENG_CHUNK * PIECE;
    int panel = first / (e->k->vec / 2), step = PIECE / (e->k->vec / 2);
    const struct eng_lin *gate = &lin[NUM_GATE], *up = &lin[NUM_UP];
    ffn_linear(p, gate, first, size, g, eng_panel(up, panel));
    ffn_linear(p, up, first, size, u, eng_panel(gate, panel + step));
    for (int t = 0; t < p->n; t++)
        e->k->silu(g + t * PIECE, l->lin[NUM_GATE].frac, u + t * PIECE,
                   l->lin[NUM_UP].frac, l->h_frac, size,
                   p->w->h + t * e->fs + first);
}

static void ffn_row(struct eng_pass *p, int t, struct eng_scratch *w)
{
    struct engine *e = p->e;
    int32_t *h = p->w->h + t * e->fs;
    if (e->m->r4)
        e->k->fht(h, e->m->shape.ffn);
    quant_row(p, &p->layer->site[NUM_SITE_DOWN], t, h, e->m->shape.ffn);
}

/* A product that is added to the residual. */
static void add_linear(struct eng_pass *p, const struct eng_lin *lin)
{
    int d = p->e->m->shape.d;
    eng_matmul(&(struct eng_mm){.e = p->e,
                                .in = &p->w->in,
                                .rows = p->n,
                                .count = 1,
                                .lin = {lin},
                                .y = {p->e->r + (ptrdiff_t)p->row0 * d},
                                .ys = {d},
                                .add = 1,
                                .parallel = p->parallel});
}

/* Up to q, k, v: their codes, and the cache. */
static void first_half(struct eng_pass *p, int layer)
{
    struct engine *e = p->e;
    const struct num_shape *m = &e->m->shape;
    const struct eng_lin *lin = e->layer[layer].lin;
    int32_t *y = p->w->qkv;
    ptrdiff_t width = (ptrdiff_t)(m->nq + 2 * m->nkv) * m->head;
    p->layer = &e->m->layer[layer];
    p->index = layer;
    set_width(p, m->d);
    eng_each_row(p, norm_attn_row);
    eng_clock(p, ENG_NORM);
    eng_matmul(&(struct eng_mm){
        .e = e,
        .in = &p->w->in,
        .rows = p->n,
        .count = 3,
        .lin = {&lin[NUM_Q], &lin[NUM_K], &lin[NUM_V]},
        .y = {y, y + m->nq * m->head, y + (m->nq + m->nkv) * m->head},
        .ys = {width, width, width},
        .parallel = p->parallel,
    });
    eng_clock(p, ENG_QKV);
    eng_rope(p);
    eng_clock(p, ENG_ROPE);
}

/* Attention and the feed-forward part. */
static void second_half(struct eng_pass *p, int layer)
{
    struct engine *e = p->e;
    const struct num_shape *m = &e->m->shape;
    const struct eng_lin *lin = e->layer[layer].lin;
    p->layer = &e->m->layer[layer];
    p->index = layer;
    eng_attention(p);
    eng_clock(p, ENG_ATTN);
    set_width(p, m->nq * m->head);
    eng_each_row(p, att_row);
    add_linear(p, &lin[NUM_O]);
    eng_clock(p, ENG_OPROJ);
    set_width(p, m->d);
    eng_each_row(p, norm_ffn_row);
    eng_clock(p, ENG_NORM);
    each(p, ffn_piece, (m->ffn + PIECE - 1) / PIECE);
    eng_clock(p, ENG_FFN);
    set_width(p, m->ffn);
    eng_each_row(p, ffn_row);
    eng_clock(p, ENG_FHT);
    add_linear(p, &lin[NUM_DOWN]);
    eng_clock(p, ENG_DOWN);
}

struct chunks {
    struct engine *e;
    const struct eng_row *row;
    int n, step, layer; /* layer -1: embedding and the first half of 0 */
};

static void chunk_item(void *arg, int item, int thread)
{
    struct chunks *j = arg;
    struct eng_pass p = {.e = j->e,
                         .row = j->row,
                         .w = &j->e->scratch[thread],
                         .row0 = item * j->step,
                         .n = j->step,
                         .clock = j->e->profile ? fl_now() : 0};
    if (p.row0 + p.n > j->n)
        p.n = j->n - p.row0;
    if (j->layer < 0) {
        eng_each_row(&p, embed_row);
        eng_clock(&p, ENG_EMBED);
    } else {
        second_half(&p, j->layer);
    }
    if (j->layer + 1 < j->e->m->shape.layers)
        first_half(&p, j->layer + 1);
}

void eng_layers(struct engine *e, const struct eng_row *row, int n)
{
    int layers = e->m->shape.layers, threads = pool_threads(e->pool);
    if (n < FEW * threads && n <= ENG_CHUNK) {
        struct eng_pass p = {.e = e,
                             .row = row,
                             .w = e->scratch,
                             .n = n,
                             .parallel = 1,
                             .clock = e->profile ? fl_now() : 0};
        eng_each_row(&p, embed_row);
        eng_clock(&p, ENG_EMBED);
        for (int i = 0; i < layers; i++) {
            first_half(&p, i);
            second_half(&p, i);
        }
        return;
    }
    /* As many chunks for each thread, of whole tiles, at most ENG_CHUNK. */
    int rows = e->k->unit;
    int count = (n + ENG_CHUNK - 1) / ENG_CHUNK;
    if (count < 16 * threads)
        count = (count + threads - 1) / threads * threads;
    int step = (n + count - 1) / count;
    step = (step + rows - 1) / rows * rows;
    struct chunks j = {e, row, n, step < ENG_CHUNK ? step : ENG_CHUNK, -1};
    count = (n + j.step - 1) / j.step;
    for (; j.layer < layers; j.layer++)
        pool_run(e->pool, chunk_item, &j, count);
}

void eng_head_in(struct eng_pass *p, const int *rows)
{
    set_width(p, p->e->m->shape.d);
    for (int t = 0; t < p->n; t++)
        norm_row(p, &p->e->m->head_site, t, rows[t], p->w);
}
