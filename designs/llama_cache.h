/* SPDX-License-Identifier: Apache-2.0 */
/* designs/llama_cache.h -- the tasks round the key/value cache.
 *
 * A shard of the cache holds every HP-th key/value head. Its words are KP
 * channels (a chunk) of one position, C = head / KP of them a row:
 *
 *     keys    word ((layer slots + slot) cap + position) C + chunk
 *     values  word ((layer slots + slot) C + chunk) cap + position
 *
 * for both stages alike; slot = key/value head / HP. A step's reads are asked
 * for only after its writes are in memory: what is read is what was written,
 * with no bypass.
 *
 *     codes --> save --> write port --> hold --> fetch --> read port
 */
#ifndef DESIGNS_LLAMA_CACHE_H
#define DESIGNS_LLAMA_CACHE_H
#include "designs/llama.h"

/* Where a cache's words are: strides as in fx/kv_write.h, and a layer's. */
#define PLACE                                                                  \
    int heads, chunks; /* of the shard; of a head */                           \
    uint32_t layer_stride, head_stride, pos_stride, chunk_stride
#define KEYS(p)                                                                \
    .heads = p->heads, .chunks = p->chunks,                                    \
    .layer_stride = (uint32_t)(p->slots * p->chunks * p->cap),                 \
    .head_stride = (uint32_t)(p->chunks * p->cap),                             \
    .pos_stride = (uint32_t)p->chunks, .chunk_stride = 1
#define VALUES(p)                                                              \
    .heads = p->heads, .chunks = p->chunks,                                    \
    .layer_stride = (uint32_t)(p->slots * p->chunks * p->cap),                 \
    .head_stride = (uint32_t)(p->chunks * p->cap), .pos_stride = 1,            \
    .chunk_stride = (uint32_t)p->cap

#define FX_NAME kv_write
#define FX_TP   TP
#define FX_BP   BP
#define FX_N    KP
#define FX_HEAD MAX_HEAD
#include "fx/kv_write.h"

#define FX_NAME save
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i8, XLANES) x; /* (heads of the shard, head) codes */
    FX_OUT(u32, 2) req;
    FX_OUT(i8, KP) data;
    int rounds;
    PLACE;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        uint32_t layer = FX_GET(u32, c, DSN_LAYER);
        uint32_t pos = FX_GET(u32, c, DSN_POS);
        FX_CALL(kv_write, .x = p->x, .req = p->req, .data = p->data,
                .heads = IS_KV(c) ? p->heads : 0, .chunks = p->chunks,
                .tokens = TP,
                .base = layer * p->layer_stride + pos * p->pos_stride,
                .head_stride = p->head_stride, .chunk_stride = p->chunk_stride);
    }
}
#include "fx/end.h"

#define FX_NAME settle
#include "fx/settle.h"

#define FX_NAME hold
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(u1, 1) ack;
    FX_OUT(u1, 1) done; /* a step's words are in memory */
    int rounds, acks;   /* of a step */
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        FX_CALL(settle, .ack = p->ack, .done = p->done, .acks = p->acks,
                .times = IS_KV(c));
    }
}
#include "fx/end.h"

#define FX_NAME kv_read
#include "fx/kv_read.h"

#define FX_NAME fetch
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(u1, 1) done;
    FX_OUT(u32, 2) req;
    int rounds;
    PLACE;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        if (IS_KV(c))
            (void)FX_READ(p->done);
        FX_CALL(kv_read, .req = p->req, .heads = p->heads, .chunks = p->chunks,
                .positions = KIND(c) == DSN_KVQ ? GET(c, DSN_POS) + TP : 0,
                .base = FX_GET(u32, c, DSN_LAYER) * p->layer_stride,
                .head_stride = p->head_stride, .chunk_stride = p->chunk_stride);
    }
}
#include "fx/end.h"

#endif
