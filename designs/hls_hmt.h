/* SPDX-License-Identifier: Apache-2.0 */
/* designs/hls_hmt.h -- texts of any length through designs/hmt.c in the native
 * view: the `hls` engine (designs/hls.h) with a memory. The same tokens as
 * engine/hmt.h, greedy or drawn.
 *
 *     struct hls_hmt *e = hls_hmt_open(model, memory, &options, &err);
 *     hls_hmt_generate(e, prompt, n, &want, each_token, user, &stats, &err);
 *     hls_hmt_close(e);
 */
#ifndef DESIGNS_HLS_HMT_H
#define DESIGNS_HLS_HMT_H
#include "designs/hls.h"

struct hls_hmt;

/* Model and memory are borrowed; options->cap and ->hmt do not matter. NULL:
 * *err says why. */
struct hls_hmt *hls_hmt_open(const struct num_qmodel *m,
                             const struct num_hmt *memory,
                             const struct hls_options *o, struct fl_error *err);
void hls_hmt_close(struct hls_hmt *e);

/* A new text: a prompt of n >= 1 tokens, then want->tokens more at most.
 * want->logits is not used. `token` may be NULL, and may return false to stop
 * early. */
bool hls_hmt_generate(struct hls_hmt *e, const int *prompt, int n,
                      const struct hls_want *want,
                      bool (*token)(void *user, int id), void *user,
                      struct hls_stats *stats, struct fl_error *err);

#endif
