/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/golden/hmt_random.h"
#include "num/convert.h"
#include "tests/golden/qmodel_random.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static double uniform(uint64_t *rng, double lo, double hi)
{
    return lo + (hi - lo) * (double)(qrandom_word(rng) >> 11) * 0x1p-53;
}

/* Rows of codes over the whole range; results have a spread of about one. */
static bool matrix(struct num_hmt_matrix *w, int dm, int d, uint64_t *rng)
{
    int8_t *code = calloc((size_t)dm * (size_t)d, 1),
           *exp = calloc((size_t)dm, 1);
    uint16_t *mant = calloc((size_t)dm, sizeof *mant);
    *w = (struct num_hmt_matrix){code, mant, exp, 18};
    if (!code || !mant || !exp)
        return false;
    for (int i = 0; i < dm * d; i++)
        code[i] = (int8_t)(qrandom_word(rng) % 239 - 119);
    for (int o = 0; o < dm; o++) {
        struct num_scale s =
            num_scale_of(uniform(rng, 0.7, 1.4) / (69 * sqrt(d)));
        mant[o] = s.mant;
        exp[o] = (int8_t)s.exp;
    }
    return true;
}

struct num_hmt *hrandom_new(int d, int dm, int segment, int sensory,
                            int memories, uint32_t seed)
{
    struct num_hmt *h = calloc(1, sizeof *h);
    int8_t *t = calloc((size_t)d, 1);
    uint64_t rng = seed;
    if (!h || !t) {
        free(h);
        free(t);
        return NULL;
    }
    *h = (struct num_hmt){.d = d,
                          .dm = dm,
                          .segment = segment,
                          .sensory = sensory,
                          .memories = memories,
                          .t = {t, num_scale_of(uniform(&rng, 0.005, 0.01))},
                          .size = num_scale_of(uniform(&rng, 0.5, 1.0)),
                          .m_frac = 20};
    for (int i = 0; i < d; i++)
        t[i] = (int8_t)(qrandom_word(&rng) % 255 - 127);
    /* i16 has 7 fraction bits of q and k: 18 - 11 */
    double unit = ldexp(1.44269504 / sqrt(dm), 16 - 14 + NUM_HMT_SHIFT);
    h->s_scale = num_scale_of(unit);
    if (!matrix(&h->q, dm, d, &rng) || !matrix(&h->k, dm, d, &rng)) {
        hrandom_free(h);
        return NULL;
    }
    return h;
}

void hrandom_free(struct num_hmt *h)
{
    if (!h)
        return;
    const struct num_hmt_matrix *w[2] = {&h->q, &h->k};
    for (int i = 0; i < 2; i++) {
        free((void *)(uintptr_t)w[i]->w);
        free((void *)(uintptr_t)w[i]->mant);
        free((void *)(uintptr_t)w[i]->exp);
    }
    free((void *)(uintptr_t)h->t.code);
    free(h);
}
