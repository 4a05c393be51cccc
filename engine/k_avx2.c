/* SPDX-License-Identifier: Apache-2.0 */
/* engine/k_avx2.c -- the kernels for AVX2 (compiled with -mavx2 -mfma).
 *
 * vpmaddubsw multiplies unsigned by signed bytes and adds pairs into 16 bits,
 * saturating. Its bounds decide the loops:
 *
 *   4-bit weights, as 0..15, are the unsigned side. With i8 codes a pair is at
 *   most 2 15 127 = 3810, so 8 pairs (one block of 32 inputs) add up in 16
 *   bits: 30480; and two or four blocks where the token's codes are small
 *   enough, which the quantiser has checked (eng_codes.run). With u4 codes a pair is at most 2 15 15 = 450: 64 pairs (8
 *   blocks), 28800. Only then is the sum widened, which makes a product and an
 *   addition the whole inner loop.
 *   8-bit weights: |w| is unsigned, x takes w's sign; a pair is at most
 *   2 128 127 = 32512, widened at once.
 *   Scores are the same with K as the weights. Probabilities times V are made
 *   in 16 bits (vpmaddwd).
 */
#include <immintrin.h>

#define OPS(name)     avx2_##name
#define OPS_P         uint16_t
#define OPS_FLOOR4(v) _mm256_floor_pd(v)
#define OPS_GATHER8(t, i)                                                      \
    _mm256_i32gather_epi32((const int *)(t), (__m256i)(i), 4)
#define OPS_MUL15(a, b) ((v8i)_mm256_madd_epi16((__m256i)(a), (__m256i)(b)))
#define OPS_ANY(m)      (!_mm256_testz_si256((__m256i)(m), (__m256i)(m)))
#include "engine/ops_tmpl.h"

#define FN static inline __attribute__((always_inline))

enum { VEC = 32, P = 16, ROWS4 = 6, ROWS8 = 4 };

FN __m256i load(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

FN void store(void *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)p, v);
}

/* Four bytes, in every lane. */
FN __m256i word(const int8_t *x)
{
    int32_t v;
    memcpy(&v, x, sizeof v);
    return _mm256_set1_epi32(v);
}

/* Four inputs of one token against both halves of a panel: a0 += w0 x, a1 +=
 * w1 x. In assembly, because 12 sums, two weights and two temporaries are all
 * 16 registers: compilers reorder the steps and spill. */
FN void mac4(__m256i *a0, __m256i *a1, __m256i w0, __m256i w1, const int8_t *x)
{
    typedef struct {
        int8_t b[4];
    } four;
    __m256i c, t;
    __asm__("vpbroadcastd %[x], %[c]\n\t"
            "vpmaddubsw %[c], %[w0], %[t]\n\t"
            "vpmaddubsw %[c], %[w1], %[c]\n\t"
            "vpaddw %[t], %[a0], %[a0]\n\t"
            "vpaddw %[c], %[a1], %[a1]"
            : [a0] "+x"(*a0), [a1] "+x"(*a1), [c] "=&x"(c), [t] "=&x"(t)
            : [w0] "x"(w0), [w1] "x"(w1), [x] "m"(*(const four *)x));
}

/* One block of 32 inputs into 16-bit sums a[t][half]. */
FN void block4(const uint8_t *w, const int8_t *x, ptrdiff_t xs, int n,
               __m256i a[][2])
{
    const __m256i low = _mm256_set1_epi8(15);
#pragma GCC unroll 8
    for (int s = 0; s < 8; s++) {
        __m256i v = load(w + s * VEC);
        __m256i w0 = _mm256_and_si256(v, low);
        __m256i w1 = _mm256_and_si256(_mm256_srli_epi16(v, 4), low);
#pragma GCC unroll 8
        for (int t = 0; t < n; t++)
            mac4(&a[t][0], &a[t][1], w0, w1, x + t * xs + 4 * s);
    }
}

/* total += s times the multipliers of group g. */
FN void add_group(const struct eng_tile *q, int g, int n, __m256i s[][2],
                  __m256i total[][2])
{
#pragma GCC unroll 8
    for (int h = 0; h < 2; h++) {
        if (q->mul) {
            __m256i m = _mm256_cvtepu8_epi32(
                _mm_loadl_epi64((const __m128i *)(q->mul + g * P + 8 * h)));
            for (int t = 0; t < n; t++)
                s[t][h] = _mm256_mullo_epi32(s[t][h], m);
        }
        for (int t = 0; t < n; t++)
            total[t][h] = _mm256_add_epi32(total[t][h], s[t][h]);
    }
}

/* n tokens; `run` blocks add up in 16 bits. The 32-bit sums stay in memory,
 * the registers are needed for the others. */
