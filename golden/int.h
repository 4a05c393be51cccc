/* SPDX-License-Identifier: Apache-2.0 */
/* golden/int.h -- the integer forward pass: a quantised model, one token at a
 * time, as plain loops over golden/ops.h. What every engine must equal, bit
 * for bit (docs/numerics.md).
 *
 *     struct gold_int g;
 *     if (gold_int_init(&g, model, 100)) {
 *         for (t = 0; t < n; t++)
 *             gold_int_step(&g, token[t], t + 1 < n ? 0 : logits);
 *         gold_int_free(&g);
 *     }
 */
#ifndef GOLDEN_INT_H
#define GOLDEN_INT_H
#include <stdbool.h>
#include "golden/ops.h"

struct gold_int {
    const struct num_qmodel *m;
    int cap;   /* positions the cache has room for */
    int pos;   /* positions it holds */
    int8_t *k; /* (layer, kvh, cap, h) codes */
    int8_t *v; /* (layer, kvh, cap, h) codes */
    /* one token's values, kept between steps so that tests can look */
    int32_t *r;           /* (d) residual stream */
    int32_t *x;           /* (d) normed */
    int32_t *q, *kx, *vx; /* (qh h), (kvh h), (kvh h) */
    int32_t *att;         /* (qh h) attention output */
    int32_t *g, *u, *h;   /* (f) */
    int32_t *y;           /* (d) what is added to r */
    int8_t *qcode;        /* (qh h) */
    int8_t *code;         /* (widest input) codes of a linear's input */
    int64_t *acc;         /* (widest output) */
};

/* cap: positions to make room for, 1 .. m->seq. The model is borrowed. False:
 * out of memory, or cap out of range. */
bool gold_int_init(struct gold_int *g, const struct num_qmodel *m, int cap);
void gold_int_free(struct gold_int *g);

/* Takes one token (0 .. vocab - 1) at position g->pos, which must be below
 * g->cap; logits (vocab), NULL where not wanted. */
void gold_int_step(struct gold_int *g, int token, int32_t *logits);

/* The same with any vector in the place of the token's row. */
void gold_int_row(struct gold_int *g, struct num_row row, int32_t *logits);

#endif
