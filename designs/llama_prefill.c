/* SPDX-License-Identifier: Apache-2.0 */
/* designs/llama_prefill.c -- the prefill engine: fills the key/value cache for
 * a prompt, TP tokens at a time through every layer.
 *
 * A group of tokens finds the keys and values of all groups before it in the
 * cache, for every layer, so the groups follow each other and the residual
 * stream never leaves the chip. The last layer stops at its keys and values:
 * the last token of the prompt is decode's, and so are head and sampler. A last
 * group that is not full is padded with token 0; what it writes past the prompt
 * decode overwrites before it reads.
 */
#include "designs/llama_body.h"

_Static_assert(BP == 1, "prefill has one channel a beat");

#define MAX_STEPS (4 * MAX_LAYERS + 1)

/* ---- conduct: the step table, once a group ------------------------------ */

/* With two turns a pass takes two groups, a and b. After a's queries comes
 * attention, after gate and up the Hadamard transform; meanwhile the linear
 * engine works for b. So the steps come in this order, ab for both in turn:
 *
 *     kvq ab    (o, gu) a    (o, gu) b    (down, next kvq) a    (...) b    ...
 */

#define FX_NAME conduct
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) table; /* (steps) records, read once */
    FX_IN(u32, TP) ids;          /* (groups) */
    FX_OUT(u32, DSN_WORDS) cmd;
    FX_OUT(u32, 3) linear; /* {din, dout, 1} a step */
    FX_OUT(u32, 3) dequantise;
    FX_OUT(u32, 1) go[2]; /* a pass: its groups */
    FX_OUT(u32, TP) id;
    FX_OUT(u32, 2) weights[CH];
    FX_OUT(u32, 2) side;
    FX_OUT(u32, 2) rope;
    MUL_REQ
    int steps, groups, first, rope_words;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    STEP table[MAX_STEPS];
    for (int s = 0; s < p->steps; s++) {
        FX_PIPELINE(load, 1);
        table[s] = FX_READ(p->table);
    }
    int from = p->first;
    for (int g = 0; g < p->groups; g += TURNS) {
        int turns = FX_MIN(p->groups - g, TURNS);
        FX_BEAT(u32, 1) go = FX_ZERO;
        FX_SET(u32, go, 0, turns);
        FX_WRITE(p->go[0], go);
        FX_WRITE(p->go[1], go);
        for (int t = 0; t < turns; t++) {
            FX_PIPELINE(name, 1);
            FX_WRITE(p->id, FX_READ(p->ids));
        }
        int s = 0, t = 0, pos = from,
            count = turns == 2 ? 2 * p->steps : p->steps;
        for (int n = 0; n < count; n++) {
            FX_PIPELINE(issue, 1);
            STEP c = table[s];
            FX_SET(u32, c, DSN_POS, pos);
            FX_BEAT(u32, 3) shape = FX_ZERO;
            FX_BEAT(u32, 2) r = FX_ZERO;
            FX_SET(u32, shape, 0, FX_GET(u32, c, DSN_DIN));
            FX_SET(u32, shape, 1, FX_GET(u32, c, DSN_DOUT));
            FX_SET(u32, shape, 2, 1);
            FX_WRITE(p->linear, shape);
            FX_SET(u32, shape, 2, 1u | (uint32_t)IS_WIDE(c) << 31);
            FX_WRITE(p->dequantise, shape);
            FX_WRITE(p->cmd, c);
            FX_SET(u32, r, 0, FX_GET(u32, c, DSN_W));
            FX_SET(u32, r, 1, FX_GET(u32, c, DSN_WLEN));
            for (int k = 0; k < CH; k++) {
                FX_UNROLL;
                FX_WRITE(p->weights[k], r);
            }
            FX_SET(u32, r, 0, FX_GET(u32, c, DSN_SIDE));
            FX_SET(u32, r, 1, FX_GET(u32, c, DSN_SLEN));
            FX_WRITE(p->side, r);
            MUL_ASK(c, r);
            FX_SET(u32, r, 0, pos * p->rope_words);
            FX_SET(u32, r, 1, TP * p->rope_words);
            if (IS_KV(c))
                FX_WRITE(p->rope, r);
            /* a pair of steps ends with an even one: b's turn, or the next */
            int end = (s & 1) == 0, b = end && t < turns - 1;
            t = !end ? t : b ? t + 1 : 0;
            s = !b ? s + 1 : s > 0 ? s - 1 : 0;
            pos = t == 0 ? from : from + TP;
        }
        from += TURNS * TP;
    }
}
#include "fx/end.h"

/* ---- the engine --------------------------------------------------------- */

#define FX_NAME  linear
#define FX_TP    TP
#define FX_WP    WP
#define FX_XBITS 8
#define FX_WBITS WBITS
#define FX_DIN   MAX_IN
#define FX_BLOCK 1
#define FX_GROUP GROUP
#include "fx/linear_prefill.h"

#define FX_NAME  dequantise
#define FX_TP    TP
#define FX_WP    WP
#define FX_BLOCK 1
#include "fx/dequantise.h"

/* ---- the whole ---------------------------------------------------------- */

#define FX_NAME stage_fork
#define FX_ELEM u32
#define FX_N    DSN_WORDS
#define FX_WAYS 2
#include "fx/fork.h"

#define FX_NAME llama_prefill
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) table;
    FX_IN(u32, TP) ids;
    FX_OUT(u32, 2) weights_req[CH];
    FX_IN(WELEM, GATHERED) weights[CH];
    FX_OUT(u32, 2) side_req;
    FX_OUT(u32, 2) rope_req;
    MUL_PORTS
    LLAMA_MEMORIES;
    LLAMA_SCALARS;
    int steps, first, rope_words;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_DATAFLOW;
    FX_STREAM(u32, DSN_WORDS, records, AHEAD);
    FX_STREAMS(u32, DSN_WORDS, cmd, 2, 2);
    FX_STREAM(WELEM, WP, w, 2);
    FX_STREAM(u32, 3, linear_step, AHEAD);
    FX_STREAM(u32, 3, dequantise_step, AHEAD);
    FX_STREAMS(u32, 1, go, 2, 2);
    FX_STREAM(u32, TP, id, 2);
    FX_STREAM(i8, TP, x, 2);
    FX_STREAM(scale, TP, s, 2);
    FX_STREAM(u32, 3, rows, TURNS > 1 ? 2 * MAX_FFN : 2);
    FX_STREAM(i40, TP, sums, 2);
    FX_STREAM(i32, TP, y, 2);
    FX_STREAM(i27, TP, act, 2);

    FX_TASK(conduct, .table = p->table, .ids = p->ids, .cmd = FX_TO(records),
            .linear = FX_TO(linear_step), .dequantise = FX_TO(dequantise_step),
            .go = {EACH(2, TO, go)}, .id = FX_TO(id),
            .weights = {EACH(CH, PORT, weights_req)}, .side = p->side_req,
            .rope = p->rope_req, .steps = p->steps, .groups = p->groups,
            .first = p->first, .rope_words = p->rope_words MUL_PASS_REQ);
    FX_TASK(stage_fork, .x = FX_FROM(records), .y = {EACH(2, TO, cmd)},
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
            .ffn = FX_FROM(act), PASS_MEMORIES, PASS);
}
#include "fx/end.h"
