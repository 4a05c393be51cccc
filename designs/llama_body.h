/* SPDX-License-Identifier: Apache-2.0 */
/* designs/llama_body.h -- what prefill and decode share, wired: everything but
 * the sequencer, the linear engine and what follows the head.
 *
 *   go, id --> lookup --> enter --> total --> norm --> choose --> encode --> x
 *                           ^                           ^   ^                s
 *   y --> route --> res ----'                           |   |
 *           |------ act (gu, head) --> stage --> ffn --> gate --> rotate
 *           `------ heads --> turn --> spin --> code --> deal --> shards
 *                                                             merge --> choose
 */
#ifndef DESIGNS_LLAMA_BODY_H
#define DESIGNS_LLAMA_BODY_H
#include "designs/llama_heads.h"
#include "designs/llama_path.h"

/* The tasks that follow the table; the shards come behind them. */
enum {
    AT_SIDE,
    AT_ENTER,
    AT_NORM,
    AT_CHOOSE,
    AT_ENCODE,
    AT_ROUTE,
    AT_GATE,
    AT_ROTATE,
    AT_TURN,
    AT_SPIN,
    AT_CODE,
    AT_DEAL,
    AT_MERGE,
};
#define AT_TASKS   13
#define HEADS_DEEP (TURNS * 3 * MAX_NQ) /* scales wait for their heads */
/* A shard's results wait for those of the shards before it. */
#define PART_DEEP (HP > 1 ? MAX_SHARE * MAX_HEAD / BP : 2)

#define FX_NAME body_fork
#define FX_ELEM u32
#define FX_N    DSN_WORDS
#define FX_WAYS (AT_TASKS + HP)
#include "fx/fork.h"

/* The memory ports of both designs, and how the top hands them on. */
#define LLAMA_MEMORIES                                                         \
    FX_IN(u32, BP) side;                                                       \
    FX_OUT(u32, 2) embed_req;                                                  \
    FX_IN(i8, KP) embed;                                                       \
    FX_IN(i16, FX_MAX(2, BP)) rope;                                            \
    FX_OUT(u32, 2) k_write_req[HP];                                            \
    FX_OUT(i8, KP) k_write[HP];                                                \
    FX_IN(u1, 1) k_ack[HP];                                                    \
    FX_OUT(u32, 2) k_read_req[HP];                                             \
    FX_IN(i8, KP) k_read[HP];                                                  \
    FX_OUT(u32, 2) v_write_req[HP];                                            \
    FX_OUT(i8, KP) v_write[HP];                                                \
    FX_IN(u1, 1) v_ack[HP];                                                    \
    FX_OUT(u32, 2) v_read_req[HP];                                             \
    FX_IN(i8, KP) v_read[HP]
#define PASS_MEMORIES                                                          \
    .side = p->side, .embed_req = p->embed_req, .embed = p->embed,             \
    .rope = p->rope, .k_write_req = {EACH(HP, PORT, k_write_req)},             \
    .k_write = {EACH(HP, PORT, k_write)}, .k_ack = {EACH(HP, PORT, k_ack)},    \
    .k_read_req = {EACH(HP, PORT, k_read_req)},                                \
    .k_read = {EACH(HP, PORT, k_read)},                                        \
    .v_write_req = {EACH(HP, PORT, v_write_req)},                              \
    .v_write = {EACH(HP, PORT, v_write)}, .v_ack = {EACH(HP, PORT, v_ack)},    \
    .v_read_req = {EACH(HP, PORT, v_read_req)},                                \
    .v_read = {EACH(HP, PORT, v_read)}

