/* SPDX-License-Identifier: Apache-2.0 */
/* tests/golden/qmodel_random.h -- a random but sane quantised model of any
 * shape: values of every stage have a spread of about one, codes use their
 * range, and few saturate, so that a wrong bit anywhere shows in the logits.
 */
#ifndef TESTS_GOLDEN_QMODEL_RANDOM_H
#define TESTS_GOLDEN_QMODEL_RANDOM_H
#include "num/qmodel.h"

struct qrandom {
    struct num_shape shape; /* eps 0: 1e-5 */
    int seq;                /* rows of rope, >= 1 */
    int wbits;              /* 4 or 8 */
    int head_wbits;         /* 4 or 8, 0: wbits */
    int abits;              /* 8, or 4 at every site but the head's */
    int head_abits;         /* 4 or 8, 0: 8 */
    int group;              /* 0, or a group size for every linear whose input
                               it divides */
    int mean, bias;         /* 1: sites have a mean, linears a bias */
    int r3, r4;
    uint32_t seed;
    int wide; /* 0, or wide channels of the residual stream */
};

/* NULL: out of memory. Give it back to qrandom_free. */
struct num_qmodel *qrandom_new(const struct qrandom *o);
void qrandom_free(struct num_qmodel *m);

/* splitmix64, the generator of all our tests: the next word of *state. */
uint64_t qrandom_word(uint64_t *state);

#endif
