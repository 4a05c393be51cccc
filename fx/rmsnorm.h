/* SPDX-License-Identifier: Apache-2.0 */
/* fx/rmsnorm.h -- RMSNorm of residual vectors; gamma lives in the weights.
 *
 *     y[t][i] = x[t][i] / sqrt(mean over i of x[t][i]^2 + eps)
 *
 *     x --> [ buf: DIM ] --+--> squares --> f[TP] --+
 *                          |                        v
 *                          +----------------------> * --> y
 *
 *   FX_NAME  the function to make      FX_BP   channels side by side
 *   FX_TP    tokens side by side       FX_DIM  most channels
 *
 * Three passes over a group of TP tokens: the largest magnitude says how far to
 * shift before squaring, the exact sum of squares gives the factor, the factor
 * meets every channel. Between them the tokens take turns at one rsqrt.
 *
 * units    residual in (any binary point: it cancels but for eps), activation
 *          with NUM_NORM_FRAC fraction bits out
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   groups * (3 d/BP + TP)
 * proof    tests/fx/rmsnorm.c, against gold_rmsnorm
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_TP || !defined FX_BP || !defined FX_DIM
#error "fx/rmsnorm.h needs FX_NAME, FX_TP, FX_BP and FX_DIM"
#endif
_Static_assert(FX_TP >= 1 && FX_BP >= 1,
               "fx/rmsnorm.h: FX_TP and FX_BP must be at least 1");
_Static_assert(FX_DIM >= 1 && FX_DIM <= 1 << 17,
               "fx/rmsnorm.h: FX_DIM must be 1 .. 2^17");

struct FX_(ports) {
    FX_IN(i32, FX_TP *FX_BP) x;  /* (group, d/BP) beats, lane c * TP + t */
    FX_OUT(i27, FX_TP *FX_BP) y; /* the same */
    uint64_t eps_q;              /* eps * d in the square of x's unit */
    uint32_t sqrt_d;             /* a scale word: the square root of d */
    int groups;                  /* of TP tokens */
    int d;                       /* channels, a multiple of BP, up to DIM */
};

/* A term is below 2^34. */
typedef FX_UINT(34 + FX_CLOG2(FX_DIM)) FX_(sum);

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_BEAT(i32, FX_TP * FX_BP) buf[FX_CEIL(FX_DIM, FX_BP)];
    uint32_t amax[FX_TP];
    int shift[FX_TP];
    FX_(sum) sum[FX_TP];
    uint32_t mant[FX_TP]; /* the factor */
    int exp[FX_TP];

    for (int g = 0; g < p->groups; g++) {
        FX_NEST;
        for (int t = 0; t < FX_TP; t++) {
            FX_UNROLL;
            amax[t] = 0;
            sum[t] = 0;
        }
        int k = 0; /* i / BP */
        for (int i = 0; i < p->d; i += FX_BP) {
            FX_PIPELINE(read, 1);
            FX_BEAT(i32, FX_TP * FX_BP) x = FX_READ(p->x);
            buf[k++] = x;
            for (int t = 0; t < FX_TP; t++) {
                FX_UNROLL;
                uint32_t m = 0;
                for (int c = 0; c < FX_BP; c++) {
                    FX_UNROLL;
                    uint32_t a = num_abs32(FX_GET(i32, x, c * FX_TP + t));
                    m = a > m ? a : m;
                }
                amax[t] = m > amax[t] ? m : amax[t];
            }
        }
        for (int t = 0; t < FX_TP; t++) {
            FX_UNROLL;
            shift[t] = num_norm_shift(amax[t]);
        }
        k = 0;
        for (int i = 0; i < p->d; i += FX_BP) {
            FX_PIPELINE(square, 1);
            FX_BEAT(i32, FX_TP * FX_BP) x = buf[k++];
            for (int t = 0; t < FX_TP; t++) {
                FX_UNROLL;
                uint64_t s = 0;
                for (int c = 0; c < FX_BP; c++) {
                    FX_UNROLL;
                    s += num_norm_term(FX_GET(i32, x, c * FX_TP + t), shift[t]);
                }
                sum[t] = (FX_(sum))(sum[t] + (FX_(sum))s);
            }
        }
        for (int n = 0; n < FX_TP; n++) {
            FX_PIPELINE(factor, 1); /* token n is at 0; the others queue */
            struct num_scale s = num_norm_scale((uint64_t)sum[0], shift[0],
                                                p->eps_q, fx_scale(p->sqrt_d));
            for (int t = 0; t < FX_TP - 1; t++) {
                FX_UNROLL;
                sum[t] = sum[t + 1];
                shift[t] = shift[t + 1];
                mant[t] = mant[t + 1];
                exp[t] = exp[t + 1];
            }
            mant[FX_TP - 1] = s.mant;
            exp[FX_TP - 1] = s.exp;
        }
        k = 0;
        for (int i = 0; i < p->d; i += FX_BP) {
            FX_PIPELINE(scale, 1);
            FX_BEAT(i32, FX_TP * FX_BP) x = buf[k++];
            FX_BEAT(i27, FX_TP * FX_BP) y = FX_ZERO;
            for (int t = 0; t < FX_TP; t++) {
                FX_UNROLL;
                struct num_scale f = {(uint16_t)mant[t], (int16_t)exp[t]};
                for (int c = 0; c < FX_BP; c++) {
                    FX_UNROLL;
                    int l = c * FX_TP + t;
                    FX_SET(i27, y, l, num_norm(FX_GET(i32, x, l), f));
                }
            }
            FX_WRITE(p->y, y);
        }
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    uint64_t groups = (uint64_t)p->groups, factor = FX_WAY(square, scale, 0);
    if (groups == 0 || p->d == 0)
        return FX_WAY_NONE;
    if (FX_HAS(factor))
        factor = FX_TP + FX_WAY(square, factor, 0) + FX_WAY(factor, scale, 0);
    return groups * (3ull * FX_CEIL(p->d, FX_BP) + FX_WAY(read, square, 0) +
                     factor) +
           FX_WAY_IN(read, 1) + (groups - 1) * FX_WAY(scale, read, 1) +
           FX_WAY_OUT(scale, 0);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0,
    .mul = 2 * FX_TP * FX_BP + 2,
    .ram_bits = 32ull * FX_TP * FX_DIM,
};
#include "fx/end.h"
