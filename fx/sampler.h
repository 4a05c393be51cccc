/* SPDX-License-Identifier: Apache-2.0 */
/* fx/sampler.h -- draws the next token: top-k, temperature, top-p, seed, stop.
 *
 *     the k largest logits, the smaller id first among equals
 *     w[j] = 2^(-(best - logit[j]) * t_scale)    j = 0 .. k-1
 *     the shortest prefix with sum w >= top_p * (sum of all w) is kept
 *     token = the first whose cumulated w exceeds rand(seed, step) * kept
 *
 *     x --> [ list: TOPK ] --> weights --> nucleus --> pick --> y
 *     eos ------------------------------------------------------^
 *
 *   FX_NAME  the function to make      FX_TOPK  longest list, 1 .. 64
 *   FX_BP    logits side by side
 *
 * A logit a cycle, or two where BP is even, enter the sorted list: every entry
 * compares itself with the newcomers at once. So the list is ready as soon as
 * the last logit is. Greedy is k = 1. Rows past the vocabulary (padding of the head) are passed over.
 *
 * units    logits with NUM_LOGIT_FRAC fraction bits; t_scale = log2(e) / T
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   rows + 3 TOPK, BP even: rows / 2 + 3 TOPK
 * source   sampling fused behind the head as in FlexLLM, arXiv 2601.15710; the
 *          order of truncation is docs/numerics.md's
 * proof    tests/fx/sampler.c, against gold_sample
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_BP || !defined FX_TOPK
#error "fx/sampler.h needs FX_NAME, FX_BP and FX_TOPK"
#endif
_Static_assert(FX_BP >= 1, "fx/sampler.h: FX_BP must be at least 1");
_Static_assert(FX_TOPK >= 1 && FX_TOPK <= 64,
               "fx/sampler.h: FX_TOPK must be 1 .. 64");

struct FX_(ports) {
    FX_IN(i27, FX_BP) x; /* rows/BP beats */
    FX_IN(u32, 8) eos;   /* one beat: ids that stop, 0xFFFFFFFF for none */
    FX_OUT(u32, 2) y;    /* one beat: {id, 1 if it is among eos} */
    int rows;            /* logits that come, a multiple of BP */
    int vocab;           /* of them tokens, 1 .. rows */
    int k;               /* candidates, 1 .. TOPK */
    uint32_t t_scale;    /* a scale word */
    uint32_t top_p;      /* Q0.16, 65536: all */
    uint32_t seed, step;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    enum {
        NONE = -(1 << 27), /* below every logit */
        PAIR = FX_BP % 2 == 0 ? 2 : 1,
    };
    FX_INT(28) logit[FX_TOPK];
    uint32_t id[FX_TOPK], weight[FX_TOPK];
    FX_BEAT(i27, FX_BP) x = FX_ZERO;
    int lane = 0;

    for (int j = 0; j < FX_TOPK; j++) {
        FX_UNROLL;
        logit[j] = NONE;
        id[j] = 0;
    }
    for (int n = 0; n < p->rows; n += PAIR) {
        FX_PIPELINE(insert, 1);
        if (lane == 0)
            x = FX_READ(p->x);
        FX_INT(28)
        v = (FX_INT(28))(n < p->vocab ? FX_GET(i27, x, 0) : (int32_t)NONE);
        FX_INT(28)
        w = (FX_INT(28))(PAIR == 2 && n + 1 < p->vocab
                             ? FX_GET(i27, x, PAIR - 1)
                             : (int32_t)NONE);
        int swap = w > v; /* the larger is a, the first of equals */
        FX_INT(28) a = swap ? w : v, b = swap ? v : w;
        uint32_t ida = (uint32_t)(n + swap), idb = (uint32_t)(n + !swap);
        for (int j = FX_TOPK - 1; j >= 0; j--) {
            FX_UNROLL; /* they go behind their equals, push the lesser back */
            int one = j > 0 ? j - 1 : 0, two = j > 1 ? j - 2 : 0;
            int here = a > logit[j];
            int above = j > 0 && a > logit[one];
            int both = j > 0 && b > logit[one];
            int far = j > 1 && b > logit[two];
            uint32_t idl = far ? id[two] : idb;
            uint32_t idr = above ? id[one] : here ? ida : id[j];
            FX_INT(28) left = far ? logit[two] : b;
            FX_INT(28) right = above ? logit[one] : here ? a : logit[j];
            id[j] = both ? idl : idr;
            logit[j] = both ? left : right;
        }
        for (int l = 0; l < FX_BP - PAIR; l++) {
            FX_UNROLL;
            FX_SET(i27, x, l, FX_GET(i27, x, l + PAIR));
        }
        lane = lane == FX_BP - PAIR ? 0 : lane + PAIR;
    }

    int count = p->k < p->vocab ? p->k : p->vocab;
    int64_t best = (int64_t)logit[0];
    uint32_t total = 0; /* at most 64 * 2^16 */
    for (int n = 0; n < FX_TOPK; n++) {
        FX_PIPELINE(weigh, 1);
        uint32_t w =
            num_sample_weight(best - (int64_t)logit[0], fx_scale(p->t_scale));
        w = n < count ? w : (uint32_t)0;
        total += w;
        for (int j = 0; j < FX_TOPK - 1; j++) {
            FX_UNROLL;
            logit[j] = logit[j + 1];
            weight[j] = weight[j + 1];
        }
        weight[FX_TOPK - 1] = w;
    }

    uint32_t want = (uint32_t)(((uint64_t)total * p->top_p + 65535) >> 16);
    uint32_t kept = 0; /* weight of the shortest prefix that is enough */
    for (int n = 0; n < FX_TOPK; n++) {
        FX_PIPELINE(nucleus, 1);
        uint32_t w = weight[0];
        if (kept < want)
            kept += w;
        for (int j = 0; j < FX_TOPK - 1; j++) {
            FX_UNROLL;
            weight[j] = weight[j + 1];
        }
        weight[FX_TOPK - 1] = w;
    }

    uint32_t u =
        (uint32_t)(((uint64_t)num_rand(p->seed, p->step) * kept) >> 32);
    uint32_t cum = 0, pick = 0;
    for (int n = 0; n < FX_TOPK; n++) {
        FX_PIPELINE(pick, 1);
        if (cum <= u) { /* u < kept: stays inside the prefix */
            cum += weight[0];
            pick = id[0];
        }
        for (int j = 0; j < FX_TOPK - 1; j++) {
            FX_UNROLL;
            weight[j] = weight[j + 1];
            id[j] = id[j + 1];
        }
    }

    FX_BEAT(u32, 8) eos = FX_READ(p->eos);
    FX_BEAT(u32, 2) y = FX_ZERO;
    int stop = 0;
    for (int e = 0; e < 8; e++) {
        FX_UNROLL;
        stop |= FX_GET(u32, eos, e) == pick;
    }
    FX_SET(u32, y, 0, pick);
    FX_SET(u32, y, 1, stop);
    FX_WRITE(p->y, y);
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    uint64_t n = (uint64_t)p->rows / (FX_BP % 2 == 0 ? 2 : 1);
    n += FX_WAY_IN(insert, 0);
    if (!FX_HAS(weigh))
        return n + FX_WAY_OUT(insert, 0);
    return n + 3 * FX_TOPK + FX_WAY(insert, weigh, 0) +
           FX_WAY(weigh, nucleus, 0) + FX_WAY(nucleus, pick, 0) +
           FX_WAY_OUT(pick, 0);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0,
    .mul = 3,
    .ram_bits = 0,
};
#include "fx/end.h"
