/* SPDX-License-Identifier: Apache-2.0 */
/* train/pass.c -- a sequence through all layers, and its gradient back. */
#include <stdlib.h>
#include <string.h>
#include "train/net.h"
#include "train/ops.h"

static size_t low_room(const struct net *net)
{
    int rank = 0;
    for (int p = 0; p < HMT_PARTS; p++)
        if (net->layer[0].lin[p].rank > rank)
            rank = net->layer[0].lin[p].rank;
    return (size_t)rank;
}

/* Hands out the arena; with a NULL one only counts. */
static size_t place(struct pass *p, real *arena)
{
    const struct num_shape *s = &p->net->shape;
    size_t at = 0, n = (size_t)p->cap, d = (size_t)s->d, f = (size_t)s->ffn;
    size_t dq = (size_t)s->nq * (size_t)s->head;
    size_t dk = (size_t)s->nkv * (size_t)s->head, rank = low_room(p->net);
    size_t widest = f > dq ? f : dq;
#define TAKE(to, count)                                                        \
    do {                                                                       \
        if (arena != NULL)                                                     \
            (to) = arena + at;                                                 \
        at += (count);                                                         \
    } while (0)
    TAKE(p->r, n * d);
    TAKE(p->dr, p->keeps ? n * d : 0);
    TAKE(p->turn, n * (size_t)s->head);
    TAKE(p->narrow, n * d);
    if (p->keeps) {
        for (int i = 0; i < 3; i++)
            TAKE(p->wide[i], n * widest);
        TAKE(p->dq, n * dq);
        TAKE(p->dk, n * dk);
        TAKE(p->dv, n * dk);
        TAKE(p->low, n * rank);
        TAKE(p->work, n * OP_ROWS);
    }
    for (int i = 0; i < (p->keeps ? s->layers : 1); i++) {
        struct pass_layer *l = &p->layer[i];
        TAKE(l->r, n * d);
        TAKE(l->rm, n * d);
        TAKE(l->xa, n * d);
        TAKE(l->xf, n * d);
        TAKE(l->ia, n);
        TAKE(l->jf, n);
        TAKE(l->q, n * dq);
        TAKE(l->k, n * dk);
        TAKE(l->v, n * dk);
        TAKE(l->p, n * n * (size_t)s->nq);
        TAKE(l->y, n * dq);
        TAKE(l->g, n * f);
        TAKE(l->u, n * f);
        TAKE(l->s, n * f);
        for (int part = 0; part < HMT_PARTS; part++)
            TAKE(l->low[part], n * rank);
    }
#undef TAKE
    return at;
}

bool pass_init(struct pass *p, const struct net *net, int cap, bool keeps,
               struct fl_error *err)
{
    int head = net->shape.head;
    *p = (struct pass){.net = net, .cap = cap, .keeps = keeps};
    size_t layers = keeps ? (size_t)net->shape.layers : 1;
    p->layer = calloc(layers, sizeof *p->layer);
    if (p->layer != NULL)
        p->arena = malloc(place(p, NULL) * sizeof *p->arena);
    if (p->arena == NULL) {
        pass_free(p);
        fl_fail(err, FL_NOMEM, 0,
                "out of memory for a pass of %d positions; use a shorter "
                "segment or fewer segments a group",
                cap);
        return false;
    }
    place(p, p->arena);
    for (int t = 0; t < cap; t++)
        for (int i = 0; i < head / 2; i++) {
            real *turn = p->turn + (size_t)t * (size_t)head + 2 * i;
            turn[0] = (real)cos(t * net->inv_freq[i]);
            turn[1] = (real)sin(t * net->inv_freq[i]);
        }
    return true;
}

void pass_free(struct pass *p)
{
    free(p->layer);
    free(p->arena);
    *p = (struct pass){0};
}

static const real *matrix(const struct net *net, const struct net_linear *l)
{
    return net->wbits > 0 ? net->fake + l->fake : net->value + l->w;
}

/* y (n, out) = x (W + s b a)^T + bias, low (n, rank) = x a^T */
static void linear(const struct pass *p, const struct net_linear *l,
                   const real *x, int n, real *y, real *low)
{
    const struct net *net = p->net;
    int in = l->in, out = l->out, rank = p->plain ? 0 : l->rank;
    const real *w = p->plain ? net->value + l->w : matrix(net, l);
    real_abt(n, out, in, 1, x, in, w, in, 0, y, out);
    if (rank > 0)
        real_abt(n, rank, in, 1, x, in, net->value + l->a, in, 0, low, rank);
    if (rank > 0 && net->wbits == 0)
        real_abt(n, out, rank, net->lora_scale, low, rank, net->value + l->b,
                 rank, 1, y, out);
    for (int t = 0; l->bias != NET_NONE && t < n; t++)
        for (int o = 0; o < out; o++)
            y[(size_t)t * (size_t)out + (size_t)o] +=
                net->value[l->bias + (size_t)o];
}

