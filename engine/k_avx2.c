/* SPDX-License-Identifier: Apache-2.0 */
/* engine/k_avx2.c -- the kernels for AVX2 (compiled with -mavx2 -mfma).
 *
 * Products: avx2_mm.h. Scores are made as 8-bit weights are, with K as the
 * weights; probabilities times V in 16 bits (vpmaddwd).
 */
#include "engine/kernel.h"
#include <immintrin.h>
#include <string.h>

#define FN static inline __attribute__((always_inline))
#include "engine/avx2_quant.h"

#define OPS(name)         avx2_##name
#define OPS_P             uint16_t
#define OPS_FLOOR4(v)     _mm256_floor_pd(v)
#define OPS_FMA4(a, b, c) _mm256_fmadd_pd(a, b, c)
#define OPS_GATHER8(t, i)                                                      \
    _mm256_i32gather_epi32((const int *)(t), (__m256i)(i), 4)
#define OPS_MUL15(a, b) ((v8i)_mm256_madd_epi16((__m256i)(a), (__m256i)(b)))
#define OPS_ANY(m)      (!_mm256_testz_si256((__m256i)(m), (__m256i)(m)))

#define OPS_QUANT_CODES avx2_quant_codes
#include "engine/ops_tmpl.h"
#include "engine/avx2_mm.h"

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
    .rows = ENG_MAX_ROWS,
    .unit = 4,
    .pairs = 1,
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
