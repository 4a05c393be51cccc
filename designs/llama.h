/* SPDX-License-Identifier: Apache-2.0 */
/* designs/llama.h -- what the two Llama designs have in common: parameters,
 * the step loop, and the tasks that only move beats about.
 *
 *   TP  tokens a beat     WP  outputs at once    HP  shards of the cache
 *   BP  channels a beat   CH  weight memories    KP  channels of a cache word
 *   WBITS  bits of a weight                      AP  of them attended at once
 *   GROUP  inputs of a weight group, 0: none     TURNS  groups of tokens whose
 *   WIDE   1: inputs may have wide channels (0)         steps alternate, 1 or 2
 *   MAX_D MAX_FFN MAX_NQ MAX_HEAD MAX_LAYERS   room for the model,
 *   MAX_SHARE  query heads a key/value head,  MAX_SEQ  positions,
 *   MAX_M  order of the odd part of a Hadamard matrix, at least 2
 *
 * Prefill has TP tokens of one channel in a beat, decode BP channels of one
 * token; the tasks here serve both. A task reads one record of the step table
 * a round (designs/step.h) and calls its module with that step's sizes. Every
 * task sees every record, in the same order, so the k-th record means the
 * same step everywhere; a record of kind none asks for nothing.
 */
#ifndef DESIGNS_LLAMA_H
#define DESIGNS_LLAMA_H
#include "designs/each.h"
#include "designs/step.h"
#include "fx/fx.h"

#if !defined TP || !defined BP || !defined WP || !defined CH || !defined KP || \
    !defined AP || !defined HP || !defined WBITS || !defined GROUP ||          \
    !defined TURNS
#error "a Llama design needs TP, BP, WP, CH, KP, AP, HP, TURNS, WBITS, GROUP"
#endif
#if !defined MAX_D || !defined MAX_FFN || !defined MAX_NQ ||                   \
    !defined MAX_SHARE || !defined MAX_HEAD || !defined MAX_SEQ ||             \
    !defined MAX_M || !defined MAX_LAYERS
#error "a Llama design needs MAX_D, _FFN, _NQ, _SHARE, _HEAD, _SEQ, _M, _LAYERS"
#endif
#ifndef WIDE
#define WIDE 0
#endif
_Static_assert(TP == 1 || BP == 1, "a beat is tokens or channels, not both");
_Static_assert((BP & (BP - 1)) == 0, "BP must be a power of two");
_Static_assert(WP % BP == 0, "BP must divide WP");
_Static_assert(BP *WP % CH == 0, "CH must divide BP * WP");
_Static_assert(KP % AP == 0 && AP % BP == 0,
               "BP must divide AP, AP must divide KP");
_Static_assert(TURNS == 1 || (TURNS == 2 && BP == 1),
               "TURNS must be 1, in prefill 1 or 2");
_Static_assert(WBITS == 4 || WBITS == 8, "WBITS must be 4 or 8");
_Static_assert(MAX_HEAD % BP == 0 && MAX_D % BP == 0 && MAX_FFN % BP == 0,
               "BP must divide the dimensions");
_Static_assert(KP % BP == 0 && MAX_HEAD % KP == 0,
               "BP must divide KP, KP must divide the head");

#if WBITS == 4
#define WELEM i4
#else
#define WELEM i8
#endif
#define XLANES (TP * BP) /* of an activation */
#define ALANES (TP * AP) /* of codes on their way to attention */
#define MAX_DQ (MAX_NQ * MAX_HEAD)
#define MAX_IN FX_MAX(FX_MAX(MAX_D, MAX_FFN), MAX_DQ)

#define AHEAD        8 /* steps that the sequencer may be in front */
#define STEP         FX_BEAT(u32, DSN_WORDS)
#define GET(c, word) ((int)FX_GET(u32, c, word))
#define KIND(c)      (GET(c, DSN_OP) & 255)
#define ABITS(c)     (GET(c, DSN_OP) >> 8 & 255)
#define WIDTH(c)     ((GET(c, DSN_OP) >> 24 & 255) << 3)
#define IS_WIDE(c)   ((GET(c, DSN_OP) >> 16 & 255) == NUM_RES_BITS)
#define IS_NORMED(c) (IS_KV(c) || KIND(c) == DSN_GU || KIND(c) == DSN_HEAD)
#define IS_KV(c)     (KIND(c) == DSN_KVQ || KIND(c) == DSN_KV)

/* The multipliers of weight groups come from a memory of their own. */
#if GROUP
#define MUL_PORTS                                                              \
    FX_OUT(u32, 2) mul_req;                                                    \
    FX_IN(u8, BP) mul;
