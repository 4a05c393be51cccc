/* SPDX-License-Identifier: Apache-2.0 */
/* cli/mix.h -- which tensors are worth 8 bits, by trial.
 *
 * The package with 8-bit inputs everywhere says what it predicts; then each
 * site in turn gets 4-bit inputs, and the cost of that is
 *
 *     gain = mean over tokens of  sum_v p8(v) ln (p8(v) / p4(v))
 *
 * in the integer engine. Far fewer tokens tell two sites apart by it than by
 * the loss on the text itself, in which both errors hide.
 */
#ifndef CLI_MIX_H
#define CLI_MIX_H
#include "model/package.h"

/* gain (layers * 4 + 1): in nats, by layer * 4 + site, the head last. n
 * tokens. progress as in quant_options; may be NULL. */
bool mix_measure(const struct pkg *p, const int32_t *token, int n, double *gain,
                 void (*progress)(void *state, double done, const char *what),
                 void *state, struct fl_error *err);

#endif
