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
#include "quant/quant.h"

/* Fills q->mix with the tensors worth 8 bits most under a budget, by gain for
 * a multiplication (quant_mix_choose). The package is one of the model with
 * 4-bit weights; tokens are the first of q's calibration text. */
bool mix_search(struct quant_options *q, const char *package, double budget,
                int wbits, struct fl_error *err);

/* A file of quant/mix.h's form. */
bool mix_read(struct quant_mix *m, const char *path, struct fl_error *err);

#endif
