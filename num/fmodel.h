/* SPDX-License-Identifier: Apache-2.0 */
/* num/fmodel.h -- a model in fp32: what a loader fills and golden/ reads.
 *
 * Weight matrices are (out, in), row-major: y[o] = sum_i w[o][i] x[i].
 * Rotary pairs are adjacent channels (x[2i], x[2i+1]) of a head; loaders
 * permute the rows of q and k where a file pairs i with i + head/2.
 */
#ifndef NUM_FMODEL_H
#define NUM_FMODEL_H
#include "num/shape.h"

struct num_flayer {
    float *norm_attn; /* (d) gamma */
    float *norm_ffn;  /* (d) gamma */
    float *wq;        /* (qh h, d) */
    float *wk;        /* (kvh h, d) */
    float *wv;        /* (kvh h, d) */
    float *wo;        /* (d, qh h) */
    float *gate;      /* (f, d) */
    float *up;        /* (f, d) */
    float *down;      /* (d, f) */
    float *bq;        /* (qh h), NULL: none */
    float *bk;        /* (kvh h), NULL: none */
    float *bv;        /* (kvh h), NULL: none */
    float *bo;        /* (d), NULL: none */
    float *bgate;     /* (f), NULL: none */
    float *bup;       /* (f), NULL: none */
    float *bdown;     /* (d), NULL: none */
};

struct num_fmodel {
    struct num_shape shape;
    struct num_flayer *layer; /* (layer) */
    float *embed;             /* (v, d) */
    float *norm_final;        /* (d) gamma */
    float *head;              /* (v, d); == embed where tied */
    double *inv_freq;         /* (h/2) radians a position, scaling applied */
};

#endif
