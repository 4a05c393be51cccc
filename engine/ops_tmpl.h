/* SPDX-License-Identifier: Apache-2.0 */
/* engine/ops_tmpl.h -- everything that goes channel by channel, once; each
 * k_*.c includes it under its own compiler flags and names its functions by
 * OPS(name). Before the include it defines
 *
 *     OPS(name)          the name of a function
 *     OPS_FLOOR4(v)      floor of four doubles
 *     OPS_FMA4(a, b, c)  optional: a b + c, rounded once
 *     OPS_GATHER8(t, i)  eight words t[i] of a table of uint32_t
 *     OPS_MUL15(a, b)    a * b of eight words each, both 0 .. 2^15 - 1
 *     OPS_ANY(m)         whether any lane of a comparison is true
 *     OPS_P              type of a probability: uint8_t or uint16_t
 *     OPS_QUANT_CODES    optional: a function like OPS(quant_codes) below
 *
 * Integers in doubles. round(x mant, n) of num.h is computed as
 * floor(x * (mant 2^-n) + 0.5). This is exact, hence equal:
 *   - x mant, an integer P, has at most 53 bits wherever it is used here (the
 *     bound stands at each use), so P 2^-n is exact, a power of two apart;
 *   - for |P| <= 2^52 and n <= 53, P 2^-n + 0.5 = (P + 2^(n-1)) 2^-n has at
 *     most 54 bits, and 54 only for P = 2^52, n = 53, where it is 1 exactly;
 *   - for n > 53, |P 2^-n| < 1/2, and floor gives 0 as round does (the sum
 *     may round, but stays in [0, 1); num_shift's cap at 62 gives 0 as well);
 *   - for n < 0 (at most 8 to the left, as num_shift) the value is an even
 *     integer: adding 0.5 either is exact or rounds back to it.
 * tests/engine/kernels.c compares with num.h on extremes and at random.
 */
#include "engine/kernel.h"
#include "num/hadamard.h"
#include <string.h>

typedef double v4d __attribute__((vector_size(32)));
typedef int64_t v4l __attribute__((vector_size(32)));
typedef uint64_t v4ul __attribute__((vector_size(32)));
typedef int32_t v4i __attribute__((vector_size(16)));
typedef int32_t v8i __attribute__((vector_size(32)));
typedef uint32_t v8u __attribute__((vector_size(32)));
typedef float v8f __attribute__((vector_size(32)));
#ifndef OPS_FMA4
#define OPS_FMA4(a, b, c) ((a) * (b) + (c))
#endif

typedef int16_t v8h __attribute__((vector_size(16)));

#define OPS_FN static inline __attribute__((always_inline, unused))

OPS_FN v4d ops_splat(double x)
{
    return (v4d){x, x, x, x};
}

OPS_FN v4d ops_d4(v4i x)
{
    return __builtin_convertvector(x, v4d);
}

OPS_FN v4i ops_i4(v4d x) /* x is an integer */
{
    return __builtin_convertvector(x, v4i);
}

OPS_FN v4d ops_load4(const int32_t *x)
{
    v4i v;
    memcpy(&v, x, sizeof v);
    return ops_d4(v);
}

OPS_FN v8i ops_load8(const int32_t *x)
{
    v8i v;
    memcpy(&v, x, sizeof v);
    return v;
}

OPS_FN void ops_store8(int32_t *x, v8i v)
{
    memcpy(x, &v, sizeof v);
}

OPS_FN v4i ops_low(v8i x)
{
    return __builtin_shufflevector(x, x, 0, 1, 2, 3);
}

OPS_FN v4i ops_high(v8i x)
{
    return __builtin_shufflevector(x, x, 4, 5, 6, 7);
}

OPS_FN v8i ops_join(v4i a, v4i b)
{
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
}

OPS_FN v4d ops_min4(v4d x, v4d hi)
{
    v4l more = x > hi;
    return (v4d)(((v4l)hi & more) | ((v4l)x & ~more));
}

OPS_FN v4d ops_clamp(v4d x, v4d lo, v4d hi)
{
    v4l less = x < lo;
    x = (v4d)(((v4l)lo & less) | ((v4l)x & ~less));
    return ops_min4(x, hi);
}

OPS_FN v4d ops_round(v4d x, v4d s)
{
    return OPS_FLOOR4(OPS_FMA4(x, s, ops_splat(0.5)));
}

