/* SPDX-License-Identifier: Apache-2.0 */
/* quant/build.h -- the quantised model as it grows. Inside quant/ only.
 *
 * Weights are packed as soon as they are rounded; biases, means and ranges
 * stay real until all is seen, because the residual's binary point is in
 * their format.
 */
#ifndef QUANT_BUILD_H
#define QUANT_BUILD_H
#include "quant/work.h"

/* What a linear leaves behind in real numbers. */
struct qb_linear {
    float *bias; /* (dout), NULL: none */
    double max;  /* of its result */
};

struct qb_layer {
    struct qb_linear lin[NUM_LINEARS];
    float *mean[4];               /* of the sites, NULL: none */
    float *q_max, *k_max, *v_max; /* (heads) */
    double a_max, h_max;          /* attention output; input of down */
};

struct qb {
    struct num_qmodel m;
    struct qb_layer *layer;
    float *head_mean, *head_bias;
    double r_max;
    void **owned; /* everything allocated */
    size_t owned_count, owned_room;
};

bool qb_init(struct qb *b, const struct num_shape *s, int seq,
             const double *inv_freq, struct fl_error *err);
void qb_free(struct qb *b);

/* Zeroed, freed with b; NULL: out of memory. */
void *qb_take(struct qb *b, size_t n, size_t size);
float *qb_copy(struct qb *b, const float *x, size_t n);

/* Shapes a linear and takes room for its arrays. */
bool qb_linear(struct qb *b, struct num_qlinear *q, int din, int dout,
               int wbits, int group, int wide);
/* Puts rounded rows first .. first + l->dout into it. */
void qb_put(struct num_qlinear *q, int first, const struct qt_linear *l);

/* One row of the embedding, i8. */
void qb_embed(struct qb *b, int token, const float *row);

/* Factor of the product of a query and a key: R3's length is not one for
 * heads that are no power of four. */
double qb_score(const struct num_qmodel *m);

/* Chooses binary points and turns the rest into integers. */
bool qb_finish(struct qb *b);

#endif
