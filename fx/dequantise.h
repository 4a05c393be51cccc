/* SPDX-License-Identifier: Apache-2.0 */
/* fx/dequantise.h -- sums of linear_prefill to activations or residuals.
 *
 *     y[t][o] = sat((x[t][o] - zp[t] colsum[o]) scale[t] scale[o] + bias[o])
 *
 *     scale --> [ per group ] --+          one sum of TP tokens a cycle
 *     row ----> [ tile: WP ] --+
 *     x ---------------------> * --> y
 *
 *   FX_NAME  the function to make      FX_WP     outputs of a tile of x
 *   FX_TP    tokens side by side       FX_BLOCK  most groups of TP tokens
 *
 * One call runs `steps` linears, as linear_prefill does and in its order. The
 * product of scales is rounded to a 16-bit mantissa, the result to nearest
 * (halves up); it saturates to 27 bits, or to 32 where bit 31 of the step's
 * third lane is set (o and down, which go to the residual stream).
 *
 * units    a row's scale has the fraction bits of the result in its exponent
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   a step: groups * (dout + 1); with WP 1 the inner loop is no loop, and
 *          no formula is given
 * proof    tests/fx/dequantise.c, against gold_dequant
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_TP || !defined FX_WP || !defined FX_BLOCK
#error "fx/dequantise.h needs FX_NAME, FX_TP, FX_WP and FX_BLOCK"
#endif
_Static_assert(FX_TP >= 1 && FX_WP >= 1 && FX_BLOCK >= 1,
               "fx/dequantise.h: FX_TP, FX_WP and FX_BLOCK must be >= 1");

struct FX_(ports) {
    FX_IN(u32, 3) step;        /* {din, dout, groups + (wide << 31)} */
    FX_IN(scale, FX_TP) scale; /* a token's scale and zero point: (group) */
    FX_IN(u32, 3) row;         /* {scale word, colsum, bias}: (dout) a step */
    FX_IN(i40, FX_TP) x;       /* (tile, group, output in tile) */
    FX_OUT(i32, FX_TP) y;      /* the same */
    int steps;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_BEAT(scale, FX_TP) scales[FX_BLOCK];
    FX_BEAT(u32, 3) rows[FX_WP];

    for (int s = 0; s < p->steps; s++) {
        FX_NEST;
        FX_BEAT(u32, 3) step = FX_READ(p->step);
        int dout = (int)FX_GET(u32, step, 1);
        int groups = (int)(FX_GET(u32, step, 2) & 0x7FFFFFFFu);
        int obits = FX_GET(u32, step, 2) >> 31 ? NUM_RES_BITS : NUM_ACT_BITS;

        for (int g = 0; g < groups; g++) {
            FX_PIPELINE(scales, 1);
            scales[g] = FX_READ(p->scale);
        }
        for (int o = 0; o < dout; o += FX_WP) {
            FX_NEST;
            for (int g = 0; g < groups; g++) {
                FX_NEST;
                FX_BEAT(scale, FX_TP) sx = scales[g];
                int n = dout - o < FX_WP ? dout - o : FX_WP;
                for (int r = 0; r < n; r++) {
                    FX_PIPELINE(dequantise, 1);
                    FX_BEAT(u32, 3) row = FX_ZERO;
                    if (g == 0) {
                        row = FX_READ(p->row);
                        rows[r] = row;
                    } else {
                        row = rows[r];
                    }
                    FX_BEAT(i40, FX_TP) x = FX_READ(p->x);
                    FX_BEAT(i32, FX_TP) y = FX_ZERO;
                    struct num_scale sw = fx_scale(FX_GET(u32, row, 0));
                    int32_t colsum = (int32_t)FX_GET(u32, row, 1);
                    int32_t bias = (int32_t)FX_GET(u32, row, 2);
                    for (int t = 0; t < FX_TP; t++) {
                        FX_UNROLL;
                        uint32_t tok = FX_GET(scale, sx, t);
                        int64_t acc =
                            FX_GET(i40, x, t) - (int64_t)fx_zp(tok) * colsum;
                        FX_SET(i32, y, t,
                               num_dequant(acc, fx_scale(tok), sw, 0, bias,
                                           obits));
                    }
                    FX_WRITE(p->y, y);
                }
            }
        }
    }
}

/* Of one step; a call of steps that are not empty adds _call_cycles. */
FX_COST uint64_t FX_(step_cycles)(int dout, int groups)
{
    uint64_t tiles = FX_CEIL((uint64_t)dout, FX_WP), blocks = (uint64_t)groups;
    uint64_t n = blocks * ((uint64_t)dout + 1);
    if (!FX_HAS(dequantise))
        return FX_UNKNOWN; /* WP is 1 */
    if (tiles * blocks == 0)
        return n;
    return n + FX_WAY(scales, dequantise, 2) +
           (blocks - 1) * tiles * FX_WAY(dequantise, dequantise, 1) +
           (tiles - 1) * FX_WAY(dequantise, dequantise, 2) +
           FX_WAY(dequantise, scales, 1);
}

FX_COST uint64_t FX_(call_cycles)(void)
{
    if (!FX_HAS(dequantise))
        return 0;
    return FX_WAY_IN(scales, 1) - FX_WAY(dequantise, scales, 1) +
           FX_WAY_OUT(dequantise, 0);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0,
    .mul = 3 * FX_TP,
    .ram_bits = 32ull * FX_TP * FX_BLOCK + 96ull * FX_WP,
};
#include "fx/end.h"
