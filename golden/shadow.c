/* SPDX-License-Identifier: Apache-2.0 */
#include "golden/shadow.h"
#include <math.h>
#include <stdlib.h>
#include "golden/matmul.h"
#include "num/convert.h"
#include "num/hadamard.h"

GOLD_CLONES void gold_shadow_codes(float *x, int n, int abits, float clip,
                                   float least, int wide)
{
    float most = 0, lo = 0, hi = 0;
    for (int i = 0; i < wide; i++)
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    for (int i = wide; i < n; i++) {
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
    }
    float span = abits == 4 ? hi - lo : hi > -lo ? hi : -lo;
    float far = most * NUM_WIDE_RANGE / 1024;
    span = far > span ? far : span;
    float step = span * clip / (abits == 4 ? 15 : 127);
    step = step < least ? least : step;
    float zp =
        abits == 4 ? gold_nearest(gold_clamp(-lo * clip / step, 0, 15)) : 0;
    float min = abits == 4 ? -zp : -127, max = abits == 4 ? 15 - zp : 127;
    float inv = 1 / step;
    for (int i = 0; i < wide; i++)
        x[i] = step * gold_nearest(gold_clamp(x[i] * inv, -127 - zp, 127 - zp));
    for (int i = wide; i < n; i++)
        x[i] = step * gold_nearest(gold_clamp(x[i] * inv, min, max));
}

static void site_token(const struct num_qsite *s, float *x, int n)
{
    float unit = ldexpf(1, -s->frac);
    for (int i = 0; s->mean != NULL && i < n; i++)
        x[i] -= (float)s->mean[i] * unit;
    gold_shadow_codes(x, n, s->abits, (float)s->clip / 65536, unit / 127,
                      s->abits == 4 ? s->wide : 0);
}

static void site(const struct num_qsite *s, float *x, int n, int width)
{
#pragma omp parallel for schedule(static)
    for (int t = 0; t < n; t++)
        site_token(s, x + (size_t)t * (size_t)width, width);
}

void gold_shadow_site(const struct num_qmodel *q, int layer, enum num_site at,
                      float *x, int n)
{
    const struct num_shape *s = &q->shape;
    int width = at == NUM_SITE_O      ? s->nq * s->head
                : at == NUM_SITE_DOWN ? s->ffn
                                      : s->d;
    site(&q->layer[layer].site[at], x, n, width);
}

void gold_shadow_head(const struct num_qmodel *q, float *x, int n)
{
    site(&q->head_site, x, n, q->shape.d);
}

GOLD_CLONES void gold_fht_fp32(float *x, int n)
{
    struct num_had h = num_had_split(n);
    int size = h.m * h.p;
    float f = ldexpf(1, -num_fht_shift(size));
    for (int b = 0; b < h.blocks; b++, x += size) {
        for (int half = 1; half < h.p; half *= 2)
            for (int i = 0; i < size; i += 2 * half)
                for (int j = i; j < i + half; j++) {
                    float a = x[j], c = x[j + half];
                    x[j] = a + c;
                    x[j + half] = a - c;
                }
        for (int j = 0; j < h.p; j++) {
            float y[36];
            for (int r = 0; r < h.m; r++) {
                y[r] = 0;
                for (int c = 0; c < h.m; c++)
                    y[r] += num_had_neg(h.m, r, c) ? -x[c * h.p + j]
                                                   : x[c * h.p + j];
            }
            for (int r = 0; r < h.m; r++)
                x[r * h.p + j] = y[r] * f;
        }
    }
}

void gold_shadow_down(const struct num_qmodel *q, int layer, float *x, int n)
{
    int f = q->shape.ffn;
    if (q->r4) {
#pragma omp parallel for schedule(static)
        for (int t = 0; t < n; t++)
            gold_fht_fp32(x + (size_t)t * (size_t)f, f);
    }
    gold_shadow_site(q, layer, NUM_SITE_DOWN, x, n);
}

static void codes(float *x, int n, int heads, int head,
                  const struct num_scale *scale, int frac, int r3)
{
    for (int h = 0; h < heads; h++) {
        float f = (float)ldexp(num_scale_real(scale[h]), frac);
        for (int t = 0; t < n; t++) {
            float *p =
                x + ((size_t)t * (size_t)heads + (size_t)h) * (size_t)head;
            if (r3)
                gold_fht_fp32(p, head);
            for (int i = 0; i < head; i++)
                p[i] = gold_nearest(gold_clamp(p[i] * f, -127, 127));
        }
    }
}

void gold_shadow_heads(const struct num_qmodel *q, int layer, float *qx,
                       float *kx, float *vx, int n)
{
    const struct num_shape *s = &q->shape;
    const struct num_qlayer *l = &q->layer[layer];
    codes(qx, n, s->nq, s->head, l->q_scale, l->lin[NUM_Q].frac, q->r3);
    codes(kx, n, s->nkv, s->head, l->k_scale, l->lin[NUM_K].frac, q->r3);
    codes(vx, n, s->nkv, s->head, l->v_scale, l->lin[NUM_V].frac, 0);
}

