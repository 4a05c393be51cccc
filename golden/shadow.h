/* SPDX-License-Identifier: Apache-2.0 */
/* golden/shadow.h -- what the fp32 pass asks a quantised model for; only
 * golden/fp32.c needs it. Values are real (fp32), arrays (n, channel) and
 * changed in place.
 */
#ifndef GOLDEN_SHADOW_H
#define GOLDEN_SHADOW_H
#include "golden/fp32.h"

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
