/* SPDX-License-Identifier: Apache-2.0 */
/* fx/quantise.h -- dynamic quantisation: a token's own range makes its codes.
 *
 *     v[t][i] = sat27(x[t][i] - mean[i])
 *     i8:  y = clamp(round(v * 127/a), -127, 127)   a = clip * max |v[t]|
 *     u4:  y = clamp(round(v * 15/(hi - lo)) + zp, 0, 15)    lo, hi = clip *
 *                                            min(0, v[t]), max(0, v[t])
 *     u4, wide channels i < wide: the same step and zp, clamp to +-127; they
 *          do not count for lo and hi, but the step is at least a/112
 *
 *     x ------> - --> [ buf: DIM ] --> * --> y     codes
 *     mean -----^ |                    ^
 *                 +--> range[TP] --> 1/range --> s    scale and zero point
 *
 *   FX_NAME  the function to make      FX_BP   channels side by side
 *   FX_TP    tokens side by side       FX_DIM  most channels
 *   FX_WIDE  0: no wide channels (if not given), 1: they are there
 *
 * units    x and mean in the site's format, `frac` fraction bits; s times
 *          (code - zp) is the real value
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   groups * (2 din/BP + TP)
 * source   the dynamic quantiser of FlexLLM, arXiv 2601.15710, with saturation
 * proof    tests/fx/quantise.c, against gold_quantise
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_TP || !defined FX_BP || !defined FX_DIM
#error "fx/quantise.h needs FX_NAME, FX_TP, FX_BP and FX_DIM"
#endif
#ifndef FX_WIDE
#define FX_WIDE 0
#endif
_Static_assert(FX_TP >= 1 && FX_BP >= 1 && FX_DIM >= 1,
               "fx/quantise.h: FX_TP, FX_BP and FX_DIM must be at least 1");

struct FX_(ports) {
    FX_IN(i27, FX_TP *FX_BP) x; /* (group, din/BP) beats, lane c * TP + t */
    FX_IN(i32, FX_BP) mean;     /* (group, din/BP) beats, zeros for none */
    FX_OUT(i8, FX_TP *FX_BP) y; /* (group, din/BP) beats; u4: 0 .. 15 */
    FX_OUT(scale, FX_TP) s;     /* a beat a group, before its codes */
    int groups;                 /* of TP tokens */
    int din;                    /* channels, a multiple of BP, up to DIM */
    int abits;                  /* 8: i8, 4: u4 */
#if FX_WIDE
    int wide; /* u4: channels with codes of i8, from the first; i8: 0 */
#endif
    uint32_t clip; /* share of the range kept, Q0.16 */
    int frac;      /* fraction bits of x */
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_BEAT(i27, FX_TP * FX_BP) buf[FX_CEIL(FX_DIM, FX_BP)];
    int32_t mn[FX_TP], mx[FX_TP]; /* the range always holds 0 */
    uint32_t r[FX_TP];            /* a token's num_qparam, but for the scale */
    int32_t shift[FX_TP], zp[FX_TP];
    int u4 = p->abits == 4;
#if FX_WIDE
    uint32_t far[FX_TP]; /* the largest magnitude of a wide channel */
