/* SPDX-License-Identifier: Apache-2.0 */
/* designs/llama_cache.h -- the tasks round the key/value cache.
 *
 * The cache lies in stripes. Stripe a of hp holds the key/value heads a, a +
 * hp, a + 2 hp ...; its words are KP channels (a chunk) of one position, C =
 * head / KP of them a row:
 *
 *     keys    word ((layer slots + slot) cap + position) C + chunk
 *     values  word ((layer slots + slot) C + chunk) cap + position
 *
 * for both stages alike; slot = key/value head / hp. In decode a shard has a
 * stripe and ports of its own. In prefill one shard sees all of them, `spread`
 * stripes that are `stripe` words apart.
 *
 * A step's reads are asked for only after its writes are in memory: what is
 * read is what was written, with no bypass. Prefill may take a value word in
 * KP / AP parts, and then reads a chunk as often.
 *
 *     codes --> save --> write port --> hold --> fetch --> read port
 */
#ifndef DESIGNS_LLAMA_CACHE_H
#define DESIGNS_LLAMA_CACHE_H
#include "designs/llama.h"

/* Where a cache's words are: strides as in fx/kv_write.h, and a layer's. */
#define PLACE                                                                  \
    int heads, chunks; /* of the shard; of a head */                           \
    int spread;                                                                \
    uint32_t stripe, layer_stride, head_stride, pos_stride, chunk_stride
#define KEYS(p)                                                                \
    .heads = p->heads, .chunks = p->chunks, .spread = p->spread,               \
    .stripe = p->stripe,                                                       \
    .layer_stride = (uint32_t)(p->slots * p->chunks * p->cap),                 \
    .head_stride = (uint32_t)(p->chunks * p->cap),                             \
    .pos_stride = (uint32_t)p->chunks, .chunk_stride = 1
#define VALUES(p)                                                              \
    .heads = p->heads, .chunks = p->chunks, .spread = p->spread,               \
    .stripe = p->stripe,                                                       \
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
        uint32_t slot = FX_GET(u32, c, DSN_LAYER) * p->layer_stride +
                        FX_GET(u32, c, DSN_POS) * p->pos_stride;
        uint32_t base = slot;
        int heads = IS_KV(c) ? p->heads : 0, left = p->spread;
        for (int h = 0; h < heads; h++) {
            FX_CALL(kv_write, .x = p->x, .req = p->req, .data = p->data,
                    .heads = 1, .chunks = p->chunks, .tokens = TP, .base = base,
                    .head_stride = 0, .chunk_stride = p->chunk_stride);
            left = left == 1 ? p->spread : left - 1;
            slot = left == p->spread ? slot + p->head_stride : slot;
            base = left == p->spread ? slot : base + p->stripe;
        }
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
        int heads = KIND(c) == DSN_KVQ ? p->heads : 0, left = p->spread;
        int positions = GET(c, DSN_POS) + TP;
        int keys = p->chunk_stride == 1;
        int reads = keys ? 1 : p->chunks * (KP / AP);
        uint32_t slot = FX_GET(u32, c, DSN_LAYER) * p->layer_stride;
        uint32_t base = slot;
        for (int h = 0; h < heads; h++) {
            uint32_t at = base;
            int again = KP / AP; /* reads of this chunk */
            for (int r = 0; r < reads; r++) {
                FX_CALL(kv_read, .req = p->req, .heads = 1,
                        .chunks = keys ? p->chunks : 1, .positions = positions,
                        .base = at, .head_stride = 0,
                        .chunk_stride = p->chunk_stride);
                again = again == 1 ? KP / AP : again - 1;
                at = again == KP / AP ? at + p->chunk_stride : at;
            }
            left = left == 1 ? p->spread : left - 1;
            slot = left == p->spread ? slot + p->head_stride : slot;
            base = left == p->spread ? slot : base + p->stripe;
        }
    }
}
#include "fx/end.h"

#endif
