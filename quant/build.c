/* SPDX-License-Identifier: Apache-2.0 */
#include "quant/build.h"
#include "num/convert.h"
#include "num/hadamard.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEADROOM = 8, RES_HEADROOM = 16, MAX_FRAC = 20, MAX_RES_FRAC = 26 };

void *qb_take(struct qb *b, size_t n, size_t size)
{
    if (b->owned_count == b->owned_room) {
        size_t room = b->owned_room * 2 + 64;
        void **grown = realloc(b->owned, room * sizeof *grown);
        if (grown == NULL)
            return NULL;
        b->owned = grown;
        b->owned_room = room;
    }
    void *p = calloc(n > 0 ? n : 1, size);
    if (p != NULL)
        b->owned[b->owned_count++] = p;
    return p;
}

float *qb_copy(struct qb *b, const float *x, size_t n)
{
    float *y = qb_take(b, n, sizeof *y);
    if (y != NULL)
        memcpy(y, x, n * sizeof *y);
    return y;
}

static const int16_t *rope_table(struct qb *b, int seq, int head,
                                 const double *inv_freq)
{
    int16_t *t = qb_take(b, (size_t)seq * (size_t)head, sizeof *t);
    for (int pos = 0; t != NULL && pos < seq; pos++)
        for (int j = 0; j < head / 2; j++) {
            int16_t *cs = t + (size_t)pos * (size_t)head + 2 * j;
            double a = pos * inv_freq[j];
            cs[0] = (int16_t)num_clamp(lrint(cos(a) * 32768), -32768, 32767);
            cs[1] = (int16_t)num_clamp(lrint(sin(a) * 32768), -32768, 32767);
        }
    return t;
}

bool qb_init(struct qb *b, const struct num_shape *s, int seq,
             const double *inv_freq, struct fl_error *err)
{
    *b = (struct qb){0};
    b->m.shape = *s;
    b->m.seq = seq;
    b->m.kvbits = 8;
    b->m.sqrt_d = num_scale_of(sqrt(s->d));
    b->m.layer = qb_take(b, (size_t)s->layers, sizeof *b->m.layer);
    b->layer = qb_take(b, (size_t)s->layers, sizeof *b->layer);
    b->m.embed = qb_take(b, (size_t)s->vocab * (size_t)s->d, 1);
    b->m.embed_mant = qb_take(b, (size_t)s->vocab, sizeof(uint16_t));
    b->m.embed_exp = qb_take(b, (size_t)s->vocab, 1);
    b->m.rope = rope_table(b, seq, s->head, inv_freq);
    if (b->m.layer && b->layer && b->m.embed && b->m.embed_mant &&
        b->m.embed_exp && b->m.rope)
        return true;
    fl_fail(err, FL_NOMEM, 0, "out of memory");
    qb_free(b);
    return false;
}

void qb_free(struct qb *b)
{
    for (size_t i = 0; i < b->owned_count; i++)
        free(b->owned[i]);
    free(b->owned);
    *b = (struct qb){0};
}

bool qb_linear(struct qb *b, struct num_qlinear *q, int din, int dout,
               int wbits, int group, int wide)
{
    size_t out = (size_t)dout;
    size_t bytes = (size_t)(wbits == 8 ? din : (din - wide + 1) / 2);
    *q = (struct num_qlinear){
        .din = din, .dout = dout, .wbits = wbits, .group = group, .wide = wide};
    q->w = qb_take(b, out * bytes, 1);
    q->w8 = wide > 0 ? qb_take(b, out * (size_t)wide, 1) : NULL;
    q->mant = qb_take(b, out, sizeof(uint16_t));
    q->exp = qb_take(b, out, 1);
    q->colsum = qb_take(b, out, sizeof(int32_t));
    q->mul = group > 0 ? qb_take(b, out * (size_t)(din / group), 1) : NULL;
    return q->w && q->mant && q->exp && q->colsum && (group == 0 || q->mul) &&
           (wide == 0 || q->w8);
}

