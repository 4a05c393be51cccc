/* SPDX-License-Identifier: Apache-2.0 */
/* engine/vnni_tmpl.h -- the kernels for vpdpbusd, which adds four products of
 * unsigned by signed bytes to each 32-bit lane, modulo 2^32. k_avx512.c and
 * k_avxvnni.c include it with
 *
 *     OPS(name)       the name of a function
 *     VEC, ROWS       bytes a vector, tokens a tile
 *     vec             type of a vector
 *     V_LOAD(p) V_STORE(p, v) V_SET1(x) V_AND(a, b) V_XOR(a, b)
 *     V_SRL4(v)       16-bit lanes shifted right by 4
 *     V_DP(s, u, i)   vpdpbusd
 *     V_ADD(a, b) V_MUL(a, b)   32-bit lanes
 *
 * Weights are the unsigned side: 4-bit codes as code + 8, 8-bit codes and K as
 * code + 128; a group's sum starts at minus 8 or 128 times the sum of x, so
 * it ends as the exact sum. Probabilities are bytes, unsigned as they are.
 */
#define OPS_P         uint8_t
#define OPS_FLOOR4(v) (v4d) _mm256_floor_pd((__m256d)(v))
#define OPS_GATHER8(t, i)                                                      \
    _mm256_i32gather_epi32((const int *)(t), (__m256i)(i), 4)
#define OPS_MUL15(a, b) ((v8i)_mm256_madd_epi16((__m256i)(a), (__m256i)(b)))
#define OPS_ANY(m)      (!_mm256_testz_si256((__m256i)(m), (__m256i)(m)))
#include "engine/ops_tmpl.h"

#define FN static inline __attribute__((always_inline))

enum { P = VEC / 2, HALF = VEC / 4 };

FN vec word(const void *x)
{
    int32_t v;
    memcpy(&v, x, sizeof v);
    return V_SET1(v);
}

/* HALF bytes widened to 32 bits. */
FN vec widen(const uint8_t *p)
{
    typedef uint8_t bytes __attribute__((vector_size(HALF)));
    typedef uint32_t words __attribute__((vector_size(VEC)));
    bytes b;
    memcpy(&b, p, sizeof b);
    return (vec) __builtin_convertvector(b, words);
}

/* n tokens by one panel; bits is 4 or 8. */
FN void mm(const struct eng_tile *q, int n, int bits)
{
    const vec low = V_SET1(0x0F0F0F0F), flip = V_SET1((int32_t)0x80808080);
    vec s[ROWS][2], total[ROWS][2];
    for (int t = 0; t < n; t++)
        total[t][0] = total[t][1] = V_SET1(0);
    for (int b = 0; b < q->blocks; b += q->gblocks) {
        int end = b + q->gblocks;
#pragma GCC unroll 8
        for (int t = 0; t < n; t++) {
            const int32_t *pre = q->pre + t * q->ps;
            int32_t sum = pre[end] - pre[b];
            s[t][0] = s[t][1] = V_SET1(sum * (bits == 4 ? -8 : -128));
        }
        const int8_t *x = q->x + b * ENG_KB;
        const uint8_t *w = q->w + (ptrdiff_t)b * 8 * VEC * (bits / 4);
        for (int k = 0; k < q->gblocks * 8; k++, x += 4) {
            vec w0, w1;
            if (bits == 4) {
                vec v = V_LOAD(w + (ptrdiff_t)k * VEC);
                w0 = V_AND(v, low);
                w1 = V_AND(V_SRL4(v), low);
            } else {
                w0 = V_XOR(V_LOAD(w + (ptrdiff_t)k * 2 * VEC), flip);
                w1 = V_XOR(V_LOAD(w + (ptrdiff_t)k * 2 * VEC + VEC), flip);
            }
#pragma GCC unroll 8
            for (int t = 0; t < n; t++) {
                vec c = word(x + t * q->xs);
                s[t][0] = V_DP(s[t][0], w0, c);
                s[t][1] = V_DP(s[t][1], w1, c);
            }
        }
        const uint8_t *mul = q->mul ? q->mul + b / q->gblocks * P : NULL;
#pragma GCC unroll 8
        for (int t = 0; t < n; t++)
            for (int h = 0; h < 2; h++) {
                if (mul)
                    s[t][h] = V_MUL(s[t][h], widen(mul + h * HALF));
                total[t][h] = V_ADD(total[t][h], s[t][h]);
            }
    }
    for (int t = 0; t < n; t++)
        for (int h = 0; h < 2; h++)
            V_STORE(q->acc + t * P + h * HALF, total[t][h]);
}

