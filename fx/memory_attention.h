/* SPDX-License-Identifier: Apache-2.0 */
/* fx/memory_attention.h -- the memory search of an HMT: softmax(q k) m over
 * the filled slots of the queue.
 *
 *     z[s] = score of q . k[s]     w[s] = 2^-(max z - z[s])
 *     y[i] = (sum over s of w[s] m[s][i]) / (sum over s of w[s])
 *
 *     q --> [ qbuf: DM ] --+
 *     k ----------------> MAC[BP] --> [ z: SLOTS ] --> 2^-x --> [ w: SLOTS ]
 *     m ----------------> MAC[BP] <----------------------------------+
 *                            '--> * 1/sum --> y
 *
 *   FX_NAME  the function to make      FX_DIM    most channels of a key
 *   FX_BP    channels side by side     FX_DEPTH  most slots
 *
 * Exact sums and one reciprocal at the end: neither the order of the slots nor
 * BP changes a bit.
 *
 * units    i16 in; y has 8 fraction bits more than m
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   keys (1 + live) + live + 1 + live rows
 * source   Hierarchical Memory Transformer, arXiv 2405.06067; no value
 *          projection
 * proof    tests/fx/memory_attention.c, against gold_hmt_search
 */
#include "fx/fx.h"
#include "num/hmt.h"

#if !defined FX_NAME || !defined FX_BP || !defined FX_DIM || !defined FX_DEPTH
#error "fx/memory_attention.h needs FX_NAME, FX_BP, FX_DIM and FX_DEPTH"
#endif
_Static_assert(FX_BP >= 1 && FX_DIM >= 1 && FX_DIM <= NUM_HMT_MAX_DM,
               "fx/memory_attention.h: FX_DIM must be 1 .. 4096");
_Static_assert(FX_DEPTH >= 1 && FX_DEPTH <= NUM_HMT_MAX_MEMORIES,
               "fx/memory_attention.h: FX_DEPTH must be 1 .. 4096");

struct FX_(ports) {
    FX_IN(i16, FX_BP) q;  /* (keys) */
    FX_IN(i16, FX_BP) k;  /* (slot, keys) */
    FX_IN(i16, FX_BP) m;  /* (rows, slot) */
    FX_OUT(i27, FX_BP) y; /* (rows) */
    int live;             /* slots, up to DEPTH; 0: nothing at all */
    int keys;             /* beats of a key, up to DIM / BP */
    int rows;             /* beats of a row; rows * live < 2^31 */
    uint32_t s_scale;     /* scale word: to powers of two */
};

/* 2^30 a product; 2^16 * 2^15 a product. */
typedef FX_INT(32 + FX_CLOG2(FX_DIM + FX_BP)) FX_(dot);
typedef FX_INT(33 + FX_CLOG2(FX_DEPTH + 1)) FX_(sum);

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_BEAT(i16, FX_BP) qbuf[FX_CEIL(FX_DIM, FX_BP)];
    int32_t score[FX_DEPTH];
    FX_UINT(17) weight[FX_DEPTH];
    FX_(sum) acc[FX_BP];
    int32_t max = 0;
    uint32_t total = 0;

    for (int n = 0; n < (p->live != 0 ? p->keys : 0); n++) {
        FX_PIPELINE(query, 1);
        qbuf[n] = FX_READ(p->q);
    }
    FX_(dot) dot = 0;
    int at = 0, slot = 0;
    for (int n = 0; n < p->live * p->keys; n++) {
        FX_PIPELINE(score, 1);
        FX_BEAT(i16, FX_BP) k = FX_READ(p->k);
        FX_BEAT(i16, FX_BP) q = qbuf[at];
        int64_t sum = at == 0 ? (int64_t)0 : (int64_t)dot;
        for (int c = 0; c < FX_BP; c++) {
            FX_UNROLL;
            sum += (int64_t)FX_GET(i16, q, c) * FX_GET(i16, k, c);
        }
        dot = (FX_(dot))sum;
        int32_t z = num_hmt_score((int64_t)dot, fx_scale(p->s_scale));
        int end = at == p->keys - 1;
        if (end) {
            score[slot] = z;
            max = slot == 0 || z > max ? z : max;
        }
        at = end ? 0 : at + 1;
        slot = end ? slot + 1 : slot;
    }
    for (int s = 0; s < p->live; s++) {
        FX_PIPELINE(weigh, 1);
        uint32_t w = num_hmt_weight((int64_t)max - score[s]);
        weight[s] = (FX_UINT(17))w;
        total += w;
    }
    uint32_t mant = 0;
    int exp = 0;
    for (int n = 0; n < (p->live != 0); n++) {
        FX_PIPELINE(factor, 1);
        struct num_scale s = num_hmt_mean_scale(total);
        mant = s.mant;
        exp = s.exp;
    }
    slot = 0;
    for (int n = 0; n < p->rows * p->live; n++) {
        FX_PIPELINE(mix, 1);
        FX_BEAT(i16, FX_BP) m = FX_READ(p->m);
        FX_BEAT(i27, FX_BP) y = FX_ZERO;
        struct num_scale f = {(uint16_t)mant, (int16_t)exp};
        uint32_t w = (uint32_t)weight[slot];
        for (int c = 0; c < FX_BP; c++) {
            FX_UNROLL;
            int64_t old = slot == 0 ? (int64_t)0 : (int64_t)acc[c];
            acc[c] = (FX_(sum))(old + (int64_t)w * FX_GET(i16, m, c));
            FX_SET(i27, y, c, num_hmt_mean((int64_t)acc[c], f));
        }
        int end = slot == p->live - 1;
        if (end)
            FX_WRITE(p->y, y);
        slot = end ? 0 : slot + 1;
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    uint64_t live = (uint64_t)p->live, keys = (uint64_t)p->keys;
    if (live == 0)
        return FX_WAY_NONE;
    uint64_t factor = FX_WAY(weigh, mix, 0);
    if (FX_HAS(factor))
        factor = FX_WAY(weigh, factor, 0) + 1 + FX_WAY(factor, mix, 0);
    return FX_WAY_IN(query, 0) + keys + FX_WAY(query, score, 0) + live * keys +
           FX_WAY(score, weigh, 0) + live + factor + live * (uint64_t)p->rows +
           FX_WAY_OUT(mix, 0);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0,
    .mul = 3 * FX_BP + 2,
    .ram_bits = 16ull * FX_DIM + (32 + 17) * (uint64_t)FX_DEPTH,
};
#include "fx/end.h"
