/* SPDX-License-Identifier: Apache-2.0 */
/* engine/k_neon.c -- the kernels for ARMv8 with dot products (sdot: four
 * products of signed bytes into each 32-bit lane; -march=armv8.2-a+dotprod).
 *
 * 4-bit weights as code + 8 are 0..15 and pass as signed bytes; the offset
 * leaves with 8 sum x as in the other kernels. Probabilities are u8 and V is
 * i8: p is split into 2 (p >> 1), which is below 128, and its low bit.
 */
#include <arm_neon.h>

#define OPS(name)         neon_##name
#define OPS_P             uint8_t
#define OPS_FLOOR4(v)     neon_floor4(v)
#define OPS_GATHER8(t, i) neon_gather8(t, i)
#define OPS_MUL15(a, b)   ((a) * (b))
#define OPS_ANY(m)        neon_any(m)

typedef double neon_v4d __attribute__((vector_size(32)));
typedef int32_t neon_v8i __attribute__((vector_size(32)));
#define FN static inline __attribute__((always_inline))

FN neon_v4d neon_floor4(neon_v4d v)
{
    float64x2_t a = {v[0], v[1]}, b = {v[2], v[3]};
    a = vrndmq_f64(a);
    b = vrndmq_f64(b);
    return (neon_v4d){a[0], a[1], b[0], b[1]};
}

FN neon_v8i neon_gather8(const uint32_t *t, neon_v8i i)
{
    neon_v8i r;
    for (int j = 0; j < 8; j++)
        r[j] = (int32_t)t[i[j]];
    return r;
}

FN int neon_any(neon_v8i m)
{
    int32x4_t a = {m[0] | m[4], m[1] | m[5], m[2] | m[6], m[3] | m[7]};
    return vmaxvq_u32(vreinterpretq_u32_s32(a)) != 0;
}

#include "engine/ops_tmpl.h"

enum { VEC = 16, P = 8, HALF = 4, ROWS = 8 };

FN int8x16_t word(const void *x)
{
    int32_t v;
    memcpy(&v, x, sizeof v);
    return vreinterpretq_s8_s32(vdupq_n_s32(v));
}

FN int8x16_t bytes(const void *p)
{
    return vld1q_s8(p);
}

/* n tokens by one panel; bits is 4 or 8. */
FN void mm(const struct eng_tile *q, int n, int bits)
{
    int32x4_t s[ROWS][2], total[ROWS][2];
    for (int t = 0; t < n; t++)
        total[t][0] = total[t][1] = vdupq_n_s32(0);
    for (int b = 0; b < q->blocks; b += q->gblocks) {
        int end = b + q->gblocks;
#pragma GCC unroll 8
        for (int t = 0; t < n; t++) {
            const int32_t *pre = q->pre + t * q->ps;
            int32_t sum = pre[end] - pre[b];
            s[t][0] = s[t][1] = vdupq_n_s32(bits == 4 ? sum * -8 : 0);
        }
        const int8_t *x = q->x + b * ENG_KB;
        const uint8_t *w = q->w + (ptrdiff_t)b * 8 * VEC * (bits / 4);
        for (int k = 0; k < q->gblocks * 8; k++, x += 4) {
            int8x16_t w0, w1;
            if (bits == 4) {
                uint8x16_t v = vld1q_u8(w + (ptrdiff_t)k * VEC);
                w0 = vreinterpretq_s8_u8(vandq_u8(v, vdupq_n_u8(15)));
                w1 = vreinterpretq_s8_u8(vshrq_n_u8(v, 4));
            } else {
                w0 = bytes(w + (ptrdiff_t)k * 2 * VEC);
                w1 = bytes(w + (ptrdiff_t)k * 2 * VEC + VEC);
            }
#pragma GCC unroll 8
            for (int t = 0; t < n; t++) {
                int8x16_t c = word(x + t * q->xs);
                s[t][0] = vdotq_s32(s[t][0], w0, c);
                s[t][1] = vdotq_s32(s[t][1], w1, c);
            }
        }
        const uint8_t *mul = q->mul ? q->mul + b / q->gblocks * P : NULL;
        for (int h = 0; h < 2; h++) {
            int32x4_t m = vdupq_n_s32(1);
            for (int j = 0; j < 4 && mul; j++)
                m[j] = mul[h * HALF + j];
#pragma GCC unroll 8
            for (int t = 0; t < n; t++)
                total[t][h] = vmlaq_s32(total[t][h], s[t][h], m);
        }
    }
    for (int t = 0; t < n; t++)
        for (int h = 0; h < 2; h++)
            vst1q_s32(q->acc + t * P + h * HALF, total[t][h]);
}

/* Calls f(n) with n as a constant. */
#define CASE(n, f)                                                             \
    case n:                                                                    \
        f(n);                                                                  \
        break;

