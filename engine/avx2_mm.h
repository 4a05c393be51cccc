/* SPDX-License-Identifier: Apache-2.0 */
/* engine/avx2_mm.h -- part of k_avx2.c: the matrix products.
 *
 * vpmaddubsw multiplies unsigned by signed bytes and adds pairs into 16 bits,
 * saturating. Its bounds decide the loops:
 *
 *   4-bit weights, as 0..15, are the unsigned side. With i8 codes a pair is at
 *   most 2 15 127 = 3810, so 8 pairs (one block of 32 inputs) add up in 16
 *   bits: 30480; and two or four blocks where the token's codes are small
 *   enough, which the quantiser has checked (eng_codes.run). With u4 codes a
 *   pair is at most 2 15 15 = 450: 64 pairs (8 blocks), 28800. Only then is
 *   the sum widened, which makes a product and an addition the inner loop.
 *   8-bit weights: |w| is unsigned, x takes w's sign; a pair is at most
 *   2 128 127 = 32512, widened at once.
 *
 * With many tokens the weights of a segment are spread to bytes once for all
 * of them, and u4 codes take half the multiplications (Winograd, "A New
 * Algorithm for Inner Product", 1968): for inputs k and k + 4 of every eight
 *
 *     x0 w0 + x4 w4 = (x0 + w4)(x4 + w0) - x0 x4 - w0 w4
 *
 * The last two terms are sums over the token's codes (eng_codes.pair) and over
 * the row's weights (made while they are spread). Two of the products are at
 * most 2 30 30 = 1800, so that 32 times two (8 blocks), from -32768 on, end
 * below 24833. Zen 3 starts two vpmaddubsw or four additions a cycle, but
 * 3.2 when they alternate one to one: 52 multiply-accumulates a cycle. One to
 * three, as here, it starts four: 64.
 */
#ifndef ENGINE_AVX2_MM_H
#define ENGINE_AVX2_MM_H

enum {
    VEC = 32,
    P = 16,
    ROWS4 = 6, /* tokens a tile of the loops below */
    ROWS_WIN = 4,
    ROWS8 = 4,
    MANY = 8, /* from so many tokens on, weights are spread first */
    SEG = 24, /* blocks a segment: with the codes it fits the first cache */
    RUN_U4 = 8,
};

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

typedef struct {
    int8_t b[4];
} four;

/* Four inputs of one token against both halves of a panel: a0 += w0 x, a1 +=
 * w1 x. In assembly, because 12 sums, two weights and two temporaries are all
 * 16 registers: compilers reorder the steps and spill. */
FN void mac4(__m256i *a0, __m256i *a1, __m256i w0, __m256i w1, const int8_t *x)
{
    __m256i c, t;
    __asm__("vpbroadcastd %[x], %[c]\n\t"
            "vpmaddubsw %[c], %[w0], %[t]\n\t"
            "vpmaddubsw %[c], %[w1], %[c]\n\t"
            "vpaddw %[t], %[a0], %[a0]\n\t"
            "vpaddw %[c], %[a1], %[a1]"
            : [a0] "+x"(*a0), [a1] "+x"(*a1), [c] "=&x"(c), [t] "=&x"(t)
            : [w0] "x"(w0), [w1] "x"(w1), [x] "m"(*(const four *)x));
}

/* Eight inputs, by Winograd's products: w[0], w[1] are both halves of inputs
 * 0..3, w[2], w[3] of 4..7. 8 sums, 4 weights, 4 temporaries. */
FN void win8(__m256i *a0, __m256i *a1, const __m256i w[4], const int8_t *x)
{
    __m256i c, d, t, u;
    __asm__("vpbroadcastd %[x], %[c]\n\t"
            "vpbroadcastd %[y], %[d]\n\t"
            "vpaddb %[c], %[w2], %[t]\n\t"
            "vpaddb %[d], %[w0], %[u]\n\t"
            "vpmaddubsw %[t], %[u], %[t]\n\t"
            "vpaddb %[c], %[w3], %[c]\n\t"
            "vpaddb %[d], %[w1], %[d]\n\t"
            "vpaddw %[t], %[a0], %[a0]\n\t"
            "vpmaddubsw %[c], %[d], %[c]\n\t"
            "vpaddw %[c], %[a1], %[a1]"
            : [a0] "+x"(*a0), [a1] "+x"(*a1), [c] "=&x"(c), [d] "=&x"(d),
              [t] "=&x"(t), [u] "=&x"(u)
            : [w0] "x"(w[0]), [w1] "x"(w[1]), [w2] "x"(w[2]), [w3] "x"(w[3]),
              [x] "m"(*(const four *)x), [y] "m"(*(const four *)(x + 4)));
}

