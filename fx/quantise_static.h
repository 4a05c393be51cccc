/* SPDX-License-Identifier: Apache-2.0 */
/* fx/quantise_static.h -- codes of q, k and v: a calibrated scale a head.
 *
 *     y[t][h][i] = clamp(round(x[t][h][i] * scale[h]), -127, 127)
 *
 *     scale --> [ word ] --+
 *     x -----------------> * --> y
 *
 *   FX_NAME  the function to make      FX_BP  channels side by side
 *   FX_TP    tokens side by side
 *
 * units    activation in, code out; scale = codes a unit of x
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   groups * heads * head/BP
 * proof    tests/fx/quantise_static.c, against gold_static
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_TP || !defined FX_BP
#error "fx/quantise_static.h needs FX_NAME, FX_TP and FX_BP"
#endif
_Static_assert(FX_TP >= 1 && FX_BP >= 1,
               "fx/quantise_static.h: FX_TP and FX_BP must be at least 1");

struct FX_(ports) {
    FX_IN(i27, FX_TP *FX_BP) x; /* (group, h, head/BP) beats, lane c*TP + t */
    FX_IN(scale, 1) scale;      /* (group, h) beats */
    FX_OUT(i8, FX_TP *FX_BP) y; /* as x */
    int groups;                 /* of TP tokens */
    int heads;
    int head; /* channels a head, a multiple of BP */
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_BEAT(scale, 1) scale = FX_ZERO;
    int i = 0; /* channel in its head */

    for (int n = 0; n < p->groups * p->heads * p->head; n += FX_BP) {
        FX_PIPELINE(code, 1);
        if (i == 0)
            scale = FX_READ(p->scale);
        FX_BEAT(i27, FX_TP * FX_BP) x = FX_READ(p->x);
        FX_BEAT(i8, FX_TP * FX_BP) y = FX_ZERO;
        struct num_scale s = fx_scale(FX_GET(scale, scale, 0));
        for (int l = 0; l < FX_TP * FX_BP; l++) {
            FX_UNROLL;
            FX_SET(i8, y, l, num_static_i8(FX_GET(i27, x, l), s));
        }
        FX_WRITE(p->y, y);
        i = i + FX_BP >= p->head ? 0 : i + FX_BP;
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    uint64_t n = (uint64_t)p->groups * p->heads * FX_CEIL(p->head, FX_BP);
    return FX_LOOP_CYCLES(code, n);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0,
    .mul = FX_TP * FX_BP,
    .ram_bits = 0,
};
#include "fx/end.h"
