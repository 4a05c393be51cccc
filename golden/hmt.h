/* SPDX-License-Identifier: Apache-2.0 */
/* golden/hmt.h -- the Hierarchical Memory Transformer over the integer model,
 * as docs/hmt.md and section 6 of docs/numerics.md say, in plain loops: text
 * of any length through windows of a fixed size and a queue of memories.
 *
 *     struct gold_hmt g;
 *     if (gold_hmt_init(&g, model, memory)) {
 *         gold_hmt_feed(&g, prompt, n, 0, 0, logits);
 *         gold_hmt_feed(&g, &next, 1, 0, 0, logits);
 *         gold_hmt_free(&g);
 *     }
 */
#ifndef GOLDEN_HMT_H
#define GOLDEN_HMT_H
#include "golden/int.h"

struct gold_hmt {
    const struct num_hmt *h;
    struct gold_int g; /* one window */
    int64_t pushed;    /* memories so far; slot n mod N has the n-th */
    int64_t tokens;    /* of the text so far */
    int len;           /* tokens of the open segment; -1: none is open */
    int32_t *last;     /* (sensory) the last tokens of closed segments */
    int16_t *key, *m;  /* (memories, dm), (memories, d) */
    int16_t *q;        /* (dm) */
    int32_t *y;        /* (d) */
    int8_t *p_code;    /* (d) */
    struct num_row p;  /* of the open segment */
};

/* Model and memory are borrowed. False: out of memory, or the window is longer
 * than the model's positions, or the widths differ. */
bool gold_hmt_init(struct gold_hmt *g, const struct num_qmodel *m,
                   const struct num_hmt *h);
void gold_hmt_free(struct gold_hmt *g);

/* Takes n >= 1 tokens; logits (vocab), or NULL, are those after the last. What
 * fills the open segment goes there, the rest is cut into segments. predict
 * (or NULL) gets the logits that predict token[i], for every token but the
 * first of a text. */
void gold_hmt_feed(struct gold_hmt *g, const int32_t *token, int n,
                   void (*predict)(void *user, int i, const int32_t *logits),
                   void *user, int32_t *logits);

#endif
