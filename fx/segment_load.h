/* SPDX-License-Identifier: Apache-2.0 */
/* fx/segment_load.h -- the tokens of a window, a vector's id before them.
 *
 *     y = first, x[0], x[1] .. x[count - 1], 0 ..       TP ids a beat
 *
 *     first --+--> [ word: TP ] --> y
 *         x --+
 *
 *   FX_NAME  the function to make      FX_TP  ids of a beat
 *
 * A segment of an HMT begins with a memory vector, which is a row of the
 * embedding behind the vocabulary; its last group is filled up with id 0.
 *
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   groups * TP, groups = ceil((1 + count) / TP)
 * proof    tests/fx/segment_load.c
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_TP
#error "fx/segment_load.h needs FX_NAME and FX_TP"
#endif
_Static_assert(FX_TP >= 1, "fx/segment_load.h: FX_TP must be at least 1");

struct FX_(ports) {
    FX_IN(u32, 1) x;      /* (count) tokens */
    FX_OUT(u32, FX_TP) y; /* (groups) */
    int groups;           /* ceil((1 + count) / TP); 0: nothing at all */
    int count;            /* tokens */
    uint32_t first;       /* the id before them */
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_BEAT(u32, FX_TP) word = FX_ZERO;
    int lane = 0;

    for (int n = 0; n < p->groups * FX_TP; n++) {
        FX_PIPELINE(gather, 1);
        uint32_t id = n == 0 ? p->first : (uint32_t)0;
        if (n > 0 && n <= p->count) {
            FX_BEAT(u32, 1) x = FX_READ(p->x);
            id = FX_GET(u32, x, 0);
        }
        for (int t = 0; t < FX_TP - 1; t++) {
            FX_UNROLL;
            FX_SET(u32, word, t, FX_GET(u32, word, t + 1));
        }
        FX_SET(u32, word, FX_TP - 1, id);
        if (lane == FX_TP - 1)
            FX_WRITE(p->y, word);
        lane = lane == FX_TP - 1 ? 0 : lane + 1;
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    return FX_LOOP_CYCLES(gather, (uint64_t)p->groups * FX_TP);
}

FX_COST const struct fx_cost FX_(cost) = {.fill = 0, .mul = 0, .ram_bits = 0};
#include "fx/end.h"
