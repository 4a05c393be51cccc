/* SPDX-License-Identifier: Apache-2.0 */
/* train/hmt_eval.h -- a text of any length scored through an HMT, forward
 * only; memory use does not depend on the length.
 *
 * Ways to spoil the memory show what it is worth:
 *
 *   HMT_ZERO      P = 0 wherever a memory would have been found
 *   HMT_T         P = T instead: the learned vector without a memory
 *   HMT_SHUFFLED  the weights of the search are right, but they weigh the
 *                 memories in a random order
 *   HMT_LAST      P = the newest memory: no search
 */
#ifndef TRAIN_HMT_EVAL_H
#define TRAIN_HMT_EVAL_H
#include "train/memory.h"

enum hmt_way { HMT_AS_IS, HMT_ZERO, HMT_T, HMT_SHUFFLED, HMT_LAST, HMT_WAYS };
extern const char *const hmt_way_name[HMT_WAYS]; /* "as-is", "zero", ... */

struct hmt_eval_options {
    int segment, sensory, memories;
    enum hmt_way way;
    int threads; /* of the BLAS */
    /* After each segment, with the weight of each memory, newest first
     * (count of them; 0 for the first segment). May be NULL. */
    void (*on_segment)(void *user, int segment, const double *weight,
                       int count);
    void *user;
};

/* nll[i] = -ln p(token[i] | the text before), i < n; nll[0] = 0. */
bool hmt_eval(const struct net *net, const struct hmt_eval_options *o,
              const int32_t *token, size_t n, double *nll,
              struct fl_error *err);

/* Sums over tokens 1 .. n-1: all of them, and those in the second half of
 * their segment, which P has not seen. */
struct hmt_sums {
    double all, second;
    long tokens, second_tokens;
};
struct hmt_sums hmt_eval_sums(const double *nll, size_t n, int segment);

/* Weights of the search as SVG: a row a segment, a column an age (1 is the
 * segment before). weight (segments, ages), 0 where there is none. */
bool hmt_plot(const char *path, const double *weight, int segments, int ages,
              const char *title, struct fl_error *err);

#endif