FN void mm4(const struct eng_tile *q, int n, int run)
{
    const __m256i one = _mm256_set1_epi16(1);
    _Alignas(32) int32_t part[ROWS4 * P];
    int32_t *s = q->mul ? part : q->acc;
    for (int b = 0; b < q->blocks;) {
        int end = b + q->gblocks, first = b;
        for (int t = 0; t < n; t++) {
            const int32_t *pre = q->pre + t * q->ps;
            __m256i offset = _mm256_set1_epi32(-8 * (pre[end] - pre[b]));
            store(s + t * P, offset);
            store(s + t * P + 8, offset);
        }
        while (b < end) {
            int stop = b + run < end ? b + run : end;
            __m256i a[ROWS4][2];
#pragma GCC unroll 8
            for (int t = 0; t < n; t++)
                a[t][0] = a[t][1] = _mm256_setzero_si256();
            for (; b < stop; b++)
                block4(q->w + (ptrdiff_t)b * 8 * VEC, q->x + b * ENG_KB, q->xs,
                       n, a);
#pragma GCC unroll 8
            for (int t = 0; t < n; t++)
#pragma GCC unroll 2
                for (int h = 0; h < 2; h++) {
                    int32_t *to = s + t * P + 8 * h;
                    store(to, _mm256_add_epi32(
                                  load(to), _mm256_madd_epi16(a[t][h], one)));
                    __asm__("" : "+m"(*(__m256i_u *)to));
                }
        }
        for (int i = 0; i < n * P && q->mul; i += 8) {
            __m256i m = _mm256_cvtepu8_epi32(_mm_loadl_epi64(
                (const __m128i *)(q->mul + first / q->gblocks * P + i % P)));
            __m256i v = _mm256_mullo_epi32(load(s + i), m);
            store(q->acc + i,
                  first ? _mm256_add_epi32(load(q->acc + i), v) : v);
        }
    }
}

/* Calls f with n as a constant. */
#define BY_ROWS(n, f)                                                          \
    switch (n) {                                                               \
    case 1:                                                                    \
        f(1);                                                                  \
        break;                                                                 \
    case 2:                                                                    \
        f(2);                                                                  \
        break;                                                                 \
    case 3:                                                                    \
        f(3);                                                                  \
        break;                                                                 \
    case 4:                                                                    \
        f(4);                                                                  \
        break;                                                                 \
    case 5:                                                                    \
        f(5);                                                                  \
        break;                                                                 \
    default:                                                                   \
        f(6);                                                                  \
    }

static void avx2_mm4a8(const struct eng_tile *q)
{
#define CALL(n) mm4(q, n, q->run)
    BY_ROWS(q->n, CALL)
#undef CALL
}

static void avx2_mm4a4(const struct eng_tile *q){
#define CALL(n) mm4(q, n, 8)
    BY_ROWS(q -> n, CALL)
#undef CALL
}

/* s += w c by lanes of four: w and c signed, |w| given. */
FN __m256i dot8(__m256i s, __m256i w, __m256i abs_w, __m256i c)
{
    __m256i p = _mm256_maddubs_epi16(abs_w, _mm256_sign_epi8(c, w));
    return _mm256_add_epi32(s, _mm256_madd_epi16(p, _mm256_set1_epi16(1)));
}

/* n tokens, blocks b .. end of 8-bit weights. */
FN void run8(const uint8_t *w, const int8_t *x, ptrdiff_t xs, int steps, int n,
             __m256i s[][2])
{
    for (int k = 0; k < steps; k++) {
        __m256i w0 = load(w + k * 2 * VEC), w1 = load(w + (k * 2 + 1) * VEC);
        __m256i a0 = _mm256_abs_epi8(w0), a1 = _mm256_abs_epi8(w1);
#pragma GCC unroll 8
        for (int t = 0; t < n; t++) {
            __m256i c = word(x + t * xs + 4 * k);
            s[t][0] = dot8(s[t][0], w0, a0, c);
            s[t][1] = dot8(s[t][1], w1, a1, c);
        }
    }
}

FN void mm8(const struct eng_tile *q, int from, int n)
{
    __m256i s[ROWS8][2], total[ROWS8][2];
    for (int t = 0; t < n; t++)
        total[t][0] = total[t][1] = _mm256_setzero_si256();
    for (int b = 0; b < q->blocks; b += q->gblocks) {
#pragma GCC unroll 8
        for (int t = 0; t < n; t++)
            s[t][0] = s[t][1] = _mm256_setzero_si256();
        run8(q->w + (ptrdiff_t)b * 16 * VEC, q->x + from * q->xs + b * ENG_KB,
             q->xs, q->gblocks * 8, n, s);
        add_group(q, b / q->gblocks, n, s, total);
    }
    for (int t = 0; t < n; t++)
        for (int h = 0; h < 2; h++)
            store(q->acc + (from + t) * P + 8 * h, total[t][h]);
}

static void avx2_mm8(const struct eng_tile *q)
{
    for (int from = 0; from < q->n; from += ROWS8)
        switch (q->n - from) {
        case 1:
            mm8(q, from, 1);
            break;
        case 2:
            mm8(q, from, 2);
            break;
        case 3:
            mm8(q, from, 3);
            break;
        default:
            mm8(q, from, 4);
        }
}

