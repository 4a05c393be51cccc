/* SPDX-License-Identifier: Apache-2.0 */
/* designs/llama_decode.c -- the decode engine: one token at a time through
 * every layer, the head and the sampler, until enough tokens or an end token.
 *
 * The first `given` tokens come from the host (the last of the prompt, or a
 * whole text whose logits are wanted), each later one is what was drawn. The
 * linear engine is a matrix-vector array of WP outputs x BP inputs that all
 * linears share; its weights come from CH memories at once.
 */
#include "designs/llama_body.h"

_Static_assert(TP == 1, "decode takes one token at a time");
#ifndef DEEP
#define DEEP 2 /* beats of weights that are fetched ahead */
#endif

#define MAX_STEPS (4 * MAX_LAYERS + 1)

/* ---- conduct: the step table, once a token ------------------------------ */

#define FX_NAME conduct
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) table; /* (steps) records, read once */
    FX_IN(u32, 1) ids;           /* (given) tokens to take first */
    FX_IN(u32, 8) ends;          /* tokens that end the text, read once */
    FX_IN(u32, 2) next;          /* {token, 1 if it ends the text} */
    FX_OUT(u32, DSN_WORDS) cmd;
    FX_OUT(u32, 3) linear; /* {din, dout, 1} a step */
    FX_OUT(u32, 3) dequantise;
    FX_OUT(u32, 1) go[2]; /* a beat a token: 0 after the end */
    FX_OUT(u32, 1) id;
    FX_OUT(u32, 2) weights[CH];
    FX_OUT(u32, 2) side;
    FX_OUT(u32, 2) rope;
    MUL_REQ
    FX_OUT(u32, 8) end; /* the sampler's copy, a beat a token */
    FX_OUT(u32, 1) y;   /* the generated tokens */
    int steps, given, total, first, rope_words;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    STEP table[MAX_STEPS];
    for (int s = 0; s < p->steps; s++) {
        FX_PIPELINE(load, 1);
        table[s] = FX_READ(p->table);
    }
    FX_BEAT(u32, 8) ends = FX_READ(p->ends);
    FX_BEAT(u32, 1) id = FX_ZERO, go = FX_ZERO;
    int stop = 0; /* an end token was drawn: the rest asks for nothing */
    for (int n = 0; n < p->total; n++) {
        if (n < p->given)
            id = FX_READ(p->ids);
        FX_SET(u32, go, 0, !stop);
        FX_WRITE(p->go[0], go);
        FX_WRITE(p->go[1], go);
        if (!stop) {
            FX_WRITE(p->id, id);
            FX_WRITE(p->end, ends);
        }
        for (int s = 0; s < p->steps; s++) {
            FX_PIPELINE(issue, 1);
            STEP c = table[s];
            FX_SET(u32, c, DSN_POS, p->first + n);
            FX_BEAT(u32, 3) shape = FX_ZERO;
            FX_BEAT(u32, 2) r = FX_ZERO;
            if (stop) {
                FX_SET(u32, c, DSN_OP, DSN_NONE);
                FX_SET(u32, c, DSN_DIN, 0);
                FX_SET(u32, c, DSN_DOUT, 0);
            }
            FX_SET(u32, shape, 0, FX_GET(u32, c, DSN_DIN));
            FX_SET(u32, shape, 1, FX_GET(u32, c, DSN_DOUT));
            FX_SET(u32, shape, 2, 1u | (uint32_t)IS_WIDE(c) << 31);
            FX_WRITE(p->linear, shape);
            FX_WRITE(p->dequantise, shape);
            FX_WRITE(p->cmd, c);
            FX_SET(u32, r, 0, FX_GET(u32, c, DSN_W));
            FX_SET(u32, r, 1, FX_GET(u32, c, DSN_WLEN));
            for (int k = 0; k < CH; k++) {
                FX_UNROLL;
                if (!stop)
                    FX_WRITE(p->weights[k], r);
            }
            FX_SET(u32, r, 0, FX_GET(u32, c, DSN_SIDE));
            FX_SET(u32, r, 1, FX_GET(u32, c, DSN_SLEN));
            if (!stop)
                FX_WRITE(p->side, r);
            if (!stop)
                MUL_ASK(c, r);
            FX_SET(u32, r, 0, (p->first + n) * p->rope_words);
            FX_SET(u32, r, 1, p->rope_words);
            if (KIND(c) == DSN_KVQ)
                FX_WRITE(p->rope, r);
        }
        if (!stop) {
            FX_BEAT(u32, 2) next = FX_READ(p->next);
            FX_SET(u32, id, 0, FX_GET(u32, next, 0));
            stop = n >= p->given - 1 && FX_GET(u32, next, 1) != 0;
            if (n >= p->given - 1)
                FX_WRITE(p->y, id);
        }
    }
}
#include "fx/end.h"

/* ---- the engine --------------------------------------------------------- */

#define FX_NAME  linear
#define FX_BP    BP
#define FX_WP    WP
#define FX_XBITS 8
#define FX_WBITS WBITS
#define FX_DIN   MAX_IN
#define FX_GROUP GROUP
#include "fx/linear_decode.h"

#define FX_NAME dequantise
#define FX_BP   BP
#include "fx/dequantise_decode.h"

/* ---- leave, sample: what follows gu, what follows the head ------------- */

