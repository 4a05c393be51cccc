/* SPDX-License-Identifier: Apache-2.0 */
/* engine/sample.c -- drawing a token: docs/numerics.md, section 4. */
#include "engine/engine.h"
#include <math.h>

enum { MAX_K = 64, CHUNK = 64 };

struct candidate {
    int32_t logit, token;
};

/* The k largest, larger first, smaller token first among equals. Tokens come
 * in rising order, so one that only equals the last candidate stays out; a
 * chunk whose maximum does not beat it is passed over. Returns how many. */
static int best(const int32_t *logits, int vocab, int k, struct candidate *c)
{
    int n = 0;
    for (int from = 0; from < vocab; from += CHUNK) {
        int end = from + CHUNK < vocab ? from + CHUNK : vocab;
        int32_t top = logits[from];
        for (int t = from + 1; t < end; t++)
            top = logits[t] > top ? logits[t] : top;
        if (n == k && top <= c[k - 1].logit)
            continue;
        for (int t = from; t < end; t++) {
            if (n == k && logits[t] <= c[k - 1].logit)
                continue;
            int i = n < k ? n++ : k - 1;
            for (; i > 0 && c[i - 1].logit < logits[t]; i--)
                c[i] = c[i - 1];
            c[i] = (struct candidate){logits[t], t};
        }
    }
    return n;
}

int32_t eng_sample(const int32_t *logits, int vocab,
                   const struct eng_sampling *how, uint32_t step)
{
    struct candidate c[MAX_K];
    int k = how->top_k < 1 ? 1 : how->top_k > MAX_K ? MAX_K : how->top_k;
    int n = best(logits, vocab, k, c);
    uint64_t w[MAX_K], sum = 0;
    for (int j = 0; j < n; j++) {
        w[j] =
            num_sample_weight((int64_t)c[0].logit - c[j].logit, how->t_scale);
        sum += w[j];
    }
    uint64_t limit = (sum * how->top_p + 65535) >> 16, kept = w[0];
    int m = 1;
    while (m < n && kept < limit)
        kept += w[m++];
    uint64_t u = (num_rand(how->seed, step) * kept) >> 32, seen = w[0];
    int j = 0;
    while (j + 1 < m && seen <= u)
        seen += w[++j];
    return c[j].token;
}

struct eng_sampling eng_sampling_make(double temperature, int top_k,
                                      double top_p, uint32_t seed)
{
    struct eng_sampling s = {
        .top_k = 1, .top_p = 65536, .t_scale = {32768, -15}, .seed = seed};
    if (!(temperature > 0))
        return s;
    double real = 1.4426950408889634 / temperature;
    int e;
    double f = frexp(real, &e); /* in [1/2, 1) */
    long mant = lround(f * 65536);
    if (mant > 65535) {
        mant = 32768;
        e++;
    }
    e = e > 100 ? 100 : e < -100 ? -100 : e;
    s.t_scale = (struct num_scale){(uint16_t)mant, (int16_t)(e - 16)};
    s.top_k = top_k <= 0 || top_k > MAX_K ? MAX_K : top_k;
    if (top_p > 0 && top_p < 1)
        s.top_p = (uint32_t)lround(top_p * 65536);
    return s;
}
