/* SPDX-License-Identifier: Apache-2.0 */
/* model/dequant.c -- plain values and the 32-weight blocks; the table. The
 * 256-weight blocks are in dequant_k.c.
 */
#include "model/dequant.h"
#include "model/dequant_k.h"
#include <math.h>
#include <string.h>

float dq_half(const uint8_t *from)
{
    unsigned h = from[0] | (unsigned)from[1] << 8;
    unsigned e = h >> 10 & 31, f = h & 1023;
    float a;
    if (e == 31) {
        a = f ? NAN : INFINITY;
    } else if (e == 0) {
        a = (float)f * 0x1p-24f;
    } else {
        uint32_t bits = (e + 112) << 23 | f << 13;
        memcpy(&a, &bits, sizeof a);
    }
    return h >> 15 ? -a : a;
}

static void run_f32(const uint8_t *from, float *to, size_t n)
{
    memcpy(to, from, n * sizeof *to);
}

static void run_f16(const uint8_t *from, float *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = dq_half(from + 2 * i);
}

static void run_bf16(const uint8_t *from, float *to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)from[2 * i] << 16 | (uint32_t)from[2 * i + 1]
                                                          << 24;
        memcpy(&to[i], &bits, sizeof bits);
    }
}

/* Byte j holds weight j in its low half and weight j + 16 in its high half. */
static void run_q4_0(const uint8_t *from, float *to, size_t n)
{
    for (; n; n--, from += 18, to += 32) {
        float d = dq_half(from);
        for (int j = 0; j < 16; j++) {
            to[j] = d * (float)((from[2 + j] & 15) - 8);
            to[j + 16] = d * (float)((from[2 + j] >> 4) - 8);
        }
    }
}

static void run_q4_1(const uint8_t *from, float *to, size_t n)
{
    for (; n; n--, from += 20, to += 32) {
        float d = dq_half(from), m = dq_half(from + 2);
        for (int j = 0; j < 16; j++) {
            to[j] = d * (float)(from[4 + j] & 15) + m;
            to[j + 16] = d * (float)(from[4 + j] >> 4) + m;
        }
    }
}

/* Code j of a block with fifth bits at `high` and halves at `low`. */
static int code5(const uint8_t *high, const uint8_t *low, int j)
{
    int half = j < 16 ? low[j] & 15 : low[j - 16] >> 4;
    return half | (high[j / 8] >> j % 8 & 1) << 4;
}

static void run_q5_0(const uint8_t *from, float *to, size_t n)
{
    for (; n; n--, from += 22, to += 32) {
        float d = dq_half(from);
        for (int j = 0; j < 32; j++)
            to[j] = d * (float)(code5(from + 2, from + 6, j) - 16);
    }
}

static void run_q5_1(const uint8_t *from, float *to, size_t n)
{
    for (; n; n--, from += 24, to += 32) {
        float d = dq_half(from), m = dq_half(from + 2);
        for (int j = 0; j < 32; j++)
            to[j] = d * (float)code5(from + 4, from + 8, j) + m;
    }
}

static void run_q8_0(const uint8_t *from, float *to, size_t n)
{
    for (; n; n--, from += 34, to += 32) {
        float d = dq_half(from);
        for (int j = 0; j < 32; j++)
            to[j] = d * (float)(int8_t)from[2 + j];
    }
}

const struct dq_info *dq_info(uint32_t type)
{
    static const struct dq_info table[DQ_TYPES] = {
        [DQ_F32] = {"F32", 1, 4, run_f32},
        [DQ_F16] = {"F16", 1, 2, run_f16},
        [DQ_BF16] = {"BF16", 1, 2, run_bf16},
        [DQ_Q4_0] = {"Q4_0", 32, 18, run_q4_0},
        [DQ_Q4_1] = {"Q4_1", 32, 20, run_q4_1},
        [DQ_Q5_0] = {"Q5_0", 32, 22, run_q5_0},
        [DQ_Q5_1] = {"Q5_1", 32, 24, run_q5_1},
        [DQ_Q8_0] = {"Q8_0", 32, 34, run_q8_0},
        [DQ_Q2_K] = {"Q2_K", 256, 84, dq_blocks_q2_k},
        [DQ_Q3_K] = {"Q3_K", 256, 110, dq_blocks_q3_k},
        [DQ_Q4_K] = {"Q4_K", 256, 144, dq_blocks_q4_k},
        [DQ_Q5_K] = {"Q5_K", 256, 176, dq_blocks_q5_k},
        [DQ_Q6_K] = {"Q6_K", 256, 210, dq_blocks_q6_k},
    };
    return type < DQ_TYPES && table[type].name ? &table[type] : NULL;
}

bool dq_run(enum dq_type type, const uint8_t *from, float *to, size_t n)
{
    const struct dq_info *info = dq_info(type);
    info->blocks(from, to, n / info->block);
    int bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &to[i], sizeof bits);
        bad |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    return !bad;
}