/* s, (n, P), grows by the 16-bit sums. The 32-bit sums stay in memory, the
 * registers are needed for the others. */
FN void widen(__m256i a[][2], int n, int32_t *s)
{
    const __m256i one = _mm256_set1_epi16(1);
#pragma GCC unroll 8
    for (int t = 0; t < n; t++)
#pragma GCC unroll 2
        for (int h = 0; h < 2; h++) {
            int32_t *to = s + t * P + 8 * h;
            store(to,
                  _mm256_add_epi32(load(to), _mm256_madd_epi16(a[t][h], one)));
            __asm__("" : "+m"(*(__m256i_u *)to));
        }
}

/* n tokens by `blocks` blocks of packed weights, `run` of them in 16 bits. The
 * weights come from memory: AHEAD bytes are on their way. */
enum { AHEAD = 2048 };

FN void few(const uint8_t *w, const int8_t *x, ptrdiff_t xs, int n, int blocks,
            int run, int32_t *s)
{
    const __m256i low = _mm256_set1_epi8(15);
    while (blocks > 0) {
        int now = run < blocks ? run : blocks;
        __m256i a[ROWS4][2];
#pragma GCC unroll 8
        for (int t = 0; t < n; t++)
            a[t][0] = a[t][1] = _mm256_setzero_si256();
        for (int b = 0; b < now; b++, w += 8 * VEC, x += ENG_KB) {
#pragma GCC unroll 8
            for (int k = 0; k < 8; k++) {
                if (k % 2 == 0)
                    __builtin_prefetch(w + AHEAD + k * VEC);
                __m256i v = load(w + k * VEC);
                __m256i w0 = _mm256_and_si256(v, low);
                __m256i w1 = _mm256_and_si256(_mm256_srli_epi16(v, 4), low);
#pragma GCC unroll 8
                for (int t = 0; t < n; t++)
                    mac4(&a[t][0], &a[t][1], w0, w1, x + t * xs + 4 * k);
            }
        }
        widen(a, n, s);
        blocks -= now;
    }
}

/* The same from bytes: w is (step, half, VEC). Of every block's bytes in `next`
 * one line is fetched. */
FN void many(const uint8_t *w, const int8_t *x, ptrdiff_t xs, int n, int blocks,
             int run, const uint8_t *next, int32_t *s)
{
    while (blocks > 0) {
        int now = run < blocks ? run : blocks;
        __m256i a[ROWS4][2];
#pragma GCC unroll 8
        for (int t = 0; t < n; t++)
            a[t][0] = a[t][1] = _mm256_setzero_si256();
        for (int b = 0; b < now; b++, w += 16 * VEC, x += ENG_KB) {
            __builtin_prefetch(next);
            next += 8 * VEC;
#pragma GCC unroll 8
            for (int k = 0; k < 8; k++) {
                __m256i w0 = load(w + 2 * k * VEC);
                __m256i w1 = load(w + (2 * k + 1) * VEC);
#pragma GCC unroll 8
                for (int t = 0; t < n; t++)
                    mac4(&a[t][0], &a[t][1], w0, w1, x + t * xs + 4 * k);
            }
        }
        widen(a, n, s);
        blocks -= now;
    }
}

