/* SPDX-License-Identifier: Apache-2.0 */
/* tests/engine/kernels.h -- what the kernel test shares with its timing. */
#ifndef TESTS_ENGINE_KERNELS_H
#define TESTS_ENGINE_KERNELS_H
#include "engine/kernel.h"

enum { MAX_K = 1536 };

extern long checks, failures;
__attribute__((format(printf, 3, 4))) void check(const struct eng_kernels *k,
                                                 int ok, const char *fmt, ...);

/* The tests' own generator: the same numbers on every machine. */
uint64_t random_word(void);
/* lo .. hi: at random (extreme 0), one of both ends (1), hi (2), lo (3). */
int pick(int extreme, int lo, int hi);
/* Powers of two, one off, and random words of all lengths. */
int32_t extreme32(int i);

/* A buffer that is written in full and nowhere else. */
struct guard {
    void *data;
    unsigned char *base;
    size_t size;
};
struct guard guard_new(size_t size);
int guard_ok(const struct guard *g);
void guard_free(struct guard *g);

/* The tables this program tests, NULL at the end. */
const struct eng_kernels *const *kernels_here(void);

void kernels_speed(const struct eng_kernels *k);

#endif
