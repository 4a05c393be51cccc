/* SPDX-License-Identifier: Apache-2.0 */
/* fx/fork.h -- every beat to each of several readers.
 *
 *     y[way] = x, for all ways
 *
 *     x --+--> y[0]
 *         +--> y[1] ...
 *
 *   FX_NAME  the function to make     FX_N     lanes
 *   FX_ELEM  element type             FX_WAYS  readers
 *
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   beats
 * proof    tests/fx/fork.c
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_ELEM || !defined FX_N || !defined FX_WAYS
#error "fx/fork.h needs FX_NAME, FX_ELEM, FX_N and FX_WAYS"
#endif
_Static_assert(FX_N >= 1 && FX_WAYS >= 1,
               "fx/fork.h: FX_N and FX_WAYS must be at least 1");

struct FX_(ports) {
    FX_IN(FX_ELEM, FX_N) x;
    FX_OUT(FX_ELEM, FX_N) y[FX_WAYS];
    int beats;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->beats; n++) {
        FX_PIPELINE(copy, 1);
        FX_BEAT(FX_ELEM, FX_N) x = FX_READ(p->x);
        for (int way = 0; way < FX_WAYS; way++) {
            FX_UNROLL;
            FX_WRITE(p->y[way], x);
        }
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    return FX_LOOP_CYCLES(copy, (uint64_t)p->beats);
}

FX_COST const struct fx_cost FX_(cost) = {.fill = 0, .mul = 0, .ram_bits = 0};
#include "fx/end.h"
