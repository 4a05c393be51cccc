/* SPDX-License-Identifier: Apache-2.0 */
/* fx/replay.h -- keeps a row of beats and sends it several times.
 *
 *     for each row:  y gets the row's beats, `times` times over
 *
 *     x --> [ buf: DEPTH beats ] --> y
 *
 *   FX_NAME  the function to make     FX_N      lanes
 *   FX_ELEM  element type             FX_DEPTH  most beats of a row
 *
 * The first time a row passes straight through.
 *
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   rows * times * beats
 * proof    tests/fx/replay.c
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_ELEM || !defined FX_N || !defined FX_DEPTH
#error "fx/replay.h needs FX_NAME, FX_ELEM, FX_N and FX_DEPTH"
#endif
_Static_assert(FX_N >= 1 && FX_DEPTH >= 1,
               "fx/replay.h: FX_N and FX_DEPTH must be at least 1");

struct FX_(ports) {
    FX_IN(FX_ELEM, FX_N) x;  /* (row, beat) */
    FX_OUT(FX_ELEM, FX_N) y; /* (row, time, beat) */
    int rows, times, beats;  /* beats <= DEPTH; times >= 1 */
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_BEAT(FX_ELEM, FX_N) buf[FX_DEPTH];

    for (int r = 0; r < p->rows; r++) {
        FX_NEST;
        for (int k = 0; k < p->times; k++) {
            FX_NEST;
            for (int n = 0; n < p->beats; n++) {
                FX_PIPELINE(play, 1);
                FX_BEAT(FX_ELEM, FX_N) x = FX_ZERO;
                if (k == 0) {
                    x = FX_READ(p->x);
                    buf[n] = x;
                } else {
                    x = buf[n];
                }
                FX_WRITE(p->y, x);
            }
        }
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    uint64_t rows = (uint64_t)p->rows, times = (uint64_t)p->times;
    uint64_t beats = (uint64_t)p->beats;
    if (rows * times * beats == 0)
        return FX_WAY_NONE;
    return rows * times * beats + FX_WAY_IN(play, 2) +
           rows * (times - 1) * FX_WAY(play, play, 1) +
           (rows - 1) * FX_WAY(play, play, 2) + FX_WAY_OUT(play, 0);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0,
    .mul = 0,
    .ram_bits = (uint64_t)FX_DEPTH * FX_N * FX_JOIN(fx_bits_, FX_ELEM),
};
#include "fx/end.h"