void qb_put(struct num_qlinear *q, int first, const struct qt_linear *l)
{
    size_t din = (size_t)l->din, wide = (size_t)q->wide;
    size_t bytes = q->wbits == 8 ? din : (din - wide + 1) / 2;
    int groups = q->group > 0 ? l->din / q->group : 0;
    for (int r = 0; r < l->dout; r++) {
        const int8_t *code = l->code + (size_t)r * din;
        size_t o = (size_t)(first + r);
        uint8_t *w = (uint8_t *)(uintptr_t)q->w + o * bytes;
        for (size_t i = 0; i < wide; i++)
            ((int8_t *)(uintptr_t)q->w8)[o * wide + i] = code[i];
        for (size_t i = wide; i < din; i++)
            if (q->wbits == 8)
                w[i] = (uint8_t)code[i];
            else
                w[(i - wide) / 2] |=
                    (uint8_t)((code[i] & 15) << ((i - wide) % 2 * 4));
        int32_t col = 0;
        for (int i = 0; i < l->din; i++)
            col += num_weight(q, (int)o, i) *
                   (groups > 0 ? l->mul[r * groups + i / q->group] : 1);
        struct num_scale s =
            num_scale_of(l->scale[r] / (wide > 0 ? NUM_WIDE_UNIT : 1));
        ((uint16_t *)(uintptr_t)q->mant)[o] = s.mant;
        ((int8_t *)(uintptr_t)q->exp)[o] = (int8_t)s.exp;
        ((int32_t *)(uintptr_t)q->colsum)[o] = col;
        if (groups > 0)
            memcpy((uint8_t *)(uintptr_t)q->mul + o * (size_t)groups,
                   l->mul + (size_t)r * (size_t)groups, (size_t)groups);
    }
}

void qb_embed(struct qb *b, int token, const float *row)
{
    size_t d = (size_t)b->m.shape.d;
    int8_t *code = (int8_t *)(uintptr_t)b->m.embed + (size_t)token * d;
    float max = 1e-12f;
    for (size_t i = 0; i < d; i++)
        max = fabsf(row[i]) > max ? fabsf(row[i]) : max;
    struct num_scale s = num_scale_of(max / 127);
    for (size_t i = 0; i < d; i++)
        code[i] =
            (int8_t)num_clamp(lrint(row[i] / num_scale_real(s)), -127, 127);
    ((uint16_t *)(uintptr_t)b->m.embed_mant)[token] = s.mant;
    ((int8_t *)(uintptr_t)b->m.embed_exp)[token] = (int8_t)s.exp;
}

/* Fraction bits so that `max` times the headroom fits `bits`. */
static int frac_for(double max, int bits, double headroom, int most)
{
    int f = bits - 1 - (int)ceil(log2(fmax(max, 1e-9) * headroom));
    return f < 0 ? 0 : f > most ? most : f;
}

/* Real numbers in a format; NULL for NULL. */
static const int32_t *fixed(struct qb *b, const float *x, int n, int frac,
                            int bits)
{
    if (x == NULL)
        return NULL;
    int32_t *y = qb_take(b, (size_t)n, sizeof *y);
    for (int i = 0; y != NULL && i < n; i++)
        y[i] = (int32_t)num_sat(llrint(ldexp(x[i], frac)), bits);
    return y;
}

static struct num_scale *scale_array(struct qb *b, int n)
{
    return qb_take(b, (size_t)n, sizeof(struct num_scale));
}

double qb_score(const struct num_qmodel *m)
{
    struct num_had h = num_had_split(m->shape.head);
    int block = h.m * h.p;
    return m->r3 ? ldexp(1, 2 * num_fht_shift(block)) / block : 1;
}

