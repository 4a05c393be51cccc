/* SPDX-License-Identifier: Apache-2.0 */
/* designs/llama_heads.h -- from a kvq step's result to the attention output.
 *
 *     route --> turn --> spin --> code --> deal ----------> save k, v
 *               RoPE     R3       i8         |                  | cache
 *                                            v                  v
 *             choose <-- merge <-- mix <-- weigh <- match <-- fetch
 *                                                      ^-- wide
 *
 * Keys, values and queries come as heads, in this order. A shard has its own
 * match, weigh and mix (scores, softmax, weighted sum) and its own cache.
 */
#ifndef DESIGNS_LLAMA_HEADS_H
#define DESIGNS_LLAMA_HEADS_H
#include "designs/llama.h"
#include "designs/llama_cache.h"

/* Heads of a step: the keys', the values', the queries'. */
NUM_FN int heads_of(int kind, int nq, int nkv)
{
    return kind == DSN_KVQ ? 2 * nkv + nq : kind == DSN_KV ? 2 * nkv : 0;
}

/* ---- turn: rotary position ---------------------------------------------- */

#define FX_NAME rope
#define FX_TP   TP
#define FX_BP   BP
#define FX_HEAD MAX_HEAD
#include "fx/rope.h"

#define FX_NAME turn
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i27, XLANES) x;
    FX_IN(i16, FX_MAX(2, BP)) cs; /* (token, pair) {cos, sin} */
    FX_OUT(i27, XLANES) y;
    int rounds, nq, nkv, head;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        if (IS_KV(c))
            FX_CALL(rope, .x = p->x, .cs = p->cs, .y = p->y,
                    .heads = heads_of(KIND(c), p->nq, p->nkv), .head = p->head,
                    .pass_from = p->nkv, .pass_to = 2 * p->nkv);
    }
}
#include "fx/end.h"

/* ---- spin: the Hadamard transform R3 of keys and queries ---------------- */

#define FX_NAME fht3
#define FX_TP   TP
#define FX_BP   BP
#define FX_DIM  MAX_HEAD
#define FX_M    MAX_M
#include "fx/fht.h"

/* blocks, m and p are those of a head; head, 1 and 1 where there is no R3. */
#define FX_NAME spin
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i27, XLANES) x;
    FX_OUT(i27, XLANES) y;
    int rounds, nq, nkv, head, blocks, m, p;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    int head = p->head, blocks = p->blocks, m = p->m, pp = p->p;
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        int heads = heads_of(KIND(c), p->nq, p->nkv);
        for (int h = 0; h < heads; h++) {
            int pass = h >= p->nkv && h < 2 * p->nkv;
            FX_CALL(fht3, .x = p->x, .y = p->y, .groups = 1,
                    .blocks = pass ? head : blocks, .m = pass ? 1 : m,
                    .p = pass ? 1 : pp);
        }
    }
}
#include "fx/end.h"

/* ---- code: static codes, a scale a head --------------------------------- */

#define FX_NAME quantise_static
#define FX_TP   TP
#define FX_BP   BP
#include "fx/quantise_static.h"

#define FX_NAME code
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i27, XLANES) x;
    FX_IN(scale, 1) scale;
    FX_OUT(i8, XLANES) y;
    int rounds, nq, nkv, head;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        FX_CALL(quantise_static, .x = p->x, .scale = p->scale, .y = p->y,
                .groups = 1, .heads = heads_of(KIND(c), p->nq, p->nkv),
                .head = p->head);
    }
}
#include "fx/end.h"

/* ---- deal: to the shards; wide: queries get AP channels a beat ---------- */

#define FX_NAME deal
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i8, XLANES) x;
    FX_OUT(i8, XLANES) k[HP];
    FX_OUT(i8, XLANES) v[HP];
    FX_OUT(i8, XLANES) q[HP];
    int rounds, nkv, share, head;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        int parts = KIND(c) == DSN_KVQ ? 3 : IS_KV(c) ? 2 : 0;
        for (int part = 0; part < parts; part++) {
            int run = part == 2 ? p->share * p->head : p->head;
            int shard = 0;
            for (int h = 0; h < p->nkv; h++) {
                for (int i = 0; i < run; i += BP) {
                    FX_PIPELINE(forward, 1);
                    FX_BEAT(i8, XLANES) x = FX_READ(p->x);
                    for (int a = 0; a < HP; a++) {
                        FX_UNROLL;
                        if (a == shard && part == 0)
                            FX_WRITE(p->k[a], x);
                        if (a == shard && part == 1)
                            FX_WRITE(p->v[a], x);
                        if (a == shard && part == 2)
                            FX_WRITE(p->q[a], x);
                    }
                }
                shard = shard == HP - 1 ? 0 : shard + 1;
            }
        }
    }
}
#include "fx/end.h"

#define FX_NAME collect
#define FX_ELEM i8
#define FX_N    XLANES
#define FX_M    ALANES
#include "fx/widen.h"

