/* SPDX-License-Identifier: Apache-2.0 */
/* num/ against libm, wide integers and its own comments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <math.h>
#include <cmocka.h>
#include "num/convert.h"
#include "tests/num/digest.h"

static uint64_t rng = 7;

static uint64_t word(void)
{
    uint64_t z = (rng += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void tables(void **state)
{
    for (int i = 0; i <= 64; i++)
        assert_int_equal(num_exp2_tab[i], lround(65536 * exp2(-i / 64.0)));
    for (int i = 0; i <= 512; i++)
        assert_int_equal(num_sigmoid_tab[i],
                         lround(65536 / (1 + exp(-i / 32.0))));
    for (int i = 64; i <= 256; i++)
        assert_int_equal(num_rsqrt_tab[i - 64],
                         lround(32768 / sqrt(i / 256.0)));
}

/* floor(x / 2^n + 1/2) in 128 bits. */
static int64_t round_wide(int64_t x, int n)
{
    __int128 d = (__int128)1 << n, v = (__int128)x * 2 + d;
    __int128 q = v / (2 * d);
    return (int64_t)(q - (v % (2 * d) < 0));
}

static void shifts(void **state)
{
    assert_int_equal((int64_t)-1 >> 1, -1); /* arithmetic */
    assert_int_equal(num_round(1, 1), 1);   /* halves up */
    assert_int_equal(num_round(-1, 1), 0);
    assert_int_equal(num_round(-3, 1), -1);
    assert_int_equal(num_round(5, 0), 5);
    for (int n = 0; n <= 62; n++)
        for (int i = 0; i < 2000; i++) {
            int64_t x = (int64_t)word() >> (2 + i % 60);
            if (x >= (int64_t)1 << 61)
                continue;
            assert_int_equal(num_round(x, n), round_wide(x, n));
        }
    assert_int_equal(num_shift(-5, 400), 0);
    assert_int_equal(num_shift(3, -2), 12);
    assert_int_equal(num_shift(-3, -99), -768);
    assert_int_equal(num_sat(128, 8), 127);
    assert_int_equal(num_sat(-129, 8), -128);
    assert_int_equal(num_sat((int64_t)1 << 62, 63), ((int64_t)1 << 62) - 1);
    assert_int_equal(num_bitlen32(0), 0);
    assert_int_equal(num_bitlen32(0x80000000u), 32);
    assert_int_equal(num_bitlen64((uint64_t)1 << 40), 41);
    assert_int_equal(num_abs32(INT32_MIN), 0x80000000u);
}

static void scales(void **state)
{
    for (int i = 0; i < 200000; i++) {
        struct num_scale a = {(uint16_t)(0x8000 | word()), (int16_t)(i % 9)};
        struct num_scale b = {(uint16_t)(0x8000 | word()), -20};
        double real = num_scale_real(a) * num_scale_real(b);
        struct num_scale p = num_scale_mul(a, b);
        assert_true(p.mant >= 0x8000);
        assert_true(fabs(num_scale_real(p) / real - 1) <= 0x1p-16 * 1.01);
        int64_t x = (int64_t)word() >> 26;
        double want = (double)x * num_scale_real(b);
        assert_true(fabs((double)num_scaled(x, b) - want) <= 0.5001);

        uint64_t u = word() >> (word() % 64);
        u += u == 0;
        struct num_scale t = num_scale_top(u);
        assert_true(t.mant >= 0x8000 && num_scale_real(t) <= (double)u);
        assert_true(num_scale_real(t) > (double)u * (1 - 0x1p-15));
        double inv = num_scale_real(num_recip(u)) * (double)u;
        assert_true(num_recip(u).mant >= 0x8000);
        assert_true(fabs(inv - 1) < 0x1p-14);
        double rs = num_scale_real(num_rsqrt(u)) * sqrt((double)u);
        assert_true(num_rsqrt(u).mant >= 0x8000);
        assert_true(fabs(rs - 1) < 0x1p-14);
    }
    struct num_scale big = {65535, 0};
    assert_int_equal(num_scale_mul(big, big).mant, 65534);
    for (double x = 1e-30; x < 1e30; x *= 1.7) {
        struct num_scale s = num_scale_of(x);
        assert_true(s.mant >= 0x8000);
        assert_true(fabs(num_scale_real(s) / x - 1) <= 0x1p-16);
    }
    assert_int_equal(num_scale_of(nextafter(1, 0)).mant, 0x8000);
    assert_int_equal(num_scale_of(0).mant, 0);
    assert_int_equal(num_scale_of(-1).mant, 0);
    assert_int_equal(num_scale_of(NAN).mant, 0);
    assert_int_equal(num_scale_of(INFINITY).mant, 0);
}

