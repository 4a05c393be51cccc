/* SPDX-License-Identifier: Apache-2.0 */
/* train/net.c -- the layout of a network's numbers, and their first values. */
#include "train/net.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "train/ops.h"
#include "train/rng.h"

/* Two walks over all numbers: the first counts, the second fills. */
struct build {
    struct net *net;
    const struct num_fmodel *m;
    const struct net_options *o;
    bool fill, trained; /* this round places the trainable ones, or the rest */
    size_t at;
    uint64_t rng;
};

static void put_group(struct build *b, const char *name, size_t n, bool decays)
{
    struct net *net = b->net;
    if (!b->trained)
        return;
    if (b->fill) {
        struct net_group *g = &net->group[net->groups];
        *g = (struct net_group){.at = b->at, .n = n, .decays = decays};
        snprintf(g->name, sizeof g->name, "%s", name);
    }
    net->groups++;
}

/* A weight of the backbone. */
static void weight(struct build *b, const char *name, const float *from,
                   size_t n, bool matrix, size_t *to)
{
    if (from == NULL)
        *to = NET_NONE;
    if (from == NULL || b->trained != b->o->full)
        return;
    put_group(b, name, n, matrix);
    *to = b->at;
    for (size_t i = 0; b->fill && i < n; i++)
        b->net->value[b->at + i] = from[i];
    b->at += n;
}

/* Numbers of our own: normal with this deviation. */
static void chance(struct build *b, const char *name, size_t n, double dev,
                   bool matrix, size_t *to)
{
    if (!b->trained)
        return;
    put_group(b, name, n, matrix);
    *to = b->at;
    for (size_t i = 0; b->fill && i < n; i++)
        b->net->value[b->at + i] =
            dev > 0 ? (real)(dev * rng_normal(&b->rng)) : 0;
    b->at += n;
}

static void linear(struct build *b, int layer, int part, const float *w,
                   const float *bias, int in, int out)
{
    struct net_linear *l = &b->net->layer[layer].lin[part];
    char name[40];
    size_t n = (size_t)in * (size_t)out;
    l->in = in;
    l->out = out;
    snprintf(name, sizeof name, "layer.%d.%s", layer, hmt_part_name[part]);
    weight(b, name, w, n, true, &l->w);
    snprintf(name, sizeof name, "layer.%d.%s.bias", layer, hmt_part_name[part]);
    weight(b, name, bias, (size_t)out, false, &l->bias);
    l->rank = b->o->parts >> part & 1 ? b->o->rank : 0;
    if (l->rank == 0)
        return;
    size_t r = (size_t)l->rank;
    snprintf(name, sizeof name, "layer.%d.%s.a", layer, hmt_part_name[part]);
    chance(b, name, r * (size_t)in, 1 / sqrt(3.0 * in), true, &l->a);
    snprintf(name, sizeof name, "layer.%d.%s.b", layer, hmt_part_name[part]);
    chance(b, name, r * (size_t)out, 0, true, &l->b);
}

static void walk(struct build *b)
{
    const struct num_shape *s = &b->m->shape;
    struct net *net = b->net;
    int q = s->nq * s->head, kv = s->nkv * s->head, d = s->d;
    size_t table = (size_t)s->vocab * (size_t)d;
    /* q . k is of the order of sqrt(dm) to begin with */
    double dev = 1 / (net->scale * sqrt(d));
    chance(b, "t", (size_t)d, net->scale, false, &net->t);
    chance(b, "wq", (size_t)d * (size_t)net->dm, dev, true, &net->wq);
    chance(b, "wk", (size_t)d * (size_t)net->dm, dev, true, &net->wk);
    weight(b, "embed", b->m->embed, table, false, &net->embed);
    weight(b, "norm_final", b->m->norm_final, (size_t)d, false,
           &net->norm_final);
    for (int i = 0; i < s->layers; i++) {
        const struct num_flayer *l = &b->m->layer[i];
        char name[40];
        snprintf(name, sizeof name, "layer.%d.norm_attn", i);
        weight(b, name, l->norm_attn, (size_t)d, false,
               &net->layer[i].norm_attn);
        snprintf(name, sizeof name, "layer.%d.norm_ffn", i);
        weight(b, name, l->norm_ffn, (size_t)d, false, &net->layer[i].norm_ffn);
        linear(b, i, HMT_WQ, l->wq, l->bq, d, q);
        linear(b, i, HMT_WK, l->wk, l->bk, d, kv);
        linear(b, i, HMT_WV, l->wv, l->bv, d, kv);
        linear(b, i, HMT_WO, l->wo, NULL, q, d);
        linear(b, i, HMT_GATE, l->gate, NULL, d, s->ffn);
        linear(b, i, HMT_UP, l->up, NULL, d, s->ffn);
        linear(b, i, HMT_DOWN, l->down, NULL, s->ffn, d);
    }
    if (s->tied)
        net->head = net->embed;
    else
        weight(b, "head", b->m->head, table, true, &net->head);
}

