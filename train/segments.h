/* SPDX-License-Identifier: Apache-2.0 */
/* train/segments.h -- a text through an HMT, segment by segment, and the
 * gradient of its loss (docs/hmt.md says what is computed).
 *
 *     group of `depth` segments            next group
 *   x0 --> M0 --> x1 --> M1 --> x2 --> M2 | --> x3 --> ...
 *    ^______________________________ back | nothing of this comes back here
 *
 * Gradients run back inside a group only: memories made before the group are
 * constants in it. So a group is passed forward, then backward, and its
 * passes are used again: memory does not grow with the text.
 *
 * With `distil`, the aim is (in this share) the distribution of a teacher: the
 * untouched backbone, which reads the whole text in one pass. What it knows
 * of earlier segments is what a memory could tell; the noise of the words
 * themselves, and the style of the training text, drop out.
 *
 * Every token but the first of the text is predicted. `sum_*` forms are over
 * tokens, not means.
 */
#ifndef TRAIN_SEGMENTS_H
#define TRAIN_SEGMENTS_H
#include "train/memory.h"

struct segments_options {
    int segment, sensory, memories, depth; /* tokens, tokens, slots, segments */
    int most;                              /* segments of a text, at most */
    real distil; /* 0: the text alone; needs a frozen backbone */
};

/* One segment of the group. */
struct segment {
    struct pass main, summary;
    struct search search;
    int lead;      /* sensory tokens */
    int n, half;   /* tokens; tokens of the summary */
    int oldest;    /* first memory of the queue */
    bool searched; /* P came from a search of two or more */
    real *p, *dp;  /* (d) P */
    real inv;      /* of the memory's state */
    real inv_s;    /* of the summary's state */
};

struct segments {
    const struct net *net;
    struct segments_options o;
    struct segment *segment; /* (depth) */
    struct pass teacher;     /* where distil > 0 */
    struct head head;
    real *m, *dm; /* (most, d) memories and their gradients */
};

bool segments_init(struct segments *g, const struct net *net,
                   const struct segments_options *o, struct fl_error *err);
void segments_free(struct segments *g);

/* Runs n tokens from segment `first` on; g->m holds the memories of the ones
 * before, as constants. Segments below `scored` have no loss. The sum of the
 * losses; weight times its gradient is added to grad, unless that is NULL.
 * At most o.most segments, each token inside the vocabulary. */
double segments_run(struct segments *g, const int32_t *token, int n, int first,
                    int scored, real weight, real *grad);

/* What segments_run sums over. */
int segments_scored(const struct segments_options *o, int n, int scored);

#endif
