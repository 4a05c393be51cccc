/* SPDX-License-Identifier: Apache-2.0 */
/* fx/widen.h -- collects narrow beats into wide ones.
 *
 *     y lane (k N + l)  =  lane l of the k-th of M/N x beats        exact
 *
 *     x --N lanes--> [ word ] --M lanes--> y
 *
 *   FX_NAME  the function to make     FX_N  lanes of x
 *   FX_ELEM  element type             FX_M  lanes of y, a multiple of N
 *
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   beats * M/N
 * proof    tests/fx/widen.c
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_ELEM || !defined FX_N || !defined FX_M
#error "fx/widen.h needs FX_NAME, FX_ELEM, FX_N and FX_M"
#endif
_Static_assert(FX_N >= 1 && FX_M % FX_N == 0,
               "fx/widen.h: FX_M must be a multiple of FX_N");

struct FX_(ports) {
    FX_IN(FX_ELEM, FX_N) x;  /* beats * M/N beats */
    FX_OUT(FX_ELEM, FX_M) y; /* beats beats */
    int beats;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_BEAT(FX_ELEM, FX_M) y = FX_ZERO;
    int part = 0;

    for (int n = 0; n < p->beats * (FX_M / FX_N); n++) {
        FX_PIPELINE(collect, 1);
        FX_BEAT(FX_ELEM, FX_N) x = FX_READ(p->x);
        for (int l = 0; l < FX_M - FX_N; l++) { /* the oldest is the lowest */
            FX_UNROLL;
            FX_SET(FX_ELEM, y, l, FX_GET(FX_ELEM, y, l + FX_N));
        }
        for (int l = 0; l < FX_N; l++) {
            FX_UNROLL;
            FX_SET(FX_ELEM, y, FX_M - FX_N + l, FX_GET(FX_ELEM, x, l));
        }
        if (part == FX_M / FX_N - 1)
            FX_WRITE(p->y, y);
        part = part == FX_M / FX_N - 1 ? 0 : part + 1;
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    return FX_LOOP_CYCLES(collect, (uint64_t)p->beats * (FX_M / FX_N));
}

FX_COST const struct fx_cost FX_(cost) = {.fill = 1, .mul = 0, .ram_bits = 0};
#include "fx/end.h"
