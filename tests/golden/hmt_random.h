/* SPDX-License-Identifier: Apache-2.0 */
/* tests/golden/hmt_random.h -- a random memory of any size, with scores spread
 * over a few powers of two, so that no slot of the queue is without weight. */
#ifndef TESTS_GOLDEN_HMT_RANDOM_H
#define TESTS_GOLDEN_HMT_RANDOM_H
#include "num/hmt.h"

/* NULL: out of memory. Give it back to hrandom_free. */
struct num_hmt *hrandom_new(int d, int dm, int segment, int sensory,
                            int memories, uint32_t seed);
void hrandom_free(struct num_hmt *h);

#endif