/* 2^e, -1000 <= e <= 1000. */
OPS_FN double ops_pow2(int e)
{
    uint64_t bits = (uint64_t)(1023 + e) << 52;
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* What num_scaled multiplies with. */
OPS_FN double ops_scale(struct num_scale s)
{
    int e = s.exp > 8 ? 8 : s.exp < -500 ? -500 : s.exp;
    return s.mant * ops_pow2(e);
}

/* y = sat(scaled(x, s), 27): the end of a norm and of attention. */
static void OPS(scaled)(const int32_t *x, int n, struct num_scale s, int32_t *y)
{
    /* |x mant| <= 2^31 2^16 */
    v4d f = ops_splat(ops_scale(s));
    v4d lo = ops_splat(-67108864), hi = ops_splat(67108863);
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        v4d a = ops_clamp(ops_round(ops_load4(x + i), f), lo, hi);
        v4d b = ops_clamp(ops_round(ops_load4(x + i + 4), f), lo, hi);
        ops_store8(y + i, ops_join(ops_i4(a), ops_i4(b)));
    }
    for (; i < n; i++)
        y[i] = num_norm(x[i], s);
}

/* ---- RMSNorm ------------------------------------------------------------ */

/* round(r, n) for 32-bit r: the bit below the cut, added. */
OPS_FN v8i ops_round8(v8i r, int n)
{
    return n ? (r >> n) + ((r >> (n - 1)) & 1) : r;
}

static void OPS(norm)(const int32_t *r, int d, uint64_t eps_q,
                      struct num_scale sqrt_d, int32_t *y)
{
    uint32_t any = 0; /* has the bit length of the largest magnitude */
    for (int i = 0; i < d; i++)
        any |= num_abs32(r[i]);
    int n = num_norm_shift(any);
    /* Squares are below 2^34, 2^15 of them a lane: sums below 2^49. */
    v4d s0 = ops_splat(0), s1 = s0;
    int i = 0;
    for (; i + 8 <= d; i += 8) {
        v8i c = ops_round8(ops_load8(r + i), n);
        v8i over = c > 131071;
        c = (over & 131071) | (~over & c);
        v8i under = c < -131071;
        c = (under & -131071) | (~under & c);
        v4d a = ops_d4(ops_low(c)), b = ops_d4(ops_high(c));
        s0 += a * a;
        s1 += b * b;
    }
    s0 += s1;
    uint64_t sum = (uint64_t)(s0[0] + s0[1] + s0[2] + s0[3]);
    for (; i < d; i++)
        sum += num_norm_term(r[i], n);
    struct num_scale f = num_norm_scale(sum, n, eps_q, sqrt_d);
    OPS(scaled)(r, d, f, y);
}

/* ---- quantise ------------------------------------------------------------ */

/* Sums of |t| over the inputs a 16-bit sum may gather: k % 4 < 2 in lanes 0, 1,
 * 4, 5, the others in the other lanes. */
OPS_FN v8i ops_lane_sums(const int32_t *t)
{
    v8i m = {0};
    for (int j = 0; j < ENG_KB; j += 8) {
        v8i v = ops_load8(t + j), sign = v >> 31;
        m += (v ^ sign) - sign;
    }
    m += __builtin_shufflevector(m, m, 4, 5, 6, 7, 0, 1, 2, 3);
    return m + __builtin_shufflevector(m, m, 1, 0, 3, 2, 5, 4, 7, 6);
}

OPS_FN v8i ops_max8(v8i a, v8i b)
{
    v8i more = a > b;
    return (a & more) | (b & ~more);
}

#ifndef OPS_QUANT_CODES
#define OPS_QUANT_CODES OPS(quant_codes)
/* The codes of n values, kp with the padding, and what eng_codes says about
 * them; c->q is there. */
