/* SPDX-License-Identifier: Apache-2.0 */
/* fx/dequantise_decode.h -- sums of linear_decode to activations or residuals.
 *
 *     y[o] = sat( (x[o] - zp colsum[o]) * (scale scale[o]) + bias[o] )
 *
 *     scale, row, x --> * --> y                 BP outputs of a token a cycle
 *
 *   FX_NAME  the function to make      FX_BP  outputs side by side
 *
 * As fx/dequantise.h, whose rounding, saturation and units these are.
 *
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   a step: dout / BP
 * proof    tests/fx/dequantise.c, against gold_dequant
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_BP
#error "fx/dequantise_decode.h needs FX_NAME and FX_BP"
#endif
_Static_assert(FX_BP >= 1, "fx/dequantise_decode.h: FX_BP must be >= 1");

struct FX_(ports) {
    FX_IN(u32, 3) step;        /* {din, dout, wide << 31} */
    FX_IN(scale, 1) scale;     /* the token's scale and zero point: 1 a step */
    FX_IN(u32, 3 * FX_BP) row; /* {scale word, colsum, bias} of each output */
    FX_IN(i40, FX_BP) x;       /* dout/BP beats a step */
    FX_OUT(i32, FX_BP) y;      /* the same */
    int steps;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int s = 0; s < p->steps; s++) {
        FX_NEST;
        FX_BEAT(u32, 3) step = FX_READ(p->step);
        FX_BEAT(scale, 1) sx = FX_ZERO;
        int dout = (int)FX_GET(u32, step, 1);
        int obits = FX_GET(u32, step, 2) >> 31 ? NUM_RES_BITS : NUM_ACT_BITS;
        if (dout > 0) /* an empty step has no token */
            sx = FX_READ(p->scale);
        uint32_t tok = FX_GET(scale, sx, 0);

        for (int o = 0; o < dout; o += FX_BP) {
            FX_PIPELINE(dequantise, 1);
            FX_BEAT(u32, 3 * FX_BP) row = FX_READ(p->row);
            FX_BEAT(i40, FX_BP) x = FX_READ(p->x);
            FX_BEAT(i32, FX_BP) y = FX_ZERO;
            for (int b = 0; b < FX_BP; b++) {
                FX_UNROLL;
                struct num_scale sw = fx_scale(FX_GET(u32, row, 3 * b));
                int32_t colsum = (int32_t)FX_GET(u32, row, 3 * b + 1);
                int32_t bias = (int32_t)FX_GET(u32, row, 3 * b + 2);
                int64_t acc = FX_GET(i40, x, b) - (int64_t)fx_zp(tok) * colsum;
                FX_SET(i32, y, b,
                       num_dequant(acc, fx_scale(tok), sw, 0, bias, obits));
            }
            FX_WRITE(p->y, y);
        }
    }
}

/* Of one step; a call of steps that are not empty adds _call_cycles. */
FX_COST uint64_t FX_(step_cycles)(int dout)
{
    return (uint64_t)FX_CEIL(dout, FX_BP) + FX_WAY(dequantise, dequantise, 1);
}

FX_COST uint64_t FX_(call_cycles)(void)
{
    return FX_WAY_IN(dequantise, 1) - FX_WAY(dequantise, dequantise, 1) +
           FX_WAY_OUT(dequantise, 0);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0, .mul = 3 * FX_BP, .ram_bits = 0};
#include "fx/end.h"