#define FX_NAME llama_body
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(u32, 1) go[2];
    FX_IN(u32, TP) id;
    FX_OUT(i8, XLANES) x;     /* to the engine */
    FX_OUT(scale, TP) s;      /* its scale, to the dequantiser */
    FX_OUT(u32, 3 * BP) rows; /* the rows' scales, to the dequantiser */
    FX_IN(i32, XLANES) y;     /* from the dequantiser */
    FX_OUT(i27, XLANES) act;  /* the results of gu and head */
    FX_IN(i27, XLANES) ffn;   /* the results of gu */
    LLAMA_MEMORIES;
    LLAMA_SCALARS;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_DATAFLOW;
    FX_STREAMS(u32, DSN_WORDS, cmd, AT_TASKS, 2);
    FX_STREAMS(u32, DSN_WORDS, shard_cmd, HP, 2);
    FX_STREAM(i32, XLANES, row, 2);
    FX_STREAM(i32, XLANES, res, 2);
    FX_STREAM(i32, XLANES, term, 2);
    FX_STREAM(i32, XLANES, stream, 2);
    FX_STREAM(i27, XLANES, normed, 2);
    FX_STREAM(i27, XLANES, chosen, 2);
    FX_STREAM(i32, BP, mean, 2);
    FX_STREAM(i27, XLANES, gated, TURNS > 1 ? MAX_FFN : 2);
    FX_STREAM(i27, XLANES, rotated, 2);
    FX_STREAM(i27, XLANES, heads, 2);
    FX_STREAM(i27, XLANES, turned, 2);
    FX_STREAM(i27, XLANES, spun, 2);
    FX_STREAM(i8, XLANES, coded, 2);
    FX_STREAM(scale, 1, scales, HEADS_DEEP);
    FX_STREAMS(scale, 1, soft, HP, HEADS_DEEP);
    FX_STREAMS(scale, 1, out, HP, HEADS_DEEP);
    FX_STREAMS(i8, XLANES, k, HP, 2);
    FX_STREAMS(i8, XLANES, v, HP, 2);
    FX_STREAMS(i8, XLANES, q, HP, TURNS > 1 ? TURNS * MAX_DQ : 2);
    FX_STREAMS(i27, XLANES, part, HP, PART_DEEP);
    FX_STREAM(i27, XLANES, att, MAX_DQ / BP); /* all results of a step */

    FX_TASK(body_fork, .x = p->cmd,
            .y = {EACH(AT_TASKS, TO, cmd), EACH(HP, TO, shard_cmd)},
            .beats = p->rounds);
    FX_TASK(side, .cmd = FX_FROM(cmd[AT_SIDE]), .words = p->side,
            .mean = FX_TO(mean), .codes = FX_TO(scales),
            .soft = {EACH(HP, TO, soft)}, .out = {EACH(HP, TO, out)},
            .rows = p->rows, .rounds = p->rounds, .nq = p->nq, .nkv = p->nkv,
            .share = p->share);

    FX_TASK(lookup, .go = p->go[0], .id = p->id, .req = p->embed_req,
            .data = p->embed, .y = FX_TO(row), .passes = p->passes, .d = p->d,
            .row = p->embed_row);
    FX_TASK(enter, .cmd = FX_FROM(cmd[AT_ENTER]), .embed = FX_FROM(row),
            .res = FX_FROM(res), .y = FX_TO(term), .rounds = p->rounds,
            .d = p->d);
    FX_TASK(total, .go = p->go[1], .x = FX_FROM(term), .y = FX_TO(stream),
            .passes = p->passes, .vectors = p->vectors, .d = p->d);
    FX_TASK(norm, .cmd = FX_FROM(cmd[AT_NORM]), .x = FX_FROM(stream),
            .y = FX_TO(normed), .rounds = p->rounds, .d = p->d,
            .eps_q = p->eps_q, .sqrt_d = p->sqrt_d);
    FX_TASK(choose, .cmd = FX_FROM(cmd[AT_CHOOSE]), .norm = FX_FROM(normed),
            .att = FX_FROM(att), .ffn = FX_FROM(rotated), .y = FX_TO(chosen),
            .rounds = p->rounds);
    FX_TASK(encode, .cmd = FX_FROM(cmd[AT_ENCODE]), .x = FX_FROM(chosen),
            .mean = FX_FROM(mean), .y = p->x, .s = p->s, .rounds = p->rounds);
    FX_TASK(route, .cmd = FX_FROM(cmd[AT_ROUTE]), .x = p->y,
            .heads = FX_TO(heads), .res = FX_TO(res), .act = p->act,
            .rounds = p->rounds);

    FX_TASK(gate, .cmd = FX_FROM(cmd[AT_GATE]), .x = p->ffn, .y = FX_TO(gated),
            .rounds = p->rounds);
    FX_TASK(rotate, .cmd = FX_FROM(cmd[AT_ROTATE]), .x = FX_FROM(gated),
            .y = FX_TO(rotated), .rounds = p->rounds, .blocks = p->r4_blocks,
            .m = p->r4_m, .p = p->r4_p);

    FX_TASK(turn, .cmd = FX_FROM(cmd[AT_TURN]), .x = FX_FROM(heads),
            .cs = p->rope, .y = FX_TO(turned), .rounds = p->rounds, .nq = p->nq,
            .nkv = p->nkv, .head = p->head);
    FX_TASK(spin, .cmd = FX_FROM(cmd[AT_SPIN]), .x = FX_FROM(turned),
            .y = FX_TO(spun), .rounds = p->rounds, .nq = p->nq, .nkv = p->nkv,
            .head = p->head, .blocks = p->r3_blocks, .m = p->r3_m,
            .p = p->r3_p);
    FX_TASK(code, .cmd = FX_FROM(cmd[AT_CODE]), .x = FX_FROM(spun),
            .scale = FX_FROM(scales), .y = FX_TO(coded), .rounds = p->rounds,
            .nq = p->nq, .nkv = p->nkv, .head = p->head);
    FX_TASK(deal, .cmd = FX_FROM(cmd[AT_DEAL]), .x = FX_FROM(coded),
            .k = {EACH(HP, TO, k)}, .v = {EACH(HP, TO, v)},
            .q = {EACH(HP, TO, q)}, .rounds = p->rounds, .nkv = p->nkv,
            .share = p->share, .head = p->head);
    /* The first shards have `slots` heads, the others one less. */
    int full = p->nkv - HP * (p->slots - 1);
    for (int a = 0; a < HP; a++) {
        FX_UNROLL;
        FX_TASK_AT(shard, a, .cmd = FX_FROM(shard_cmd[a]), .k = FX_FROM(k[a]),
                   .v = FX_FROM(v[a]), .q = FX_FROM(q[a]),
                   .soft = FX_FROM(soft[a]), .out = FX_FROM(out[a]),
                   .y = FX_TO(part[a]), .k_write_req = p->k_write_req[a],
                   .k_write = p->k_write[a], .k_ack = p->k_ack[a],
                   .k_read_req = p->k_read_req[a], .k_read = p->k_read[a],
                   .v_write_req = p->v_write_req[a], .v_write = p->v_write[a],
                   .v_ack = p->v_ack[a], .v_read_req = p->v_read_req[a],
                   .v_read = p->v_read[a], .rounds = p->rounds,
                   .heads = HP == 1 ? p->nkv : p->slots - (a >= full),
                   .share = p->share, .head = p->head, .chunks = p->chunks,
                   .sweeps = p->sweeps, .slots = p->slots, .cap = p->cap,
                   .spread = p->spread, .stripe = p->stripe);
    }
    FX_TASK(merge, .cmd = FX_FROM(cmd[AT_MERGE]), .x = {EACH(HP, FROM, part)},
            .y = FX_TO(att), .rounds = p->rounds, .nkv = p->nkv,
            .share = p->share, .head = p->head);
}
#include "fx/end.h"

#endif