static void OPS(quant_codes)(const int32_t *x, int n, int kp, double scale,
                             int abits, struct eng_codes *c)
{
    /* r is below 2^16: |x r| <= 2^42. */
    v4d s = ops_splat(scale);
    v4d zp = ops_splat(c->q.zp);
    v4d lo = ops_splat(abits == 4 ? 0 : -127);
    v4d hi = ops_splat(abits == 4 ? 15 : 127);
    int32_t sum = 0, t[ENG_KB], last[ENG_KB];
    v8i most2 = {0}, most4 = {0}, lane1 = {0}, lane2 = {0}, lane3 = {0};
    for (int b = 0; b < kp / ENG_KB; b++) {
        const int32_t *from = x + b * ENG_KB;
        int have = n - b * ENG_KB;
        have = have < 0 ? 0 : have > ENG_KB ? ENG_KB : have;
        if (have < ENG_KB) {
            memset(last, 0, sizeof last);
            memcpy(last, x + (n - have), (size_t)have * sizeof *x);
            from = last;
        }
        for (int j = 0; j < ENG_KB; j += 8) {
            v4d u = ops_round(ops_load4(from + j), s) + zp;
            v4d w = ops_round(ops_load4(from + j + 4), s) + zp;
            ops_store8(t + j, ops_join(ops_i4(ops_clamp(u, lo, hi)),
                                       ops_i4(ops_clamp(w, lo, hi))));
        }
        for (int j = have; j < ENG_KB; j++)
            t[j] = 0;
        c->pre[b] = sum;
        v8i lane = ops_lane_sums(t);
        most2 = ops_max8(most2, lane + lane1);
        most4 = ops_max8(most4, lane + lane1 + lane2 + lane3);
        lane3 = lane2;
        lane2 = lane1;
        lane1 = lane;
        int8_t *to = c->x + b * ENG_KB;
        for (int j = 0; j < ENG_KB; j++)
            to[j] = (int8_t)t[j];
        for (int j = 0; j < ENG_KB; j++)
            sum += t[j];
    }
    c->pre[kp / ENG_KB] = sum;
    int two = most2[0] > most2[2] ? most2[0] : most2[2];
    int four = most4[0] > most4[2] ? most4[0] : most4[2];
    c->run = four <= ENG_RUN_SUM ? 4 : two <= ENG_RUN_SUM ? 2 : 1;
}
#endif

/* The first `wide` codes again, with the range of i8, and what depends on
 * them: sums, and runs as short as they can be. */
static void OPS(quant_wide)(const int32_t *x, int wide, int kp,
                            struct eng_codes *c)
{
    int32_t sum = 0;
    for (int i = 0; i < wide; i++)
        c->x[i] = (int8_t)num_code_u4w(x[i], c->q);
    for (int b = 0; b < kp / ENG_KB; b++) {
        c->pre[b] = sum;
        for (int j = 0; j < ENG_KB; j++)
            sum += c->x[b * ENG_KB + j];
    }
    c->pre[kp / ENG_KB] = sum;
    c->run = 1;
}

static void OPS(quant)(int32_t *x, int n, int kp, const struct num_qsite *site,
                       struct eng_codes *c)
{
    if (site->mean)
        for (int i = 0; i < n; i++) { /* both 27 bits */
            int32_t v = x[i] - site->mean[i];
            v = v < -67108864 ? -67108864 : v;
            x[i] = v > 67108863 ? 67108863 : v;
        }
    int wide = site->abits == 4 ? site->wide : 0;
    int32_t mn = 0, mx = 0;
    uint32_t most = 0;
    for (int i = 0; i < wide; i++)
        most = num_abs32(x[i]) > most ? num_abs32(x[i]) : most;
    for (int i = wide; i < n; i++) {
        mn = x[i] < mn ? x[i] : mn;
        mx = x[i] > mx ? x[i] : mx;
    }
    if (site->abits == 4)
        c->q = num_qparam_u4w(mn, mx, most, site->clip, site->frac);
    else
        c->q = num_qparam_i8((uint32_t)(mx > -mn ? mx : -mn), site->clip,
                             site->frac);
    OPS_QUANT_CODES(x, n, kp, c->q.r * ops_pow2(-c->q.shift), site->abits, c);
    if (wide > 0)
        OPS(quant_wide)(x, wide, kp, c);
}

/* ---- dequantise ----------------------------------------------------------- */

/* The product of two scales keeps 16 bits, halves up, and does not carry into
 * the next power of two: num_scale_mul on the bits of a double, which holds
 * the 32-bit product exactly. 37 of its 52 fraction bits go. A sum that
 * carried is above `p | keep`, the largest of p's power of two. */
OPS_FN v4d ops_scale_mul(v4d a, v4d b)
{
    const int64_t low = ((int64_t)1 << 37) - 1, half = (int64_t)1 << 36;
    const int64_t keep = (((int64_t)1 << 52) - 1) & ~low;
    v4l p = (v4l)(a * b);
    return (v4d)((v4l)ops_min4((v4d)(p + half), (v4d)(p | keep)) & ~low);
}