float gold_shadow_score(const struct num_qmodel *q, int layer, int h)
{
    double s = num_scale_real(q->layer[layer].s_scale[h]);
    return (float)(s / 65536 * 0.69314718055994531);
}

void gold_shadow_prob(float *p, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = gold_nearest(255 * p[i]);
}

float gold_shadow_value(const struct num_qmodel *q, int layer, int kv)
{
    const struct num_qlayer *l = &q->layer[layer];
    double o = num_scale_real(l->o_scale[kv]);
    return (float)ldexp(o, -l->site[NUM_SITE_O].frac);
}

/* Where a linear's bias lies in bias[0]: layer by layer, in the order of enum
 * num_linear. */
static size_t bias_at(const struct num_qmodel *q, int layer,
                      enum num_linear which)
{
    size_t rows = 0, at = 0;
    for (int i = 0; i < NUM_LINEARS; i++) {
        at += i < (int)which ? (size_t)q->layer[0].lin[i].dout : 0;
        rows += (size_t)q->layer[0].lin[i].dout;
    }
    return (size_t)layer * rows + at;
}

const float *gold_shadow_bias(const struct gold_fp32 *g, int layer,
                              enum num_linear which)
{
    if (g->q == NULL) {
        const struct num_flayer *l = &g->m->layer[layer];
        return which == NUM_O      ? l->bo
               : which == NUM_GATE ? l->bgate
               : which == NUM_UP   ? l->bup
                                   : l->bdown;
    }
    if (g->q->layer[layer].lin[which].bias == NULL)
        return NULL;
    return g->bias[0] + bias_at(g->q, layer, which);
}

static void bias_real(const struct num_qlinear *l, float *y)
{
    for (int o = 0; o < l->dout; o++)
        y[o] = l->bias == NULL ? 0 : (float)ldexp(l->bias[o], -l->frac);
}

static void weights_real(const struct num_qlinear *l, float *y)
{
    for (int o = 0; o < l->dout; o++) {
        float f = ldexpf(l->mant[o], l->exp[o]);
        for (int i = 0; i < l->din; i++, y++) {
            int mul = l->group == 0
                          ? 1
                          : l->mul[(size_t)o * (size_t)(l->din / l->group) +
                                   (size_t)(i / l->group)];
            *y = f * (float)(num_weight(l, o, i) * mul);
        }
    }
}

bool gold_shadow_init(struct gold_fp32 *g, const struct num_qmodel *q, int cap,
                      double *inv_freq)
{
    const struct num_shape *s = &q->shape;
    size_t table = (size_t)s->vocab * (size_t)s->d, at = 2 * table, rows = 0;
    struct num_fmodel own = {.shape = *s, .inv_freq = inv_freq};
    if (cap < 1 || (inv_freq == NULL && cap > q->seq))
        return false;
    if (!gold_fp32_init(g, &own, cap))
        return false;
    for (int i = 0; i < NUM_LINEARS; i++) {
        const struct num_qlinear *l = &q->layer[0].lin[i];
        at += (size_t)s->layers * (size_t)l->dout * (size_t)l->din;
        rows += (size_t)s->layers * (size_t)l->dout;
    }
    own.layer = calloc((size_t)s->layers, sizeof *own.layer);
    g->weights = malloc(at * sizeof *g->weights);
    g->bias[0] = calloc(rows, sizeof(float));
    g->bias[1] = calloc((size_t)s->vocab, sizeof(float));
    g->own = own;
    g->m = &g->own;
    g->q = q;
    if (!own.layer || !g->weights || !g->bias[0] || !g->bias[1]) {
        gold_fp32_free(g);
        return false;
    }
    g->own.embed = g->weights;
    g->own.head = g->weights + table;
    at = 2 * table;
    for (int t = 0; t < s->vocab; t++)
        for (int i = 0; i < s->d; i++)
            g->own.embed[(size_t)t * (size_t)s->d + (size_t)i] =
                q->embed[(size_t)t * (size_t)s->d + (size_t)i] *
                ldexpf(q->embed_mant[t], q->embed_exp[t]);
    weights_real(&q->head, g->own.head);
    bias_real(&q->head, g->bias[1]);
    for (int layer = 0; layer < s->layers; layer++) {
        struct num_flayer *f = &own.layer[layer];
        float **w[NUM_LINEARS] = {&f->wq,   &f->wk, &f->wv,  &f->wo,
                                  &f->gate, &f->up, &f->down};
        for (int i = 0; i < NUM_LINEARS; i++) {
            const struct num_qlinear *l = &q->layer[layer].lin[i];
            *w[i] = g->weights + at;
            weights_real(l, *w[i]);
            bias_real(l, g->bias[0] + bias_at(q, layer, i));
            at += (size_t)l->dout * (size_t)l->din;
        }
        f->bq = g->bias[0] + bias_at(q, layer, NUM_Q);
        f->bk = g->bias[0] + bias_at(q, layer, NUM_K);
        f->bv = g->bias[0] + bias_at(q, layer, NUM_V);
    }
    return true;
}
