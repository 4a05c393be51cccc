/* SPDX-License-Identifier: Apache-2.0 */
/* fx/settle.h -- waits for the answers of a memory.
 *
 *     done gets one beat after every `acks` beats of ack, `times` times
 *
 *     ack --> [ count ] --> done
 *
 *   FX_NAME  the function to make
 *
 * A writer (store, kv_write) never waits for its answers; this does, so that
 * writes follow one another and a reader still knows when all are in memory.
 *
 * errors   no input value is an error
 * cycles   times * acks
 * proof    tests/fx/kv.c, tests/fx/load.c
 */
#include "fx/fx.h"

#if !defined FX_NAME
#error "fx/settle.h needs FX_NAME"
#endif

struct FX_(ports) {
    FX_IN(u1, 1) ack;
    FX_OUT(u1, 1) done;
    int acks, times;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int k = 0; k < p->times; k++) {
        FX_NEST;
        FX_BEAT(u1, 1) ack = FX_ZERO;
        for (int n = 0; n < p->acks; n++) {
            FX_PIPELINE(count, 1);
            ack = FX_READ(p->ack);
        }
        FX_SET(u1, ack, 0, 1);
        FX_WRITE(p->done, ack);
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    return FX_NEST_CYCLES(count, (uint64_t)p->times, (uint64_t)p->acks);
}

FX_COST const struct fx_cost FX_(cost) = {.fill = 0, .mul = 0, .ram_bits = 0};
#include "fx/end.h"
