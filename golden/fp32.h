/* SPDX-License-Identifier: Apache-2.0 */
/* golden/fp32.h -- the forward pass in fp32, a block of tokens at a time, and
 * its shadow: the same pass over a quantised model.
 *
 *     r = embed[token]
 *     layer:  r += wo . attention(rope(wq . n), rope(wk . n), wv . n),
 *                                                    n = rmsnorm(r) * gamma
 *             r += down . (silu(gate . n) * (up . n))
 *     logits = head . (rmsnorm(r) * gamma)
 *
 * The shadow reads a num_qmodel: weights, means, biases and codes (inputs of
 * linears, q, k, v, probabilities) are the quantised model's, and everything
 * else is fp32: norms, softmax, SiLU, RoPE, residual, scales. Its perplexity
 * against the integer engine's is the price of integer non-linear parts.
 *
 * Values are (token, channel); K is cached as (layer, kvh, position, h), V as
 * (layer, kvh, h, position): both products of attention are then sums along
 * rows. Plain loops, except that sums run in eight lanes (golden/matmul.h).
 */
#ifndef GOLDEN_FP32_H
#define GOLDEN_FP32_H
#include <stdbool.h>
#include "num/fmodel.h"
#include "num/qmodel.h"

enum { GOLD_BLOCK = 64 }; /* tokens that share one pass over the weights */

struct gold_fp32 {
    const struct num_fmodel *m; /* borrowed, or `own` */
    const struct num_qmodel *q; /* the shadowed model, or NULL */
    struct num_fmodel own;      /* the shadow's weights */
    float *weights;             /* all of them */
    float *bias[2];             /* shadow: (all rows of all linears), (v) */
    int cap, pos;               /* positions cached: room, filled */
    float *k, *v;
    float *r, *x, *y;         /* (token, d) */
    float *qx, *kx, *vx, *ax; /* (token, qh h) or (token, kvh h) */
    float *g, *u;             /* (token, f) */
    float *score;             /* (qh, token, cap) */
};

/* cap: positions to make room for, at least 1. False: out of memory. */
bool gold_fp32_init(struct gold_fp32 *g, const struct num_fmodel *m, int cap);

/* The shadow of q. inv_freq (h/2) gives exact rotations; NULL: q's table.
 * Takes 4 bytes a weight. False: out of memory, or cap above q->seq. */
bool gold_shadow_init(struct gold_fp32 *g, const struct num_qmodel *q, int cap,
                      double *inv_freq);

void gold_fp32_free(struct gold_fp32 *g);

/* Forgets what it has read. */
void gold_fp32_reset(struct gold_fp32 *g);

/* Takes n tokens, 1 .. GOLD_BLOCK, at positions g->pos and on, which must be
 * below g->cap. logits: of the last `want` (0 .. n) of them, (want, v). */
void gold_fp32_block(struct gold_fp32 *g, const int *token, int n, int want,
                     float *logits);

#endif
