/* SPDX-License-Identifier: Apache-2.0 */
/* golden/ops.h against the definitions of numerics.md written out the slow
 * way: matrices entry by entry, zero points inside the sums, sorted lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>
#include "golden/ops.h"
#include "num/convert.h"
#include "tests/golden/qmodel_random.h"

static uint64_t rng = 11;

static int64_t any(int64_t lo, int64_t hi)
{
    return lo + (int64_t)(qrandom_word(&rng) % (uint64_t)(hi - lo + 1));
}

static void hadamard(void **state)
{
    const int sizes[] = {1, 2, 4, 12, 24, 36, 64, 80, 112, 172, 576, 1536};
    for (int k = 0; k < 12; k++) {
        int n = sizes[k];
        struct num_had h = num_had_split(n);
        int32_t x[1536], y[1536];
        for (int edge = 0; edge < 2; edge++) {
            for (int i = 0; i < n; i++)
                x[i] = (int32_t)any(-(1 << 26), (1 << 26) - 1) >> (edge * 9);
            memcpy(y, x, sizeof y);
            gold_fht(y, n);
            int shift = num_bitlen32((uint32_t)(h.m * h.p));
            shift = (shift - 1) / 2;
            for (int i = 0; i < n; i++) {
                int64_t sum = 0;
                for (int j = 0; j < n; j++)
                    sum += num_had_entry(h, i, j) * (int64_t)x[j];
                sum = (int64_t)floor(ldexp((double)sum, -shift) + 0.5);
                sum = sum > 67108863 ? 67108863 : sum;
                sum = sum < -67108864 ? -67108864 : sum;
                assert_int_equal(y[i], sum);
            }
        }
    }
}

static void linears(void **state)
{
    const int groups[] = {0, 4, 8};
    for (int k = 0; k < 12; k++) {
        struct qrandom o = {.shape = {1, 24, 40, 2, 1, 12, 9, 4, 0, 0, 0},
                            .seq = 4,
                            .wbits = k & 1 ? 8 : 4,
                            .abits = k & 2 ? 8 : 4,
                            .group = groups[k / 4],
                            .bias = 1,
                            .seed = (uint32_t)k};
        struct num_qmodel *m = qrandom_new(&o);
        const struct num_qlinear *l = &m->layer[0].lin[NUM_UP];
        int8_t code[24];
        int64_t acc[40];
        int zp = o.abits == 4 ? (int)any(0, 15) : 0;
        for (int i = 0; i < 24; i++)
            code[i] = (int8_t)(o.abits == 4 ? any(0, 15) : any(-127, 127));
        gold_linear(l, code, zp, acc);
        for (int r = 0; r < 40; r++) {
            int64_t sum = 0;
            for (int i = 0; i < 24; i++) {
                int w = o.wbits == 8
                            ? (int8_t)l->w[r * 24 + i]
                            : ((l->w[r * 12 + i / 2] >> 4 * (i & 1)) & 15);
                w -= o.wbits == 4 && w > 7 ? 16 : 0;
                sum +=
                    (int64_t)(code[i] - zp) * w *
                    (l->group ? l->mul[r * (24 / l->group) + i / l->group] : 1);
            }
            assert_int_equal(acc[r], sum);
        }
        int32_t y[40];
        struct num_scale sx = {40000, -20};
        gold_dequant(l, acc, sx, y);
        for (int r = 0; r < 40; r++) {
            double part = (double)acc[r] * num_scale_real(sx) *
                          ldexp(l->mant[r], l->exp[r] + l->frac);
            double want = fmin(67108863, fmax(-67108864, part + l->bias[r]));
            assert_true(fabs(y[r] - want) < 1 + 3e-5 * fabs(part));
        }
        qrandom_free(m);
    }
}

static void attention(void **state)
{
    enum { N = 300, H = 6 };
    int8_t q[H], k[N * H], v[N * H];
    for (int n = 1; n <= N; n += n < 4 ? 1 : 37) {
        for (int i = 0; i < N * H; i++) {
            q[i % H] = (int8_t)any(-127, 127);
            k[i] = (int8_t)any(-127, 127);
            v[i] = (int8_t)any(-127, 127);
        }
        struct num_scale ss = num_scale_of(any(1, 40));
        struct num_scale os = num_scale_of(517.3);
        int32_t y[H];
        gold_attention(q, k, v, n, H, ss, os, y);
        double p[N], max = -1e9, sum = 0;
        for (int t = 0; t < n; t++) {
            p[t] = 0;
            for (int i = 0; i < H; i++)
                p[t] += q[i] * k[t * H + i];
            max = fmax(max, p[t]);
        }
        for (int t = 0; t < n; t++)
            sum += p[t] = exp2((p[t] - max) * num_scale_real(ss) / 65536);
        for (int i = 0; i < H; i++) {
            double want = 0;
            for (int t = 0; t < n; t++)
                want += p[t] * v[t * H + i] / sum;
            /* probabilities are off by up to 0.52 / 255 each */
            double room = 127 * 0.6 * n / (255 * sum) + 0.02;
            assert_true(fabs(y[i] / 517.3 - want) < room);
        }
    }
    /* equal scores: the mean of v, and the row's maximum has all of 255 */
    memset(k, 1, sizeof k);
    memset(v, 100, sizeof v);
    int32_t y[H];
    gold_attention(q, k, v, N, H, num_scale_of(1), num_scale_of(1000), y);
    assert_true(abs(y[0] - 100000) < 10);
}

