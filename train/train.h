/* SPDX-License-Identifier: Apache-2.0 */
/* train/train.h -- training: sequences drawn from a text, AdamW, checkpoints.
 *
 * A step draws `batch` sequences of `sequence` segments at random places of
 * the text (two segments in the first quarter of the steps: the first stage
 * of the paper). A share `echo` of them ends in a copy of one of their earlier
 * segments: text that only a memory can tell, so that it learns to be read
 * and found before it is worth anything in common text. The step adds up their
 * gradients in order, clips, and moves every number by AdamW (arXiv 1711.05101)
 * at a rate that rises over `warmup` steps and falls as a cosine to a tenth.
 *
 *     m = 0.9 m + 0.1 g        v = 0.95 v + 0.05 g^2
 *     w -= rate (m' / (sqrt(v') + 1e-8) + decay w)     ': unbiased
 *
 * Sequences of a batch are shared out over threads, each computed by one:
 * the result depends on the seed only. A checkpoint holds everything a step
 * needs; going on from it gives the bits of a run that never stopped.
 */
#ifndef TRAIN_TRAIN_H
#define TRAIN_TRAIN_H
#include "train/segments.h"

struct train_options {
    struct segments_options seg; /* seg.most is set here */
    int sequence;                /* segments */
    int batch, steps, warmup;
    double echo; /* 0 .. 1 */
    int skip;    /* segments of a sequence without a loss, from its first on */
    double rate, decay, clip; /* clip: greatest norm of a gradient; 0: none */
    uint64_t seed;
    int threads;
};

struct train {
    struct net *net;
    struct train_options o;
    const int32_t *token; /* borrowed */
    size_t tokens;
    int workers, step;
    uint64_t rng;
    struct segments *segments; /* (workers) */
    real *grad;                /* (batch, train) */
    int32_t *drawn;            /* (batch, sequence segment) tokens */
    real *m, *v;               /* (train) */
    float *loss;               /* (steps) mean over the tokens of a step */
    double trained;            /* tokens predicted so far */
};

/* token must fit one sequence at least and lie inside the vocabulary. */
bool train_init(struct train *t, struct net *net, const struct train_options *o,
                const int32_t *token, size_t n, struct fl_error *err);
void train_free(struct train *t);

/* One step; its loss is t->loss[t->step - 1]. */
void train_step(struct train *t);

/* A checkpoint belongs to one net and one set of options (threads excepted);
 * reading one of another is an error. */
bool train_save(const struct train *t, const char *path, struct fl_error *err);
bool train_load(struct train *t, const char *path, struct fl_error *err);

/* The loss over the steps as SVG: each step, and a running mean. */
bool train_plot(const char *path, const float *loss, int n, const char *title,
                struct fl_error *err);

#endif
