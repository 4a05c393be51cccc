/* SPDX-License-Identifier: Apache-2.0 */
/* fx/narrow.h -- cuts wide beats into narrow ones.
 *
 *     the k-th of N/M y beats, lane l  =  x lane (k M + l)          exact
 *
 *     x --N lanes--> [ word ] --M lanes--> y
 *
 *   FX_NAME  the function to make     FX_N  lanes of x
 *   FX_ELEM  element type             FX_M  lanes of y, divides N
 *
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   beats * N/M
 * proof    tests/fx/narrow.c
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_ELEM || !defined FX_N || !defined FX_M
#error "fx/narrow.h needs FX_NAME, FX_ELEM, FX_N and FX_M"
#endif
_Static_assert(FX_M >= 1 && FX_N % FX_M == 0,
               "fx/narrow.h: FX_N must be a multiple of FX_M");

struct FX_(ports) {
    FX_IN(FX_ELEM, FX_N) x;  /* beats beats */
    FX_OUT(FX_ELEM, FX_M) y; /* beats * N/M beats */
    int beats;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_BEAT(FX_ELEM, FX_N) x = FX_ZERO;
    int part = 0;

    for (int n = 0; n < p->beats * (FX_N / FX_M); n++) {
        FX_PIPELINE(cut, 1);
        FX_BEAT(FX_ELEM, FX_M) y = FX_ZERO;
        if (part == 0)
            x = FX_READ(p->x);
        for (int l = 0; l < FX_M; l++) {
            FX_UNROLL;
            FX_SET(FX_ELEM, y, l, FX_GET(FX_ELEM, x, l));
        }
        for (int l = 0; l < FX_N - FX_M; l++) { /* the next is the lowest */
            FX_UNROLL;
            FX_SET(FX_ELEM, x, l, FX_GET(FX_ELEM, x, l + FX_M));
        }
        FX_WRITE(p->y, y);
        part = part == FX_N / FX_M - 1 ? 0 : part + 1;
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    return FX_LOOP_CYCLES(cut, (uint64_t)p->beats * (FX_N / FX_M));
}

FX_COST const struct fx_cost FX_(cost) = {.fill = 0, .mul = 0, .ram_bits = 0};
#include "fx/end.h"
