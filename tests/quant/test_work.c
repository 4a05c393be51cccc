/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the quantiser, each against what it promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>
#include "num/convert.h"
#include "quant/work.h"
#include "tests/golden/qmodel_random.h"

static uint64_t rng = 5;

static float uniform(void)
{
    return (float)((double)(qrandom_word(&rng) >> 11) * 0x1p-52 - 1);
}

static void rotations(void **state)
{
    const int sizes[] = {1, 6, 24, 36, 64, 172, 576};
    for (int k = 0; k < 7; k++) {
        int n = sizes[k];
        struct qt_rotation r, off;
        assert_true(qt_rotation_init(&r, n, 9, true));
        assert_true(qt_rotation_init(&off, n, 9, false));
        float *x = malloc(sizeof *x * (size_t)n * 3);
        float *y = malloc(sizeof *y * (size_t)n * 3);
        for (int i = 0; i < 3 * n; i++)
            x[i] = y[i] = uniform();
        qt_rotate_rows(&off, y, 3);
        assert_memory_equal(x, y, sizeof *x * (size_t)n * 3);
        qt_rotate_rows(&r, y, 3); /* lengths and angles stay */
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++) {
                double p = 0, q = 0;
                for (int i = 0; i < n; i++) {
                    p += (double)x[a * n + i] * x[b * n + i];
                    q += (double)y[a * n + i] * y[b * n + i];
                }
                assert_true(fabs(p - q) < 1e-4 * n);
            }
        /* columns of the transpose are rows */
        float *z = malloc(sizeof *z * (size_t)n * 3);
        for (int i = 0; i < n; i++)
            for (int c = 0; c < 3; c++)
                z[i * 3 + c] = x[c * n + i];
        assert_true(qt_rotate_columns(&r, z, 3));
        for (int i = 0; i < n; i++)
            for (int c = 0; c < 3; c++)
                assert_true(z[i * 3 + c] == y[c * n + i]);
        free(x);
        free(y);
        free(z);
        qt_rotation_free(&r);
    }
}

enum { IN = 48, OUT = 24, TOKENS = 400 };

/* Correlated inputs: low rank plus noise, channels of different size. */
static float *inputs(void)
{
    float *x = calloc(TOKENS * IN, sizeof *x), mix[6][IN];
    for (int k = 0; k < 6 * IN; k++)
        mix[k / IN][k % IN] = uniform();
    for (int t = 0; t < TOKENS; t++) {
        for (int k = 0; k < 6; k++) {
            float a = uniform();
            for (int i = 0; i < IN; i++)
                x[t * IN + i] += a * mix[k][i] * (1 + (i % 7 == 0) * 4);
        }
        for (int i = 0; i < IN; i++)
            x[t * IN + i] += 0.2f * uniform();
    }
    return x;
}

static double loss(const float *w, const float *q, const float *x)
{
    double all = 0;
    for (int t = 0; t < TOKENS; t++)
        for (int o = 0; o < OUT; o++) {
            double e = 0;
            for (int i = 0; i < IN; i++)
                e += (double)(w[o * IN + i] - q[o * IN + i]) * x[t * IN + i];
            all += e * e;
        }
    return all;
}

static double rounded(const float *w, const float *x, const float *h,
                      struct qt_rounding how)
{
    static float q[OUT * IN], scale[OUT];
    static int8_t code[OUT * IN];
    static uint8_t mul[OUT * IN];
    struct qt_linear l = {.din = IN,
                          .dout = OUT,
                          .w = q,
                          .code = code,
                          .scale = scale,
                          .mul = how.group > 0 ? mul : NULL};
    memcpy(q, w, sizeof q);
    assert_true(qt_round(&l, h, &how, NULL));
    int lo = how.wbits == 4 ? -8 : -127, hi = how.wbits == 4 ? 7 : 127;
    for (int o = 0; o < OUT; o++)
        for (int i = 0; i < IN; i++) {
            int c = code[o * IN + i];
            assert_true(c >= lo && c <= hi);
            assert_true(q[o * IN + i] == c * qt_step(&l, how.group, o, i));
        }
    for (int o = 0; o < OUT; o++) /* a package can hold it */
        assert_true((float)num_scale_real(num_scale_of(scale[o])) == scale[o]);
    return loss(w, q, x);
}

