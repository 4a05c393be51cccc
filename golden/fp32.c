/* SPDX-License-Identifier: Apache-2.0 */
#include "golden/fp32.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "golden/matmul.h"
#include "golden/shadow.h"

static float *floats(size_t n)
{
    return calloc(n, sizeof(float));
}

bool gold_fp32_init(struct gold_fp32 *g, const struct num_fmodel *m, int cap)
{
    const struct num_shape *s = &m->shape;
    size_t d = (size_t)s->d, f = (size_t)s->ffn, c = (size_t)cap;
    size_t dq = (size_t)s->nq * (size_t)s->head;
    size_t dkv = (size_t)s->nkv * (size_t)s->head;
    size_t b = GOLD_BLOCK;
    *g = (struct gold_fp32){.m = m, .cap = cap};
    g->k = floats((size_t)s->layers * dkv * c);
    g->v = floats((size_t)s->layers * dkv * c);
    g->r = floats(b * d);
    g->x = floats(b * d);
    g->y = floats(b * d);
    g->qx = floats(b * dq);
    g->kx = floats(b * dkv);
    g->vx = floats(b * dkv);
    g->ax = floats(b * dq);
    g->g = floats(b * f);
    g->u = floats(b * f);
    g->score = floats((size_t)s->nq * b * c);
    bool ok = g->k && g->v && g->r && g->x && g->y && g->qx && g->kx && g->vx &&
              g->ax && g->g && g->u && g->score;
    if (!ok)
        gold_fp32_free(g);
    return ok;
}

void gold_fp32_free(struct gold_fp32 *g)
{
    void *p[] = {g->k,       g->v,       g->r,       g->x,
                 g->y,       g->qx,      g->kx,      g->vx,
                 g->ax,      g->g,       g->u,       g->score,
                 g->weights, g->bias[0], g->bias[1], g->own.layer};
    for (size_t i = 0; i < sizeof p / sizeof *p; i++)
        free(p[i]);
    *g = (struct gold_fp32){0};
}

void gold_fp32_reset(struct gold_fp32 *g)
{
    g->pos = 0;
}

/* x = rmsnorm(r) * gamma, both (n, d); gamma NULL: ones. */
static void rmsnorm(const float *r, const float *gamma, int n, int d,
                    double eps, float *x)
{
    for (int t = 0; t < n; t++) {
        const float *in = r + (size_t)t * (size_t)d;
        float *out = x + (size_t)t * (size_t)d;
        double sum = 0;
        for (int i = 0; i < d; i++)
            sum += (double)in[i] * in[i];
        float f = (float)(1 / sqrt(sum / d + eps));
        for (int i = 0; i < d; i++)
            out[i] = in[i] * f * (gamma == NULL ? 1.0f : gamma[i]);
    }
}

static void add(float *r, const float *y, int n)
{
    for (int i = 0; i < n; i++)
        r[i] += y[i];
}

/* y (n, dout) = w . x, plus a bias where there is one. */
static void linear(const float *w, const float *bias, const float *x, float *y,
                   int n, int din, int dout)
{
    gold_linear_fp32(w, x, y, n, din, dout);
    for (int t = 0; bias != NULL && t < n; t++)
        add(y + (size_t)t * (size_t)dout, bias, dout);
}

/* Rotates pairs of x (n, heads, head) by their positions. */
static void rope(const struct gold_fp32 *g, float *x, int n, int heads)
{
    int head = g->m->shape.head;
    for (int t = 0; t < n; t++)
        for (int j = 0; j < head / 2; j++) {
            float c, s;
            if (g->m->inv_freq != NULL) {
                double a = (g->pos + t) * g->m->inv_freq[j];
                c = (float)cos(a);
                s = (float)sin(a);
            } else {
                const int16_t *cs =
                    g->q->rope + (int64_t)(g->pos + t) * head + 2 * j;
                c = (float)cs[0] / 32768;
                s = (float)cs[1] / 32768;
            }
            for (int h = 0; h < heads; h++) {
                float *p =
                    x + ((size_t)t * (size_t)heads + (size_t)h) * (size_t)head +
                    2 * j;
                float a = p[0], b = p[1];
                p[0] = a * c - b * s;
                p[1] = a * s + b * c;
            }
        }
}

/* Where a key/value head's run of cap * head floats begins. */
static size_t cached(const struct gold_fp32 *g, int layer, int kv)
{
    const struct num_shape *s = &g->m->shape;
    return ((size_t)layer * (size_t)s->nkv + (size_t)kv) * (size_t)g->cap *
           (size_t)s->head;
}

static void remember(struct gold_fp32 *g, int layer, int n)
{
    const struct num_shape *s = &g->m->shape;
    for (int t = 0; t < n; t++)
        for (int h = 0; h < s->nkv; h++) {
            size_t from =
                ((size_t)t * (size_t)s->nkv + (size_t)h) * (size_t)s->head;
            float *k = g->k + cached(g, layer, h);
            float *v = g->v + cached(g, layer, h);
            size_t at = (size_t)(g->pos + t);
            for (size_t i = 0; i < (size_t)s->head; i++) {
                k[at * (size_t)s->head + i] = g->kx[from + i];
                v[i * (size_t)g->cap + at] = g->vx[from + i];
            }
        }
}