/* And by Winograd's products, each 16-bit sum from -32768 on. */
FN void winograd(const uint8_t *w, const int8_t *x, ptrdiff_t xs, int n,
                 int blocks, const uint8_t *next, int32_t *s)
{
    while (blocks > 0) {
        int now = RUN_U4 < blocks ? RUN_U4 : blocks;
        __m256i a[ROWS_WIN][2];
#pragma GCC unroll 4
        for (int t = 0; t < n; t++)
            a[t][0] = a[t][1] = _mm256_set1_epi16(-32768);
        for (int b = 0; b < now; b++, w += 16 * VEC, x += ENG_KB) {
            __builtin_prefetch(next);
            next += 8 * VEC;
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++) {
                const uint8_t *from = w + 4 * k * VEC;
                __m256i v[4] = {load(from), load(from + VEC),
                                load(from + 2 * VEC), load(from + 3 * VEC)};
#pragma GCC unroll 4
                for (int t = 0; t < n; t++)
                    win8(&a[t][0], &a[t][1], v, x + t * xs + 8 * k);
            }
        }
        widen(a, n, s);
        blocks -= now;
    }
}

/* Packed weights to bytes. */
FN void spread(const uint8_t *w, int steps, uint8_t *to)
{
    const __m256i low = _mm256_set1_epi8(15);
    for (int k = 0; k < steps; k++, to += 2 * VEC) {
        __m256i v = load(w + k * VEC);
        store(to, _mm256_and_si256(v, low));
        store(to + VEC, _mm256_and_si256(_mm256_srli_epi16(v, 4), low));
    }
}

/* And for each row the sum of w0 w4: at most 96 450 from -32768 on. */
FN void spread_pairs(const uint8_t *w, int steps, uint8_t *to, __m256i sum[2])
{
    const __m256i low = _mm256_set1_epi8(15), one = _mm256_set1_epi16(1);
    __m256i a = _mm256_set1_epi16(-32768), b = a;
    for (int k = 0; k < steps; k += 2, to += 4 * VEC) {
        __m256i u = load(w + k * VEC), v = load(w + (k + 1) * VEC);
        __m256i u0 = _mm256_and_si256(u, low), v0 = _mm256_and_si256(v, low);
        __m256i u1 = _mm256_and_si256(_mm256_srli_epi16(u, 4), low);
        __m256i v1 = _mm256_and_si256(_mm256_srli_epi16(v, 4), low);
        a = _mm256_add_epi16(a, _mm256_maddubs_epi16(u0, v0));
        b = _mm256_add_epi16(b, _mm256_maddubs_epi16(u1, v1));
        store(to, u0);
        store(to + VEC, u1);
        store(to + 2 * VEC, v0);
        store(to + 3 * VEC, v1);
    }
    const __m256i start = _mm256_set1_epi32(65536);
    sum[0] = _mm256_add_epi32(_mm256_madd_epi16(a, one), start);
    sum[1] = _mm256_add_epi32(_mm256_madd_epi16(b, one), start);
}

/* Calls f(n) with n as a constant. */
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

/* acc, (n, P), becomes or grows by the sums of group g, s. */
FN void add_group(const struct eng_tile *q, int g, int first, const int32_t *s,
                  int n, int32_t *acc)
{
    for (int i = 0; i < n * P; i += 8) {
        __m256i m = _mm256_cvtepu8_epi32(
            _mm_loadl_epi64((const __m128i *)(q->mul + g * P + i % P)));
        __m256i v = _mm256_mullo_epi32(load(s + i), m);
        store(acc + i, first ? v : _mm256_add_epi32(load(acc + i), v));
    }
}

/* s of n tokens from `from` on starts at what blocks b .. end - 1 have too
 * much, or, not first, grows by it. */
FN void start(const struct eng_tile *q, int from, int n, int b, int end,
              int first, int pairs, const __m256i *sum, int32_t *s)
{
    int32_t runs = (end - b + RUN_U4 - 1) / RUN_U4;
    for (int t = 0; t < n; t++, s += P) {
        const int32_t *pre = q->pre + (from + t) * q->ps;
        int32_t off = -8 * (pre[end] - pre[b]);
        if (pairs) {
            const int32_t *pair = q->pair + (from + t) * q->ps;
            off += 65536 * runs - (pair[end] - pair[b]);
        }
        for (int h = 0; h < 2; h++) {
            __m256i v = _mm256_set1_epi32(off);
            if (pairs)
                v = _mm256_sub_epi32(v, sum[h]);
            if (!first)
                v = _mm256_add_epi32(v, load(s + 8 * h));
            store(s + 8 * h, v);
        }
    }
}