/* dx = beta dx + dy (W + s b a); dlow (n, rank) is scratch. */
static void linear_back(const struct net *net, const struct net_linear *l,
                        const real *x, const real *low, const real *dy, int n,
                        real beta, real *dx, real *dlow, real *grad)
{
    int in = l->in, out = l->out, rank = l->rank;
    real_ab(n, in, out, 1, dy, out, matrix(net, l), in, beta, dx, in);
    if (rank > 0) {
        const real *a = net->value + l->a, *b = net->value + l->b;
        real s = net->lora_scale;
        real_ab(n, rank, out, s, dy, out, b, rank, 0, dlow, rank);
        real_atb(out, rank, n, s, dy, out, low, rank, 1, grad + l->b, rank);
        real_atb(rank, in, n, 1, dlow, rank, x, in, 1, grad + l->a, in);
        if (net->wbits == 0)
            real_ab(n, in, rank, 1, dlow, rank, a, in, 1, dx, in);
    }
    if (l->w < net->train)
        real_atb(out, in, n, 1, dy, out, x, in, 1, grad + l->w, in);
    for (int t = 0; l->bias < net->train && t < n; t++)
        for (int o = 0; o < out; o++)
            grad[l->bias + (size_t)o] +=
                dy[(size_t)t * (size_t)out + (size_t)o];
}

static void rounded(const struct pass *p, real *x, int n, int width)
{
    if (p->net->abits > 0 && !p->plain)
        op_fake_quant(x, n, width, p->net->abits);
}

static void layer_forward(struct pass *p, const struct net_layer *w,
                          struct pass_layer *l)
{
    const struct net *net = p->net;
    const struct num_shape *s = &net->shape;
    int n = p->n, d = s->d, dq = s->nq * s->head;
    size_t size = (size_t)n * (size_t)d, wide = (size_t)n * (size_t)s->ffn;
    memcpy(l->r, p->r, size * sizeof *l->r);
    op_rmsnorm(l->r, net->value + w->norm_attn, n, d, s->eps, l->xa, l->ia);
    rounded(p, l->xa, n, d);
    linear(p, &w->lin[HMT_WQ], l->xa, n, l->q, l->low[HMT_WQ]);
    linear(p, &w->lin[HMT_WK], l->xa, n, l->k, l->low[HMT_WK]);
    linear(p, &w->lin[HMT_WV], l->xa, n, l->v, l->low[HMT_WV]);
    op_rope(l->q, n, s->nq, s->head, p->turn);
    op_rope(l->k, n, s->nkv, s->head, p->turn);
    op_attention(s, l->q, l->k, l->v, n, l->p, l->y);
    rounded(p, l->y, n, dq);
    linear(p, &w->lin[HMT_WO], l->y, n, p->narrow, l->low[HMT_WO]);
    for (size_t i = 0; i < size; i++)
        l->rm[i] = l->r[i] + p->narrow[i];
    op_rmsnorm(l->rm, net->value + w->norm_ffn, n, d, s->eps, l->xf, l->jf);
    rounded(p, l->xf, n, d);
    linear(p, &w->lin[HMT_GATE], l->xf, n, l->g, l->low[HMT_GATE]);
    linear(p, &w->lin[HMT_UP], l->xf, n, l->u, l->low[HMT_UP]);
    op_silu_mul(l->g, l->u, wide, l->s);
    rounded(p, l->s, n, s->ffn);
    linear(p, &w->lin[HMT_DOWN], l->s, n, p->narrow, l->low[HMT_DOWN]);
    for (size_t i = 0; i < size; i++)
        p->r[i] = l->rm[i] + p->narrow[i];
}

void pass_forward(struct pass *p)
{
    for (int i = 0; i < p->net->shape.layers; i++)
        layer_forward(p, &p->net->layer[i], &p->layer[p->keeps ? i : 0]);
}

static real *norm_grad(const struct net *net, size_t at, real *grad)
{
    return at < net->train ? grad + at : NULL;
}

static void layer_backward(struct pass *p, const struct net_layer *w,
                           const struct pass_layer *l, real *grad)
{
    const struct net *net = p->net;
    const struct num_shape *s = &net->shape;
    int n = p->n, d = s->d;
    real *ds = p->wide[0], *dg = p->wide[1], *du = p->wide[2];
    real *dx = p->narrow, *low = p->low;
#define BACK(part, x, dy, beta, to)                                            \
    linear_back(net, &w->lin[part], x, l->low[part], dy, n, beta, to, low, grad)
    BACK(HMT_DOWN, l->s, p->dr, 0, ds);
    op_silu_mul_back(l->g, l->u, ds, (size_t)n * (size_t)s->ffn, dg, du);
    BACK(HMT_UP, l->xf, du, 0, dx);
    BACK(HMT_GATE, l->xf, dg, 1, dx);
    op_rmsnorm_back(l->rm, net->value + w->norm_ffn, l->jf, dx, n, d, p->dr,
                    norm_grad(net, w->norm_ffn, grad));
    real *dy = p->wide[0];
    BACK(HMT_WO, l->y, p->dr, 0, dy);
    op_attention_back(s, l->q, l->k, l->v, l->p, dy, n, p->dq, p->dk, p->dv,
                      p->work);
    op_rope_back(p->dq, n, s->nq, s->head, p->turn);
    op_rope_back(p->dk, n, s->nkv, s->head, p->turn);
    BACK(HMT_WQ, l->xa, p->dq, 0, dx);
    BACK(HMT_WK, l->xa, p->dk, 1, dx);
    BACK(HMT_WV, l->xa, p->dv, 1, dx);
    op_rmsnorm_back(l->r, net->value + w->norm_attn, l->ia, dx, n, d, p->dr,
                    norm_grad(net, w->norm_attn, grad));
#undef BACK
}

void pass_backward(struct pass *p, real *grad)
{
    for (int i = p->net->shape.layers - 1; i >= 0; i--)
        layer_backward(p, &p->net->layer[i], &p->layer[i], grad);
}