static double rms(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    return sqrt(sum / (double)n);
}

static void both(struct build *b, bool fill)
{
    b->fill = fill;
    b->at = 0;
    b->net->groups = 0;
    b->trained = true;
    walk(b);
    b->net->train = b->at;
    b->trained = false;
    walk(b);
    b->net->total = b->at;
}

static bool alloc(struct net *net, struct fl_error *err)
{
    net->value = malloc(net->total * sizeof *net->value);
    net->group = malloc((size_t)net->groups * sizeof *net->group);
    size_t fake = 0;
    for (int i = 0; i < net->shape.layers * HMT_PARTS; i++) {
        struct net_linear *l = &net->layer[i / HMT_PARTS].lin[i % HMT_PARTS];
        l->fake = fake;
        fake += (size_t)l->in * (size_t)l->out;
    }
    if (net->wbits > 0)
        net->fake = malloc(fake * sizeof *net->fake);
    FL_FAIL_IF(net->value == NULL || net->group == NULL ||
                   (net->wbits > 0 && net->fake == NULL),
               err, FL_NOMEM, 0, "out of memory for %zu weights", net->total);
    return true;
}

bool net_init(struct net *net, const struct num_fmodel *m,
              const struct net_options *o, struct fl_error *err)
{
    const struct num_shape *s = &m->shape;
    size_t half = (size_t)s->head / 2;
    *net = (struct net){.shape = *s,
                        .dm = o->dm,
                        .wbits = o->wbits,
                        .abits = o->abits,
                        .scale = o->scale};
    if (!(net->scale > 0))
        net->scale = rms(m->embed, (size_t)s->vocab * (size_t)s->d);
    net->lora_scale = o->rank > 0 ? (real)(o->alpha / o->rank) : 0;
    net->layer = calloc((size_t)s->layers, sizeof *net->layer);
    net->inv_freq = malloc(half * sizeof *net->inv_freq);
    if (net->layer == NULL || net->inv_freq == NULL) {
        fl_fail(err, FL_NOMEM, 0, "out of memory");
        net_free(net);
        return false;
    }
    memcpy(net->inv_freq, m->inv_freq, half * sizeof *net->inv_freq);
    struct build b = {.net = net, .m = m, .o = o, .rng = o->seed};
    both(&b, false);
    if (!alloc(net, err)) {
        net_free(net);
        return false;
    }
    both(&b, true);
    for (int i = 0; o->first >= 0 && i < s->d; i++)
        net->value[net->t + (size_t)i] =
            m->embed[(size_t)o->first * (size_t)s->d + (size_t)i];
    memcpy(net->value + net->wk, net->value + net->wq,
           (size_t)s->d * (size_t)net->dm * sizeof *net->value);
    net_round(net);
    return true;
}

void net_free(struct net *net)
{
    free(net->layer);
    free(net->inv_freq);
    free(net->value);
    free(net->group);
    free(net->fake);
    *net = (struct net){0};
}

/* w += s b a */
static void merge(const struct net *net, const struct net_linear *l, real *w)
{
    if (l->rank > 0)
        real_ab(l->out, l->in, l->rank, net->lora_scale, net->value + l->b,
                l->rank, net->value + l->a, l->in, 1, w, l->in);
}

void net_round(struct net *net)
{
    for (int i = 0; net->wbits > 0 && i < net->shape.layers * HMT_PARTS; i++) {
        const struct net_linear *l =
            &net->layer[i / HMT_PARTS].lin[i % HMT_PARTS];
        real *w = net->fake + l->fake;
        memcpy(w, net->value + l->w,
               (size_t)l->in * (size_t)l->out * sizeof *w);
        merge(net, l, w);
        op_fake_quant(w, l->out, l->in, net->wbits);
    }
}