static void residual_and_embedding(void **state)
{
    int32_t r[2] = {INT32_MAX - 1, INT32_MIN + 1};
    const int32_t y[2] = {5, -5};
    gold_residual(r, y, 2);
    assert_int_equal(r[0], INT32_MAX);
    assert_int_equal(r[1], INT32_MIN);
    const int8_t c[2] = {127, -3};
    gold_embed(c, 0x8000, -16, 20, 2, r); /* 0.5 a code, Q.20 */
    assert_int_equal(r[0], 127 << 19);
    assert_int_equal(r[1], -3 * (1 << 19));
    gold_embed(c, 0x8000, 10, 20, 2, r);
    assert_int_equal(r[0], 127 * 0x8000 * 256);
}

/* The candidates by a full sort, the draw by a walk over real numbers. */
static void sampling(void **state)
{
    enum { V = 200 };
    int32_t l[V];
    for (int n = 0; n < 3000; n++) {
        for (int i = 0; i < V; i++)
            l[i] = (int32_t)any(-6, 6) * 32768; /* many ties */
        struct gold_sampler s = {(int)any(1, 64), num_scale_of(1.4427 / 0.8),
                                 (uint32_t)any(0, 65536), (uint32_t)n};
        int ids[V];
        for (int i = 0; i < V; i++) {
            int at = i;
            for (; at > 0 && l[ids[at - 1]] < l[i]; at--)
                ids[at] = ids[at - 1];
            ids[at] = i;
        }
        double w[64], total = 0, kept = 0;
        for (int j = 0; j < s.k; j++)
            total += w[j] = num_sample_weight(l[ids[0]] - l[ids[j]], s.t_scale);
        double want = ceil(total * s.top_p / 65536);
        int m = 0;
        while (m == 0 || (m < s.k && kept < want))
            kept += w[m++];
        double u = floor(num_rand(s.seed, 5) * kept / 4294967296.0);
        int pick = 0;
        for (double c = w[0]; c <= u; c += w[pick])
            pick++;
        assert_true(pick < m);
        assert_int_equal(gold_sample(l, V, &s, 5), ids[pick]);
        s.k = 1;
        assert_int_equal(gold_sample(l, V, &s, (uint32_t)n), ids[0]);
    }
    struct gold_sampler s = {64, num_scale_of(1), 65536, 1};
    const int32_t one[1] = {-5};
    assert_int_equal(gold_sample(one, 1, &s, 0), 0);

    /* at temperature 1 two logits ln 3 apart are drawn 3 : 1 */
    const int32_t two[2] = {0, (int32_t)(1.0986 * 65536)};
    s.t_scale = num_scale_of(1.442695);
    int hits = 0;
    for (uint32_t t = 0; t < 20000; t++)
        hits += gold_sample(two, 2, &s, t);
    assert_true(abs(hits - 15000) < 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hadamard), cmocka_unit_test(linears),
        cmocka_unit_test(attention), cmocka_unit_test(residual_and_embedding),
        cmocka_unit_test(sampling)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