static void rounding(void **state)
{
    float *x = inputs(), *w = malloc(sizeof *w * OUT * IN);
    float *h = calloc(IN * IN, sizeof *h);
    for (int i = 0; i < OUT * IN; i++)
        w[i] = uniform() * (i % 11 == 0 ? 3.0f : 1.0f);
    qt_moment(h, x, TOKENS / 2, IN);
    qt_moment(h, x + TOKENS / 2 * IN, TOKENS / 2, IN);
    double h12 = 0;
    for (int t = 0; t < TOKENS; t++)
        h12 += (double)x[t * IN + 1] * x[t * IN + 2];
    assert_true(fabs(h[1 * IN + 2] - h12) < 1e-3 * fabs(h12) + 1e-3);
    assert_true(h[2 * IN + 1] == h[1 * IN + 2]);

    double plain = rounded(w, x, NULL, (struct qt_rounding){4, 0, 0, 0, 0, 0});
    double clip = rounded(w, x, h, (struct qt_rounding){4, 0, 1, 0, 0, 0});
    double gptq = rounded(w, x, h, (struct qt_rounding){4, 0, 1, 1, 0.01, 0});
    double sweep = rounded(w, x, h, (struct qt_rounding){4, 0, 1, 1, 0.01, 4});
    double group = rounded(w, x, h, (struct qt_rounding){4, 8, 1, 1, 0.01, 4});
    double wide = rounded(w, x, h, (struct qt_rounding){8, 0, 1, 1, 0.01, 0});
    print_message("nearest %.1f clip %.1f gptq %.1f sweeps %.1f groups %.1f "
                  "8 bits %.3f\n",
                  plain, clip, gptq, sweep, group, wide);
    assert_true(clip < plain);
    assert_true(gptq < 0.7 * clip);
    assert_true(sweep < gptq);
    assert_true(group < sweep);
    assert_true(wide < 0.02 * gptq);
    free(x);
    free(w);
    free(h);
}

/* Inputs that are a linear map of the targets' inputs: weights exist that
 * undo it, and they are found. */
static void retarget(void **state)
{
    float *xt = inputs(), *x = malloc(sizeof *x * TOKENS * IN);
    float *h = calloc(IN * IN, sizeof *h), *c = calloc(IN * IN, sizeof *c);
    float w[OUT * IN], fixed[OUT * IN];
    for (int t = 0; t < TOKENS; t++)
        for (int i = 0; i < IN; i++)
            x[t * IN + i] =
                xt[t * IN + i] + 0.3f * xt[t * IN + (i * 5 + 1) % IN];
    for (int i = 0; i < OUT * IN; i++)
        w[i] = fixed[i] = uniform();
    qt_moment(h, x, TOKENS, IN);
    qt_cross(c, xt, x, TOKENS, IN);
    assert_true(qt_retarget(fixed, OUT, IN, h, c, 1, 1e-6, NULL));
    double before = 0, after = 0;
    for (int t = 0; t < TOKENS; t++)
        for (int o = 0; o < OUT; o++) {
            double want = 0, a = 0, b = 0;
            for (int i = 0; i < IN; i++) {
                want += (double)w[o * IN + i] * xt[t * IN + i];
                a += (double)w[o * IN + i] * x[t * IN + i];
                b += (double)fixed[o * IN + i] * x[t * IN + i];
            }
            before += (a - want) * (a - want);
            after += (b - want) * (b - want);
        }
    print_message("retarget: %.3g -> %.3g\n", before, after);
    assert_true(after < 1e-4 * before);
    free(x);
    free(xt);
    free(h);
    free(c);
}

/* The quantiser's view of a site is the integer one's, but for the sixteenth
 * bit of scales. */
static void sites(void **state)
{
    enum { N = 40 };
    for (int k = 0; k < 200; k++) {
        int abits = k & 1 ? 4 : 8, wide = k % 4 == 1 ? 8 : 0;
        uint32_t most = 0;
        float x[N], mean[N];
        int32_t fixed[N], mn = 0, mx = 0;
        for (int i = 0; i < N; i++) {
            double size =
                (i == 3 || i == wide - 1 ? 9 : 2) * (i < wide ? 1 + k % 9 : 1);
            x[i] = ldexpf(rintf(ldexpf(uniform() * (float)size, 16)), -16);
            mean[i] = ldexpf(rintf(ldexpf(uniform(), 16)), -16);
            fixed[i] = (int32_t)ldexpf(x[i] - mean[i], 16);
            if (i < wide) {
                most = num_abs32(fixed[i]) > most ? num_abs32(fixed[i]) : most;
                continue;
            }
            mn = fixed[i] < mn ? fixed[i] : mn;
            mx = fixed[i] > mx ? fixed[i] : mx;
        }
        uint32_t clip = abits == 4 ? 55705 : 65536;
        qt_site(x, 1, N, mean, abits, clip / 65536.0, wide);
        uint32_t amax = (uint32_t)(mx > -mn ? mx : -mn);
        struct num_qparam p = abits == 4
                                  ? num_qparam_u4w(mn, mx, most, clip, 16)
                                  : num_qparam_i8(amax, clip, 16);
        int off = 0;
        for (int i = 0; i < N; i++) {
            int c = i < wide     ? num_code_u4w(fixed[i], p) - p.zp
                    : abits == 4 ? num_code_u4(fixed[i], p) - p.zp
                                 : num_code_i8(fixed[i], p);
            double real = c * num_scale_real(p.scale);
            off += fabs(real - x[i]) > 1e-4 * fabs(real) + 1e-6;
        }
        assert_true(off <= 1); /* a tie may fall the other way */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotations), cmocka_unit_test(rounding),
        cmocka_unit_test(retarget), cmocka_unit_test(sites)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
