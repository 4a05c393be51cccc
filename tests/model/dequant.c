/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/dequant.c -- every block type against the table, and by hand. */
#include "tests/model/check.h"
#include "model/dequant.h"
#include "tests/model/dequant_tab.h"
#include <math.h>

static void block(enum dq_type type, const uint8_t *from, size_t bytes,
                  const uint32_t *want, size_t n)
{
    const struct dq_info *info = dq_info(type);
    assert_non_null(info);
    assert_int_equal(info->bytes, bytes);
    assert_int_equal(info->block, n);
    float got[256];
    assert_true(dq_run(type, from, got, n));
    for (size_t i = 0; i < n; i++) {
        float w;
        memcpy(&w, &want[i], 4);
        /* The peer may round once more or less than we do. */
        if (!(fabsf(got[i] - w) <= 2e-6f * (fabsf(w) + 0.1f)))
            fail_msg("%s weight %zu: got %.9g, want %.9g", info->name, i,
                     got[i], w);
    }
}

#define BLOCK(type, name)                                                      \
    block(type, name##_block, sizeof name##_block, name##_want,                \
          sizeof name##_want / sizeof *name##_want)

static void blocks(void **state)
{
    BLOCK(DQ_Q4_0, q4_0);
    BLOCK(DQ_Q4_1, q4_1);
    BLOCK(DQ_Q5_0, q5_0);
    BLOCK(DQ_Q5_1, q5_1);
    BLOCK(DQ_Q8_0, q8_0);
    BLOCK(DQ_Q2_K, q2_k);
    BLOCK(DQ_Q3_K, q3_k);
    BLOCK(DQ_Q4_K, q4_k);
    BLOCK(DQ_Q5_K, q5_k);
    BLOCK(DQ_Q6_K, q6_k);
}

/* Two blocks in a row: the second starts where the first ends. */
static void strides(void **state)
{
    static const uint32_t types[] = {0,  1,  2,  3,  6,  7, 8,
                                     10, 11, 12, 13, 14, 30};
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        const struct dq_info *info = dq_info(types[k]);
        uint8_t from[512];
        float one[256], two[512];
        for (size_t i = 0; i < sizeof from; i++)
            from[i] = (uint8_t)(i * 37 % 61); /* exponents stay small */
        assert_true(dq_run((enum dq_type)types[k], from, two, 2 * info->block));
        assert_true(dq_run((enum dq_type)types[k], from + info->bytes, one,
                           info->block));
        assert_memory_equal(one, two + info->block, 4 * info->block);
    }
    assert_null(dq_info(4));
    assert_null(dq_info(31));
    assert_null(dq_info(UINT32_MAX));
}

/* All 65536 halves against the arithmetic of their definition. */
static void halves(void **state)
{
    for (unsigned h = 0; h < 65536; h++) {
        uint8_t b[2] = {(uint8_t)h, (uint8_t)(h >> 8)};
        int e = h >> 10 & 31;
        double f = (h & 1023) / 1024.0, want;
        if (e == 31)
            want = f != 0 ? NAN : INFINITY;
        else
            want = e ? ldexp(1 + f, e - 15) : ldexp(f, -14);
        if (h >> 15)
            want = -want;
        float got = dq_half(b);
        if (isnan(want))
            assert_true(isnan(got));
        else
            assert_true(got == (float)want && !signbit(got) == !(h >> 15));
    }
    const uint8_t bf[] = {0x80, 0x3f, 0x20, 0xc0};
    float got[2];
    assert_true(dq_run(DQ_BF16, bf, got, 2));
    assert_true(got[0] == 1.0f && got[1] == -2.5f);
}

static void not_finite(void **state)
{
    uint8_t b[34] = {0};
    float got[32];
    b[2] = 1;
    assert_true(dq_run(DQ_Q8_0, b, got, 32));
    b[1] = 0x7e; /* d = NaN */
    assert_false(dq_run(DQ_Q8_0, b, got, 32));
    b[1] = 0x7c; /* d = infinity */
    assert_false(dq_run(DQ_Q8_0, b, got, 32));
    const uint8_t inf[] = {0, 0, 0x80, 0xff};
    assert_false(dq_run(DQ_F32, inf, got, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks), cmocka_unit_test(strides),
        cmocka_unit_test(halves), cmocka_unit_test(not_finite)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
