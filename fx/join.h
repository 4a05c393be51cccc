/* SPDX-License-Identifier: Apache-2.0 */
/* fx/join.h -- gathers several streams into one, a run of beats at a time.
 *
 *     for each route {way, beats}:  y gets the next `beats` beats of x[way]
 *
 *     x[0] --+
 *     x[1] --+--> y
 *    route --+
 *
 *   FX_NAME  the function to make     FX_N     lanes
 *   FX_ELEM  element type             FX_WAYS  streams
 *
 * A way past the last sends zeros: padding.
 *
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   a route: beats
 * proof    tests/fx/join.c
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_ELEM || !defined FX_N || !defined FX_WAYS
#error "fx/join.h needs FX_NAME, FX_ELEM, FX_N and FX_WAYS"
#endif
_Static_assert(FX_N >= 1 && FX_WAYS >= 1,
               "fx/join.h: FX_N and FX_WAYS must be at least 1");

struct FX_(ports) {
    FX_IN(u32, 2) route; /* {way, beats}: routes of them */
    FX_IN(FX_ELEM, FX_N) x[FX_WAYS];
    FX_OUT(FX_ELEM, FX_N) y;
    int routes;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int r = 0; r < p->routes; r++) {
        FX_NEST;
        FX_BEAT(u32, 2) route = FX_READ(p->route);
        int from = (int)FX_GET(u32, route, 0);
        int beats = (int)FX_GET(u32, route, 1);

        for (int n = 0; n < beats; n++) {
            FX_PIPELINE(gather, 1);
            FX_BEAT(FX_ELEM, FX_N) y = FX_ZERO;
            for (int way = 0; way < FX_WAYS; way++) {
                FX_UNROLL;
                if (way == from)
                    y = FX_READ(p->x[way]);
            }
            FX_WRITE(p->y, y);
        }
    }
}

/* Of a call with these runs of beats. */
FX_COST uint64_t FX_(run_cycles)(int routes, const int *beats)
{
    uint64_t n = 0;
    int levels = 0, first = 1;
    for (int r = 0; r < routes; r++) {
        levels++;
        if (beats[r] == 0)
            continue;
        n += (uint64_t)beats[r] +
             (first ? FX_WAY_IN(gather, levels) : FX_WAY(gather, gather, levels));
        first = levels = 0;
    }
    return first ? FX_WAY_NONE : n + FX_WAY_OUT(gather, levels);
}

FX_COST const struct fx_cost FX_(cost) = {.fill = 0, .mul = 0, .ram_bits = 0};
#include "fx/end.h"
