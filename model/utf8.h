/* SPDX-License-Identifier: Apache-2.0 */
/* model/utf8.h -- one UTF-8 character at a time, as RFC 3629 has it: no
 * overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef MODEL_UTF8_H
#define MODEL_UTF8_H
#include <stddef.h>
#include <stdint.h>

enum utf8_is { UTF8_WHOLE, UTF8_PART, UTF8_BAD };

/* What s[0..n), n > 0, begins with: a whole character of *len bytes; a part
 * of one that ends with the text (*len = n); or *len bytes, 1 to 3, that can
 * never be completed. */
static inline enum utf8_is utf8_next(const uint8_t *s, size_t n, size_t *len)
{
    uint8_t a = s[0], low = 0x80, high = 0xbf;
    size_t want = a < 0x80                ? 1
                  : a >= 0xc2 && a < 0xe0 ? 2
                  : a >= 0xe0 && a < 0xf0 ? 3
                  : a >= 0xf0 && a < 0xf5 ? 4
                                          : 0;
    *len = 1;
    if (want == 0)
        return UTF8_BAD;
    if (a == 0xe0)
        low = 0xa0;
    else if (a == 0xed)
        high = 0x9f;
    else if (a == 0xf0)
        low = 0x90;
    else if (a == 0xf4)
        high = 0x8f;
    for (; *len < want; ++*len) {
        if (*len == n)
            return UTF8_PART;
        if (s[*len] < low || s[*len] > high)
            return UTF8_BAD;
        low = 0x80;
        high = 0xbf;
    }
    return UTF8_WHOLE;
}

/* The code point of a whole character of `len` bytes. */
static inline uint32_t utf8_code(const uint8_t *s, size_t len)
{
    uint32_t c = len == 1 ? s[0] : s[0] & (0xffu >> (len + 1));
    for (size_t k = 1; k < len; k++)
        c = c << 6 | (s[k] & 63);
    return c;
}

#endif
