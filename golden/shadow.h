/* SPDX-License-Identifier: Apache-2.0 */
/* golden/shadow.h -- what the fp32 pass asks a quantised model for; only
 * golden/fp32.c needs it. Values are real (fp32), arrays (n, channel) and
 * changed in place.
 */
#ifndef GOLDEN_SHADOW_H
#define GOLDEN_SHADOW_H
#include "golden/fp32.h"

/* The nearest integer, |x| < 2^22: adding 1.5 * 2^23 leaves no fraction. */
static inline float gold_nearest(float x)
{
    return (x + 12582912.0f) - 12582912.0f;
}

static inline float gold_clamp(float x, float lo, float hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

/* x (n), mean out, becomes the values of its codes: docs/numerics.md in real
 * numbers. `clip` of the range is kept; a step is not below `least`; the first
 * `wide` channels of 4-bit inputs have i8 codes (num/qmodel.h). */
void gold_shadow_codes(float *x, int n, int abits, float clip, float least,
                       int wide);

/* A linear's input becomes code * scale: mean out, rounded, clipped. */
void gold_shadow_site(const struct num_qmodel *q, int layer, enum num_site at,
                      float *x, int n);
void gold_shadow_head(const struct num_qmodel *q, float *x, int n);

/* The input of down: Hadamard where the model has it, then its site. */
void gold_shadow_down(const struct num_qmodel *q, int layer, float *x, int n);

/* q, k, v become their static codes (after R3 where the model has it). */
void gold_shadow_heads(const struct num_qmodel *q, int layer, float *qx,
                       float *kx, float *vx, int n);

/* Factor from a product of q and k codes to the exponent of e. */
float gold_shadow_score(const struct num_qmodel *q, int layer, int h);

/* e^(s - max), 0..1, becomes the u8 code 0..255. */
void gold_shadow_prob(float *p, int n);

/* Real value of one v code. */
float gold_shadow_value(const struct num_qmodel *q, int layer, int kv);

/* The bias of o, gate, up or down, of the shadow or of the real model; NULL:
 * none. */
const float *gold_shadow_bias(const struct gold_fp32 *g, int layer,
                              enum num_linear which);

#endif
