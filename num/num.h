/* SPDX-License-Identifier: Apache-2.0 */
/* num/num.h -- the arithmetic, defined once. Golden model, integer engine,
 * HLS modules and (through fxc) RTL all compute with these functions or with
 * code that is tested to give the same bits. docs/numerics.md is the prose.
 *
 * Rules: integers only; every shift amount is in range; right shifts of
 * negative numbers are arithmetic (C17: implementation-defined, and so on
 * every compiler this builds with; asserted in tests/num). The functions are
 * plain C that is also C++ and also what fxc accepts: no division, no loops
 * without constant bounds.
 */
#ifndef NUM_NUM_H
#define NUM_NUM_H
#include <stdint.h>
#include "num/num_tab.h"

#define NUM_FN static inline __attribute__((always_inline, unused))

/* ---- formats ---------------------------------------------------------- */

enum {
    NUM_ACT_BITS = 27,  /* activations between linears: fits a DSP's A port */
    NUM_RES_BITS = 32,  /* residual stream */
    NUM_NORM_FRAC = 16, /* fraction bits of a normed activation */
    NUM_LOGIT_FRAC = 16,
    NUM_EXP2_FRAC = 16, /* fraction bits of num_exp2n's argument */
    NUM_ROPE_FRAC = 15,
};

/* A positive scale: mant * 2^exp with mant in [2^15, 2^16), or mant 0. */
struct num_scale {
    uint16_t mant;
    int16_t exp;
};

/* ---- shifts and saturation -------------------------------------------- */

/* Saturates to `bits` two's complement bits, 1 <= bits <= 63. */
NUM_FN int64_t num_sat(int64_t x, int bits)
{
    int64_t hi = ((int64_t)1 << (bits - 1)) - 1;
    int64_t lo = -hi - 1;
    return x > hi ? hi : x < lo ? lo : x;
}

