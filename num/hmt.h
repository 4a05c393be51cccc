/* SPDX-License-Identifier: Apache-2.0 */
/* num/hmt.h -- the memory of a Hierarchical Memory Transformer in integers:
 * its data, and its arithmetic. docs/hmt.md says what is computed, section 6
 * of docs/numerics.md how, to the bit.
 *
 *   state     codes of the normed residual (i8, a scale)     one a pass
 *   q, key    state times Wq, Wk                             (dm) i16
 *   m         state times `size`: what the queue holds       (d)  i16
 *   P         softmax(q . keys) over the queue, times m      a row, as the
 *             embedding has them: i8 codes and a scale
 */
#ifndef NUM_HMT_H
#define NUM_HMT_H
#include "num/qmodel.h"

enum {
    NUM_HMT_MAX_MEMORIES = 4096,
    NUM_HMT_MAX_DM = 4096,
    NUM_HMT_DROP = 11,  /* bits from a 27-bit activation to an i16 */
    NUM_HMT_SHIFT = 8,  /* bits a dot product or a sum loses before it is
                            scaled, and that a mean has more than m */
    NUM_HMT_CODE = 119, /* largest code of Wq, Wk: 16 * 7 + 7 */
};

/* Wq or Wk, with the basis of the package's residual stream. */
struct num_hmt_matrix {
    const int8_t *w;      /* (dm, d) codes, +-119 */
    const uint16_t *mant; /* (dm) */
    const int8_t *exp;    /* (dm) */
    int frac;             /* fraction bits of a 27-bit result */
};

struct num_hmt {
    int d, dm;
    int segment;              /* tokens of a segment */
    int sensory;              /* tokens given again, <= segment */
    int memories;             /* slots of the queue, 0 .. 4096 */
    struct num_row t;         /* T */
    struct num_hmt_matrix q;  /* of a summary's state */
    struct num_hmt_matrix k;  /* of a memory's state; `size` is in it */
    struct num_scale size;    /* a state's size: M = size * normed residual */
    int m_frac;               /* fraction bits of a 27-bit M */
    struct num_scale s_scale; /* dot product >> 8 to powers of two, Q.16 */
};

/* Positions of the longest pass: P, sensory, segment, P. */
static inline int num_hmt_window(const struct num_hmt *h)
{
    return h->segment + h->sensory + 2;
}

/* The two halves of a code: w = 16 hi + lo, both in -8 .. 7. A design with
 * 4-bit weights has a row for each. */
NUM_FN int32_t num_hmt_hi(int32_t w)
{
    return (w + 8) >> 4;
}

NUM_FN int32_t num_hmt_lo(int32_t w)
{
    return w - ((w + 8) >> 4) * 16;
}

/* hi, lo: results of the two halves, 27 bits; lo 0 where there is only one. */
NUM_FN int32_t num_hmt_i16(int32_t hi, int32_t lo)
{
    int64_t y = num_sat((int64_t)hi + lo, NUM_ACT_BITS);
    return (int32_t)num_sat(num_round(y, NUM_HMT_DROP), 16);
}

/* A slot's score, in powers of two with 16 fraction bits; |dot| < 2^43. */
NUM_FN int32_t num_hmt_score(int64_t dot, struct num_scale s_scale)
{
    return (int32_t)num_sat(num_scaled(num_round(dot, NUM_HMT_SHIFT), s_scale),
                            32);
}

/* Its weight; below = largest score - score. 65536 is 1. */
NUM_FN uint32_t num_hmt_weight(int64_t below)
{
    return num_exp2n((uint32_t)num_clamp(below, 0, 1 << 21));
}

/* What turns a weighted sum of i16 into a mean with 8 fraction bits more;
 * total: the sum of the weights. */
NUM_FN struct num_scale num_hmt_mean_scale(uint32_t total)
{
    return num_scale_shift(num_recip(total), 2 * NUM_HMT_SHIFT);
}

NUM_FN int32_t num_hmt_mean(int64_t sum, struct num_scale s)
{
    return (int32_t)num_sat(num_scaled(num_round(sum, NUM_HMT_SHIFT), s),
                            NUM_ACT_BITS);
}

#endif
