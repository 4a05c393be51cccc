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
    double *bias;    /* (panels P), NULL: none */
    int top_exp;     /* largest row exponent plus frac */
    int plain;       /* 1: 32-bit sums could overflow, or a group is no
                        multiple of 32: one output at a time, from q */
    void (*mm)(const struct eng_tile *);
};

/* Where panel p begins, to be fetched early; NULL where none are packed. */
static inline const uint8_t *eng_panel(const struct eng_lin *l, int p)
{
    return l->w ? l->w + (size_t)p * l->panel_bytes : NULL;
}

struct eng_layer {
    struct eng_lin lin[NUM_LINEARS];
};

/* One batch row: which sequence, which position. */
struct eng_at {
    struct eng_session *s;
    int pos;
};

enum {
    ENG_CHUNK = 48,     /* rows a thread takes through a layer at once */
    ENG_RUN = 16,       /* rows of one sequence that attention takes together */
    ENG_HEAD_ROWS = 48, /* rows of logits kept */
    ENG_SEGMENT = 512,  /* logits a part of a score, see score.c */
};

/* Quantised rows: a linear's input. */
struct eng_in {
    int8_t *x;            /* (rows, xs) */
    int32_t *pre;         /* (rows, ps) */
    int32_t *pair;        /* (rows, ps), NULL: not wanted */
    struct num_qparam *q; /* (rows) */
    double *scale;        /* (rows) of q.scale */
    int32_t *zp;          /* (rows) */
    int *run;             /* (rows) */
    ptrdiff_t xs, ps;     /* xs: as narrow as the input, so rows stream */
};

/* A thread's own memory: what lives between two linears of up to ENG_CHUNK
 * rows, and what attention works on. It fits the second-level cache. */
struct eng_scratch {
    struct eng_in in;
    int32_t *qkv;    /* (ENG_CHUNK, (qh + 2 kvh) h) */
    int32_t *att;    /* (ENG_CHUNK, qh h) */
    int32_t *h;      /* (ENG_CHUNK, fs) silu(gate) up */
    int32_t *y;      /* (widest) one row */
    int32_t *part;   /* (ENG_CHUNK, ENG_SEGMENT) logits */
    int32_t *score;  /* (p_rows, seq) */
    void *p;         /* (p_rows, seq) */
    int32_t *av;     /* (p_rows, hp) */
    int64_t *av_sum; /* (p_rows, hp) */
    double op[ENG_OP_COUNT];
};

/* One segment of the logits of one row: its maximum, sum of e^(l - max). */
struct eng_part {
    int32_t top;
    double sum;
};

struct engine {
    const struct num_qmodel *m;
    const struct eng_kernels *k;
    struct pool *pool;
    struct eng_layer *layer;
    struct eng_lin head;
    uint8_t *arena; /* all packed weights */
    size_t arena_bytes, scratch_bytes;

    int block;             /* most rows of a block */
    int hp, seq;           /* head padded; positions the scratch has room for */
    ptrdiff_t fs;          /* row stride of h */
    int32_t *r;            /* (rows, d) residual */
    int8_t *qc;            /* (kvh, rows, qh / kvh, hp) */
    int32_t *logits;       /* (ENG_HEAD_ROWS, v) */
    struct eng_part *part; /* (ENG_CHUNK, segments) */
    struct eng_at *at;     /* (rows) */
    int *want;             /* (rows) rows whose logits or score are wanted */
    const struct num_row *vector; /* what tokens beyond the vocabulary mean */
    int vectors;
    int last;                    /* row of the block that was run last */
    struct eng_scratch *scratch; /* (threads) */

    int profile;
    uint64_t prof_tokens;
};

/* Rows row0 .. row0 + n - 1 of the block, on their way through a layer.
 * Either all threads share the work of each operation (parallel: few rows), or
 * this thread does all of it (many rows: other threads have other rows). The
 * operations are the same. */
struct eng_pass {
    struct engine *e;
    const struct eng_row *row;
    struct eng_scratch *w; /* where the rows' values are */
    int row0, n;
    int parallel;
    const struct num_qlayer *layer;
    int index; /* of the layer */
    double clock;
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
    int y_first;         /* output that column 0 of y is */
    const uint8_t *next; /* the panel the caller comes to after these */
    int add, parallel;
    int panel_step, row_step, row_chunks; /* set by eng_matmul */
};
void eng_matmul(struct eng_mm *m);
/* Panels from .. to - 1 of the linears, all rows, on this thread. */
void eng_matmul_panels(const struct eng_mm *m, int from, int to);

/* attention.c: rope, codes and the cache; then attention into w->att. */
void eng_rope(struct eng_pass *p);
void eng_attention(struct eng_pass *p);

/* forward.c: `n` rows at e->at with their tokens through all layers. */
void eng_layers(struct engine *e, const struct eng_row *row, int n);
/* Norm and quantise `n` rows of e->r, listed in `rows`, for the head. */
void eng_head_in(struct eng_pass *p, const int *rows);
/* Calls fn for every row of the pass, on its threads. */
typedef void eng_row_fn(struct eng_pass *p, int t, struct eng_scratch *w);
void eng_each_row(struct eng_pass *p, eng_row_fn *fn);
/* Adds the time since the last call to an operation. */
void eng_clock(struct eng_pass *p, enum eng_op op);

/* head.c: finishes n rows of a block, `base` rows into the batch. */
void eng_finish(struct engine *e, const struct eng_row *row, int n, int base,
                void (*on_logits)(void *arg, int row, const int32_t *logits),
                void *arg, double *nll);

/* score.c */
struct eng_part eng_score_part(const int32_t *logits, int n);
double eng_score(const struct eng_part *part, int parts, int32_t target);

#endif
