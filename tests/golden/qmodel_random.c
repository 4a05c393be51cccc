/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/golden/qmodel_random.h"
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include "num/convert.h"
#include "num/hadamard.h"

/* The model and a chain of everything it points to. */
struct block {
    struct block *next;
    max_align_t data[];
};

struct builder {
    struct num_qmodel m; /* first: the pointer given out */
    struct block *blocks;
    uint64_t rng;
    int failed;
};

uint64_t qrandom_word(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void *take(struct builder *b, size_t n, size_t size)
{
    struct block *k = calloc(1, sizeof *k + n * size + 64);
    if (k == NULL) {
        b->failed = 1;
        return NULL;
    }
    k->next = b->blocks;
    b->blocks = k;
    return k->data;
}

static double uniform(struct builder *b, double lo, double hi)
{
    return lo + (hi - lo) * (double)(qrandom_word(&b->rng) >> 11) * 0x1p-53;
}

static int between(struct builder *b, int lo, int hi)
{
    return lo + (int)(qrandom_word(&b->rng) % (uint64_t)(hi - lo + 1));
}

/* About normal with deviation 1: the sum of four uniforms. */
static double normal(struct builder *b)
{
    double s = 0;
    for (int i = 0; i < 4; i++)
        s += uniform(b, -1, 1);
    return s * 0.866;
}

/* Values of the input are about `in` in size; the result about `out`. */
static void linear(struct builder *b, const struct qrandom *o,
                   struct num_qlinear *l, int din, int dout, int wbits,
                   int obits, int frac, double out, int bias)
{
    size_t n = (size_t)dout;
    int wide = obits == NUM_ACT_BITS && wbits == 4 ? o->wide : 0;
    int bytes = wbits == 8 ? din : (din - wide + 1) / 2;
    int group = o->group > 0 && din % o->group == 0 ? o->group : 0;
    int groups = group > 0 ? din / group : 1;
    uint8_t *w = take(b, n * (size_t)bytes, 1);
    int8_t *w8 = wide > 0 ? take(b, n * (size_t)wide, 1) : NULL;
    uint16_t *mant = take(b, n, sizeof *mant);
    int8_t *exp = take(b, n, 1);
    uint8_t *mul = group > 0 ? take(b, n * (size_t)groups, 1) : NULL;
    int32_t *colsum = take(b, n, sizeof *colsum);
    int32_t *bv = bias ? take(b, n, sizeof *bv) : NULL;
    *l = (struct num_qlinear){.din = din,
                              .dout = dout,
                              .wbits = wbits,
                              .wide = wide,
                              .group = group,
                              .obits = obits,
                              .frac = frac,
                              .w = w,
                              .w8 = w8,
                              .mant = mant,
                              .exp = exp,
                              .mul = mul,
                              .colsum = colsum,
                              .bias = bv};
    if (b->failed)
        return;
    double spread = wbits == 8 ? 42 : 2.7; /* of the codes */
    double step = out / (spread * sqrt(din));
    for (int r = 0; r < dout; r++) {
        int64_t col = 0;
        double ms = 0;
        for (int g = 0; g < groups; g++) {
            int m = group > 0 ? between(b, 1, 255) : 1;
            int from = g * (group > 0 ? group : din);
            int to = group > 0 ? from + group : din;
            ms += (double)m * m / groups;
            if (group > 0)
                mul[r * groups + g] = (uint8_t)m;
            for (int i = from; i < to; i++) {
                int lim = wbits == 8 ? 127 : 7;
                int c = (int)num_clamp(lrint(normal(b) * spread),
                                       wbits == 8 ? -127 : -8, lim);
                if (i < wide)
                    c = (int)num_clamp(lrint(normal(b) * 8 * spread), -127,
                                       127);
                col += m * c * (i < wide || wide == 0 ? 1 : 8);
                if (i < wide)
                    w8[r * wide + i] = (int8_t)c;
                else if (wbits == 8)
                    w[(size_t)r * (size_t)bytes + (size_t)i] = (uint8_t)c;
                else
                    w[(size_t)r * (size_t)bytes + (size_t)((i - wide) / 2)] |=
                        (uint8_t)((c & 15) << ((i - wide) % 2 * 4));
            }
        }
        struct num_scale s = num_scale_of(
            step / sqrt(ms) * uniform(b, 0.5, 1.5) / (wide > 0 ? 8 : 1));
        mant[r] = s.mant;
        exp[r] = (int8_t)s.exp;
        colsum[r] = (int32_t)col;
        if (bias)
            bv[r] = (int32_t)lrint(ldexp(normal(b) * 0.3 * out, frac));
    }
}

static void site(struct builder *b, const struct qrandom *o,
                 struct num_qsite *s, int abits, int n, int frac, int wide)
{
    int32_t *mean = o->mean ? take(b, (size_t)n, sizeof *mean) : NULL;
    for (int i = 0; mean != NULL && i < n; i++)
        mean[i] = (int32_t)lrint(ldexp(normal(b) * 0.5, frac));
    s->abits = abits;
    s->frac = frac;
    s->wide = abits == 4 ? wide : 0;
    s->clip = abits == 4 ? 55705 : (uint32_t)between(b, 60000, 65536);
    s->mean = mean;
}

static const struct num_scale *scales(struct builder *b, int n, double real)
{
    struct num_scale *s = take(b, (size_t)n, sizeof *s);
    for (int i = 0; s != NULL && i < n; i++)
        s[i] = num_scale_of(real * uniform(b, 0.8, 1.25));
    return s;
}

static void layer(struct builder *b, const struct qrandom *o,
                  struct num_qlayer *l)
{
    const struct num_shape *s = &o->shape;
    int dq = s->nq * s->head, dkv = s->nkv * s->head;
    int act = NUM_ACT_BITS, res = NUM_RES_BITS, bias = o->bias;
    int qf = between(b, 14, 20), vf = between(b, 14, 20);
    int gf = between(b, 14, 20), uf = between(b, 14, 20);
    int af = between(b, 14, 20);
    l->h_frac = between(b, 14, 18);
    site(b, o, &l->site[NUM_SITE_ATTN], o->abits, s->d, NUM_NORM_FRAC, o->wide);
    site(b, o, &l->site[NUM_SITE_O], o->abits, dq, af, 0);
    site(b, o, &l->site[NUM_SITE_FFN], o->abits, s->d, NUM_NORM_FRAC, o->wide);
    site(b, o, &l->site[NUM_SITE_DOWN], o->abits, s->ffn, l->h_frac, 0);
    linear(b, o, &l->lin[NUM_Q], s->d, dq, o->wbits, act, qf, 2, bias);
    linear(b, o, &l->lin[NUM_K], s->d, dkv, o->wbits, act, qf, 2, bias);
    linear(b, o, &l->lin[NUM_V], s->d, dkv, o->wbits, act, vf, 1, bias);
    linear(b, o, &l->lin[NUM_O], dq, s->d, o->wbits, res, b->m.res_frac, 0.4,
           bias);
    linear(b, o, &l->lin[NUM_GATE], s->d, s->ffn, o->wbits, act, gf, 1.5, bias);
    linear(b, o, &l->lin[NUM_UP], s->d, s->ffn, o->wbits, act, uf, 1, bias);
    linear(b, o, &l->lin[NUM_DOWN], s->ffn, s->d, o->wbits, res, b->m.res_frac,
           0.4, bias);
    /* R3 scales q and k by sqrt(head) / 2^shift each */
    double r3 = o->r3 ? sqrt(s->head) / (1 << num_fht_shift(s->head)) : 1;
    double code = 127 / (5.0 * r3); /* q and k code of the value 1 */
    l->q_scale = scales(b, s->nq, ldexp(code, -qf));
    l->k_scale = scales(b, s->nkv, ldexp(code, -qf));
    l->v_scale = scales(b, s->nkv, ldexp(127 / 3.0, -vf));
    l->s_scale = scales(
        b, s->nq, 65536 * 1.4427 / (code * code * r3 * r3 * sqrt(s->head)));
    l->o_scale = scales(b, s->nkv, ldexp(3.0 / 127, af));
}

struct num_qmodel *qrandom_new(const struct qrandom *o)
{
    struct builder *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    const struct num_shape *s = &o->shape;
    b->rng = o->seed;
    struct num_qmodel *m = &b->m;
    m->shape = *s;
    m->shape.eps = s->eps > 0 ? s->eps : 1e-5;
    m->seq = o->seq;
    m->kvbits = 8;
    m->wide = o->wide;
    m->r3 = o->r3;
    m->r4 = o->r4;
    m->res_frac = between(b, 18, 22);
    m->eps_q = (uint64_t)llrint(ldexp(m->shape.eps * s->d, 2 * m->res_frac));
    m->sqrt_d = num_scale_of(sqrt(s->d));
    int8_t *embed = take(b, (size_t)s->vocab * (size_t)s->d, 1);
    uint16_t *emant = take(b, (size_t)s->vocab, sizeof *emant);
    int8_t *eexp = take(b, (size_t)s->vocab, 1);
    int16_t *rope = take(b, (size_t)o->seq * (size_t)s->head, sizeof *rope);
    m->layer = take(b, (size_t)s->layers, sizeof *m->layer);
    for (int l = 0; !b->failed && l < s->layers; l++)
        layer(b, o, &m->layer[l]);
    site(b, o, &m->head_site, o->head_abits ? o->head_abits : 8, s->d,
         NUM_NORM_FRAC, o->wide);
    linear(b, o, &m->head, s->d, s->vocab,
           o->head_wbits ? o->head_wbits : o->wbits, NUM_ACT_BITS,
           NUM_LOGIT_FRAC, 3, o->bias);
    if (b->failed) {
        qrandom_free(m);
        return NULL;
    }
    for (int t = 0; t < s->vocab; t++) {
        for (int i = 0; i < s->d; i++)
            embed[(size_t)t * (size_t)s->d + (size_t)i] = (int8_t)num_clamp(
                lrint(normal(b) * ((int)i < o->wide || !o->wide ? 42 : 8)),
                -127, 127);
        struct num_scale e = num_scale_of(uniform(b, 0.5, 2) / 42);
        emant[t] = e.mant;
        eexp[t] = (int8_t)e.exp;
    }
    for (int t = 0; t < o->seq; t++)
        for (int j = 0; j < s->head / 2; j++) {
            double a = t * pow(10000, -2.0 * j / s->head);
            int16_t *cs = rope + (size_t)t * (size_t)s->head + 2 * j;
            cs[0] = (int16_t)num_clamp(lrint(cos(a) * 32768), -32768, 32767);
            cs[1] = (int16_t)num_clamp(lrint(sin(a) * 32768), -32768, 32767);
        }
    m->embed = embed;
    m->embed_mant = emant;
    m->embed_exp = eexp;
    m->rope = rope;
    return m;
}

void qrandom_free(struct num_qmodel *m)
{
    struct builder *b = (struct builder *)m;
    if (b == NULL)
        return;
    while (b->blocks != NULL) {
        struct block *k = b->blocks;
        b->blocks = k->next;
        free(k);
    }
    free(b);
}