bool net_init_hmt(struct net *net, const struct num_fmodel *m,
                  const struct hmt *h, struct fl_error *err)
{
    struct net_options o = {.dm = h->dm, .scale = h->scale, .first = -1};
    FL_TRY(net_init(net, m, &o, err));
    size_t n = (size_t)h->d * (size_t)h->dm;
    for (int i = 0; i < h->d; i++)
        net->value[net->t + (size_t)i] = h->t[i];
    for (size_t i = 0; i < n; i++) {
        net->value[net->wq + i] = h->wq[i];
        net->value[net->wk + i] = h->wk[i];
    }
    for (int i = 0; i < h->layers * HMT_PARTS; i++) {
        const struct hmt_lora *from = &h->lora[i];
        real *w = net->value + net->layer[i / HMT_PARTS].lin[i % HMT_PARTS].w;
        for (int o2 = 0; from->rank > 0 && o2 < from->out; o2++)
            for (int r = 0; r < from->rank; r++)
                for (int c = 0; c < from->in; c++)
                    w[(size_t)o2 * (size_t)from->in + (size_t)c] +=
                        from->b[(size_t)o2 * (size_t)from->rank + (size_t)r] *
                        from->a[(size_t)r * (size_t)from->in + (size_t)c];
    }
    return true;
}

static void copy_in(const float *from, real *to, size_t n, real scale)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] * scale;
}

bool net_from_hmt(struct net *net, const struct hmt *h, const char *path,
                  struct fl_error *err)
{
    FL_TRY(hmt_fits(h, &net->shape, path, err));
    FL_FAIL_IF(h->dm != net->dm, err, FL_UNSUPPORTED, 0,
               "%s: its search is %d wide, this one %d: give --dm %d", path,
               h->dm, net->dm, h->dm);
    for (int i = 0; i < h->layers * HMT_PARTS; i++) {
        int rank = net->layer[i / HMT_PARTS].lin[i % HMT_PARTS].rank;
        FL_FAIL_IF(h->lora[i].rank != rank, err, FL_UNSUPPORTED, 0,
                   "%s: LoRA of rank %d, here it is %d: give --lora %d", path,
                   h->lora[i].rank, rank, h->lora[i].rank);
    }
    size_t n = (size_t)h->d * (size_t)h->dm;
    net->scale = h->scale;
    copy_in(h->t, net->value + net->t, (size_t)h->d, 1);
    copy_in(h->wq, net->value + net->wq, n, 1);
    copy_in(h->wk, net->value + net->wk, n, 1);
    for (int i = 0; i < h->layers * HMT_PARTS; i++) {
        const struct net_linear *l =
            &net->layer[i / HMT_PARTS].lin[i % HMT_PARTS];
        size_t rank = (size_t)l->rank;
        if (rank == 0)
            continue;
        copy_in(h->lora[i].a, net->value + l->a, rank * (size_t)l->in, 1);
        copy_in(h->lora[i].b, net->value + l->b, rank * (size_t)l->out,
                1 / net->lora_scale);
    }
    net_round(net);
    return true;
}

static void copy_out(const real *from, float *to, size_t n, real scale)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (float)(from[i] * scale);
}

bool net_to_hmt(const struct net *net, struct hmt *h, struct fl_error *err)
{
    size_t n = (size_t)net->shape.d * (size_t)net->dm;
    h->d = net->shape.d;
    h->dm = net->dm;
    h->layers = net->shape.layers;
    h->scale = net->scale;
    FL_TRY(hmt_init(h, err));
    copy_out(net->value + net->t, h->t, (size_t)h->d, 1);
    copy_out(net->value + net->wq, h->wq, n, 1);
    copy_out(net->value + net->wk, h->wk, n, 1);
    for (int i = 0; i < h->layers * HMT_PARTS; i++) {
        const struct net_linear *l =
            &net->layer[i / HMT_PARTS].lin[i % HMT_PARTS];
        struct hmt_lora *to = &h->lora[i];
        if (l->rank == 0)
            continue;
        if (!hmt_lora_init(to, l->rank, l->in, l->out, err)) {
            hmt_free(h);
            return false;
        }
        copy_out(net->value + l->a, to->a, (size_t)l->rank * (size_t)l->in, 1);
        copy_out(net->value + l->b, to->b, (size_t)l->rank * (size_t)l->out,
                 net->lora_scale);
    }
    return true;
}
