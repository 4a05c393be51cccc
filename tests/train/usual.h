/* SPDX-License-Identifier: Apache-2.0 */
/* tests/train/usual.h -- what the tests of the float trainer share: sizes, a
 * text, and options. */
#ifndef TESTS_TRAIN_USUAL_H
#define TESTS_TRAIN_USUAL_H
#include "tests/train/tiny.h"
#include "train/net.h"

#define WORKS(call)                                                            \
    do {                                                                       \
        if (!(call))                                                           \
            fail_msg("%s", err.msg);                                           \
    } while (0)

static struct fl_error err;

enum { SEGMENT = 6, SENSORY = 2, MEMORIES = 3, TOKENS = 5 * SEGMENT + 3 };

/* A text with a pattern: each token is a function of the one 10 before. */
static void text(int32_t *token, int n, int vocab)
{
    uint64_t rng = 8;
    for (int i = 0; i < n; i++)
        token[i] = i < 10 ? (int32_t)(rng_next(&rng) % (uint64_t)vocab)
                          : (token[i - 10] * 3 + 1) % vocab;
}

static struct net_options usual = {
    .dm = 5, .rank = 2, .alpha = 4, .parts = 127, .first = 1, .seed = 5};

#endif
