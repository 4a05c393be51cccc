/* SPDX-License-Identifier: Apache-2.0 */
/* engine/avx2_quant.h -- part of k_avx2.c: the codes of a token, 32 at a time:
 * what ops_tmpl.h does in its own quant, with the instructions that narrow
 * and saturate. |x s| is at most 127 2^17 (docs/numerics.md: the range is at
 * least amax clip / 2^16), so it fits 32 bits before it saturates.
 */
#ifndef ENGINE_AVX2_QUANT_H
#define ENGINE_AVX2_QUANT_H

/* round(x s) of eight, saturated to 16 bits. */
FN __m128i quant8(const int32_t *x, __m256d s)
{
    const __m256d half = _mm256_set1_pd(0.5);
    __m256d a = _mm256_cvtepi32_pd(_mm_loadu_si128((const __m128i *)x));
    __m256d b = _mm256_cvtepi32_pd(_mm_loadu_si128((const __m128i *)x + 1));
    a = _mm256_floor_pd(_mm256_fmadd_pd(a, s, half));
    b = _mm256_floor_pd(_mm256_fmadd_pd(b, s, half));
    return _mm_packs_epi32(_mm256_cvttpd_epi32(a), _mm256_cvttpd_epi32(b));
}

/* 32 codes; zp is 0 for i8. */
FN __m256i quant32(const int32_t *x, __m256d s, int zp, int abits)
{
    const __m128i z = _mm_set1_epi16((short)zp);
    __m128i v[4], lo, hi;
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++)
        v[j] = _mm_adds_epi16(quant8(x + 8 * j, s), z);
    if (abits == 4) {
        const __m128i top = _mm_set1_epi8(15);
        lo = _mm_min_epu8(_mm_packus_epi16(v[0], v[1]), top);
        hi = _mm_min_epu8(_mm_packus_epi16(v[2], v[3]), top);
    } else {
        const __m128i low = _mm_set1_epi8(-127);
        lo = _mm_max_epi8(_mm_packs_epi16(v[0], v[1]), low);
        hi = _mm_max_epi8(_mm_packs_epi16(v[2], v[3]), low);
    }
    return _mm256_set_m128i(hi, lo);
}

/* The sum of eight words. */
FN int32_t add_lanes(__m256i v)
{
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v),
                              _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1));
    return _mm_cvtsi128_si32(s);
}

/* Sums of |codes| with k % 4 < 2 and k % 4 >= 2: words 0 and 1. */
FN __m128i run_sums(__m256i codes)
{
    __m256i m =
        _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_set1_epi8(1));
    __m128i s = _mm_add_epi16(_mm256_castsi256_si128(m),
                              _mm256_extracti128_si256(m, 1));
    s = _mm_add_epi16(s, _mm_shuffle_epi32(s, 0x4E));
    return _mm_add_epi16(s, _mm_shuffle_epi32(s, 0xB1));
}

FN int word_max(__m128i v)
{
    uint32_t w = (uint32_t)_mm_cvtsi128_si32(v);
    return (int)(w & 0xFFFF) > (int)(w >> 16) ? (int)(w & 0xFFFF)
                                              : (int)(w >> 16);
}

/* The codes of n values and what eng_codes has about them; abits is a
 * constant. */
FN void quant_codes(const int32_t *x, int n, int kp, double scale, int abits,
                    struct eng_codes *c)
{
    const __m256i one = _mm256_set1_epi8(1), one16 = _mm256_set1_epi16(1);
    const __m256i even = _mm256_set1_epi64x(0xFFFFFFFF);
    const __m256d s = _mm256_set1_pd(scale);
    __m128i most2 = _mm_setzero_si128(), most4 = most2, before = most2;
    __m128i two1 = most2, two2 = most2;
    int32_t sum = 0, pair = 0;
    for (int b = 0; b < kp / ENG_KB; b++) {
        int have = n - b * ENG_KB;
        __m256i v;
        if (have >= ENG_KB) {
            v = quant32(x + b * ENG_KB, s, c->q.zp, abits);
        } else {
            int32_t last[ENG_KB] = {0};
            int8_t byte[ENG_KB];
            memcpy(last, x + b * ENG_KB, (size_t)have * sizeof *x);
            v = quant32(last, s, c->q.zp, abits);
            _mm256_storeu_si256((__m256i *)byte, v);
            memset(byte + have, 0, (size_t)(ENG_KB - have));
            v = _mm256_loadu_si256((const __m256i *)byte);
        }
        _mm256_storeu_si256((__m256i *)(c->x + b * ENG_KB), v);
        c->pre[b] = sum;
        sum +=
            add_lanes(_mm256_madd_epi16(_mm256_maddubs_epi16(one, v), one16));
        if (abits == 4) {
            c->pair[b] = pair;
            __m256i p = _mm256_maddubs_epi16(_mm256_and_si256(v, even),
                                             _mm256_srli_epi64(v, 32));
            pair += add_lanes(_mm256_madd_epi16(p, one16));
        } else {
            __m128i lane = run_sums(v), two = _mm_add_epi16(lane, before);
            most2 = _mm_max_epu16(most2, two);
            most4 = _mm_max_epu16(most4, _mm_add_epi16(two, two2));
            before = lane;
            two2 = two1;
            two1 = two;
        }
    }
    c->pre[kp / ENG_KB] = sum;
    c->run = 4;
    if (abits == 4)
        c->pair[kp / ENG_KB] = pair;
    else if (word_max(most4) > ENG_RUN_SUM)
        c->run = word_max(most2) > ENG_RUN_SUM ? 1 : 2;
}

static void avx2_quant_codes(const int32_t *x, int n, int kp, double scale,
                             int abits, struct eng_codes *c)
{
    if (abits == 4)
        quant_codes(x, n, kp, scale, 4, c);
    else
        quant_codes(x, n, kp, scale, 8, c);
}

#endif