static void division(void **state)
{
    for (uint32_t d = 0x8000; d <= 0xFFFF; d += 7)
        for (int i = 0; i < 40; i++) {
            uint64_t end = (uint64_t)d << 16;
            uint32_t n = (uint32_t)(i == 0 ? end - 1 : word() % end);
            assert_int_equal(num_div(n, d), n / d);
        }
}

static void functions(void **state)
{
    double worst = 0;
    for (uint32_t t = 0; t < 25u << 16; t += 3) {
        double want = 65536 * exp2(-(double)t / 65536);
        worst = fmax(worst, fabs(num_exp2n(t) - want));
    }
    print_message("exp2n: worst %.3f codes\n", worst);
    assert_true(worst < 1.7);
    assert_int_equal(num_exp2n(0), 65536);
    assert_int_equal(num_exp2n(24u << 16), 0);
    assert_int_equal(num_prob_u8(0), 255);
    assert_int_equal(num_prob_u8(1u << 21), 0);

    worst = 0;
    for (int32_t x = -(1 << 26); x < 1 << 26; x += 997) {
        double want = 65536 / (1 + exp(-ldexp(x, -21)));
        worst = fmax(worst, fabs(num_sigmoid(x, 21) - want));
        assert_int_equal(num_sigmoid(x, 21) + num_sigmoid(-x, 21), 65536);
    }
    print_message("sigmoid: worst %.3f codes\n", worst);
    assert_true(worst < 2);
    assert_int_equal(num_sigmoid(-(1 << 26), 0), 0);
    for (int frac = 0; frac <= 26; frac++) /* at any binary point */
        assert_true(
            fabs(num_sigmoid(1 << frac, frac) - 65536 / (1 + exp(-1.0))) < 2);
}

/* The codes are the rounded quotients, to within one where the reciprocal's
 * 16 bits decide a tie, and the scale is the step they were made with. */
static void quantisers(void **state)
{
    for (int i = 0; i < 300000; i++) {
        int frac = i % 20;
        uint32_t clip = i % 3 == 0 ? 65536 : 40000 + (uint32_t)i % 25000;
        int32_t hi = (int32_t)(word() & 0x3FFFFFF) >> (word() % 26);
        int32_t lo = -((int32_t)(word() & 0x3FFFFFF) >> (word() % 26));
        hi += i % 50 == 0 ? 0x3FFFFFF - hi : 0;
        int32_t x = lo + (int32_t)(word() % (uint64_t)(hi - lo + 1));
        uint32_t amax = (uint32_t)(hi > -lo ? hi : -lo);
        amax += amax == 0;

        struct num_qparam p = num_qparam_i8(amax, clip, frac);
        double step = fmax(1, floor(amax * (clip / 65536.0) + 0.5)) / 127;
        assert_true(fabs(ldexp(num_scale_real(p.scale), frac) / step - 1) <
                    0x1p-14);
        double want = fmin(127, fmax(-127, x / step));
        assert_true(fabs(num_code_i8(x, p) - want) <= 0.51);

        p = num_qparam_u4(lo, hi, clip, frac);
        double l = floor(-lo * (clip / 65536.0) + 0.5),
               h = floor(hi * (clip / 65536.0) + 0.5);
        step = fmax(1, l + h) / 15;
        assert_true(fabs(ldexp(num_scale_real(p.scale), frac) / step - 1) <
                    0x1p-14);
        assert_true(fabs(p.zp - l / step) <= 0.51);
        want = fmin(15, fmax(0, x / step + p.zp));
        assert_true(fabs(num_code_u4(x, p) - want) <= 0.51);
    }
    struct num_qparam p = num_qparam_i8(0, 65536, 16); /* a token of zeros */
    assert_int_equal(num_code_i8(0, p), 0);
    p = num_qparam_u4(0, 0, 65536, 16);
    assert_int_equal(p.zp, 0);
    assert_int_equal(num_code_u4(0, p), 0);
}

