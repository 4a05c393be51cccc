/* SPDX-License-Identifier: Apache-2.0 */
/* engine/hmt.h -- texts longer than the model's positions: the Hierarchical
 * Memory Transformer of docs/hmt.md on the integer engine, to the bit as
 * section 6 of docs/numerics.md says. Time grows with the length of the text,
 * memory does not: one session of a window, and the queue.
 *
 *     struct eng_hmt *h = eng_hmt_new(engine, &memory, &err);
 *     const int32_t *logits = eng_hmt_feed(h, prompt, n, &err);
 *     for (;;) {
 *         token = eng_sample(logits, vocab, &how, eng_hmt_tokens(h));
 *         logits = eng_hmt_feed(h, &token, 1, &err);
 *     }
 *
 * One at a time per engine: it sets the engine's vectors.
 */
#ifndef ENGINE_HMT_H
#define ENGINE_HMT_H
#include "engine/engine.h"
#include "num/hmt.h"

struct eng_hmt;

/* Engine and memory are borrowed. NULL: *err says why. */
struct eng_hmt *eng_hmt_new(struct engine *e, const struct num_hmt *m,
                            struct fl_error *err);
void eng_hmt_free(struct eng_hmt *h);
size_t eng_hmt_bytes(const struct eng_hmt *h); /* session and queue */
int64_t eng_hmt_tokens(const struct eng_hmt *h);

/* A new text. */
void eng_hmt_reset(struct eng_hmt *h);

/* Called with the tokens taken so far, a segment at a time. */
typedef void eng_hmt_progress(void *user, int done);
void eng_hmt_on_segment(struct eng_hmt *h, eng_hmt_progress *fn, void *user);

/* Takes n >= 1 tokens and returns the logits after the last, valid until the
 * engine's next call. What fits goes into the open segment, the rest is cut
 * into segments; a full one is closed and an empty one opened. NULL: a token
 * is outside the vocabulary. */
const int32_t *eng_hmt_feed(struct eng_hmt *h, const int32_t *token, int n,
                            struct fl_error *err);

/* Takes n >= 1 tokens as segments of their own, the last may be short, and
 * scores them: nll[i] = -ln p(token[i] | the text before). nll[0] of a text's
 * first token is 0. A text may come in pieces of whole segments. */
bool eng_hmt_score(struct eng_hmt *h, const int32_t *token, int n, double *nll,
                   struct fl_error *err);

#endif
