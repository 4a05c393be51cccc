/* SPDX-License-Identifier: Apache-2.0 */
/* engine/engine_int.h -- what the files of engine/ share. */
#ifndef ENGINE_ENGINE_INT_H
#define ENGINE_ENGINE_INT_H
#include "engine/engine.h"
#include "engine/kernel.h"
#include "engine/pool.h"

/* A linear as packed for the chosen kernels. */
struct eng_lin {
    const struct num_qlinear *q;
    int blocks, gblocks; /* of 32 inputs: all, and a group's */
    int panels;          /* of kernels->vec / 2 rows */
    uint8_t *w;          /* panels, see kernel.h */
    size_t panel_bytes;
    uint8_t *mul;    /* (panels, groups, P), NULL: none */
    double *ws;      /* (panels P) row scales times 2^frac */
    int32_t *colsum; /* (panels P) */
    int32_t *bias;   /* (panels P) */
    int top_exp;     /* largest row exponent plus frac */
    int plain;       /* 1: 32-bit sums could overflow, or a group is no
                        multiple of 32: one output at a time, from q */
    void (*mm)(const struct eng_tile *);
};

struct eng_layer {
    struct eng_lin lin[NUM_LINEARS];
};

/* One batch row: which sequence, which position. */
struct eng_at {
    struct eng_session *s;
    int pos;
};

/* Consecutive rows of one sequence that attention takes together. */
struct eng_run {
    int row, n;
};

enum { ENG_RUN = 16, ENG_HEAD_ROWS = 24 };

/* Quantised rows: a linear's input. */
struct eng_in {
    int8_t *x;            /* (rows, xs) */
    int32_t *pre;         /* (rows, ps) */
    struct num_qparam *q; /* (rows) */
    double *scale;        /* (rows) of q.scale */
    int32_t *zp;          /* (rows) */
    ptrdiff_t xs, ps;
};

/* A thread's own memory. */
struct eng_scratch {
    int32_t *y;      /* (widest) one row */
    int32_t *score;  /* (p_rows, seq) */
    void *p;         /* (p_rows, seq) */
    int32_t *av;     /* (p_rows, hp) */
    int64_t *av_sum; /* (p_rows, hp) */
};

struct engine {
    const struct num_qmodel *m;
    const struct eng_kernels *k;
    struct pool *pool;
    struct eng_layer *layer;
    struct eng_lin head;
    uint8_t *arena; /* all packed weights */
    size_t arena_bytes, scratch_bytes;

    int block;   /* most rows of a block */
    int hp, seq; /* head padded; positions the scratch has room for */
    int32_t *r;  /* (rows, d) residual */
    struct eng_in in;
    int32_t *qkv;                /* (rows, (qh + 2 kvh) h) */
    int8_t *qc;                  /* (kvh, rows, qh / kvh, hp) */
    int32_t *att;                /* (rows, qh h) */
    int32_t *gate;               /* (rows, f) */
    int32_t *up;                 /* (rows, f) */
    int32_t *logits;             /* (ENG_HEAD_ROWS, v) */
    struct eng_at *at;           /* (rows) */
    struct eng_run *run;         /* (rows) */
    int *want;                   /* (rows) rows whose logits are wanted */
    struct eng_scratch *scratch; /* (threads) */

    int profile;
    struct eng_profile prof;
};

struct eng_session {
    struct engine *e;
    int len, max, padded; /* positions: held, allowed, of the arrays */
    int8_t *kv;           /* (layer, {k, v}, kvh, padded, hp) */
    size_t bytes;
};

/* K or V of one head: which = 0, 1. */
static inline int8_t *eng_cache(const struct eng_session *s, int layer,
                                int which, int kv)
{
    const struct num_shape *m = &s->e->m->shape;
    size_t one = (size_t)s->padded * (size_t)s->e->hp;
    return s->kv +
           (((size_t)layer * 2 + (size_t)which) * (size_t)m->nkv + (size_t)kv) *
               one;
}

/* pack.c: packs every linear; false: out of memory. */
bool eng_pack(struct engine *e, struct fl_error *err);

/* check.c: what the code relies on; false with the place in *err. */
bool eng_check(const struct num_qmodel *m, struct fl_error *err);

/* matmul.c: y[row] = lin(in[row]) for `rows` rows and up to three linears of
 * one input; add: into y with saturation (then y is the residual). */
struct eng_mm {
    const struct engine *e;
    const struct eng_in *in;
    int rows, count;
    const struct eng_lin *lin[3];
    int32_t *y[3];
    ptrdiff_t ys[3];
    int add;
    int panel_step, row_step, row_chunks; /* set by eng_matmul */
};
void eng_matmul(struct eng_mm *m);

/* attention.c: rope, codes and the cache; then attention into e->att. */
void eng_rope(struct engine *e, int layer, int rows);
void eng_attention(struct engine *e, int layer, int runs);

/* forward.c: rows at e->at with their tokens through all layers. */
void eng_layers(struct engine *e, const struct eng_row *row, int n);
/* Logits of `n` rows of e->r, listed in `rows`, into e->logits. */
void eng_head(struct engine *e, const int *rows, int n);

double eng_clock(struct engine *e);
/* Adds the time since `start` to an operation; returns now. */
double eng_clock_add(struct engine *e, enum eng_op op, double start);

#endif
