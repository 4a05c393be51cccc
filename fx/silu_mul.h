/* SPDX-License-Identifier: Apache-2.0 */
/* fx/silu_mul.h -- the gate of the feed-forward block.
 *
 *     y[t][i] = sat27(silu(g[t][i]) * u[t][i])      silu(g) = g * sigmoid(g)
 *
 *     x --g--> [ word ] --> silu --+
 *       --u----------------------> * --> y
 *
 *   FX_NAME  the function to make      FX_BP  channels side by side
 *   FX_TP    tokens side by side
 *
 * Gate and up come on one stream, a beat of each in turn, as a linear engine
 * makes them whose weight rows were interleaved.
 *
 * units    gate, up and result have gf, uf and hf fraction bits; the product
 *          is rounded to nearest, halves up
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   groups * 2 n/BP
 * proof    tests/fx/silu_mul.c, against gold_silu_mul
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_TP || !defined FX_BP
#error "fx/silu_mul.h needs FX_NAME, FX_TP and FX_BP"
#endif
_Static_assert(FX_TP >= 1 && FX_BP >= 1,
               "fx/silu_mul.h: FX_TP and FX_BP must be at least 1");

struct FX_(ports) {
    FX_IN(i27, FX_TP *FX_BP) x;  /* (group, n/BP, {gate, up}) beats */
    FX_OUT(i27, FX_TP *FX_BP) y; /* (group, n/BP) beats, lane c * TP + t */
    int groups;                  /* of TP tokens */
    int n;                       /* channels of y, a multiple of BP */
    int gf, uf, hf;              /* gf 0 .. 26 */
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_BEAT(i27, FX_TP * FX_BP) gate = FX_ZERO;
    int up = 0;

    for (int i = 0; i < 2 * p->groups * p->n; i += FX_BP) {
        FX_PIPELINE(silu, 1);
        FX_BEAT(i27, FX_TP * FX_BP) x = FX_READ(p->x);
        FX_BEAT(i27, FX_TP * FX_BP) y = FX_ZERO;
        for (int l = 0; l < FX_TP * FX_BP; l++) {
            FX_UNROLL;
            FX_SET(i27, y, l,
                   num_silu_mul(FX_GET(i27, gate, l), p->gf, FX_GET(i27, x, l),
                                p->uf, p->hf));
        }
        if (up)
            FX_WRITE(p->y, y);
        gate = x;
        up = !up;
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    uint64_t n = 2ull * (uint64_t)p->groups * FX_CEIL(p->n, FX_BP);
    return FX_LOOP_CYCLES(silu, n);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0,
    .mul = 4 * FX_TP * FX_BP,
    .ram_bits = 0,
};
#include "fx/end.h"