#define FX_NAME leave
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i27, BP) x;
    FX_OUT(i27, BP) ffn;
    FX_OUT(i27, BP) logits;
    FX_OUT(i27, BP) tap; /* a copy of the logits where they are wanted */
    int rounds, want;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        int on = KIND(c) == DSN_GU || KIND(c) == DSN_HEAD;
        int dout = on ? GET(c, DSN_DOUT) : 0;
        for (int o = 0; o < dout; o += BP) {
            FX_PIPELINE(forward, 1);
            FX_BEAT(i27, BP) x = FX_READ(p->x);
            if (KIND(c) == DSN_GU)
                FX_WRITE(p->ffn, x);
            if (KIND(c) == DSN_HEAD)
                FX_WRITE(p->logits, x);
            if (KIND(c) == DSN_HEAD && p->want)
                FX_WRITE(p->tap, x);
        }
    }
}
#include "fx/end.h"

#define FX_NAME sampler
#define FX_BP   BP
#define FX_TOPK 64
#include "fx/sampler.h"

#define FX_NAME sample
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i27, BP) x;
    FX_IN(u32, 8) eos;
    FX_OUT(u32, 2) y;
    int rounds, vocab, k;
    uint32_t t_scale, top_p, seed;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        if (KIND(c) == DSN_HEAD)
            FX_CALL(sampler, .x = p->x, .eos = p->eos, .y = p->y,
                    .rows = GET(c, DSN_DOUT), .vocab = p->vocab, .k = p->k,
                    .t_scale = p->t_scale, .top_p = p->top_p, .seed = p->seed,
                    .step = FX_GET(u32, c, DSN_POS) + 1);
    }
}
#include "fx/end.h"

/* ---- the whole ---------------------------------------------------------- */

#define FX_NAME stage_fork
#define FX_ELEM u32
#define FX_N    DSN_WORDS
#define FX_WAYS 4
#include "fx/fork.h"

#define FX_NAME llama_decode
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) table;
    FX_IN(u32, 1) ids;
    FX_IN(u32, 8) ends;
    FX_OUT(u32, 1) y;
    FX_OUT(i27, BP) logits; /* where wanted: of every position computed */
    FX_OUT(u32, 2) weights_req[CH];
    FX_IN(WELEM, GATHERED) weights[CH];
    FX_OUT(u32, 2) side_req;
    FX_OUT(u32, 2) rope_req;
    MUL_PORTS
    LLAMA_MEMORIES;
    LLAMA_SCALARS;
    int steps, given, first, rope_words, want_logits;
    int vocab, k;
    uint32_t t_scale, top_p, seed;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_DATAFLOW;
    FX_STREAM(u32, DSN_WORDS, records, AHEAD);
    FX_STREAMS(u32, DSN_WORDS, cmd, 4, 2);
    FX_STREAM(u32, 3, linear_step, AHEAD);
    FX_STREAM(u32, 3, dequantise_step, AHEAD);
    FX_STREAMS(u32, 1, go, 2, 2);
    FX_STREAM(u32, 1, id, 2);
    FX_STREAM(u32, 8, stops, 2);
    FX_STREAM(u32, 2, drawn, 2);
    FX_STREAM(WELEM, BP * WP, w, DEEP);
    FX_STREAM(i8, BP, x, 2);
    FX_STREAM(scale, 1, s, 2);
    FX_STREAM(u32, 3 * BP, rows, 2);
    FX_STREAM(i40, BP, sums, 2);
    FX_STREAM(i32, BP, y, 2);
    FX_STREAM(i27, BP, act, 2);
    FX_STREAM(i27, BP, ffn, 2);
    FX_STREAM(i27, BP, logits, 2);

    FX_TASK(conduct, .table = p->table, .ids = p->ids, .ends = p->ends,
            .next = FX_FROM(drawn), .cmd = FX_TO(records),
            .linear = FX_TO(linear_step), .dequantise = FX_TO(dequantise_step),
            .go = {EACH(2, TO, go)}, .id = FX_TO(id),
            .weights = {EACH(CH, PORT, weights_req)}, .side = p->side_req,
            .rope = p->rope_req, .end = FX_TO(stops), .y = p->y,
            .steps = p->steps, .given = p->given, .total = p->passes,
            .first = p->first, .rope_words = p->rope_words MUL_PASS_REQ);
    FX_TASK(stage_fork, .x = FX_FROM(records), .y = {EACH(4, TO, cmd)},
            .beats = p->rounds);
    FX_TASK(gather, .cmd = FX_FROM(cmd[0]), .x = {EACH(CH, PORT, weights)},
            .y = FX_TO(w), .rounds = p->rounds);
    FX_TASK(linear, .step = FX_FROM(linear_step), .x = FX_FROM(x),
            .w = FX_FROM(w), .y = FX_TO(sums), .steps = p->rounds MUL_PASS);
    FX_TASK(dequantise, .step = FX_FROM(dequantise_step), .scale = FX_FROM(s),
            .row = FX_FROM(rows), .x = FX_FROM(sums), .y = FX_TO(y),
            .steps = p->rounds);
    FX_TASK(llama_body, .cmd = FX_FROM(cmd[1]), .go = {EACH(2, FROM, go)},
            .id = FX_FROM(id), .x = FX_TO(x), .s = FX_TO(s),
            .rows = FX_TO(rows), .y = FX_FROM(y), .act = FX_TO(act),
            .ffn = FX_FROM(ffn), PASS_MEMORIES, PASS);
    FX_TASK(leave, .cmd = FX_FROM(cmd[2]), .x = FX_FROM(act), .ffn = FX_TO(ffn),
            .logits = FX_TO(logits), .tap = p->logits, .rounds = p->rounds,
            .want = p->want_logits);
    FX_TASK(sample, .cmd = FX_FROM(cmd[3]), .x = FX_FROM(logits),
            .eos = FX_FROM(stops), .y = FX_TO(drawn), .rounds = p->rounds,
            .vocab = p->vocab, .k = p->k, .t_scale = p->t_scale,
            .top_p = p->top_p, .seed = p->seed);
}
#include "fx/end.h"