/* One query head: n tokens against all positions up to each token's own. */
static void attend(struct gold_fp32 *g, int layer, int h, int n)
{
    const struct num_shape *s = &g->m->shape;
    size_t head = (size_t)s->head, cap = (size_t)g->cap;
    size_t dq = (size_t)s->nq * head;
    int kv = h / num_group_heads(s), seen = g->pos + n;
    float *p = g->score + (size_t)h * GOLD_BLOCK * cap;
    gold_matmul(g->k + cached(g, layer, kv), head, g->qx + (size_t)h * head, dq,
                p, cap, n, s->head, seen);
    float scale = g->q == NULL ? 1 / sqrtf((float)s->head)
                               : gold_shadow_score(g->q, layer, h);
    float total[GOLD_BLOCK];
    for (int t = 0; t < n; t++) {
        float *row = p + (size_t)t * cap;
        int own = g->pos + t + 1;
        float max = row[0];
        for (int i = 1; i < own; i++)
            max = row[i] > max ? row[i] : max;
        for (int i = 0; i < own; i++)
            row[i] = (row[i] - max) * scale;
        gold_exp_fp32(row, own);
        if (g->q != NULL)
            gold_shadow_prob(row, own);
        total[t] = 0;
        for (int i = 0; i < own; i++)
            total[t] += row[i];
        memset(row + own, 0, (size_t)(seen - own) * sizeof *row);
    }
    float *y = g->ax + (size_t)h * head;
    gold_matmul(g->v + cached(g, layer, kv), cap, p, cap, y, dq, n, seen,
                s->head);
    float unit = g->q == NULL ? 1 : gold_shadow_value(g->q, layer, kv);
    for (int t = 0; t < n; t++)
        for (size_t i = 0; i < head; i++)
            y[(size_t)t * dq + i] *= unit / total[t];
}

static void attention(struct gold_fp32 *g, int layer, int n)
{
    const struct num_shape *s = &g->m->shape;
    const struct num_flayer *l = &g->m->layer[layer];
    int dq = s->nq * s->head, dkv = s->nkv * s->head;
    rmsnorm(g->r, l->norm_attn, n, s->d, s->eps, g->x);
    if (g->q != NULL)
        gold_shadow_site(g->q, layer, NUM_SITE_ATTN, g->x, n);
    linear(l->wq, l->bq, g->x, g->qx, n, s->d, dq);
    linear(l->wk, l->bk, g->x, g->kx, n, s->d, dkv);
    linear(l->wv, l->bv, g->x, g->vx, n, s->d, dkv);
    rope(g, g->qx, n, s->nq);
    rope(g, g->kx, n, s->nkv);
    if (g->q != NULL)
        gold_shadow_heads(g->q, layer, g->qx, g->kx, g->vx, n);
    remember(g, layer, n);
#pragma omp parallel for schedule(dynamic)
    for (int h = 0; h < s->nq; h++)
        attend(g, layer, h, n);
    if (g->q != NULL)
        gold_shadow_site(g->q, layer, NUM_SITE_O, g->ax, n);
    linear(l->wo, gold_shadow_bias(g, layer, NUM_O), g->ax, g->y, n, dq, s->d);
    add(g->r, g->y, n * s->d);
}

/* u = silu(g) * u; e^-80 is as good as e^-inf here. */
static void silu_mul(const float *g, float *u, int n)
{
    enum { PART = 64 };
#pragma omp parallel for schedule(static)
    for (int from = 0; from < n; from += PART) {
        int part = n - from < PART ? n - from : PART;
        float e[PART];
        for (int i = 0; i < part; i++)
            e[i] = g[from + i] < -80 ? 80 : -g[from + i];
        gold_exp_fp32(e, part);
        for (int i = 0; i < part; i++)
            u[from + i] *= g[from + i] / (1 + e[i]);
    }
}

static void feed_forward(struct gold_fp32 *g, int layer, int n)
{
    const struct num_shape *s = &g->m->shape;
    const struct num_flayer *l = &g->m->layer[layer];
    rmsnorm(g->r, l->norm_ffn, n, s->d, s->eps, g->x);
    if (g->q != NULL)
        gold_shadow_site(g->q, layer, NUM_SITE_FFN, g->x, n);
    linear(l->gate, gold_shadow_bias(g, layer, NUM_GATE), g->x, g->g, n, s->d,
           s->ffn);
    linear(l->up, gold_shadow_bias(g, layer, NUM_UP), g->x, g->u, n, s->d,
           s->ffn);
    silu_mul(g->g, g->u, n * s->ffn);
    if (g->q != NULL)
        gold_shadow_down(g->q, layer, g->u, n);
    linear(l->down, gold_shadow_bias(g, layer, NUM_DOWN), g->u, g->y, n, s->ffn,
           s->d);
    add(g->r, g->y, n * s->d);
}

void gold_fp32_block(struct gold_fp32 *g, const int *token, int n, int want,
                     float *logits)
{
    const struct num_shape *s = &g->m->shape;
    size_t d = (size_t)s->d;
    for (int t = 0; t < n; t++)
        memcpy(g->r + (size_t)t * d, g->m->embed + (size_t)token[t] * d,
               d * sizeof *g->r);
    for (int layer = 0; layer < s->layers; layer++) {
        attention(g, layer, n);
        feed_forward(g, layer, n);
    }
    g->pos += n;
    if (want == 0)
        return;
    float *last = g->x + (size_t)(n - want) * d;
    rmsnorm(g->r, g->m->norm_final, n, s->d, s->eps, g->x);
    if (g->q != NULL)
        gold_shadow_head(g->q, last, want);
    linear(g->m->head, g->bias[1], last, logits, want, s->d, s->vocab);
}
