/* SPDX-License-Identifier: Apache-2.0 */
/* fx/residual.h -- the residual stream of a group of tokens, kept on chip.
 *
 *     y_0 = x_0      y_k[t][i] = sat32(y_(k-1)[t][i] + x_k[t][i])
 *
 *     x --> + --> y         x_0 is the embedding, every later x_k what an
 *           ^ |             attention or feed-forward block adds
 *        [ sum: DIM ]
 *
 *   FX_NAME  the function to make      FX_BP   channels side by side
 *   FX_TP    tokens side by side       FX_DIM  most channels
 *
 * For blocks of several groups of tokens d counts the channels of all of them.
 *
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   vectors * d/BP
 * proof    tests/fx/residual.c, against gold_residual
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_TP || !defined FX_BP || !defined FX_DIM
#error "fx/residual.h needs FX_NAME, FX_TP, FX_BP and FX_DIM"
#endif
_Static_assert(FX_TP >= 1 && FX_BP >= 1 && FX_DIM >= 1,
               "fx/residual.h: FX_TP, FX_BP and FX_DIM must be at least 1");

struct FX_(ports) {
    FX_IN(i32, FX_TP *FX_BP) x;  /* (vector, d/BP) beats, lane c * TP + t */
    FX_OUT(i32, FX_TP *FX_BP) y; /* the same */
    int vectors;
    int d; /* channels, a multiple of BP, up to DIM */
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_BEAT(i32, FX_TP * FX_BP) sum[FX_CEIL(FX_DIM, FX_BP)];

    for (int v = 0; v < p->vectors; v++) {
        FX_NEST;
        int k = 0; /* i / BP */
        for (int i = 0; i < p->d; i += FX_BP) {
            FX_PIPELINE(add, 1);
            FX_BEAT(i32, FX_TP * FX_BP) x = FX_READ(p->x);
            FX_BEAT(i32, FX_TP * FX_BP) y = sum[k];
            for (int l = 0; l < FX_TP * FX_BP; l++) {
                FX_UNROLL;
                int64_t old = v == 0 ? (int64_t)0 : (int64_t)FX_GET(i32, y, l);
                FX_SET(i32, y, l,
                       num_sat(old + FX_GET(i32, x, l), NUM_RES_BITS));
            }
            sum[k++] = y;
            FX_WRITE(p->y, y);
        }
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    return FX_NEST_CYCLES(add, (uint64_t)p->vectors,
                          (uint64_t)FX_CEIL(p->d, FX_BP));
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0,
    .mul = 0,
    .ram_bits = 32ull * FX_TP * FX_DIM,
};
#include "fx/end.h"
