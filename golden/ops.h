/* SPDX-License-Identifier: Apache-2.0 */
/* golden/ops.h -- every operation of docs/numerics.md as one plain loop.
 *
 * The executable specification: no SIMD, no threads, no blocking. Engines and
 * hardware modules are tested against these functions, one by one. Arrays are
 * the caller's; nothing is allocated and nothing can fail. Sizes are positive
 * and shapes are those of num/shape.h; outputs may not overlap inputs unless
 * the one argument says so (x is changed in place).
 */
#ifndef GOLDEN_OPS_H
#define GOLDEN_OPS_H
#include "num/hadamard.h"
#include "num/hmt.h"
#include "num/qmodel.h"

/* 1. A token's embedding row (d) as a residual stream with res_frac fraction
 * bits; the row's scale is mant * 2^exp. */
void gold_embed(const int8_t *code, uint16_t mant, int exp, int res_frac, int d,
                int32_t *r);

/* 2. RMSNorm without gamma: residual (d) to activation (d), 16 fraction bits.
 * eps_q and sqrt_d are those of struct num_qmodel. */
void gold_rmsnorm(const int32_t *r, int d, uint64_t eps_q,
                  struct num_scale sqrt_d, int32_t *y);

/* 3. One token's codes (n): i8 or u4 (0..15), as the site says. Returns their
 * scale and zero point. */
struct num_qparam gold_quantise(const struct num_qsite *site, const int32_t *x,
                                int n, int8_t *code);

/* 4a. acc (dout) = the exact sums over codes (din), zero point taken out. */
void gold_linear(const struct num_qlinear *lin, const int8_t *code, int zp,
                 int64_t *acc);

/* 4b. y (dout) = acc in the result's format, bias added, saturated. */
void gold_dequant(const struct num_qlinear *lin, const int64_t *acc,
                  struct num_scale token, int32_t *y);

/* 5. RoPE on x (heads, head), in place; cs (head/2, {cos, sin}) is the
 * position's row. */
void gold_rope(int32_t *x, int heads, int head, const int16_t *cs);

/* 6. Static codes of x (heads, head), one scale a head. */
void gold_static(const int32_t *x, int heads, int head,
                 const struct num_scale *scale, int8_t *code);

/* 7. One query head q (head) over n >= 1 positions of k, v (n, head). */
void gold_attention(const int8_t *q, const int8_t *k, const int8_t *v, int n,
                    int head, struct num_scale s_scale,
                    struct num_scale o_scale, int32_t *y);

/* 8. h (n) = silu(g) * u; gf, uf, hf: their fraction bits. */
void gold_silu_mul(const int32_t *g, int gf, const int32_t *u, int uf, int n,
                   int hf, int32_t *h);

/* 9. Hadamard transform of x (n), in place, scaled by 2^-num_fht_shift. */
void gold_fht(int32_t *x, int n);

/* 10. r (d) += y (d), saturating. */
void gold_residual(int32_t *r, const int32_t *y, int d);

/* How a token is drawn. k = 1: greedy, the rest does not matter then. */
struct gold_sampler {
    int k;                    /* candidates, 1..64 */
    struct num_scale t_scale; /* log2(e) / temperature */
    uint32_t top_p;           /* Q0.16, 65536: all */
    uint32_t seed;
};

/* The token drawn from logits (n) for position `step`. */
int gold_sample(const int32_t *logits, int n, const struct gold_sampler *s,
                uint32_t step);

/* ---- the memory of an HMT: section 6 ------------------------------------- */

/* y (dm) = the state times w. */
void gold_hmt_project(const struct num_hmt_matrix *w, int dm, int d,
                      const int8_t *code, struct num_scale state, int16_t *y);

/* m (d) = the state as a memory. */
void gold_hmt_memory(const int8_t *code, struct num_scale state,
                     struct num_scale size, int m_frac, int d, int16_t *m);

/* y (d), 27 bits with 8 fraction bits more than m: the mean of n >= 1 memories
 * m (n, d), weighed by what q (dm) and the keys (n, dm) say. */
void gold_hmt_search(const int16_t *q, const int16_t *key, const int16_t *m,
                     int n, int dm, int d, struct num_scale s_scale,
                     int32_t *y);

/* code (d) and scale of a row from y with `frac` fraction bits. */
struct num_scale gold_hmt_row(const int32_t *y, int d, int frac, int8_t *code);

#endif
