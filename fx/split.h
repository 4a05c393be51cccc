/* SPDX-License-Identifier: Apache-2.0 */
/* fx/split.h -- deals a stream out to several, a run of beats at a time.
 *
 *     for each route {way, beats}:  y[way] gets the next `beats` beats of x
 *
 *     route --+
 *     x ------+--> y[0]
 *             +--> y[1] ...
 *
 *   FX_NAME  the function to make     FX_N     lanes
 *   FX_ELEM  element type             FX_WAYS  streams
 *
 * What comes out of an array that serves q, k, v, o, ... in turn goes to where
 * it belongs through this. A way past the last swallows its beats.
 *
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   a route: beats
 * proof    tests/fx/split.c
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_ELEM || !defined FX_N || !defined FX_WAYS
#error "fx/split.h needs FX_NAME, FX_ELEM, FX_N and FX_WAYS"
#endif
_Static_assert(FX_N >= 1 && FX_WAYS >= 1,
               "fx/split.h: FX_N and FX_WAYS must be at least 1");

struct FX_(ports) {
    FX_IN(u32, 2) route; /* {way, beats}: routes of them */
    FX_IN(FX_ELEM, FX_N) x;
    FX_OUT(FX_ELEM, FX_N) y[FX_WAYS];
    int routes;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int r = 0; r < p->routes; r++) {
        FX_NEST;
        FX_BEAT(u32, 2) route = FX_READ(p->route);
        int to = (int)FX_GET(u32, route, 0);
        int beats = (int)FX_GET(u32, route, 1);

        for (int n = 0; n < beats; n++) {
            FX_PIPELINE(deal, 1);
            FX_BEAT(FX_ELEM, FX_N) x = FX_READ(p->x);
            for (int way = 0; way < FX_WAYS; way++) {
                FX_UNROLL;
                if (way == to)
                    FX_WRITE(p->y[way], x);
            }
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
             (first ? FX_WAY_IN(deal, levels) : FX_WAY(deal, deal, levels));
        first = levels = 0;
    }
    return first ? FX_WAY_NONE : n + FX_WAY_OUT(deal, levels);
}

FX_COST const struct fx_cost FX_(cost) = {.fill = 0, .mul = 0, .ram_bits = 0};
#include "fx/end.h"
