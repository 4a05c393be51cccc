/* SPDX-License-Identifier: Apache-2.0 */
/* fx/memory_collect.h -- results of the head's rows to vectors of a memory.
 *
 *     y[i] = sat16(round(sat27(hi[i] + lo[i]) / 2^11))
 *
 *     x --hi--> [ word ] --+
 *       --lo-------------> + --> round --> y
 *       --single-------------> round --> y
 *
 *   FX_NAME  the function to make      FX_BP  channels side by side
 *
 * Wq and Wk are rows of the head, a row for each half of an 8-bit weight, BP
 * high halves and BP low halves in turn; then come rows that stand alone.
 *
 * units    27-bit activations to i16 with 11 fraction bits less
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   2 pairs + singles
 * proof    tests/fx/memory_collect.c, against num_hmt_i16
 */
#include "fx/fx.h"
#include "num/hmt.h"

#if !defined FX_NAME || !defined FX_BP
#error "fx/memory_collect.h needs FX_NAME and FX_BP"
#endif
_Static_assert(FX_BP >= 1, "fx/memory_collect.h: FX_BP must be at least 1");

struct FX_(ports) {
    FX_IN(i27, FX_BP) x;  /* 2 pairs + singles beats */
    FX_OUT(i16, FX_BP) y; /* pairs + singles beats */
    int pairs, singles;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_BEAT(i27, FX_BP) high = FX_ZERO;

    for (int n = 0; n < 2 * p->pairs + p->singles; n++) {
        FX_PIPELINE(collect, 1);
        int pair = n < 2 * p->pairs, first = pair && (n & 1) == 0;
        FX_BEAT(i27, FX_BP) x = FX_READ(p->x);
        FX_BEAT(i16, FX_BP) y = FX_ZERO;
        for (int c = 0; c < FX_BP; c++) {
            FX_UNROLL;
            int32_t other = pair ? FX_GET(i27, high, c) : (int32_t)0;
            FX_SET(i16, y, c, num_hmt_i16(other, FX_GET(i27, x, c)));
        }
        high = x;
        if (!first)
            FX_WRITE(p->y, y);
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    return FX_LOOP_CYCLES(collect,
                          2 * (uint64_t)p->pairs + (uint64_t)p->singles);
}

FX_COST const struct fx_cost FX_(cost) = {.fill = 0, .mul = 0, .ram_bits = 0};
#include "fx/end.h"