/* One token of a panel; add is a constant. */
OPS_FN void dequant_row(const struct eng_dequant *q, int t, int32_t *y, int add)
{
    const int32_t *acc = q->acc + t * q->panel, *colsum = q->colsum;
    double top = ops_pow2(q->obits - 1);
    v4d lo = ops_splat(-top), hi = ops_splat(top - 1);
    v4d xs = ops_splat(q->xs[t]);
    int32_t zp = q->zp[t];
    int panel = q->panel;
    for (int o = 0; o < panel; o += 8) {
        v8i a = ops_load8(acc + o);
        if (zp)
            a -= ops_load8(colsum + o) * zp;
        v4d v[2] = {ops_d4(ops_low(a)), ops_d4(ops_high(a))};
        for (int h = 0; h < 2; h++) {
            v4d w, bias;
            memcpy(&w, q->ws + o + 4 * h, sizeof w);
            memcpy(&bias, q->bias + o + 4 * h, sizeof bias);
            /* |acc mant| < 2^31 2^16; |bias| < 2^31 */
            v[h] = ops_round(v[h], ops_scale_mul(xs, w));
            v[h] = ops_clamp(v[h] + bias, lo, hi);
            if (add)
                v[h] = ops_clamp(v[h] + ops_load4(y + o + 4 * h), lo, hi);
        }
        ops_store8(y + o, ops_join(ops_i4(v[0]), ops_i4(v[1])));
    }
}

static void OPS(dequant)(const struct eng_dequant *q)
{
    for (int t = 0; t < q->n; t++) {
        int32_t *y = q->y + t * q->ys, tail[ENG_MAX_PANEL];
        if (q->valid < q->panel) {
            memset(tail, 0, sizeof tail);
            memcpy(tail, y, (size_t)q->valid * sizeof *y);
            y = tail;
        }
        if (q->add)
            dequant_row(q, t, y, 1);
        else
            dequant_row(q, t, y, 0);
        if (q->valid < q->panel)
            memcpy(q->y + t * q->ys, tail, (size_t)q->valid * sizeof *y);
    }
}

/* ---- RoPE and static codes ------------------------------------------------ */

static void OPS(rope)(int32_t *x, int head, const int16_t *cs)
{
    /* a C and b S are below 2^26 2^15, their sum below 2^42. */
    v4d lo = ops_splat(-67108864), hi = ops_splat(67108863);
    v4d unit = ops_splat(1.0 / 32768);
    int i = 0;
    for (; i + 8 <= head; i += 8) {
        v8h h;
        memcpy(&h, cs + i, sizeof h);
        v8i w = __builtin_convertvector(h, v8i), v = ops_load8(x + i);
        v4d a = ops_d4(__builtin_shufflevector(v, v, 0, 2, 4, 6));
        v4d b = ops_d4(__builtin_shufflevector(v, v, 1, 3, 5, 7));
        v4d c = ops_d4(__builtin_shufflevector(w, w, 0, 2, 4, 6));
        v4d s = ops_d4(__builtin_shufflevector(w, w, 1, 3, 5, 7));
        v4i p = ops_i4(ops_clamp(ops_round(a * c - b * s, unit), lo, hi));
        v4i q = ops_i4(ops_clamp(ops_round(a * s + b * c, unit), lo, hi));
        ops_store8(x + i,
                   __builtin_shufflevector(p, q, 0, 4, 1, 5, 2, 6, 3, 7));
    }
    for (; i < head; i += 2) {
        int32_t a = x[i], b = x[i + 1];
        x[i] = num_rope_a(a, b, cs[i], cs[i + 1]);
        x[i + 1] = num_rope_b(a, b, cs[i], cs[i + 1]);
    }
}

static void OPS(codes)(const int32_t *x, int head, struct num_scale s,
                       int8_t *y)
{
    /* |x mant| <= 2^26 2^16 */
    v4d f = ops_splat(ops_scale(s));
    v4d lo = ops_splat(-127), hi = ops_splat(127);
    int i = 0;
    for (; i + 8 <= head; i += 8) {
        v4d a = ops_clamp(ops_round(ops_load4(x + i), f), lo, hi);
        v4d b = ops_clamp(ops_round(ops_load4(x + i + 4), f), lo, hi);
        v8i v = ops_join(ops_i4(a), ops_i4(b));
        for (int j = 0; j < 8; j++)
            y[i + j] = (int8_t)v[j];
    }
    for (; i < head; i++)
        y[i] = (int8_t)num_static_i8(x[i], s);
}

/* ---- SiLU ------------------------------------------------------------------ */

