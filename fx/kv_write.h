/* SPDX-License-Identifier: Apache-2.0 */
/* fx/kv_write.h -- K or V codes of a group of tokens into the cache.
 *
 *     word (h, pos, c) at base + h head_stride + pos pos_stride +
 *                         c chunk_stride
 *     K: pos_stride = HEAD/N, chunk_stride = 1   a position's channels together
 *     V: pos_stride = 1, chunk_stride = capacity a chunk's positions together
 *
 *     x --> [ TP x HEAD/N words ] --+--> data       h: kv head, c: chunk of N
 *                                   +--> req           channels, pos: position
 *
 *   FX_NAME  the function to make      FX_N     channels of a word
 *   FX_TP    tokens side by side       FX_HEAD  most channels of a head,
 *   FX_BP    channels side by side              N divides it, BP divides N
 *
 * Prefill (BP 1) and decode (TP 1) write one layout, so what prefill leaves is
 * what decode reads, for any prompt length: only the first `tokens` tokens of
 * the group are written. heads requests for K, heads * chunks for V, none where
 * tokens is 0: as many answers fx/settle.h has to wait for before the cache may
 * be read.
 *
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   heads * (head/BP + tokens * head/N); none is given without tokens, as
 *          bodies that run empty are not told apart
 * proof    tests/fx/kv.c
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_TP || !defined FX_BP || !defined FX_N ||   \
    !defined FX_HEAD
#error "fx/kv_write.h needs FX_NAME, FX_TP, FX_BP, FX_N and FX_HEAD"
#endif
_Static_assert(FX_N % FX_BP == 0, "fx/kv_write.h: FX_BP must divide FX_N");
_Static_assert(FX_HEAD % FX_N == 0, "fx/kv_write.h: FX_N must divide FX_HEAD");

struct FX_(ports) {
    FX_IN(i8, FX_TP *FX_BP) x; /* lane c * TP + t: (kv head, head/BP) */
    FX_OUT(u32, 2) req;        /* {word address, words} */
    FX_OUT(i8, FX_N) data;
    int heads, chunks; /* chunks = head / N */
    int tokens;        /* 0 .. TP: how many of the group exist */
    uint32_t base;     /* word of (head 0, first position, chunk 0) */
    uint32_t head_stride, chunk_stride; /* chunk_stride 1: K, else V */
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_BEAT(i8, FX_N) buf[FX_TP][FX_HEAD / FX_N];
    int by_chunk = p->chunk_stride != 1;
    int outer = by_chunk ? p->chunks : p->tokens;
    int inner = by_chunk ? p->tokens : p->chunks;
    uint32_t words = (uint32_t)(by_chunk ? p->tokens : p->tokens * p->chunks);
    uint32_t head_at = p->base;

    for (int h = 0; h < p->heads; h++) {
        FX_NEST;
        for (int c = 0; c < p->chunks; c++) {
            FX_NEST;
            FX_BEAT(i8, FX_N) word[FX_TP];
            for (int k = 0; k < FX_N / FX_BP; k++) {
                FX_PIPELINE(collect, 1);
                FX_BEAT(i8, FX_TP * FX_BP) x = FX_READ(p->x);
                for (int t = 0; t < FX_TP; t++) {
                    FX_UNROLL;
                    FX_BEAT(i8, FX_N) w = FX_ZERO;
                    for (int l = 0; l < FX_N - FX_BP; l++) {
                        FX_UNROLL;
                        FX_SET(i8, w, l, FX_GET(i8, word[t], l + FX_BP));
                    }
                    for (int b = 0; b < FX_BP; b++) {
                        FX_UNROLL;
                        FX_SET(i8, w, FX_N - FX_BP + b,
                               FX_GET(i8, x, b * FX_TP + t));
                    }
                    word[t] = w;
                }
            }
            for (int t = 0; t < FX_TP; t++) {
                FX_UNROLL;
                buf[t][c] = word[t];
            }
        }
        uint32_t at = head_at;
        for (int a = 0; a < outer; a++) {
            FX_NEST;
            if (inner > 0 && (a == 0 || by_chunk)) {
                FX_BEAT(u32, 2) req = FX_ZERO;
                FX_SET(u32, req, 0, at);
                FX_SET(u32, req, 1, words);
                FX_WRITE(p->req, req);
            }
            at += p->chunk_stride;
            for (int b = 0; b < inner; b++) {
                FX_PIPELINE(send, 1);
                int t = by_chunk ? b : a;
                int c = by_chunk ? a : b;
                FX_BEAT(i8, FX_N) w = FX_ZERO;
                for (int k = 0; k < FX_TP; k++) {
                    FX_UNROLL;
                    FX_BEAT(i8, FX_N) v = buf[k][c];
                    if (k == t)
                        w = v;
                }
                FX_WRITE(p->data, w);
            }
        }
        head_at += p->head_stride;
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    uint64_t heads = (uint64_t)p->heads, chunks = (uint64_t)p->chunks;
    uint64_t tokens = (uint64_t)p->tokens;
    uint64_t sends = p->chunk_stride != 1 ? chunks : tokens;
    uint64_t n = heads * chunks * (FX_N / FX_BP + tokens);
    if (n == 0)
        return FX_WAY_NONE;
    n += FX_WAY_IN(collect, 2) +
         heads * (chunks - 1) * FX_WAY(collect, collect, 1);
    if (!FX_HAS(collect) || (tokens == 0 && FX_WAY_NONE))
        return FX_UNKNOWN; /* bodies that run empty are not told apart */
    return n + heads * FX_WAY(collect, send, 1) +
           heads * (sends - 1) * FX_WAY(send, send, 1) +
           (heads - 1) * FX_WAY(send, collect, 2) + FX_WAY_OUT(send, 0);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0, .mul = 0, .ram_bits = 8ull * FX_TP * FX_HEAD};
#include "fx/end.h"
