/* SPDX-License-Identifier: Apache-2.0 */
/* train/ops.h -- the operations of a Llama block, each with its gradient.
 *
 * A name without `_back` computes; the one with it takes the gradient dy of
 * the loss by the result and gives those by the arguments. Gradients of
 * activations are written (or added, where said); gradients of weights are
 * always added, and skipped where their pointer is NULL.
 *
 *   rmsnorm     y = x inv gamma, inv = 1 / sqrt(mean(x^2) + eps)
 *                 dx = inv (gamma dy - x inv^2 mean(x gamma dy))
 *   rope        pairs (x[2i], x[2i+1]) turned by position * inv_freq[i]
 *                 dx = dy turned back
 *   attention   y = p v, p = softmax over i <= t of q_t . k_i / sqrt(head)
 *                 ds = p (dp - sum(p dp)), dp = dy v^T
 *   silu_mul    y = g sigmoid(g) u
 *   xent        -ln softmax(z)[target]; dz = softmax(z) - onehot(target)
 *   distil      (1 - soft) xent + soft KL(softmax(zt) || softmax(z)): towards
 *               the distribution of a teacher
 *                 dz = softmax(z) - (1 - soft) onehot - soft softmax(zt)
 *   fake_quant  round to `bits`-bit codes of one scale a row; its gradient
 *               is taken to be 1 ("straight through"), so it has no _back
 */
#ifndef TRAIN_OPS_H
#define TRAIN_OPS_H
#include "num/shape.h"
#include "train/real.h"

/* x[i] = e^x[i]; x <= 80. */
void op_exp(real *x, int n);

/* x, y (n, d); inv (n); gamma (d). */
void op_rmsnorm(const real *x, const real *gamma, int n, int d, double eps,
                real *y, real *inv);
/* Adds to dx. */
void op_rmsnorm_back(const real *x, const real *gamma, const real *inv,
                     const real *dy, int n, int d, real *dx, real *dgamma);

/* In place on x (n, heads, head); turn (n, head/2, {cos, sin}). */
void op_rope(real *x, int n, int heads, int head, const real *turn);
void op_rope_back(real *dx, int n, int heads, int head, const real *turn);

/* q, y (n, qh, h); k, v (n, kvh, h); p (qh, n, n), upper triangle unused. */
void op_attention(const struct num_shape *s, const real *q, const real *k,
                  const real *v, int n, real *p, real *y);
/* work: (OP_ROWS, n). */
void op_attention_back(const struct num_shape *s, const real *q, const real *k,
                       const real *v, const real *p, const real *dy, int n,
                       real *dq, real *dk, real *dv, real *work);
enum { OP_ROWS = 64 }; /* rows of p that share a product */

/* n values; y may be u. */
void op_silu_mul(const real *g, const real *u, size_t n, real *y);
/* dg, du may be any of g, u, dy in the same order of elements. */
void op_silu_mul_back(const real *g, const real *u, const real *dy, size_t n,
                      real *dg, real *du);

/* One row: the loss; z (n) becomes `weight` times its gradient. */
double op_xent(real *z, int n, int target, real weight);
/* The same with a teacher's row zt (n), which is overwritten. */
double op_distil(real *z, real *zt, int n, int target, real soft, real weight);

/* In place: rows of n, codes -(2^(bits-1) - 1) .. 2^(bits-1) - 1. */
void op_fake_quant(real *x, int rows, int n, int bits);

#endif
