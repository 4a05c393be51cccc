/* SPDX-License-Identifier: Apache-2.0 */
/* engine/score.c -- the probability of a token, for perplexity.
 *
 *     nll = ln(sum_v e^(l_v - max)) + max - l_target,   l = logit / 2^16
 *
 * The only floating point that leaves the engine. Eight lanes are summed in a
 * fixed order and nothing is contracted, so the number does not depend on the
 * instruction set. 2^x is a polynomial of degree 6 on [-1/2, 1/2], relative
 * error below 2e-7; the sum's is below 1e-6.
 */
#include "engine/engine_int.h"
#include <math.h>
#include <string.h>

typedef float v8f __attribute__((vector_size(32)));
typedef int32_t v8i __attribute__((vector_size(32)));

enum { LANES = 8 };

static inline __attribute__((always_inline)) v8f exp2_8(v8f x)
{
    /* x in [-126, 0]: x = i + f, f in [-1/2, 1/2] */
    v8i i = __builtin_convertvector(x - 0.5f, v8i); /* towards zero */
    v8f f = x - __builtin_convertvector(i, v8f);
    v8f p = 1.5403530e-4f + 0 * f;
    p = p * f + 1.3333558e-3f;
    p = p * f + 9.6181291e-3f;
    p = p * f + 5.5504109e-2f;
    p = p * f + 2.4022651e-1f;
    p = p * f + 6.9314718e-1f;
    p = p * f + 1.0f;
    v8i bits = (v8i)p + (i << 23);
    return (v8f)bits;
}

struct eng_part eng_score_part(const int32_t *logits, int n)
{
    struct eng_part r = {logits[0], 0};
    for (int t = 1; t < n; t++)
        r.top = logits[t] > r.top ? logits[t] : r.top;
    const float unit = -1.44269504f / (1 << NUM_LOGIT_FRAC);
    v8f sum = {0};
    for (int t = 0; t < n; t += LANES) {
        v8i v;
        if (n - t < LANES) {
            int32_t l[LANES];
            for (int j = 0; j < LANES; j++)
                l[j] = t + j < n ? logits[t + j] : INT32_MIN / 2;
            memcpy(&v, l, sizeof v);
        } else {
            memcpy(&v, logits + t, sizeof v);
        }
        v8f x = __builtin_convertvector(r.top - v, v8f) * unit;
        v8i far = x < -126.0f; /* below 1e-37 of the largest: nothing */
        sum += (v8f)((v8i)exp2_8((v8f)((v8i)x & ~far)) & ~far);
    }
    for (int j = 0; j < LANES; j++)
        r.sum += sum[j];
    return r;
}

double eng_score(const struct eng_part *part, int parts, int32_t target)
{
    const double unit = 1.0 / (1 << NUM_LOGIT_FRAC);
    int32_t top = part[0].top;
    for (int i = 1; i < parts; i++)
        top = part[i].top > top ? part[i].top : top;
    double sum = 0;
    for (int i = 0; i < parts; i++)
        sum += part[i].sum * exp(((double)part[i].top - top) * unit);
    return log(sum) + ((double)top - target) * unit;
}

/* The same terms in the same order as eng_score's. */
double eng_nll(const int32_t *logits, int vocab, int32_t target)
{
    const double unit = 1.0 / (1 << NUM_LOGIT_FRAC);
    int32_t top = logits[0];
    for (int t = 1; t < vocab; t++)
        top = logits[t] > top ? logits[t] : top;
    double sum = 0;
    for (int from = 0; from < vocab; from += ENG_SEGMENT) {
        int size = vocab - from < ENG_SEGMENT ? vocab - from : ENG_SEGMENT;
        struct eng_part p = eng_score_part(logits + from, size);
        sum += p.sum * exp(((double)p.top - top) * unit);
    }
    return log(sum) + ((double)top - logits[target]) * unit;
}