/* Calls f(n) with n as a constant, 1 .. 8. */
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

static void OPS(mm4)(const struct eng_tile *q)
{
#define CALL(n) mm(q, n < ROWS ? n : ROWS, 4)
    BY_ROWS(q->n, CALL)
#undef CALL
}

static void OPS(mm8)(const struct eng_tile *q)
{
#define CALL(n) mm(q, n < ROWS ? n : ROWS, 8)
    BY_ROWS(q->n, CALL)
#undef CALL
}

/* 64 bytes of K, 16 positions of 4 channels, are KV vectors. */
enum { KV = 64 / VEC, P_ROWS = 4 };

FN void qk(const int8_t *q, int n, const int8_t *k, int hp, int blocks,
           int32_t *s, ptrdiff_t ss)
{
    const vec flip = V_SET1((int32_t)0x80808080);
    vec start[P_ROWS];
    for (int r = 0; r < n; r++) {
        int32_t sum = 0;
        for (int i = 0; i < hp; i++)
            sum += q[r * hp + i];
        start[r] = V_SET1(-128 * sum);
    }
    for (int b = 0; b < blocks; b++, s += ENG_TB) {
        vec a[P_ROWS][KV];
#pragma GCC unroll 4
        for (int r = 0; r < n; r++)
            for (int h = 0; h < KV; h++)
                a[r][h] = start[r];
        for (int i = 0; i < hp; i += 4, k += 64) {
            vec kk[KV];
#pragma GCC unroll 2
            for (int h = 0; h < KV; h++)
                kk[h] = V_XOR(V_LOAD(k + h * VEC), flip);
#pragma GCC unroll 4
            for (int r = 0; r < n; r++) {
                vec c = word(q + r * hp + i);
#pragma GCC unroll 2
                for (int h = 0; h < KV; h++)
                    a[r][h] = V_DP(a[r][h], kk[h], c);
            }
        }
        for (int r = 0; r < n; r++)
            for (int h = 0; h < KV; h++)
                V_STORE(s + r * ss + h * HALF, a[r][h]);
    }
}

/* 16 channels of n rows. */
FN void av16(const uint8_t *p, ptrdiff_t ps, int n, const int8_t *v, int hp,
             int steps, int32_t *acc)
{
    vec a[P_ROWS][KV];
#pragma GCC unroll 4
    for (int r = 0; r < n; r++)
        for (int h = 0; h < KV; h++)
            a[r][h] = V_SET1(0);
    for (int t = 0; t < steps; t++, v += hp * 4) {
        vec vv[KV];
#pragma GCC unroll 2
        for (int h = 0; h < KV; h++)
            vv[h] = V_LOAD(v + h * VEC);
#pragma GCC unroll 4
        for (int r = 0; r < n; r++) {
            vec c = word(p + r * ps + 4 * t);
#pragma GCC unroll 2
            for (int h = 0; h < KV; h++)
                a[r][h] = V_DP(a[r][h], c, vv[h]);
        }
    }
    for (int r = 0; r < n; r++)
        for (int h = 0; h < KV; h++)
            V_STORE(acc + r * hp + h * HALF, a[r][h]);
}

static void OPS(qk)(const int8_t *q, int n, const int8_t *k, int hp, int blocks,
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

static void OPS(av)(const void *p, ptrdiff_t ps, int n, const int8_t *v, int hp,
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

#define VNNI_TABLE(title)                                                      \
    {.name = title,                                                            \
     .vec = VEC,                                                               \
     .rows = ROWS,                                                             \
     .unit = ROWS,                                                             \
     .p_bytes = 1,                                                             \
     .p_rows = P_ROWS,                                                         \
     .mm4a8 = OPS(mm4),                                                        \
     .mm4a4 = OPS(mm4),                                                        \
     .mm8 = OPS(mm8),                                                          \
     .dequant = OPS(dequant),                                                  \
     .norm = OPS(norm),                                                        \
     .scaled = OPS(scaled),                                                    \
     .quant = OPS(quant),                                                      \
     .silu = OPS(silu),                                                        \
     .fht = OPS(fht),                                                          \
     .rope = OPS(rope),                                                        \
     .codes = OPS(codes),                                                      \
     .qk = OPS(qk),                                                            \
     .prob = OPS(prob),                                                        \
     .av = OPS(av)}
