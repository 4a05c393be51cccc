/* SPDX-License-Identifier: Apache-2.0 */
/* designs/hmt.c -- the HMT plug-in: the two engines as they are, with what
 * turns windows of a long text into memories round them (docs/hmt.md).
 *
 *   hmt_prefill   text memory --> load --> window --> llama_prefill
 *   hmt_decode    llama_decode --> tap --> collect --> turn --+--> queue
 *                                                             |     |  ^
 *                 embedding memory <-- write <-- code <-- find <----'  |
 *                        (the row of P)                      ring memory
 *
 * A window begins and ends with a vector, T or P: a row of the embedding behind
 * the vocabulary. Prefill takes all of it but the last element. Decode takes
 * that one, with a step table whose head is not the model's: its rows are Wq (a
 * summary, to search with) or Wk and an identity (a main pass, whose state is
 * pushed), so that the tap of the logits is what the memory needs. With the
 * model's own table and neither search nor push it is the decode engine, which
 * finds P where prefill found it.
 */
#if DSN_STAGE == 0
#include "designs/llama_prefill.c"
#else
#include "designs/llama_decode.c"
#endif

#if GROUP
#define HMT_PASS_MUL , .mul_req = p->mul_req, .mul = p->mul
#else
#define HMT_PASS_MUL
#endif

#if DSN_STAGE == 0
/* ---- the tokens of a window --------------------------------------------- */

#define FX_NAME  text_load
#define FX_ELEM  u32
#define FX_N     1
#define FX_BURST 64
#include "fx/load.h"

#define FX_NAME text_window
#define FX_TP   TP
#include "fx/segment_load.h"

#define FX_NAME text_region
struct FX_(ports) {
    FX_OUT(u32, 2) y;
    int from, count;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < 1; n++) {
        FX_PIPELINE(ask, 1);
        FX_BEAT(u32, 2) r = FX_ZERO;
        FX_SET(u32, r, 0, p->from);
        FX_SET(u32, r, 1, p->count);
        FX_WRITE(p->y, r);
    }
}
#include "fx/end.h"

#define FX_NAME hmt_prefill
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) table;
    FX_OUT(u32, 2) text_req;
    FX_IN(u32, 1) text; /* the tokens of the whole text */
    FX_OUT(u32, 2) weights_req[CH];
    FX_IN(WELEM, GATHERED) weights[CH];
    FX_OUT(u32, 2) side_req;
    FX_OUT(u32, 2) rope_req;
    MUL_PORTS
    LLAMA_MEMORIES;
    LLAMA_SCALARS;
    int steps, first, rope_words;
    int from, count; /* tokens of the window, in the text */
    uint32_t lead;   /* the id before them */
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_DATAFLOW;
    FX_STREAM(u32, 2, part, 2);
    FX_STREAM(u32, 1, token, 2);
    FX_STREAM(u32, TP, ids, 2);
    FX_TASK(text_region, .y = FX_TO(part), .from = p->from, .count = p->count);
    FX_TASK(text_load, .region = FX_FROM(part), .req = p->text_req,
            .data = p->text, .y = FX_TO(token), .regions = 1);
    FX_TASK(text_window, .x = FX_FROM(token), .y = FX_TO(ids),
            .groups = p->groups, .count = p->count, .first = p->lead);
    FX_TASK(llama_prefill, .table = p->table, .ids = FX_FROM(ids),
            .weights_req = {EACH(CH, PORT, weights_req)},
            .weights = {EACH(CH, PORT, weights)}, .side_req = p->side_req,
            .rope_req = p->rope_req, PASS_MEMORIES, PASS, .steps = p->steps,
            .first = p->first, .rope_words = p->rope_words HMT_PASS_MUL);
}
#include "fx/end.h"

#else
/* ---- memories ------------------------------------------------------------ */

#define FX_NAME memory_collect
#define FX_BP   BP
#include "fx/memory_collect.h"

#define FX_NAME memory_queue
#define FX_BP   BP
#include "fx/memory_queue.h"

#define FX_NAME  memory_find
#define FX_BP    BP
#define FX_DIM   MAX_DM
#define FX_DEPTH MAX_MEMORIES
#include "fx/memory_attention.h"

#define FX_NAME memory_code
#define FX_TP   1
#define FX_BP   BP
#define FX_DIM  MAX_D
#include "fx/quantise.h"

#define FX_NAME memory_write
#define FX_BP   BP
#define FX_N    KP
#include "fx/memory_row.h"

/* Which way a vector goes: a query to the search, key and memory to the
 * queue. */
#define FX_NAME memory_turn
struct FX_(ports) {
    FX_IN(i16, BP) x;
    FX_OUT(i16, BP) query, pushed;
    int search, push, keys, rows;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    int beats = p->search ? p->keys : p->push ? p->keys + p->rows : 0;
    for (int n = 0; n < beats; n++) {
        FX_PIPELINE(forward, 1);
        FX_BEAT(i16, BP) x = FX_READ(p->x);
        if (p->search)
            FX_WRITE(p->query, x);
        else
            FX_WRITE(p->pushed, x);
    }
}
#include "fx/end.h"

/* What the ring gives: keys, then memories. */
#define FX_NAME memory_sort
struct FX_(ports) {
    FX_IN(i16, BP) x;
    FX_OUT(i16, BP) key, row;
    int live, keys, rows;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->live * (p->keys + p->rows); n++) {
        FX_PIPELINE(forward, 1);
        FX_BEAT(i16, BP) x = FX_READ(p->x);
        if (n < p->live * p->keys)
            FX_WRITE(p->key, x);
        else
            FX_WRITE(p->row, x);
    }
}
#include "fx/end.h"