NUM_FN int64_t num_clamp(int64_t x, int64_t lo, int64_t hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/* floor(x / 2^n + 1/2): rounds to nearest, halves up. 0 <= n <= 62 and
 * |x| < 2^62. */
NUM_FN int64_t num_round(int64_t x, int n)
{
    return n == 0 ? x : (x + ((int64_t)1 << (n - 1))) >> n;
}

/* num_round for any n: n > 62 counts as 62, and n < 0 shifts left by at most
 * 8. |x| < 2^54. */
NUM_FN int64_t num_shift(int64_t x, int n)
{
    int right = n < 0 ? 0 : n > 62 ? 62 : n;
    int left = n >= 0 ? 0 : n < -8 ? 8 : -n;
    return num_round(x * ((int64_t)1 << left), right);
}

/* Position of the highest one bit plus one; 0 for 0. */
NUM_FN int num_bitlen32(uint32_t x)
{
    return x == 0 ? 0 : 32 - __builtin_clz(x);
}

NUM_FN int num_bitlen64(uint64_t x)
{
    return x == 0 ? 0 : 64 - __builtin_clzll((unsigned long long)x);
}

NUM_FN uint32_t num_abs32(int32_t x)
{
    return x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
}

/* ---- scales ----------------------------------------------------------- */

/* x * s, rounded: num_shift(x * mant, -exp). |x| < 2^38. */
NUM_FN int64_t num_scaled(int64_t x, struct num_scale s)
{
    return num_shift(x * (int64_t)s.mant, -(int)s.exp);
}

/* s * 2^n. */
NUM_FN struct num_scale num_scale_shift(struct num_scale s, int n)
{
    struct num_scale r = {s.mant, (int16_t)(s.exp + n)};
    return r;
}

/* a * b with the mantissa rounded to 16 bits (down to 65535 where it would
 * reach 65536). Both mantissas at least 2^15. */
NUM_FN struct num_scale num_scale_mul(struct num_scale a, struct num_scale b)
{
    uint32_t p = (uint32_t)a.mant * (uint32_t)b.mant; /* [2^30, 2^32) */
    int big = p >= 0x80000000u;
    uint32_t m =
        big ? (uint32_t)(((uint64_t)p + 0x8000u) >> 16) : (p + 0x4000u) >> 15;
    struct num_scale r = {(uint16_t)(m > 65535u ? 65535u : m),
                          (int16_t)(a.exp + b.exp + (big ? 16 : 15))};
    return r;
}

/* The top 16 bits of x >= 1 as a scale (truncated): mant * 2^exp <= x. */
NUM_FN struct num_scale num_scale_top(uint64_t x)
{
    int n = num_bitlen64(x) - 16;
    struct num_scale r = {(uint16_t)(n >= 0 ? x >> (n & 63) : x << (-n & 63)),
                          (int16_t)n};
    return r;
}

/* ---- division ---------------------------------------------------------- */

/* floor(n / d) where n < d * 2^16 and d is a mantissa in [2^15, 2^16): the
 * only division the datapath has. One quotient bit a step, as in hardware. */
NUM_FN uint32_t num_div(uint32_t n, uint32_t d)
{
    uint32_t rem = n >> 16, q = 0;
    for (int i = 15; i >= 0; i--) {
        rem = (rem << 1) | ((n >> i) & 1);
        q <<= 1;
        if (rem >= d) {
            rem -= d;
            q |= 1;
        }
    }
    return q;
}

/* 1 / x for x >= 1, relative error below 2^-14. */
NUM_FN struct num_scale num_recip(uint64_t x)
{
    struct num_scale top = num_scale_top(x);
    struct num_scale r = {(uint16_t)num_div(0x7FFFFFFFu, top.mant),
                          (int16_t)(-31 - top.exp)};
    return r;
}

/* ---- functions -------------------------------------------------------- */

/* round(2^16 * 2^(-t / 2^16)), within 1.7 codes. 0 for t >= 24 * 2^16. */
NUM_FN uint32_t num_exp2n(uint32_t t)
{
    uint32_t whole = t >> 16;
    uint32_t i = (t >> 10) & 63;
    uint32_t lo = t & 1023;
    uint32_t a = num_exp2_tab[i], b = num_exp2_tab[i + 1];
    uint32_t v = a - (((a - b) * lo + 512) >> 10); /* (2^15, 2^16] */
    return whole >= 24 ? 0 : (uint32_t)num_round((int64_t)v, (int)whole);
}

/* The attention probability of a score that is t / 2^16 powers of two below
 * its row's maximum: round(255 * 2^(-t / 2^16)), u8. */
NUM_FN uint32_t num_prob_u8(uint32_t t)
{
    return (num_exp2n(t) * 255u + 32768u) >> 16;
}

/* sigmoid(x / 2^frac) in Q0.16, 0 .. 65536. |x| < 2^27, 0 <= frac <= 26. */
NUM_FN uint32_t num_sigmoid(int32_t x, int frac)
{
    uint64_t t = ((uint64_t)num_abs32(x) << 16) >> frac; /* Q.16 */
    uint32_t q = t > 0xFFFFF ? 0xFFFFF : (uint32_t)t;    /* below 16 */
    uint32_t i = q >> 11;
    uint32_t lo = q & 2047;
    uint32_t a = num_sigmoid_tab[i], b = num_sigmoid_tab[i + 1];
    uint32_t v = a + (((b - a) * lo + 1024) >> 11);
    return x < 0 ? 65536u - v : v;
}

/* 1 / sqrt(x) for x >= 1, relative error below 2^-14. */
NUM_FN struct num_scale num_rsqrt(uint64_t x)
{
    int n = num_bitlen64(x);
    int k = (n + (n & 1)) - 32; /* even; x = m * 2^k, m in [2^30, 2^32) */
    uint32_t m = (uint32_t)(k >= 0 ? x >> (k & 63) : x << (-k & 63));
    uint32_t i = m >> 24; /* 64 .. 255 */
    uint32_t lo = (m >> 8) & 0xFFFF;
    uint32_t a = num_rsqrt_tab[i - 64], b = num_rsqrt_tab[i - 63];
    uint32_t v = a - (uint32_t)(((uint64_t)(a - b) * lo + 32768) >> 16);
    struct num_scale r = {(uint16_t)(v > 65535u ? 65535u : v),
                          (int16_t)(-15 - 16 - k / 2)};
    return r;
}

/* ---- dynamic quantisation of one token -------------------------------- */

/* What the codes of a token are made with, and what they carry along. */
struct num_qparam {
    uint32_t r;             /* codes a unit of x, normalised */
    int32_t shift;          /* code = round(x * r / 2^shift) */
    int32_t zp;             /* zero point, 0 for i8 */
    struct num_scale scale; /* real value of one code step */
};

/* A clipped range: max(1, round(x * clip / 2^16)). x < 2^28. */
NUM_FN uint32_t num_clip_range(uint32_t x, uint32_t clip)
{
    uint64_t c = ((uint64_t)x * clip + 32768) >> 16;
    return c < 1 ? 1 : (uint32_t)c;
}

/* i8 symmetric: `amax` is the token's largest magnitude (below 2^27), `frac`
 * the fraction bits of x. One step is clipped amax / 127. */
NUM_FN struct num_qparam num_qparam_i8(uint32_t amax, uint32_t clip, int frac)
{
    struct num_scale inv127 = {33026, -22}; /* round(2^22 / 127) */
    struct num_scale top = num_scale_top(num_clip_range(amax, clip));
    struct num_scale step = num_scale_mul(top, inv127);
    struct num_qparam p = {num_div(127u << 24, top.mant), 24 + top.exp, 0,
                           num_scale_shift(step, -frac)};
    return p;
}

/* u4 with `range` (at least 1) from the lowest value kept, -low, up. */
NUM_FN struct num_qparam num_qparam_range(uint32_t low, uint32_t range,
                                          int frac)
{
    struct num_scale inv15 = {34953, -19}; /* round(2^19 / 15) */
    struct num_scale top = num_scale_top(range);
    uint32_t r = num_div(15u << 27, top.mant);
    int shift = 27 + top.exp;
    struct num_qparam p = {
        r, shift, (int32_t)num_clamp(num_round((int64_t)low * r, shift), 0, 15),
        num_scale_shift(num_scale_mul(top, inv15), -frac)};
    return p;
}

/* u4 asymmetric: the token spans mn <= 0 .. mx >= 0 (magnitudes below 2^27).
 * Both ends are clipped alike; one step is (mx - mn) / 15. */
NUM_FN struct num_qparam num_qparam_u4(int32_t mn, int32_t mx, uint32_t clip,
                                       int frac)
{
    uint32_t low = (uint32_t)(((uint64_t)num_abs32(mn) * clip + 32768) >> 16);
    uint32_t high = (uint32_t)(((uint64_t)num_abs32(mx) * clip + 32768) >> 16);
    return num_qparam_range(low, low + high < 1 ? 1 : low + high, frac);
}

/* Wide channels (num/qmodel.h). A step is at least 1/112 of the largest of
 * them, so 15 steps are NUM_WIDE_RANGE, Q0.10, of it: 15/112. A 4-bit weight
 * code beside wide ones counts NUM_WIDE_UNIT of their steps. */
enum { NUM_WIDE_RANGE = 137, NUM_WIDE_UNIT = 8 };

/* The same beside wide channels with magnitudes up to `wide`: the step is
 * large enough for them to fit +-112 steps, clipped alike. */
NUM_FN struct num_qparam num_qparam_u4w(int32_t mn, int32_t mx, uint32_t wide,
                                        uint32_t clip, int frac)
{
    uint32_t low = (uint32_t)(((uint64_t)num_abs32(mn) * clip + 32768) >> 16);
    uint32_t high = (uint32_t)(((uint64_t)num_abs32(mx) * clip + 32768) >> 16);
    uint32_t far = (uint32_t)((uint64_t)wide * clip * NUM_WIDE_RANGE >> 26);
    uint32_t range = low + high < far ? far : low + high;
    return num_qparam_range(low, range < 1 ? 1 : range, frac);
}

/* |x| < 2^27. */
NUM_FN int32_t num_code_i8(int32_t x, struct num_qparam p)
{
    return (int32_t)num_clamp(num_round((int64_t)x * p.r, p.shift), -127, 127);
}

NUM_FN int32_t num_code_u4(int32_t x, struct num_qparam p)
{
    return (int32_t)num_clamp(num_round((int64_t)x * p.r, p.shift) + p.zp, 0,
                              15);
}

/* A wide channel: the step and zero point of u4, the codes of i8. */
NUM_FN int32_t num_code_u4w(int32_t x, struct num_qparam p)
{
    return (int32_t)num_clamp(num_round((int64_t)x * p.r, p.shift) + p.zp, -127,
                              127);
}

/* ---- what a linear's sum becomes ---------------------------------------- */

/* acc has the zero point's share taken out already (acc - zp * colsum),
 * |acc| < 2^38; sx is the token's scale, sw the row's. */
NUM_FN int64_t num_dequant(int64_t acc, struct num_scale sx,
                           struct num_scale sw, int frac, int32_t bias,
                           int obits)
{
    struct num_scale s = num_scale_shift(num_scale_mul(sx, sw), frac);
    return num_sat(num_scaled(acc, s) + bias, obits);
}

/* A static i8 code: q, k, v after RoPE, with the head's scale. */
NUM_FN int32_t num_static_i8(int32_t x, struct num_scale s)
{
    return (int32_t)num_clamp(num_scaled(x, s), -127, 127);
}

/* ---- RMSNorm ------------------------------------------------------------ */

/* Right shift that brings a token of largest magnitude amax to 17 bits. */
NUM_FN int num_norm_shift(uint32_t amax)
{
    int n = num_bitlen32(amax) - 17;
    return n < 0 ? 0 : n;
}

/* One channel's share of the sum of squares, below 2^34. */
NUM_FN uint64_t num_norm_term(int32_t x, int shift)
{
    int64_t v = num_clamp(num_round(x, shift), -131071, 131071);
    return (uint64_t)(v * v);
}

/* The factor that takes a residual to a normed activation with NUM_NORM_FRAC
 * fraction bits; `sum` is the exact sum of num_norm_term. */
NUM_FN struct num_scale num_norm_scale(uint64_t sum, int shift, uint64_t eps_q,
                                       struct num_scale sqrt_d)
{
    uint64_t v = sum + (eps_q >> (2 * shift));
    struct num_scale f = num_scale_mul(num_rsqrt(v < 1 ? 1 : v), sqrt_d);
    return num_scale_shift(f, NUM_NORM_FRAC - shift);
}

NUM_FN int32_t num_norm(int32_t x, struct num_scale f)
{
    return (int32_t)num_sat(num_scaled(x, f), NUM_ACT_BITS);
}

/* ---- RoPE, SiLU, attention --------------------------------------------- */

/* First and second channel of a rotated pair; c and s are Q1.15. */
NUM_FN int32_t num_rope_a(int32_t a, int32_t b, int32_t c, int32_t s)
{
    return (int32_t)num_sat(
        num_round((int64_t)a * c - (int64_t)b * s, NUM_ROPE_FRAC),
        NUM_ACT_BITS);
}

NUM_FN int32_t num_rope_b(int32_t a, int32_t b, int32_t c, int32_t s)
{
    return (int32_t)num_sat(
        num_round((int64_t)a * s + (int64_t)b * c, NUM_ROPE_FRAC),
        NUM_ACT_BITS);
}

/* silu(g) * u; g, u and the result have gf, uf, hf fraction bits. */
NUM_FN int32_t num_silu_mul(int32_t g, int gf, int32_t u, int uf, int hf)
{
    int64_t silu = num_round((int64_t)g * num_sigmoid(g, gf), 16);
    return (int32_t)num_sat(num_shift(silu * u, gf + uf - hf), NUM_ACT_BITS);
}

/* Probability code of a score `below` (>= 0) under its row's maximum. */
NUM_FN uint32_t num_prob(int64_t below, struct num_scale s_scale)
{
    return num_prob_u8(
        (uint32_t)num_clamp(num_scaled(below, s_scale), 0, 1 << 21));
}

/* Attention output: av = sum of p * v codes, |av| < 2^38; sum = sum of p. */
NUM_FN struct num_scale num_attn_scale(uint32_t sum, struct num_scale o_scale)
{
    return num_scale_mul(num_recip(sum), o_scale);
}

NUM_FN int32_t num_attn(int64_t av, struct num_scale s)
{
    return (int32_t)num_sat(num_scaled(av, s), NUM_ACT_BITS);
}

/* ---- Hadamard ------------------------------------------------------------ */

/* The unnormalised transform is followed by a right shift of this many bits,
 * close to sqrt(n); the weights take up the rest. n: rows of one block. */
NUM_FN int num_fht_shift(int n)
{
    return (num_bitlen32((uint32_t)n) - 1) / 2;
}

/* ---- sampling ------------------------------------------------------------ */

/* The random word of step `step` (Wellons' lowbias32 over a Weyl sequence). */
NUM_FN uint32_t num_rand(uint32_t seed, uint32_t step)
{
    uint32_t x = seed + step * 0x9E3779B9u;
    x ^= x >> 16;
    x *= 0x7FEB352Du;
    x ^= x >> 15;
    x *= 0x846CA68Bu;
    return x ^ (x >> 16);
}

/* Weight of a candidate whose logit is `below` (>= 0) under the best one;
 * t_scale = log2(e) / temperature. Q0.16, the best has 65536. */
NUM_FN uint32_t num_sample_weight(int64_t below, struct num_scale t_scale)
{
    return num_exp2n(
        (uint32_t)num_clamp(num_scaled(below, t_scale), 0, 1 << 21));
}

#endif
