/* SPDX-License-Identifier: Apache-2.0 */
/* fx/cast.h -- the same lanes in another width.
 *
 *     y[k] = x[k], wrapped to the bits of Y
 *
 *   FX_NAME   the function to make    FX_ELEM_X, FX_ELEM_Y  element types
 *   FX_N      lanes
 *
 * Exact where the value fits: a sum that dequantise saturated to 27 bits
 * travels as i32 and becomes i27 here, at no cost.
 *
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   beats
 * proof    tests/fx/cast.c
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_ELEM_X || !defined FX_ELEM_Y ||            \
    !defined FX_N
#error "fx/cast.h needs FX_NAME, FX_ELEM_X, FX_ELEM_Y and FX_N"
#endif
_Static_assert(FX_N >= 1, "fx/cast.h: FX_N must be at least 1");

struct FX_(ports) {
    FX_IN(FX_ELEM_X, FX_N) x;
    FX_OUT(FX_ELEM_Y, FX_N) y;
    int beats;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->beats; n++) {
        FX_PIPELINE(cast, 1);
        FX_BEAT(FX_ELEM_X, FX_N) x = FX_READ(p->x);
        FX_BEAT(FX_ELEM_Y, FX_N) y = FX_ZERO;
        for (int l = 0; l < FX_N; l++) {
            FX_UNROLL;
            FX_SET(FX_ELEM_Y, y, l, FX_GET(FX_ELEM_X, x, l));
        }
        FX_WRITE(p->y, y);
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    return FX_LOOP_CYCLES(cast, (uint64_t)p->beats);
}

FX_COST const struct fx_cost FX_(cost) = {.fill = 0, .mul = 0, .ram_bits = 0};
#include "fx/end.h"
