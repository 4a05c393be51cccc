/* SPDX-License-Identifier: Apache-2.0 */
/* quant/mix.h -- bits for single tensors. A tensor here is a site: an input
 * and the linears that read it (attn: q k v; o; ffn: gate up; down; head).
 *
 * As JSON:   {"mix": [{"layer": 3, "site": "down", "abits": 8, "wbits": 8},
 *                     {"site": "head", "abits": 4}]}
 *
 * What is left out is the scheme's.
 */
#ifndef QUANT_MIX_H
#define QUANT_MIX_H
#include "num/qmodel.h"
#include "quant/quant.h"
#include <stddef.h>

struct cJSON;

const char *quant_site_name(int site);
/* -1: there is no such site. */
int quant_site_find(const char *name, size_t n);

/* On failure *m holds nothing. `name` is for messages. */
bool quant_mix_parse(struct quant_mix *m, const char *text, size_t size,
                     const char *name, struct fl_error *err);
void quant_mix_free(struct quant_mix *m);
/* The list, for the caller to put under "mix". */
struct cJSON *quant_mix_json(const struct quant_mix *m);

/* Multiplications a token of a site's linears. */
double quant_site_macs(const struct num_shape *s, int site);

/* Picks tensors for 8-bit inputs (and, if not 0, wbits weights): those with
 * the largest gain[layer * 4 + site] (last: the head) for a multiplication,
 * while the share of multiplications stays within budget, 0..1; the inputs of
 * the residual stream have `wide` channels of 8 bits before that. */
bool quant_mix_choose(struct quant_mix *m, const struct num_shape *s,
                      const double *gain, double budget, int wbits, int wide,
                      struct fl_error *err);

/* The calibration text's tokens, (sequences, calib_length); the caller frees
 * them. */
struct tok;
bool quant_tokens(const struct quant_options *o, const struct tok *t,
                  int32_t **token, int *sequences, struct fl_error *err);

/* What a model spends: multiplications a token in all linears and the head,
 * those of them with an 8-bit operand, bits a weight on average. */
struct quant_spending {
    double macs, macs8, weight_bits;
};
struct quant_spending quant_spending(const struct num_qmodel *m);

#endif