#define BY_ROWS(n, f)                                                          \
    switch (n) {                                                               \
        CASE(1, f)                                                             \
        CASE(2, f)                                                             \
        CASE(3, f)                                                             \
        CASE(4, f)                                                             \
        CASE(5, f)                                                             \
        CASE(6, f)                                                             \
        CASE(7, f)                                                             \
        CASE(8, f)                                                             \
    }

static void neon_mm4(const struct eng_tile *q)
{
#define CALL(n) mm(q, n, 4)
    BY_ROWS(q->n, CALL)
#undef CALL
}

static void neon_mm8(const struct eng_tile *q)
{
#define CALL(n) mm(q, n, 8)
    BY_ROWS(q->n, CALL)
#undef CALL
}

enum { KV = 4, P_ROWS = 4 }; /* vectors of 16 positions or channels, rows */

FN void qk(const int8_t *q, int n, const int8_t *k, int hp, int blocks,
           int32_t *s, ptrdiff_t ss)
{
    for (int b = 0; b < blocks; b++, s += ENG_TB) {
        int32x4_t a[P_ROWS][KV];
#pragma GCC unroll 4
        for (int r = 0; r < n; r++)
            for (int h = 0; h < KV; h++)
                a[r][h] = vdupq_n_s32(0);
        for (int i = 0; i < hp; i += 4, k += 64)
#pragma GCC unroll 4
            for (int r = 0; r < n; r++) {
                int8x16_t c = word(q + r * hp + i);
#pragma GCC unroll 4
                for (int h = 0; h < KV; h++)
                    a[r][h] = vdotq_s32(a[r][h], bytes(k + h * VEC), c);
            }
        for (int r = 0; r < n; r++)
            for (int h = 0; h < KV; h++)
                vst1q_s32(s + r * ss + h * HALF, a[r][h]);
    }
}

/* 16 channels of n rows; |sum 2 (p >> 1) v| <= 254 127 2^16 fits. */
FN void av16(const uint8_t *p, ptrdiff_t ps, int n, const int8_t *v, int hp,
             int steps, int32_t *acc)
{
    int32x4_t a[P_ROWS][KV], odd[P_ROWS][KV];
#pragma GCC unroll 4
    for (int r = 0; r < n; r++)
        for (int h = 0; h < KV; h++)
            a[r][h] = odd[r][h] = vdupq_n_s32(0);
    for (int t = 0; t < steps; t++, v += hp * 4)
#pragma GCC unroll 4
        for (int r = 0; r < n; r++) {
            uint8x16_t c = vreinterpretq_u8_s8(word(p + r * ps + 4 * t));
            int8x16_t even = vreinterpretq_s8_u8(vshrq_n_u8(c, 1));
            int8x16_t low = vreinterpretq_s8_u8(vandq_u8(c, vdupq_n_u8(1)));
#pragma GCC unroll 4
            for (int h = 0; h < KV; h++) {
                int8x16_t x = bytes(v + h * VEC);
                a[r][h] = vdotq_s32(a[r][h], x, even);
                odd[r][h] = vdotq_s32(odd[r][h], x, low);
            }
        }
    for (int r = 0; r < n; r++)
        for (int h = 0; h < KV; h++)
            vst1q_s32(acc + r * hp + h * HALF,
                      vmlaq_n_s32(odd[r][h], a[r][h], 2));
}

static void neon_qk(const int8_t *q, int n, const int8_t *k, int hp, int blocks,
                    int32_t *s, ptrdiff_t ss)
{
#define CALL(n) qk(q, n, k, hp, blocks, s, ss)
    switch (n) {
        CASE(1, CALL)
        CASE(2, CALL)
        CASE(3, CALL)
        CASE(4, CALL)
    }
#undef CALL
}

static void neon_av(const void *p, ptrdiff_t ps, int n, const int8_t *v, int hp,
                    int blocks, int32_t *acc)
{
    for (int i = 0; i < hp; i += 16) {
#define CALL(n) av16(p, ps, n, v + 4 * i, hp, blocks * 4, acc + i)
        switch (n) {
            CASE(1, CALL)
            CASE(2, CALL)
            CASE(3, CALL)
            CASE(4, CALL)
        }
#undef CALL
    }
}

const struct eng_kernels eng_k_neon = {
    .name = "neon-dot",
    .vec = VEC,
    .rows = ROWS,
    .unit = ROWS,
    .p_bytes = 1,
    .p_rows = P_ROWS,
    .mm4a8 = neon_mm4,
    .mm4a4 = neon_mm4,
    .mm8 = neon_mm8,
    .dequant = neon_dequant,
    .norm = neon_norm,
    .scaled = neon_scaled,
    .quant = neon_quant,
    .silu = neon_silu,
    .fht = neon_fht,
    .rope = neon_rope,
    .codes = neon_codes,
    .qk = neon_qk,
    .prob = neon_prob,
    .av = neon_av,
};