#endif

    for (int g = 0; g < p->groups; g++) {
        FX_NEST;
        for (int t = 0; t < FX_TP; t++) {
            FX_UNROLL;
            mn[t] = 0;
            mx[t] = 0;
#if FX_WIDE
            far[t] = 0;
#endif
        }
        int k = 0; /* i / BP */
        for (int i = 0; i < p->din; i += FX_BP) {
            FX_PIPELINE(range, 1);
            FX_BEAT(i27, FX_TP * FX_BP) x = FX_READ(p->x);
            FX_BEAT(i32, FX_BP) mean = FX_READ(p->mean);
            for (int t = 0; t < FX_TP; t++) {
                FX_UNROLL;
                int32_t lo = 0, hi = 0;
#if FX_WIDE
                uint32_t top = 0;
#endif
                for (int c = 0; c < FX_BP; c++) {
                    FX_UNROLL;
                    int l = c * FX_TP + t;
                    int64_t d =
                        (int64_t)FX_GET(i27, x, l) - FX_GET(i32, mean, c);
                    int32_t v = (int32_t)num_sat(d, NUM_ACT_BITS);
                    FX_SET(i27, x, l, v);
#if FX_WIDE
                    int wide = i + c < p->wide;
                    uint32_t m = wide ? num_abs32(v) : 0;
                    top = m > top ? m : top;
                    v = wide ? 0 : v;
#endif
                    lo = v < lo ? v : lo;
                    hi = v > hi ? v : hi;
                }
                mn[t] = lo < mn[t] ? lo : mn[t];
                mx[t] = hi > mx[t] ? hi : mx[t];
#if FX_WIDE
                far[t] = top > far[t] ? top : far[t];
#endif
            }
            buf[k++] = x;
        }
        FX_BEAT(scale, FX_TP) s = FX_ZERO;
        for (int n = 0; n < FX_TP; n++) {
            FX_PIPELINE(factor, 1); /* token n is at 0; the others queue */
            uint32_t low = num_abs32(mn[0]), high = num_abs32(mx[0]);
            struct num_qparam a =
                num_qparam_i8(low > high ? low : high, p->clip, p->frac);
#if FX_WIDE
            struct num_qparam b =
                num_qparam_u4w(mn[0], mx[0], far[0], p->clip, p->frac);
#else
            struct num_qparam b = num_qparam_u4(mn[0], mx[0], p->clip, p->frac);
#endif
            a = u4 ? b : a;
            for (int t = 0; t < FX_TP - 1; t++) {
                FX_UNROLL;
                mn[t] = mn[t + 1];
                mx[t] = mx[t + 1];
#if FX_WIDE
                far[t] = far[t + 1];
#endif
                r[t] = r[t + 1];
                shift[t] = shift[t + 1];
                zp[t] = zp[t + 1];
                FX_SET(scale, s, t, FX_GET(scale, s, t + 1));
            }
            r[FX_TP - 1] = a.r;
            shift[FX_TP - 1] = a.shift;
            zp[FX_TP - 1] = a.zp;
            FX_SET(scale, s, FX_TP - 1, fx_scale_pack(a.scale, a.zp));
            if (n == FX_TP - 1)
                FX_WRITE(p->s, s);
        }
        k = 0;
        for (int i = 0; i < p->din; i += FX_BP) {
            FX_PIPELINE(code, 1);
            FX_BEAT(i27, FX_TP * FX_BP) x = buf[k++];
            FX_BEAT(i8, FX_TP * FX_BP) y = FX_ZERO;
            for (int t = 0; t < FX_TP; t++) {
                FX_UNROLL;
                struct num_qparam q = {r[t], shift[t], zp[t], {0, 0}};
                for (int c = 0; c < FX_BP; c++) {
                    FX_UNROLL;
                    int l = c * FX_TP + t;
#if FX_WIDE
                    int32_t a = num_code_u4w(FX_GET(i27, x, l), q);
                    int narrow = u4 && i + c >= p->wide;
#else
                    int32_t a = num_code_i8(FX_GET(i27, x, l), q);
                    int narrow = u4;
#endif
                    int32_t b = num_code_u4(FX_GET(i27, x, l), q);
                    FX_SET(i8, y, l, narrow ? b : a); /* they share a product */
                }
            }
            FX_WRITE(p->y, y);
        }
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    uint64_t groups = (uint64_t)p->groups, factor = FX_WAY(range, code, 0);
    if (groups == 0 || p->din == 0)
        return FX_WAY_NONE;
    if (FX_HAS(factor))
        factor = FX_TP + FX_WAY(range, factor, 0) + FX_WAY(factor, code, 0);
    return groups * (2ull * FX_CEIL(p->din, FX_BP) + factor) +
           FX_WAY_IN(range, 1) + (groups - 1) * FX_WAY(code, range, 1) +
           FX_WAY_OUT(code, 0);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0,
    .mul = FX_TP * FX_BP + 6 + FX_WIDE,
    .ram_bits = 27ull * FX_TP * FX_DIM,
};
#include "fx/end.h"
