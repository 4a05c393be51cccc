/* SPDX-License-Identifier: Apache-2.0 */
/* fx/kv_read.h -- requests the cached K or V of all heads.
 *
 *     K: one request a kv head:   {base + h head_stride, positions * HEAD/N}
 *     V: HEAD/N requests a head:  {.. + c chunk_stride, positions}
 *
 *     (scalars) --> req        the words go straight to attention
 *
 *   FX_NAME  the function to make
 *
 * The layout is kv_write's. K comes as (kv head, position, chunk), V as (kv
 * head, chunk, position).
 *
 * errors   no input value is an error
 * cycles   heads, or heads * chunks
 * proof    tests/fx/kv.c
 */
#include "fx/fx.h"

#if !defined FX_NAME
#error "fx/kv_read.h needs FX_NAME"
#endif

struct FX_(ports) {
    FX_OUT(u32, 2) req; /* {word address, words} */
    int heads, chunks;  /* chunks = head / N */
    int positions;      /* 0: nothing is requested */
    uint32_t base;      /* word of (head 0, position 0, chunk 0) */
    uint32_t head_stride, chunk_stride; /* chunk_stride 1: K, else V */
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    int by_chunk = p->chunk_stride != 1;
    int requests = p->positions == 0 ? 0 : by_chunk ? p->chunks : 1;
    uint32_t words =
        (uint32_t)(by_chunk ? p->positions : p->positions * p->chunks);
    uint32_t head_at = p->base;

    for (int h = 0; h < p->heads; h++) {
        FX_NEST;
        uint32_t at = head_at;
        for (int r = 0; r < requests; r++) {
            FX_PIPELINE(ask, 1);
            FX_BEAT(u32, 2) req = FX_ZERO;
            FX_SET(u32, req, 0, at);
            FX_SET(u32, req, 1, words);
            FX_WRITE(p->req, req);
            at += p->chunk_stride;
        }
        head_at += p->head_stride;
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    uint64_t asks = p->chunk_stride != 1 ? (uint64_t)p->chunks : 1;
    return FX_NEST_CYCLES(ask, p->positions == 0 ? 0 : (uint64_t)p->heads,
                          asks);
}

FX_COST const struct fx_cost FX_(cost) = {.fill = 0, .mul = 0, .ram_bits = 0};
#include "fx/end.h"