#define MUL_REQ      FX_OUT(u32, 2) mul;
#define MUL_PASS     , .mul = p->mul
#define MUL_PASS_REQ , .mul = p->mul_req
#define MUL_ASK(c, r)                                                          \
    do {                                                                       \
        FX_SET(u32, r, 0, FX_GET(u32, c, DSN_M));                              \
        FX_SET(u32, r, 1, FX_GET(u32, c, DSN_MLEN));                           \
        FX_WRITE(p->mul, r);                                                   \
    } while (0)
#else
#define MUL_PORTS
#define MUL_REQ
#define MUL_PASS
#define MUL_PASS_REQ
#define MUL_ASK(c, r) ((void)0)
#endif

/* The scalars of both designs; PASS hands them on. All are the model's sizes or
 * what follows from them: designs/host.c computes them. */
#define LLAMA_SCALARS                                                           \
    int rounds; /* records of the step table that every task will see */        \
    int groups; /* of TP tokens */                                              \
    int passes; /* over the table: TURNS groups each, the last may have less */ \
    int vectors; /* that a group adds up in the residual stream */              \
    int d, nq, nkv, head;                                                       \
    int share;                 /* nq / nkv */                                   \
    int chunks;                /* head / KP */                                  \
    int sweeps;                /* head / AP */                                  \
    int cap;                   /* positions of the cache */                     \
    int slots;                 /* heads of the largest stripe */                \
    int spread;                /* stripes that a shard sees */                  \
    uint32_t stripe;           /* words from one to the next */                 \
    int embed_row;             /* words */                                      \
    int r3_blocks, r3_m, r3_p; /* of a head; head, 1, 1: none */                \
    int r4_blocks, r4_m, r4_p; /* of ffn; ffn, 1, 1: none */                    \
    uint64_t eps_q;                                                             \
    uint32_t sqrt_d /* scale word */
#define PASS                                                                   \
    .rounds = p->rounds, .groups = p->groups, .passes = p->passes,             \
    .vectors = p->vectors, .d = p->d, .nq = p->nq, .nkv = p->nkv,              \
    .head = p->head, .share = p->share, .chunks = p->chunks,                   \
    .sweeps = p->sweeps, .cap = p->cap, .slots = p->slots,                     \
    .spread = p->spread, .stripe = p->stripe, .embed_row = p->embed_row,       \
    .r3_blocks = p->r3_blocks, .r3_m = p->r3_m, .r3_p = p->r3_p,               \
    .r4_blocks = p->r4_blocks, .r4_m = p->r4_m, .r4_p = p->r4_p,               \
    .eps_q = p->eps_q, .sqrt_d = p->sqrt_d

/* ---- side: deals out the words that go with a step ---------------------- */

#define FX_NAME side
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(u32, BP) words;
    FX_OUT(i32, BP) mean;      /* (din) */
    FX_OUT(scale, 1) codes;    /* (k, v, q heads) static scales */
    FX_OUT(scale, 1) soft[HP]; /* (the shard's query heads) */
    FX_OUT(scale, 1) out[HP];  /* (the shard's heads) */
    FX_OUT(u32, 3 * BP) rows;  /* (dout) scale, colsum, bias a channel */
    int rounds, nq, nkv, share;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        int heads = KIND(c) == DSN_KVQ  ? 2 * p->nkv + p->nq
                    : KIND(c) == DSN_KV ? 2 * p->nkv
                                        : 0;
        for (int i = 0; i < GET(c, DSN_DIN); i += BP) {
            FX_PIPELINE(mean, 1);
            FX_BEAT(u32, BP) w = FX_READ(p->words);
            FX_BEAT(i32, BP) m = FX_ZERO;
            for (int k = 0; k < BP; k++) {
                FX_UNROLL;
                FX_SET(i32, m, k, FX_GET(u32, w, k));
            }
            FX_WRITE(p->mean, m);
        }
        for (int h = 0; h < heads; h++) {
            FX_PIPELINE(heads, 1);
            FX_BEAT(u32, BP) w = FX_READ(p->words);
            FX_BEAT(scale, 1) s = FX_ZERO;
            FX_SET(scale, s, 0, FX_GET(u32, w, 0));
            FX_WRITE(p->codes, s);
        }
        int shard = 0, left = p->share;
        int nq = KIND(c) == DSN_KVQ ? p->nq : 0;
        for (int h = 0; h < nq; h++) {
            FX_PIPELINE(soft, 1);
            FX_BEAT(u32, BP) w = FX_READ(p->words);
            FX_BEAT(scale, 1) s = FX_ZERO;
            FX_SET(scale, s, 0, FX_GET(u32, w, 0));
            for (int a = 0; a < HP; a++) {
                FX_UNROLL;
                if (a == shard)
                    FX_WRITE(p->soft[a], s);
            }
            left = left == 1 ? p->share : left - 1;
            if (left == p->share)
                shard = shard == HP - 1 ? 0 : shard + 1;
        }
        shard = 0;
        int nkv = KIND(c) == DSN_KVQ ? p->nkv : 0;
        for (int h = 0; h < nkv; h++) {
            FX_PIPELINE(out, 1);
            FX_BEAT(u32, BP) w = FX_READ(p->words);
            FX_BEAT(scale, 1) s = FX_ZERO;
            FX_SET(scale, s, 0, FX_GET(u32, w, 0));
            for (int a = 0; a < HP; a++) {
                FX_UNROLL;
                if (a == shard)
                    FX_WRITE(p->out[a], s);
            }
            shard = shard == HP - 1 ? 0 : shard + 1;
        }
        FX_BEAT(u32, 3 * BP) row = FX_ZERO;
        int part = 0;
        for (int o = 0; o < 3 * GET(c, DSN_DOUT); o += BP) {
            FX_PIPELINE(rows, 1);
            FX_BEAT(u32, BP) w = FX_READ(p->words);
            for (int k = 0; k < BP; k++) {
                FX_UNROLL; /* the oldest of three is in lane 3k */
                FX_SET(u32, row, 3 * k, FX_GET(u32, row, 3 * k + 1));
                FX_SET(u32, row, 3 * k + 1, FX_GET(u32, row, 3 * k + 2));
                FX_SET(u32, row, 3 * k + 2, FX_GET(u32, w, k));
            }
            if (part == 2)
                FX_WRITE(p->rows, row);
            part = part == 2 ? 0 : part + 1;
        }
    }
}
#include "fx/end.h"

