/* SPDX-License-Identifier: Apache-2.0 */
/* quant/export.h -- a package's weights as an ordinary checkpoint, for other
 * people's tools: DIR/config.json and DIR/model.safetensors in the layout of
 * Hugging Face's Llama.
 *
 * Weights are the real values of the codes with R1, R2 and R4 undone; the
 * gains of the norms stay in them and the norms are ones; gains between v and
 * o, up and down stay. What a linear's mean and bias do,
 *
 *     y = W (x - m) + b  =  W x + (b - W m)
 *
 * becomes a bias (attention_bias and mlp_bias are true). Llama has none in
 * its head: there W + (b - W m) u' with u = m / (m . m) stands for it, which
 * is exact for x = m. Codes of activations, of the cache and of
 * probabilities are not in a checkpoint: the result is the weights' share of
 * the loss.
 *
 * The tokenizer is the original's: copy its files beside these.
 */
#ifndef QUANT_EXPORT_H
#define QUANT_EXPORT_H
#include "model/package.h"

/* bf16: halves the size and rounds to 8 bits. The folder must exist. */
bool quant_export(const struct pkg *p, const char *folder, bool bf16,
                  struct fl_error *err);

#endif