static void norms(void **state)
{
    struct num_scale sqrt_d = num_scale_of(sqrt(576));
    for (int i = 0; i < 2000; i++) {
        int32_t r[576];
        int cut = (int)(word() % 30);
        uint32_t amax = 0;
        double ms = 0;
        for (int j = 0; j < 576; j++) {
            r[j] = (int32_t)word() >> cut;
            amax = num_abs32(r[j]) > amax ? num_abs32(r[j]) : amax;
            ms += (double)r[j] * r[j] / 576;
        }
        int shift = num_norm_shift(amax);
        uint64_t sum = 0;
        for (int j = 0; j < 576; j++)
            sum += num_norm_term(r[j], shift);
        struct num_scale f = num_norm_scale(sum, shift, 0, sqrt_d);
        for (int j = 0; j < 576; j++) {
            double y = r[j] / sqrt(ms), got = ldexp(num_norm(r[j], f), -16);
            assert_true(fabs(got - y) < 2e-4 * fabs(y) + 1e-5);
        }
    }
    /* the smallest number there is, alone and with an epsilon */
    struct num_scale f = num_norm_scale(0, 0, 0, sqrt_d);
    assert_int_equal(num_norm(0, f), 0);
    f = num_norm_scale(num_norm_term(INT32_MIN, 15), 15, 0, sqrt_d);
    assert_true(abs(num_norm(INT32_MIN, f) + (24 << 16)) < 600);
}

static void hadamards(void **state)
{
    const int order[] = {1, 12, 20, 28, 36};
    for (int k = 0; k < 5; k++)
        for (int a = 0; a < order[k]; a++)
            for (int b = 0; b < order[k]; b++) {
                int dot = 0;
                for (int c = 0; c < order[k]; c++)
                    dot += num_had_neg(order[k], a, c) ==
                                   num_had_neg(order[k], b, c)
                               ? 1
                               : -1;
                assert_int_equal(dot, a == b ? order[k] : 0);
            }
    const int sizes[] = {1, 2, 3, 6, 24, 64, 80, 112, 144, 172, 192, 576};
    for (int k = 0; k < 12; k++) {
        int n = sizes[k];
        struct num_had h = num_had_split(n);
        assert_int_equal(h.blocks * h.m * h.p, n);
        for (int a = 0; a < n; a++)
            for (int b = 0; b < n; b += k > 8 ? 13 : 1) {
                int dot = 0;
                for (int c = 0; c < n; c++)
                    dot += num_had_entry(h, a, c) * num_had_entry(h, b, c);
                assert_int_equal(dot, a == b ? h.m * h.p : 0);
            }
    }
    assert_int_equal(num_had_split(1536).m, 12);
    assert_int_equal(num_had_split(576).m, 36);
    assert_int_equal(num_had_split(14336).m, 28);
    assert_int_equal(num_had_split(172).blocks, 43);
    assert_int_equal(num_fht_shift(64), 3);
    assert_int_equal(num_fht_shift(1536), 5);
}

uint64_t digest_cpp(void);

static void same_in_cpp(void **state)
{
#ifdef HAVE_CPP
    assert_true(digest() == digest_cpp());
#else
    print_message("no C++ compiler: C and C++ were not compared\n");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables),     cmocka_unit_test(shifts),
        cmocka_unit_test(scales),     cmocka_unit_test(division),
        cmocka_unit_test(functions),  cmocka_unit_test(quantisers),
        cmocka_unit_test(norms),      cmocka_unit_test(hadamards),
        cmocka_unit_test(same_in_cpp)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