/* 4-bit weights, abits 8 or 4, a constant. */
FN void mm4(const struct eng_tile *q, int abits)
{
    _Alignas(32) uint8_t bytes[SEG * 16 * VEC];
    _Alignas(32) int32_t part[ROWS4 * P];
    int wide = q->n >= MANY, pairs = wide && abits == 4;
    int step = pairs ? ROWS_WIN : ROWS4;
    for (int b = 0, end; b < q->blocks; b = end) {
        int g = b / q->gblocks, left = (g + 1) * q->gblocks - b;
        end = b + (wide && left > SEG ? SEG : left);
        const uint8_t *w = q->w + (ptrdiff_t)b * 8 * VEC;
        __m256i sum[2];
        if (pairs)
            spread_pairs(w, (end - b) * 8, bytes, sum);
        else if (wide)
            spread(w, (end - b) * 8, bytes);
        for (int from = 0; from < q->n; from += step) {
            int n = q->n - from < step ? q->n - from : step, run = 8;
            int32_t *acc = q->acc + from * P, *s = q->mul ? part : acc;
            const int8_t *x = q->x + from * q->xs + b * ENG_KB;
            /* tile i fetches line i % 4 of each block of what comes next */
            const uint8_t *next = q->next + (ptrdiff_t)b * 8 * VEC;
            next += from / step % 4 * 64;
            start(q, from, n, b, end, q->mul || b == 0, pairs, sum, s);
            if (abits == 8)
                for (int t = from; t < from + n; t++)
                    run = q->run[t] < run ? q->run[t] : run;
#define FEW(n)  few(w, x, q->xs, n, end - b, run, s)
#define MANY(n) many(bytes, x, q->xs, n, end - b, run, next, s)
#define WIN(n)                                                                 \
    winograd(bytes, x, q->xs, n < ROWS_WIN ? n : ROWS_WIN, end - b, next, s)
            if (pairs) {
                BY_ROWS(n, WIN)
            } else if (wide) {
                BY_ROWS(n, MANY)
            } else {
                BY_ROWS(n, FEW)
            }
            if (q->mul)
                add_group(q, g, b == 0, s, n, acc);
        }
    }
}

static void avx2_mm4a8(const struct eng_tile *q)
{
    mm4(q, 8);
}

static void avx2_mm4a4(const struct eng_tile *q)
{
    mm4(q, 4);
}

/* s += w c by lanes of four: w and c signed, |w| given. */
FN __m256i dot8(__m256i s, __m256i w, __m256i abs_w, __m256i c)
{
    __m256i p = _mm256_maddubs_epi16(abs_w, _mm256_sign_epi8(c, w));
    return _mm256_add_epi32(s, _mm256_madd_epi16(p, _mm256_set1_epi16(1)));
}

/* n tokens, `steps` steps of 8-bit weights. */
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
    _Alignas(32) int32_t part[ROWS8 * P];
    int32_t *acc = q->acc + from * P, *to = q->mul ? part : acc;
    for (int b = 0; b < q->blocks; b += q->gblocks) {
        __m256i s[ROWS8][2];
#pragma GCC unroll 8
        for (int t = 0; t < n; t++)
            s[t][0] = s[t][1] = _mm256_setzero_si256();
        run8(q->w + (ptrdiff_t)b * 16 * VEC, q->x + from * q->xs + b * ENG_KB,
             q->xs, q->gblocks * 8, n, s);
        for (int t = 0; t < n; t++)
            for (int h = 0; h < 2; h++)
                store(to + t * P + 8 * h, s[t][h]);
        if (q->mul)
            add_group(q, b / q->gblocks, b == 0, part, n, acc);
    }
}

static void avx2_mm8(const struct eng_tile *q)
{
#define MM8(n) mm8(q, from, n < ROWS8 ? n : ROWS8)
    for (int from = 0; from < q->n; from += ROWS8)
        BY_ROWS(q->n - from, MM8)
}

#endif