/* The static scales: a code is 127 at the largest value seen. */
static bool attention_scales(struct qb *b, int layer)
{
    const struct num_shape *s = &b->m.shape;
    const struct qb_layer *r = &b->layer[layer];
    struct num_qlayer *l = &b->m.layer[layer];
    struct num_scale *q = scale_array(b, s->nq), *k = scale_array(b, s->nkv);
    struct num_scale *v = scale_array(b, s->nkv), *p = scale_array(b, s->nq);
    struct num_scale *o = scale_array(b, s->nkv);
    if (!q || !k || !v || !p || !o)
        return false;
    double log2e = 1.4426950408889634 * 65536 / sqrt(s->head) * qb_score(&b->m);
    for (int h = 0; h < s->nkv; h++) {
        k[h] = num_scale_of(ldexp(127 / r->k_max[h], -l->lin[NUM_K].frac));
        v[h] = num_scale_of(ldexp(127 / r->v_max[h], -l->lin[NUM_V].frac));
        o[h] = num_scale_of(ldexp(r->v_max[h] / 127, l->site[NUM_SITE_O].frac));
    }
    for (int h = 0; h < s->nq; h++) {
        double kv = r->k_max[h / num_group_heads(s)];
        q[h] = num_scale_of(ldexp(127 / r->q_max[h], -l->lin[NUM_Q].frac));
        p[h] = num_scale_of(log2e * r->q_max[h] * kv / (127 * 127));
    }
    l->q_scale = q;
    l->k_scale = k;
    l->v_scale = v;
    l->s_scale = p;
    l->o_scale = o;
    return true;
}

static bool finish_layer(struct qb *b, int layer)
{
    const struct qb_layer *r = &b->layer[layer];
    struct num_qlayer *l = &b->m.layer[layer];
    l->h_frac = frac_for(r->h_max, NUM_ACT_BITS, HEADROOM, MAX_FRAC);
    l->site[NUM_SITE_ATTN].frac = NUM_NORM_FRAC;
    l->site[NUM_SITE_FFN].frac = NUM_NORM_FRAC;
    l->site[NUM_SITE_O].frac =
        frac_for(r->a_max, NUM_ACT_BITS, HEADROOM, MAX_FRAC);
    l->site[NUM_SITE_DOWN].frac = l->h_frac;
    for (int i = 0; i < NUM_LINEARS; i++) {
        struct num_qlinear *q = &l->lin[i];
        int res = i == NUM_O || i == NUM_DOWN;
        q->obits = res ? NUM_RES_BITS : NUM_ACT_BITS;
        q->frac =
            res ? b->m.res_frac
                : frac_for(r->lin[i].max, NUM_ACT_BITS, HEADROOM, MAX_FRAC);
        q->bias = fixed(b, r->lin[i].bias, q->dout, q->frac, q->obits);
        if (r->lin[i].bias != NULL && q->bias == NULL)
            return false;
    }
    static const int first[4] = {NUM_Q, NUM_O, NUM_GATE, NUM_DOWN};
    for (int i = 0; i < 4; i++) {
        l->site[i].mean = fixed(b, r->mean[i], l->lin[first[i]].din,
                                l->site[i].frac, NUM_ACT_BITS);
        if (r->mean[i] != NULL && l->site[i].mean == NULL)
            return false;
    }
    return attention_scales(b, layer);
}

bool qb_finish(struct qb *b)
{
    struct num_qmodel *m = &b->m;
    m->res_frac = frac_for(b->r_max, NUM_RES_BITS, RES_HEADROOM, MAX_RES_FRAC);
    m->eps_q =
        (uint64_t)llrint(ldexp(m->shape.eps * m->shape.d, 2 * m->res_frac));
    for (int i = 0; i < m->shape.layers; i++)
        if (!finish_layer(b, i))
            return false;
    m->head_site.frac = NUM_NORM_FRAC;
    m->head_site.mean =
        fixed(b, b->head_mean, m->shape.d, NUM_NORM_FRAC, NUM_ACT_BITS);
    m->head.frac = NUM_LOGIT_FRAC;
    m->head.obits = NUM_ACT_BITS;
    m->head.bias =
        fixed(b, b->head_bias, m->shape.vocab, NUM_LOGIT_FRAC, NUM_ACT_BITS);
    return (b->head_mean == NULL || m->head_site.mean != NULL) &&
           (b->head_bias == NULL || m->head.bias != NULL);
}