FN void qk(const int8_t *q, int n, const int8_t *k, int hp, int blocks,
           int32_t *s, ptrdiff_t ss)
{
    for (int b = 0; b < blocks; b++) {
        __m256i a[4][2];
#pragma GCC unroll 4
        for (int r = 0; r < n; r++)
            a[r][0] = a[r][1] = _mm256_setzero_si256();
        run8((const uint8_t *)k + (ptrdiff_t)b * ENG_TB * hp, q, hp, hp / 4, n,
             a);
        for (int r = 0; r < n; r++) {
            store(s + r * ss + b * ENG_TB, a[r][0]);
            store(s + r * ss + b * ENG_TB + 8, a[r][1]);
        }
    }
}

static void avx2_qk(const int8_t *q, int n, const int8_t *k, int hp, int blocks,
                    int32_t *s, ptrdiff_t ss)
{
    switch (n) {
    case 1:
        qk(q, 1, k, hp, blocks, s, ss);
        break;
    case 2:
        qk(q, 2, k, hp, blocks, s, ss);
        break;
    case 3:
        qk(q, 3, k, hp, blocks, s, ss);
        break;
    default:
        qk(q, 4, k, hp, blocks, s, ss);
    }
}

/* Eight channels of n rows, the listed steps of four positions. */
FN void av8(const uint16_t *p, ptrdiff_t ps, int n, const int8_t *v, int hp,
            const uint16_t *step, int steps, int32_t *acc)
{
    __m256i a[4][2];
#pragma GCC unroll 4
    for (int r = 0; r < n; r++)
        a[r][0] = a[r][1] = _mm256_setzero_si256();
    for (int i = 0; i < steps; i++) {
        int t = step[i];
        const __m128i *from = (const __m128i *)(v + (ptrdiff_t)t * hp * 4);
        __m256i v0 = _mm256_cvtepi8_epi16(_mm_loadu_si128(from));
        __m256i v1 = _mm256_cvtepi8_epi16(_mm_loadu_si128(from + 1));
#pragma GCC unroll 4
        for (int r = 0; r < n; r++) {
            int64_t w;
            memcpy(&w, p + r * ps + 4 * t, sizeof w);
            __m256i c = _mm256_set1_epi64x(w);
            a[r][0] = _mm256_add_epi32(a[r][0], _mm256_madd_epi16(v0, c));
            a[r][1] = _mm256_add_epi32(a[r][1], _mm256_madd_epi16(v1, c));
        }
    }
    for (int r = 0; r < n; r++)
        store(acc + r * hp, _mm256_permute4x64_epi64(
                                _mm256_hadd_epi32(a[r][0], a[r][1]), 0xD8));
}

/* Steps in which any row has a probability that is not zero: on real text
 * most of a long context is left out. */
FN int av_steps(const uint16_t *p, ptrdiff_t ps, int n, int steps,
                uint16_t *step)
{
    int count = 0;
    for (int t = 0; t < steps; t++) {
        uint64_t any = 0;
        for (int r = 0; r < n; r++) {
            uint64_t w;
            memcpy(&w, p + r * ps + 4 * t, sizeof w);
            any |= w;
        }
        step[count] = (uint16_t)t;
        count += any != 0;
    }
    return count;
}

FN void av(const uint16_t *p, ptrdiff_t ps, int n, const int8_t *v, int hp,
           int blocks, int32_t *acc)
{
    uint16_t step[ENG_AV_MAX / 4];
    int steps = av_steps(p, ps, n, blocks * 4, step);
    for (int i = 0; i < hp; i += 8)
        av8(p, ps, n, v + 4 * i, hp, step, steps, acc + i);
}

static void avx2_av(const void *p, ptrdiff_t ps, int n, const int8_t *v, int hp,
                    int blocks, int32_t *acc)
{
    switch (n) {
    case 1:
        av(p, ps, 1, v, hp, blocks, acc);
        break;
    case 2:
        av(p, ps, 2, v, hp, blocks, acc);
        break;
    case 3:
        av(p, ps, 3, v, hp, blocks, acc);
        break;
    default:
        av(p, ps, 4, v, hp, blocks, acc);
    }
}

const struct eng_kernels eng_k_avx2 = {
    .name = "avx2",
    .vec = VEC,
    .rows = ROWS4,
    .p_bytes = 2,
    .p_rows = 4,
    .mm4a8 = avx2_mm4a8,
    .mm4a4 = avx2_mm4a4,
    .mm8 = avx2_mm8,
    .dequant = avx2_dequant,
    .norm = avx2_norm,
    .scaled = avx2_scaled,
    .quant = avx2_quant,
    .silu = avx2_silu,
    .fht = avx2_fht,
    .rope = avx2_rope,
    .codes = avx2_codes,
    .qk = avx2_qk,
    .prob = avx2_prob,
    .av = avx2_av,
};
