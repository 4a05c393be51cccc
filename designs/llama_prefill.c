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

_Static_assert(BP == 1 && CH == 1, "prefill has one channel a beat");

#define MAX_STEPS (4 * MAX_LAYERS + 1)

/* ---- conduct: the step table, once a group ------------------------------ */

#define FX_NAME conduct
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) table; /* (steps) records, read once */
    FX_IN(u32, TP) ids;          /* (groups) */
    FX_OUT(u32, DSN_WORDS) cmd;
    FX_OUT(u32, 3) linear; /* {din, dout, 1} a step */
    FX_OUT(u32, 3) dequantise;
    FX_OUT(u32, 1) go[2]; /* 1 a group */
    FX_OUT(u32, TP) id;
    FX_OUT(u32, 2) weights;
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
    FX_BEAT(u32, 1) go = FX_ZERO;
    FX_SET(u32, go, 0, 1);
    int pos = p->first;
    for (int g = 0; g < p->groups; g++) {
        FX_BEAT(u32, TP) id = FX_READ(p->ids);
        FX_WRITE(p->id, id);
        FX_WRITE(p->go[0], go);
        FX_WRITE(p->go[1], go);
        for (int s = 0; s < p->steps; s++) {
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
            FX_WRITE(p->weights, r);
            FX_SET(u32, r, 0, FX_GET(u32, c, DSN_SIDE));
            FX_SET(u32, r, 1, FX_GET(u32, c, DSN_SLEN));
            FX_WRITE(p->side, r);
            MUL_ASK(c, r);
            FX_SET(u32, r, 0, pos * p->rope_words);
            FX_SET(u32, r, 1, TP * p->rope_words);
            if (IS_KV(c))
                FX_WRITE(p->rope, r);
        }
        pos += TP;
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

#define FX_NAME llama_prefill
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) table;
    FX_IN(u32, TP) ids;
    FX_OUT(u32, 2) weights_req[1];
    FX_IN(WELEM, WP) weights[1];
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
    FX_STREAM(u32, DSN_WORDS, cmd, 2);
    FX_STREAM(u32, 3, linear_step, 2);
    FX_STREAM(u32, 3, dequantise_step, 2);
    FX_STREAMS(u32, 1, go, 2, 2);
    FX_STREAM(u32, TP, id, 2);
    FX_STREAM(i8, TP, x, 2);
    FX_STREAM(scale, TP, s, 2);
    FX_STREAM(u32, 3, rows, 2);
    FX_STREAM(i40, TP, sums, 2);
    FX_STREAM(i32, TP, y, 2);
    FX_STREAM(i27, TP, act, 2);

    FX_TASK(conduct, .table = p->table, .ids = p->ids, .cmd = FX_TO(cmd),
            .linear = FX_TO(linear_step), .dequantise = FX_TO(dequantise_step),
            .go = {EACH(2, TO, go)}, .id = FX_TO(id),
            .weights = p->weights_req[0], .side = p->side_req,
            .rope = p->rope_req, .steps = p->steps, .groups = p->groups,
            .first = p->first, .rope_words = p->rope_words MUL_PASS_REQ);
    FX_TASK(linear, .step = FX_FROM(linear_step), .x = FX_FROM(x),
            .w = p->weights[0], .y = FX_TO(sums), .steps = p->rounds MUL_PASS);
    FX_TASK(dequantise, .step = FX_FROM(dequantise_step), .scale = FX_FROM(s),
            .row = FX_FROM(rows), .x = FX_FROM(sums), .y = FX_TO(y),
            .steps = p->rounds);
    FX_TASK(llama_body, .cmd = FX_FROM(cmd), .go = {EACH(2, FROM, go)},
            .id = FX_FROM(id), .x = FX_TO(x), .s = FX_TO(s),
            .rows = FX_TO(rows), .y = FX_FROM(y), .act = FX_TO(act),
            .ffn = FX_FROM(act), PASS_MEMORIES, PASS);
}
#include "fx/end.h"