/* The quantiser takes a mean out: none. */
#define FX_NAME memory_mean
struct FX_(ports) {
    FX_OUT(i32, BP) y;
    int beats;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->beats; n++) {
        FX_PIPELINE(zero, 1);
        FX_BEAT(i32, BP) y = FX_ZERO;
        FX_WRITE(p->y, y);
    }
}
#include "fx/end.h"

#define FX_NAME memory_wait
#include "fx/settle.h"

#define FX_NAME hmt_decode
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) table;
    FX_IN(u32, 1) ids;
    FX_IN(u32, 8) ends;
    FX_OUT(u32, 1) y;
    FX_OUT(u32, 2) weights_req[CH];
    FX_IN(WELEM, GATHERED) weights[CH];
    FX_OUT(u32, 2) side_req;
    FX_OUT(u32, 2) rope_req;
    MUL_PORTS
    LLAMA_MEMORIES;
    FX_OUT(u32, 2) ring_write_req; /* slots of keys and memories */
    FX_OUT(i16, BP) ring_write;
    FX_IN(u1, 1) ring_ack;
    FX_OUT(u32, 2) ring_read_req;
    FX_IN(i16, BP) ring_read;
    FX_OUT(u32, 2) row_req; /* into the embedding */
    FX_OUT(i8, KP) row;
    FX_IN(u1, 1) row_ack;
    FX_OUT(u1, 1) done[2]; /* pushed, written */
    LLAMA_SCALARS;
    int steps, given, first, rope_words;
    int vocab, k;
    uint32_t t_scale, top_p, seed;
    int search, push; /* at most one of them is 1 */
    int slot, ring_slots, live;
    int keys, rows; /* beats of a key, of a memory */
    uint32_t s_scale;
    int row_frac, row_words; /* of P: fraction bits, words of codes */
    uint32_t row_at;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_DATAFLOW;
    FX_STREAM(i27, BP, tap, 2);
    FX_STREAM(i16, BP, vector, 2);
    FX_STREAM(i16, BP, query, 2);
    FX_STREAM(i16, BP, pushed, 2);
    FX_STREAM(i16, BP, key, 2);
    FX_STREAM(i16, BP, old, 2);
    FX_STREAM(i27, BP, mean, 2);
    FX_STREAM(i32, BP, none, 2);
    FX_STREAM(i8, BP, codes, 2);
    FX_STREAM(scale, 1, size, 2);
    int active = p->search | p->push, live = p->search ? p->live : 0;

    FX_TASK(llama_decode, .table = p->table, .ids = p->ids, .ends = p->ends,
            .y = p->y, .logits = FX_TO(tap),
            .weights_req = {EACH(CH, PORT, weights_req)},
            .weights = {EACH(CH, PORT, weights)}, .side_req = p->side_req,
            .rope_req = p->rope_req, PASS_MEMORIES, PASS, .steps = p->steps,
            .given = p->given, .first = p->first, .rope_words = p->rope_words,
            .want_logits = active, .vocab = p->vocab, .k = p->k,
            .t_scale = p->t_scale, .top_p = p->top_p,
            .seed = p->seed HMT_PASS_MUL);
    FX_TASK(memory_collect, .x = FX_FROM(tap), .y = FX_TO(vector),
            .pairs = active ? p->keys : 0, .singles = p->push ? p->rows : 0);
    FX_TASK(memory_turn, .x = FX_FROM(vector), .query = FX_TO(query),
            .pushed = FX_TO(pushed), .search = p->search, .push = p->push,
            .keys = p->keys, .rows = p->rows);
    FX_TASK(memory_queue, .x = FX_FROM(pushed), .wreq = p->ring_write_req,
            .data = p->ring_write, .rreq = p->ring_read_req, .push = p->push,
            .live = live, .slot = p->slot, .slots = p->ring_slots,
            .keys = p->keys, .rows = p->rows);
    FX_TASK(memory_wait, .ack = p->ring_ack, .done = p->done[0],
            .acks = 1 + p->rows, .times = p->push);
    FX_TASK(memory_sort, .x = p->ring_read, .key = FX_TO(key),
            .row = FX_TO(old), .live = live, .keys = p->keys, .rows = p->rows);
    FX_TASK(memory_find, .q = FX_FROM(query), .k = FX_FROM(key),
            .m = FX_FROM(old), .y = FX_TO(mean), .live = live, .keys = p->keys,
            .rows = p->rows, .s_scale = p->s_scale);
    FX_TASK(memory_mean, .y = FX_TO(none), .beats = p->search ? p->rows : 0);
    FX_TASK(memory_code, .x = FX_FROM(mean), .mean = FX_FROM(none),
            .y = FX_TO(codes), .s = FX_TO(size), .groups = p->search,
            .din = p->d, .abits = 8, .clip = 65536, .frac = p->row_frac);
    FX_TASK(memory_write, .s = FX_FROM(size), .x = FX_FROM(codes),
            .req = p->row_req, .data = p->row, .vectors = p->search,
            .words = p->row_words, .base = p->row_at);
    FX_TASK(memory_wait, .ack = p->row_ack, .done = p->done[1], .acks = 1,
            .times = p->search);
}
#include "fx/end.h"
#endif
