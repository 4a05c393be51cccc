/* SPDX-License-Identifier: Apache-2.0 */
/* model/dequant_k.c -- the 256-weight blocks of GGUF.
 *
 * Weight i of a block lies in half i / 128. Inside a half, codes of two bits
 * are stored plane by plane: byte i % 32 of the half's 32 bytes carries the
 * weights i % 32 + {0, 32, 64, 96} in its four bit pairs. Codes of four bits
 * are the same with 64 weights and two planes. Sub-block scales change every
 * 16 weights (Q2_K, Q3_K, Q6_K) or every 32 (Q4_K, Q5_K).
 */
#include "model/dequant_k.h"
#include "model/dequant.h"

enum { BLOCK = 256 };

/* Two-bit code of weight i. */
static int pair_of(const uint8_t *q, int i)
{
    return q[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
}

/* Four-bit code of weight i, 64 weights in 32 bytes. */
static int nibble_of(const uint8_t *q, int i)
{
    return q[i / 64 * 32 + i % 32] >> (i % 64 / 32 * 4) & 15;
}

void dq_blocks_q2_k(const uint8_t *from, float *to, size_t blocks)
{
    for (; blocks; blocks--, from += 84, to += BLOCK) {
        const uint8_t *scale = from, *q = from + 16;
        float d = dq_half(from + 80), dm = dq_half(from + 82);
        for (int i = 0; i < BLOCK; i++) {
            int s = scale[i / 16];
            to[i] = d * (float)(s & 15) * (float)pair_of(q, i) -
                    dm * (float)(s >> 4);
        }
    }
}

/* The 16 scales of 6 bits in 12 bytes: low halves in bytes 0..7, the two
 * high bits of scale k in byte 8 + k % 4, at bit 2 (k / 4). */
static int scale_q3(const uint8_t *s, int k)
{
    int low = k < 8 ? s[k] & 15 : s[k - 8] >> 4;
    return (low | (s[8 + k % 4] >> (k / 4 * 2) & 3) << 4) - 32;
}

void dq_blocks_q3_k(const uint8_t *from, float *to, size_t blocks)
{
    for (; blocks; blocks--, from += 110, to += BLOCK) {
        const uint8_t *high = from, *q = from + 32, *s = from + 96;
        float d = dq_half(from + 108);
        for (int i = 0; i < BLOCK; i++) {
            /* Byte i % 32 of `high` has one bit for each group of 32. */
            int third = high[i % 32] >> (i / 32) & 1;
            int code = pair_of(q, i) | third << 2;
            to[i] = d * (float)scale_q3(s, i / 16) * (float)(code - 4);
        }
    }
}

/* The 8 scales and 8 minima of 6 bits in 12 bytes. The first four of each
 * are whole in bytes 0..3 and 4..7; the last four have their low halves in
 * bytes 8..11 (scale low, minimum high) and their two high bits on top of
 * the bytes of the first four. */
static void scale_q45(const uint8_t *s, int k, int *scale, int *min)
{
    if (k < 4) {
        *scale = s[k] & 63;
        *min = s[k + 4] & 63;
    } else {
        *scale = (s[k + 4] & 15) | (s[k - 4] >> 6) << 4;
        *min = s[k + 4] >> 4 | (s[k] >> 6) << 4;
    }
}

void dq_blocks_q4_k(const uint8_t *from, float *to, size_t blocks)
{
    for (; blocks; blocks--, from += 144, to += BLOCK) {
        float d = dq_half(from), dm = dq_half(from + 2);
        for (int k = 0; k < 8; k++) {
            int scale, min;
            scale_q45(from + 4, k, &scale, &min);
            float ds = d * (float)scale, m = dm * (float)min;
            for (int i = 32 * k; i < 32 * k + 32; i++)
                to[i] = ds * (float)nibble_of(from + 16, i) - m;
        }
    }
}

void dq_blocks_q5_k(const uint8_t *from, float *to, size_t blocks)
{
    for (; blocks; blocks--, from += 176, to += BLOCK) {
        const uint8_t *high = from + 16, *q = from + 48;
        float d = dq_half(from), dm = dq_half(from + 2);
        for (int k = 0; k < 8; k++) {
            int scale, min;
            scale_q45(from + 4, k, &scale, &min);
            float ds = d * (float)scale, m = dm * (float)min;
            for (int i = 32 * k; i < 32 * k + 32; i++) {
                int fifth = high[i % 32] >> k & 1;
                to[i] = ds * (float)(nibble_of(q, i) | fifth << 4) - m;
            }
        }
    }
}

void dq_blocks_q6_k(const uint8_t *from, float *to, size_t blocks)
{
    for (; blocks; blocks--, from += 210, to += BLOCK) {
        const uint8_t *low = from, *high = from + 128, *s = from + 192;
        float d = dq_half(from + 208);
        for (int i = 0; i < BLOCK; i++) {
            /* In a half of 128, 64 bytes carry weights j and j + 64. */
            int half = i / 128, j = i % 128;
            int four = low[half * 64 + j % 64] >> (j / 64 * 4) & 15;
            int code = four | pair_of(high, i) << 4;
            to[i] = d * (float)(int8_t)s[i / 16] * (float)(code - 32);
        }
    }
}
