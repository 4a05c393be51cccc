/* SPDX-License-Identifier: Apache-2.0 */
/* train/rng.h -- the one source of chance: a 64-bit counter, mixed
 * (splitmix64). Its state is the counter, so it is resumed by one number. */
#ifndef TRAIN_RNG_H
#define TRAIN_RNG_H
#include <math.h>
#include <stdint.h>

static inline uint64_t rng_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* In [0, 1). */
static inline double rng_uniform(uint64_t *state)
{
    return (double)(rng_next(state) >> 11) * 0x1p-53;
}

/* Mean 0, variance 1 (Box and Muller). */
static inline double rng_normal(uint64_t *state)
{
    double u = 1 - rng_uniform(state), v = rng_uniform(state);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

#endif