/* ---- gather: a beat of weights out of all channels ---------------------- */

#define GATHERED (BP * WP / CH) /* weights of a memory word */

#define FX_NAME gather
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(WELEM, GATHERED) x[CH];
    FX_OUT(WELEM, BP *WP) y;
    int rounds;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        int words = KIND(c) == DSN_NONE ? 0 : GET(c, DSN_WLEN);
        for (int i = 0; i < words; i++) {
            FX_PIPELINE(forward, 1);
            FX_BEAT(WELEM, BP * WP) y = FX_ZERO;
            for (int a = 0; a < CH; a++) {
                FX_UNROLL;
                FX_BEAT(WELEM, GATHERED) x = FX_READ(p->x[a]);
                for (int k = 0; k < GATHERED; k++) {
                    FX_UNROLL;
                    FX_SET(WELEM, y, a * GATHERED + k, FX_GET(WELEM, x, k));
                }
            }
            FX_WRITE(p->y, y);
        }
    }
}
#include "fx/end.h"

/* ---- choose: whose turn it is to enter the linear engine ---------------- */

#define FX_NAME choose
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i27, XLANES) norm; /* kvq, gu, head */
    FX_IN(i27, XLANES) att;  /* o */
    FX_IN(i27, XLANES) ffn;  /* down */
    FX_OUT(i27, XLANES) y;
    int rounds;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        for (int i = 0; i < GET(c, DSN_DIN); i += BP) {
            FX_PIPELINE(forward, 1);
            FX_BEAT(i27, XLANES) x = FX_ZERO;
            if (KIND(c) == DSN_O)
                x = FX_READ(p->att);
            if (KIND(c) == DSN_DOWN)
                x = FX_READ(p->ffn);
            if (IS_NORMED(c))
                x = FX_READ(p->norm);
            FX_WRITE(p->y, x);
        }
    }
}
#include "fx/end.h"

/* ---- route: where the engine's result goes ------------------------------ */

#define FX_NAME route
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i32, XLANES) x;
    FX_OUT(i27, XLANES) heads; /* kvq, kv */
    FX_OUT(i32, XLANES) res;   /* o, down */
    FX_OUT(i27, XLANES) act;   /* gu, head */
    int rounds;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        for (int o = 0; o < GET(c, DSN_DOUT); o += BP) {
            FX_PIPELINE(forward, 1);
            FX_BEAT(i32, XLANES) x = FX_READ(p->x);
            FX_BEAT(i27, XLANES) y = FX_ZERO;
            for (int k = 0; k < XLANES; k++) {
                FX_UNROLL; /* all but o and down are saturated to 27 bits */
                FX_SET(i27, y, k, FX_GET(i32, x, k));
            }
            if (IS_KV(c))
                FX_WRITE(p->heads, y);
            if (KIND(c) == DSN_GU || KIND(c) == DSN_HEAD)
                FX_WRITE(p->act, y);
            if (IS_WIDE(c))
                FX_WRITE(p->res, x);
        }
    }
}
#include "fx/end.h"

#endif
