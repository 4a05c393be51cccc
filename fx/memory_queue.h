/* SPDX-License-Identifier: Apache-2.0 */
/* fx/memory_queue.h -- the queue of an HMT: a ring of slots in memory.
 *
 *     key word  (slot, chunk)  at slot * keys + chunk
 *     row word  (chunk, slot)  at slots * keys + chunk * slots + slot
 *
 *     x --+--> wreq      a push: the slot's key, then its row
 *         +--> data
 *         +--> rreq      a search: the keys of `live` slots, then their rows,
 *                        a chunk of BP channels of all slots at a time
 *
 *   FX_NAME  the function to make      FX_BP  channels of a word
 *
 * A ring that has not gone round yet has its filled slots in front, so that
 * live words lie together, and what is empty is never read. Rows lie chunk by
 * chunk, as values of a KV cache do: their sums then need no memory.
 *
 * units    i16, in formats that only the host knows
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   a push: keys + rows; a search: 1 + rows
 * proof    tests/fx/memory_queue.c
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_BP
#error "fx/memory_queue.h needs FX_NAME and FX_BP"
#endif
_Static_assert(FX_BP >= 1, "fx/memory_queue.h: FX_BP must be at least 1");

struct FX_(ports) {
    FX_IN(i16, FX_BP) x; /* a push: keys + rows beats */
    FX_OUT(u32, 2) wreq; /* a push: 1 + rows {word address, words} */
    FX_OUT(i16, FX_BP) data;
    FX_OUT(u32, 2) rreq; /* a search: 1 + rows */
    int push;            /* 1: x goes into `slot` */
    int live;            /* else slots to search; 0: nothing at all */
    int slot, slots;     /* slots: of the ring */
    int keys, rows;      /* words of a key, of a row */
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    int push = p->push != 0;
    int steps = push ? p->keys + p->rows : p->live != 0 ? 1 + p->rows : 0;
    uint32_t at = (uint32_t)(p->slots * p->keys) + (push ? p->slot : 0);

    for (int n = 0; n < steps; n++) {
        FX_PIPELINE(step, 1);
        int key = push ? n < p->keys : n == 0;
        FX_BEAT(u32, 2) req = FX_ZERO;
        FX_SET(u32, req, 0, !key ? at : push ? p->slot * p->keys : 0);
        FX_SET(u32, req, 1,
               push  ? (key ? p->keys : 1)
               : key ? p->live * p->keys
                     : p->live);
        if (push && (!key || n == 0))
            FX_WRITE(p->wreq, req);
        if (!push)
            FX_WRITE(p->rreq, req);
        if (push) {
            FX_BEAT(i16, FX_BP) x = FX_READ(p->x);
            FX_WRITE(p->data, x);
        }
        at += key ? (uint32_t)0 : (uint32_t)p->slots;
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    uint64_t rows = (uint64_t)p->rows;
    uint64_t n = p->push != 0   ? (uint64_t)p->keys + rows
                 : p->live != 0 ? 1 + rows
                                : 0;
    return FX_LOOP_CYCLES(step, n);
}

FX_COST const struct fx_cost FX_(cost) = {.fill = 0, .mul = 0, .ram_bits = 0};
#include "fx/end.h"
