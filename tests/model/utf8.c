/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/utf8.c -- utf8_next against the set of all encodings: what it
 * says of any three bytes must follow from the prefixes that exist.
 */
#include "tests/model/check.h"
#include "model/utf8.h"

enum { LAST = 0x10ffff };

static size_t encode(uint32_t c, uint8_t *to)
{
    if (c < 0x80) {
        to[0] = (uint8_t)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t k = n - 1; k > 0; k--, c >>= 6)
        to[k] = (uint8_t)(0x80 | (c & 63));
    to[0] = (uint8_t)((0xf0 << (4 - n)) | c);
    return n;
}

/* One bit for each string of one, two and three bytes: it is whole, or it
 * begins a longer one. */
static uint8_t whole[3][1 << 24], part[3][1 << 24];

static uint32_t number(const uint8_t *s, size_t n)
{
    uint32_t v = 0;
    for (size_t k = 0; k < n; k++)
        v = v << 8 | s[k];
    return v;
}

static void everything(void **state)
{
    for (uint32_t c = 0; c <= LAST; c++) {
        uint8_t s[4];
        size_t n = encode(c, s), len;
        if (c >= 0xd800 && c < 0xe000)
            continue;
        assert_int_equal(utf8_next(s, n, &len), UTF8_WHOLE);
        assert_true(len == n && utf8_code(s, n) == c);
        for (size_t k = 1; k < n; k++)
            part[k - 1][number(s, k)] = 1;
        if (n < 4)
            whole[n - 1][number(s, n)] = 1;
    }
    for (uint32_t v = 0; v < 1 << 24; v++) {
        const uint8_t s[3] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8),
                              (uint8_t)v};
        /* The longest string that is whole or begins one decides. */
        size_t good = 0, len;
        enum utf8_is want = UTF8_BAD;
        for (size_t k = 1; k <= 3 && want == UTF8_BAD; k++) {
            if (whole[k - 1][number(s, k)]) {
                want = UTF8_WHOLE;
                good = k;
            } else if (part[k - 1][number(s, k)]) {
                good = k;
            } else {
                break;
            }
        }
        if (want == UTF8_BAD && good == 3)
            want = UTF8_PART;
        enum utf8_is got = utf8_next(s, 3, &len);
        if (got != want || len != (good ? good : 1))
            fail_msg("%02x %02x %02x: %d, %zu bytes; want %d, %zu", s[0], s[1],
                     s[2], got, len, want, good);
    }
    /* The fourth byte: the lowest and highest of each. */
    size_t len;
    assert_int_equal(utf8_next((const uint8_t *)"\xf0\x90\x80\x7f", 4, &len),
                     UTF8_BAD);
    assert_int_equal(len, 3);
    assert_int_equal(utf8_next((const uint8_t *)"\xf4\x8f\xbf\xc0", 4, &len),
                     UTF8_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(everything)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