#define FX_NAME wide
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i8, XLANES) x;
    FX_OUT(i8, ALANES) y;
    int rounds, beats; /* of a step: the shard's queries, AP channels each */
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        FX_CALL(collect, .x = p->x, .y = p->y,
                .beats = KIND(c) == DSN_KVQ ? p->beats : 0);
    }
}
#include "fx/end.h"

/* ---- match, weigh, mix: a shard's attention ----------------------------- */

#define FX_NAME attention_qk
#define FX_TP   TP
#define FX_KP   AP
#define FX_HP   MAX_SHARE
#define FX_HEAD MAX_HEAD
#include "fx/attention_qk.h"

#define FX_NAME match
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i8, ALANES) q;
    FX_IN(i8, AP) k;
    FX_OUT(i27, TP) s;
    int rounds, heads, share, head;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        FX_CALL(attention_qk, .q = p->q, .k = p->k, .s = p->s,
                .nkv = KIND(c) == DSN_KVQ ? p->heads : 0, .share = p->share,
                .head = p->head, .positions = GET(c, DSN_POS) + TP);
    }
}
#include "fx/end.h"

#define FX_NAME softmax
#define FX_TP   TP
#define FX_HP   MAX_SHARE
#define FX_SEQ  MAX_SEQ
#include "fx/softmax.h"

#define FX_NAME weigh
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i27, TP) s;
    FX_IN(scale, 1) scale;
    FX_OUT(u8, TP) p;
    FX_OUT(u32, TP) l;
    int rounds, heads, share, sweeps;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        FX_CALL(softmax, .s = p->s, .scale = p->scale, .p = p->p, .l = p->l,
                .nkv = KIND(c) == DSN_KVQ ? p->heads : 0, .share = p->share,
                .positions = GET(c, DSN_POS) + TP, .first = GET(c, DSN_POS),
                .sweeps = p->sweeps);
    }
}
#include "fx/end.h"

/* All shards together normalise what merge lets through. */
#define NP (1 << (FX_BITS(BP / HP) - 1))

#define FX_NAME attention_av
#define FX_TP   TP
#define FX_KP   AP
#define FX_BP   BP
#define FX_NP   NP
#define FX_HP   MAX_SHARE
#define FX_HEAD MAX_HEAD
#define FX_SEQ  MAX_SEQ
#include "fx/attention_av.h"

#define FX_NAME mix
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(u8, TP) p;
    FX_IN(u32, TP) l;
    FX_IN(i8, AP) v;
    FX_IN(scale, 1) scale;
    FX_OUT(i27, XLANES) y;
    int rounds, heads, share, head;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        FX_CALL(attention_av, .p = p->p, .l = p->l, .v = p->v,
                .scale = p->scale, .y = p->y,
                .nkv = KIND(c) == DSN_KVQ ? p->heads : 0, .share = p->share,
                .head = p->head, .positions = GET(c, DSN_POS) + TP);
    }
}
#include "fx/end.h"

/* ---- a shard: its cache and its attention ------------------------------- */

/* ---- parts: words of the cache, AP channels at a time ------------------- */

/* Keys leave word by word, part by part. Values come again for every part of a
 * chunk, and one part of each word is taken. */
#define FX_NAME parts
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i8, KP) x;
    FX_OUT(i8, AP) y;
    int rounds, heads, chunks, keys;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    enum { PARTS = KP / AP };
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        int heads = KIND(c) == DSN_KVQ ? p->heads : 0;
        int positions = GET(c, DSN_POS) + TP;
        int run = p->keys ? 1 : positions; /* beats with the same part */
        int beats = heads * p->chunks * positions * PARTS;
        FX_BEAT(i8, KP) word = FX_ZERO;
        int part = 0, left = run;
        for (int k = 0; k < beats; k++) {
            FX_PIPELINE(take, 1);
            if (!p->keys || part == 0)
                word = FX_READ(p->x);
            FX_BEAT(i8, AP) y = FX_ZERO;
            for (int l = 0; l < KP; l++) {
                FX_UNROLL;
                if (l / AP == part)
                    FX_SET(i8, y, l % AP, FX_GET(i8, word, l));
            }
            FX_WRITE(p->y, y);
            left = left == 1 ? run : left - 1;
            part = left != run ? part : part == PARTS - 1 ? 0 : part + 1;
        }
    }
}
#include "fx/end.h"

/* With room for the scores of a head, those of the next one are made while this
 * one's probabilities leave. */
#define SCORES_DEEP (TURNS > 1 ? MAX_SHARE * MAX_SEQ : 4)
#if AP < KP
#define SHARD_TASKS 12
#else
#define SHARD_TASKS 10
#endif

#define FX_NAME shard_fork
#define FX_ELEM u32
#define FX_N    DSN_WORDS
#define FX_WAYS SHARD_TASKS
#include "fx/fork.h"

