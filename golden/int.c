/* SPDX-License-Identifier: Apache-2.0 */
/* golden/int.c -- the model as a list of operations, one token at a time. */
#include "golden/int.h"
#include <stdlib.h>

bool gold_int_init(struct gold_int *g, const struct num_qmodel *m, int cap)
{
    const struct num_shape *s = &m->shape;
    *g = (struct gold_int){.m = m, .cap = cap};
    if (cap < 1 || cap > m->seq)
        return false;
    size_t d = (size_t)s->d, f = (size_t)s->ffn;
    size_t dq = (size_t)s->nq * (size_t)s->head;
    size_t dkv = (size_t)s->nkv * (size_t)s->head;
    size_t wide = d > f ? d : f;
    wide = wide > dq ? wide : dq;
    size_t cache = (size_t)s->layers * dkv * (size_t)cap;
    g->k = calloc(cache, sizeof *g->k);
    g->v = calloc(cache, sizeof *g->v);
    g->r = calloc(d, sizeof *g->r);
    g->x = calloc(d, sizeof *g->x);
    g->q = calloc(dq, sizeof *g->q);
    g->kx = calloc(dkv, sizeof *g->kx);
    g->vx = calloc(dkv, sizeof *g->vx);
    g->att = calloc(dq, sizeof *g->att);
    g->g = calloc(f, sizeof *g->g);
    g->u = calloc(f, sizeof *g->u);
    g->h = calloc(f, sizeof *g->h);
    g->y = calloc(d, sizeof *g->y);
    g->qcode = calloc(dq, sizeof *g->qcode);
    g->code = calloc(wide, sizeof *g->code);
    wide = wide > (size_t)s->vocab ? wide : (size_t)s->vocab;
    g->acc = calloc(wide, sizeof *g->acc);
    bool ok = g->k && g->v && g->r && g->x && g->q && g->kx && g->vx &&
              g->att && g->g && g->u && g->h && g->y && g->qcode && g->code &&
              g->acc;
    if (!ok)
        gold_int_free(g);
    return ok;
}

void gold_int_free(struct gold_int *g)
{
    void *p[] = {g->k, g->v, g->r, g->x, g->q,     g->kx,   g->vx, g->att,
                 g->g, g->u, g->h, g->y, g->qcode, g->code, g->acc};
    for (size_t i = 0; i < sizeof p / sizeof *p; i++)
        free(p[i]);
    *g = (struct gold_int){0};
}

/* y = lin(code): the codes of one token are shared by several linears. */
static void linear(struct gold_int *g, const struct num_qlinear *lin,
                   struct num_qparam p, int32_t *y)
{
    gold_linear(lin, g->code, p.zp, g->acc);
    gold_dequant(lin, g->acc, p.scale, y);
}

static void norm(struct gold_int *g)
{
    gold_rmsnorm(g->r, g->m->shape.d, g->m->eps_q, g->m->sqrt_d, g->x);
}

/* Where a head's run of (cap, h) begins in the cache. */
static int64_t cached(const struct gold_int *g, int layer, int kv)
{
    const struct num_shape *s = &g->m->shape;
    return ((int64_t)layer * s->nkv + kv) * g->cap * s->head;
}

static void attention(struct gold_int *g, int layer)
{
    const struct num_qmodel *m = g->m;
    const struct num_qlayer *l = &m->layer[layer];
    int nq = m->shape.nq, nkv = m->shape.nkv, head = m->shape.head;

    norm(g);
    struct num_qparam p =
        gold_quantise(&l->site[NUM_SITE_ATTN], g->x, m->shape.d, g->code);
    linear(g, &l->lin[NUM_Q], p, g->q);
    linear(g, &l->lin[NUM_K], p, g->kx);
    linear(g, &l->lin[NUM_V], p, g->vx);

    const int16_t *cs = m->rope + (int64_t)g->pos * head;
    gold_rope(g->q, nq, head, cs);
    gold_rope(g->kx, nkv, head, cs);
    for (int h = 0; m->r3 && h < nq; h++)
        gold_fht(g->q + h * head, head);
    for (int h = 0; m->r3 && h < nkv; h++)
        gold_fht(g->kx + h * head, head);

    gold_static(g->q, nq, head, l->q_scale, g->qcode);
    for (int h = 0; h < nkv; h++) {
        int64_t at = cached(g, layer, h) + (int64_t)g->pos * head;
        gold_static(g->kx + h * head, 1, head, &l->k_scale[h], g->k + at);
        gold_static(g->vx + h * head, 1, head, &l->v_scale[h], g->v + at);
    }
    for (int h = 0; h < nq; h++) {
        int kv = h / (nq / nkv);
        int64_t at = cached(g, layer, kv);
        gold_attention(g->qcode + h * head, g->k + at, g->v + at, g->pos + 1,
                       head, l->s_scale[h], l->o_scale[kv], g->att + h * head);
    }
    p = gold_quantise(&l->site[NUM_SITE_O], g->att, nq * head, g->code);
    linear(g, &l->lin[NUM_O], p, g->y);
    gold_residual(g->r, g->y, m->shape.d);
}

static void feed_forward(struct gold_int *g, int layer)
{
    const struct num_qmodel *m = g->m;
    const struct num_qlayer *l = &m->layer[layer];

    norm(g);
    struct num_qparam p =
        gold_quantise(&l->site[NUM_SITE_FFN], g->x, m->shape.d, g->code);
    linear(g, &l->lin[NUM_GATE], p, g->g);
    linear(g, &l->lin[NUM_UP], p, g->u);
    gold_silu_mul(g->g, l->lin[NUM_GATE].frac, g->u, l->lin[NUM_UP].frac,
                  m->shape.ffn, l->h_frac, g->h);
    if (m->r4)
        gold_fht(g->h, m->shape.ffn);
    p = gold_quantise(&l->site[NUM_SITE_DOWN], g->h, m->shape.ffn, g->code);
    linear(g, &l->lin[NUM_DOWN], p, g->y);
    gold_residual(g->r, g->y, m->shape.d);
}

void gold_int_step(struct gold_int *g, int token, int32_t *logits)
{
    const struct num_qmodel *m = g->m;
    struct num_row row = {m->embed + (int64_t)token * m->shape.d,
                          {m->embed_mant[token], m->embed_exp[token]}};
    gold_int_row(g, row, logits);
}

void gold_int_row(struct gold_int *g, struct num_row row, int32_t *logits)
{
    const struct num_qmodel *m = g->m;
    int d = m->shape.d;
    gold_embed(row.code, row.scale.mant, row.scale.exp, m->res_frac, d, g->r);
    for (int layer = 0; layer < m->shape.layers; layer++) {
        attention(g, layer);
        feed_forward(g, layer);
    }
    g->pos++;
    if (logits == 0)
        return;
    norm(g);
    struct num_qparam p = gold_quantise(&m->head_site, g->x, d, g->code);
    linear(g, &m->head, p, logits);
}
