/* SPDX-License-Identifier: Apache-2.0 */
/* quant/run.h -- one quantisation at work. Inside quant/ only.
 *
 * Two models walk through the calibration text side by side, layer by layer:
 * the quantised one (q) and, where its inputs serve as targets, the real one
 * (t). What a linear reads is either the norm of a path's residual stream or
 * one of its arrays.
 */
#ifndef QUANT_RUN_H
#define QUANT_RUN_H
#include "model/hmt.h"
#include "model/model.h"
#include "quant/build.h"
#include "quant/work.h"

enum { CHUNK = 2048 }; /* tokens handled at a time */

struct path {
    float *r; /* (n, d) residual */
    float *a; /* (n, qh h) attention output */
    float *h; /* (n, f) input of down */
};

/* A linear's input on one path: rows of `width`. */
struct input {
    const float *from;
    int width;
    bool norm; /* from is the residual stream */
};

struct run {
    const struct quant_options *o;
    const struct model *model;
    const struct num_shape *s;
    uint32_t turn;      /* seed of the rotations' signs */
    double loss;        /* of the calibration text */
    double share_wide;  /* of the inputs' energy in the wide channels */
    double share, part; /* of all the work: done before this run, its own */
    double act_clip;    /* of the site observed last */
    int wide;           /* its wide channels */
    int widest;         /* of all inputs */
    struct input in;    /* its input */
    int in_abits;
    struct qb b;
    struct qt_rotation r1;
    int length; /* of a sequence */
    size_t n;   /* tokens in all */
    struct path q, t;
    bool target;                         /* t is there */
    float *x, *y;                        /* (CHUNK, widest) */
    float *qx, *kx, *vx;                 /* (n, heads h) */
    double *sum;                         /* (widest) */
    float *moment, *cross;               /* (widest, widest) */
    float *mean_q, *mean_t, *mean_coded; /* (widest) */
    struct num_flayer w;                 /* this layer, real, rotated */
    char calib_hash[17];
    const struct hmt *hmt; /* whose LoRA is merged first, or NULL */
    char hmt_hash[17];
};

/* Reads `rows` rows from token `first` on into x. */
void run_fetch(const struct run *r, struct input in, size_t first, size_t rows,
               float *x);

/* Means and second moments of a site: mean_q, mean_t, moment (of the codes),
 * mean_coded, cross. */
void run_observe(struct run *r, struct input q, struct input t, int layer,
                 int site);

/* The site's codes as real values, of what run_fetch put into x. */
void run_code(const struct run *r, float *x, size_t rows, int width, int abits);

/* Rounds a linear with what was observed. w (dout, din) becomes its codes'
 * real values; *bias its bias, from `own` (the checkpoint's, or NULL). */
bool run_round(struct run *r, const float *w, const float *own,
               struct num_qlinear *q, int din, int dout, int wbits,
               float **real, float **bias, struct fl_error *err);

/* report.c: fills in o->report, if there is one, about the site observed last,
 * and about a linear that reads it (NUM_LINEARS: the head). */
void run_report_site(struct run *r, int layer, int site);
void run_report_linear(struct run *r, int layer, int which, const float *w,
                       const float *own, const float *real, const float *bias,
                       int dout);

/* bits.c: what a tensor gets. site NUM_SITE_..., 4: the head's input; which
 * NUM_..., NUM_LINEARS: the head. */
int run_abits(const struct run *r, int layer, int site);
int run_wbits(const struct run *r, int layer, int which);

/* head.c: the head, and r->loss. token (n): the calibration text. */
bool run_head(struct run *r, const int32_t *token, struct fl_error *err);

/* fold.c: reads a layer, folds it and rotates the residual side of it into
 * r->w; then, after balancing, the value heads and the input of down. */
bool run_load_layer(struct run *r, int layer, struct fl_error *err);
bool run_rotate_values(struct run *r, int layer);
void run_rotate_down(struct run *r);

/* basis.c: R1 whose first channels are those of most energy. */
bool run_basis(struct run *r, const int32_t *token, struct fl_error *err);
/* layer.c: moves path t past an unrotated layer; adds to the moments (d, d) of its inputs. */
bool run_real_layer(struct run *r, int layer, double *sum,
                    struct fl_error *err);
void run_add_moment(struct run *r, double *sum);

/* balance.c: gains between v and o from attention outputs a (n, qh h), and
 * between up and down from their product's other side h (n, f). */
void run_balance_values(struct run *r, const float *a, size_t n);
void run_balance_ffn(struct run *r, const float *h, size_t n);

/* layer.c: quantises layer `layer`, moving both paths past it. */
bool run_layer(struct run *r, int layer, struct fl_error *err);

void run_progress(const struct run *r, double share, const char *what);

#endif