#define FX_NAME shard
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i8, XLANES) k;
    FX_IN(i8, XLANES) v;
    FX_IN(i8, XLANES) q;
    FX_IN(scale, 1) soft;
    FX_IN(scale, 1) out;
    FX_OUT(i27, XLANES) y;
    FX_OUT(u32, 2) k_write_req;
    FX_OUT(i8, KP) k_write;
    FX_IN(u1, 1) k_ack;
    FX_OUT(u32, 2) k_read_req;
    FX_IN(i8, KP) k_read;
    FX_OUT(u32, 2) v_write_req;
    FX_OUT(i8, KP) v_write;
    FX_IN(u1, 1) v_ack;
    FX_OUT(u32, 2) v_read_req;
    FX_IN(i8, KP) v_read;
    int rounds, heads, share, head, chunks, sweeps, slots, cap, spread;
    uint32_t stripe;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_DATAFLOW;
    FX_STREAMS(u32, DSN_WORDS, cmd, SHARD_TASKS, 2);
    FX_STREAM(i8, ALANES, query, 2);
    FX_STREAM(u1, 1, k_done, 2);
    FX_STREAM(u1, 1, v_done, 2);
    FX_STREAM(i27, TP, score, SCORES_DEEP);
    FX_STREAM(u8, TP, prob, 4);
    FX_STREAM(u32, TP, sum, MAX_SHARE);

    FX_TASK(shard_fork, .x = p->cmd, .y = {EACH(SHARD_TASKS, TO, cmd)},
            .beats = p->rounds);
    FX_TASK_AT(save, 0, .cmd = FX_FROM(cmd[0]), .x = p->k,
               .req = p->k_write_req, .data = p->k_write, .rounds = p->rounds,
               KEYS(p));
    FX_TASK_AT(save, 1, .cmd = FX_FROM(cmd[1]), .x = p->v,
               .req = p->v_write_req, .data = p->v_write, .rounds = p->rounds,
               VALUES(p));
    FX_TASK_AT(hold, 0, .cmd = FX_FROM(cmd[2]), .ack = p->k_ack,
               .done = FX_TO(k_done), .rounds = p->rounds, .acks = p->heads);
    FX_TASK_AT(hold, 1, .cmd = FX_FROM(cmd[3]), .ack = p->v_ack,
               .done = FX_TO(v_done), .rounds = p->rounds,
               .acks = p->heads * p->chunks);
    FX_TASK_AT(fetch, 0, .cmd = FX_FROM(cmd[4]), .done = FX_FROM(k_done),
               .req = p->k_read_req, .rounds = p->rounds, KEYS(p));
    FX_TASK_AT(fetch, 1, .cmd = FX_FROM(cmd[5]), .done = FX_FROM(v_done),
               .req = p->v_read_req, .rounds = p->rounds, VALUES(p));
    FX_TASK(wide, .cmd = FX_FROM(cmd[6]), .x = p->q, .y = FX_TO(query),
            .rounds = p->rounds, .beats = p->heads * p->share * p->sweeps);
#if AP < KP
    FX_STREAM(i8, AP, key, 2);
    FX_STREAM(i8, AP, value, 2);
    FX_TASK_AT(parts, 0, .cmd = FX_FROM(cmd[10]), .x = p->k_read,
               .y = FX_TO(key), .rounds = p->rounds, .heads = p->heads,
               .chunks = p->chunks, .keys = 1);
    FX_TASK_AT(parts, 1, .cmd = FX_FROM(cmd[11]), .x = p->v_read,
               .y = FX_TO(value), .rounds = p->rounds, .heads = p->heads,
               .chunks = p->chunks, .keys = 0);
#define KEY   FX_FROM(key)
#define VALUE FX_FROM(value)
#else
#define KEY   p->k_read
#define VALUE p->v_read
#endif
    FX_TASK(match, .cmd = FX_FROM(cmd[7]), .q = FX_FROM(query), .k = KEY,
            .s = FX_TO(score), .rounds = p->rounds, .heads = p->heads,
            .share = p->share, .head = p->head);
    FX_TASK(weigh, .cmd = FX_FROM(cmd[8]), .s = FX_FROM(score),
            .scale = p->soft, .p = FX_TO(prob), .l = FX_TO(sum),
            .rounds = p->rounds, .heads = p->heads, .share = p->share,
            .sweeps = p->sweeps);
    FX_TASK(mix, .cmd = FX_FROM(cmd[9]), .p = FX_FROM(prob), .l = FX_FROM(sum),
            .v = VALUE, .scale = p->out, .y = p->y, .rounds = p->rounds,
            .heads = p->heads, .share = p->share, .head = p->head);
}
#include "fx/end.h"

/* ---- merge: one stream of heads, BP channels a beat ---------------------- */

#define FX_NAME merge
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i27, XLANES) x[HP];
    FX_OUT(i27, XLANES) y;
    int rounds, nkv, share, head;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        int shard = 0, heads = KIND(c) == DSN_KVQ ? p->nkv : 0;
        for (int h = 0; h < heads; h++) {
            for (int i = 0; i < p->share * p->head; i += BP) {
                FX_PIPELINE(forward, 1);
                FX_BEAT(i27, XLANES) x = FX_ZERO;
                for (int a = 0; a < HP; a++) {
                    FX_UNROLL;
                    if (a == shard)
                        x = FX_READ(p->x[a]);
                }
                FX_WRITE(p->y, x);
            }
            shard = shard == HP - 1 ? 0 : shard + 1;
        }
    }
}
#include "fx/end.h"

#endif