static void OPS(silu)(const int32_t *g, int gf, const int32_t *u, int uf,
                      int hf, int n, int32_t *h)
{
    int e = gf + uf - hf;
    e = e < -8 ? -8 : e > 62 ? 62 : e;
    v4d s = ops_splat(ops_pow2(-e)), unit = ops_splat(1.0 / 65536);
    v4d lo = ops_splat(-67108864), hi = ops_splat(67108863);
    int32_t cap = 1 << (gf < 16 ? 4 + gf : 30); /* from here on 0xFFFFF */
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        v8i x = ops_load8(g + i), sign = x >> 31;
        v8i t = (x ^ sign) - sign;
        v8i over = t > cap;
        t = (over & cap) | (~over & t);
        t = gf < 16 ? t << (16 - gf) : t >> (gf - 16);
        over = t > 0xFFFFF;
        t = (over & 0xFFFFF) | (~over & t);
        v8i w = (v8i)OPS_GATHER8(eng_tables.sigmoid, t >> 11);
        v8i v = (w & 0x1FFFF) + ((OPS_MUL15(w >> 17, t & 2047) + 1024) >> 11);
        v = (v ^ sign) + (sign & 65537); /* 65536 - v where negative */
        /* |g v| <= 2^26 2^16; |z u| <= 2^26 2^26 */
        v4d z0 = ops_round(ops_d4(ops_low(x)), ops_d4(ops_low(v)) * unit);
        v4d z1 = ops_round(ops_d4(ops_high(x)), ops_d4(ops_high(v)) * unit);
        v4d h0 = ops_round(z0 * ops_load4(u + i), s);
        v4d h1 = ops_round(z1 * ops_load4(u + i + 4), s);
        ops_store8(h + i, ops_join(ops_i4(ops_clamp(h0, lo, hi)),
                                   ops_i4(ops_clamp(h1, lo, hi))));
    }
    for (; i < n; i++)
        h[i] = num_silu_mul(g[i], gf, u[i], uf, hf);
}

/* ---- probabilities ---------------------------------------------------------- */

static uint32_t OPS(prob)(const int32_t *s, int n, int pad,
                          struct num_scale scale, void *to)
{
    OPS_P *p = to;
    int32_t m = s[0];
    for (int t = 1; t < n; t++)
        m = s[t] > m ? s[t] : m;
    /* From nine powers of two below the maximum on a probability is 0, and
     * most of a long row is there: whole vectors of it are passed over. Scores
     * are at most 2^25 below the maximum; `last` is where 25 powers of two are
     * passed, so that t stays below 27 2^16. The product is below 2^42. */
    double f = ops_scale(scale), far = 9.0 * 65536 / f + 2;
    double end = 25.0 * 65536 / f + 2;
    int32_t cut = far < 67108864 ? (int32_t)far : 67108864;
    int32_t last = end < 67108864 ? (int32_t)end : 67108864;
    int shift = -scale.exp;
    int sane = shift >= 1 && shift <= 40 && f < 65536;
    uint64_t k = scale.mant, half = sane ? (uint64_t)1 << (shift - 1) : 0;
    v4ul mant = {k, k, k, k};
    v8u sum = {0};
    int t = 0;
    for (; t + 8 <= n && sane; t += 8) {
        v8i below = m - ops_load8(s + t);
        if (!OPS_ANY(below < cut)) {
            memset(p + t, 0, 8 * sizeof *p);
            continue;
        }
        v8i over = below > last;
        below = (over & last) | (~over & below);
        v4ul even = (v4ul)below & 0xFFFFFFFFu, odd = (v4ul)below >> 32;
        even = (even * mant + half) >> shift;
        odd = (odd * mant + half) >> shift;
        v8i x = (v8i)(even | odd << 32);
        v8i w = (v8i)OPS_GATHER8(eng_tables.exp2, (x >> 10) & 63);
        v8i slope = OPS_MUL15(w >> 17, x & 1023);
        v8u v = (v8u)((w & 0x1FFFF) - ((slope + 512) >> 10));
        v8u whole = (v8u)(x >> 16);
        v8u one = {1, 1, 1, 1, 1, 1, 1, 1};
        v = (v + ((one << whole) >> 1)) >> whole; /* 0 from 24 on */
        v = ((v << 8) - v + 32768) >> 16;
        sum += v;
        for (int j = 0; j < 8; j++)
            p[t + j] = (OPS_P)v[j];
    }
    uint32_t total = 0;
    for (int j = 0; j < 8; j++)
        total += sum[j];
    for (; t < n; t++) {
        uint32_t v = num_prob((int64_t)m - s[t], scale);
        p[t] = (OPS_P)v;
        total += v;
    }
    memset(p + n, 0, (size_t)(pad - n) * sizeof *p);
    return total;
}

#include "engine/fht_tmpl.h"
