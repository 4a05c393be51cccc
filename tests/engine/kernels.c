/* SPDX-License-Identifier: Apache-2.0 */
/* tests/engine/kernels.c -- every kernel of every instruction set against its
 * definition in num/num.h, on random and extreme inputs of awkward sizes, with
 * canaries around what it writes. The same calls measure speed:
 *
 *     test_engine_kernels [--speed] [NAME]
 *
 * Built three times: for this machine; with the AVX-512 and AVX-VNNI sources
 * through SIMDe's portable intrinsics (FL_KERNELS_SIMDE), so that they run
 * everywhere; and for aarch64, under qemu (tests/engine/neon.sh).
 */
#include "tests/engine/kernels.h"
#include "num/hadamard.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- matrix products ------------------------------------------------------ */

struct weights {
    int8_t w[ENG_MAX_PANEL][MAX_K];
    uint8_t mul[MAX_K / ENG_KB * ENG_MAX_PANEL];
    uint8_t packed[MAX_K * ENG_MAX_PANEL + 64];
};

static void pack(struct weights *x, int vec, int bits, int k)
{
    int half = vec / 4;
    for (int s = 0; s < k / 4; s++)
        for (int j = 0; j < vec; j++) {
            int lo = x->w[j / 4][4 * s + j % 4];
            int hi = x->w[half + j / 4][4 * s + j % 4];
            if (bits == 4) {
                x->packed[s * vec + j] = (uint8_t)((lo + 8) | (hi + 8) << 4);
            } else {
                x->packed[2 * s * vec + j] = (uint8_t)lo;
                x->packed[(2 * s + 1) * vec + j] = (uint8_t)hi;
            }
        }
}

/* The definition of eng_codes.run. */
static int longest_run(const int8_t *x, int blocks)
{
    for (int run = 4; run > 1; run /= 2) {
        int ok = 1;
        for (int b = 0; b < blocks; b++) {
            int sum[2] = {0, 0};
            for (int i = b * ENG_KB; i < (b + run) * ENG_KB; i++)
                sum[i / 2 % 2] += i < blocks * ENG_KB ? abs(x[i]) : 0;
            ok &= sum[0] <= ENG_RUN_SUM && sum[1] <= ENG_RUN_SUM;
        }
        if (ok)
            return run;
    }
    return 1;
}

/* The definition of eng_codes.pair. */
static void pair_sums(const int8_t *x, int size, int32_t *pair)
{
    int32_t sum = 0;
    for (int i = 0; i < size; i++) {
        if (i % ENG_KB == 0)
            pair[i / ENG_KB] = sum;
        sum += i % 8 < 4 ? x[i] * x[i + 4] : 0;
    }
    pair[size / ENG_KB] = sum;
}

static void mm_case(const struct eng_kernels *k, int wbits, int abits, int n,
                    int blocks, int gblocks, int extreme)
{
    static struct weights w;
    static int8_t x[ENG_MAX_ROWS][MAX_K + 64];
    static int32_t pre[ENG_MAX_ROWS][MAX_K / ENG_KB + 1];
    static int32_t pair[ENG_MAX_ROWS][MAX_K / ENG_KB + 1];
    int run[ENG_MAX_ROWS];
    int p = k->vec / 2, size = blocks * ENG_KB;
    int wtop = wbits == 4 ? 7 : 127, wlow = wbits == 4 ? -8 : -127;
    int xtop = abits == 4 ? 15 : 127, xlow = abits == 4 ? 0 : -127;
    for (int o = 0; o < p; o++)
        for (int i = 0; i < size; i++)
            w.w[o][i] = (int8_t)pick(extreme, wlow, wtop);
    if (extreme == 0 && gblocks % 2 && abits == 8) { /* long runs */
        xlow = gblocks > 1 ? -40 : -60;
        xtop = -xlow;
    }
    if (extreme == 2 && abits == 8 && blocks % 8 == 0) /* just 2 or 4 blocks */
        xtop = xlow = blocks == 8 ? (gblocks == 1 ? -68 : 68) : 34;
    for (int t = 0; t < n; t++)
        for (int i = 0, sum = 0; i < size; i++) {
            if (i % ENG_KB == 0)
                pre[t][i / ENG_KB] = sum;
            x[t][i] = (int8_t)pick(extreme, xlow, xtop);
            sum += x[t][i];
            pre[t][i / ENG_KB + 1] = sum;
        }
    for (int t = 0; t < n; t++) {
        run[t] = longest_run(x[t], blocks);
        pair_sums(x[t], size, pair[t]);
    }
    for (size_t i = 0; i < sizeof w.mul; i++)
        w.mul[i] = (uint8_t)pick(extreme, 1, 255);
    pack(&w, k->vec, wbits, size);
    struct guard g = guard_new((size_t)(n * p) * sizeof(int32_t));
    struct eng_tile tile = {.x = x[0],
                            .pre = pre[0],
                            .pair = pair[0],
                            .w = w.packed,
                            .next = w.packed,
                            .mul = gblocks < blocks ? w.mul : NULL,
                            .xs = MAX_K + 64,
                            .ps = MAX_K / ENG_KB + 1,
                            .n = n,
                            .run = run,
                            .blocks = blocks,
                            .gblocks = gblocks,
                            .acc = g.data};
    (wbits == 8 ? k->mm8 : abits == 4 ? k->mm4a4 : k->mm4a8)(&tile);
    int ok = guard_ok(&g);
    for (int t = 0; t < n; t++)
        for (int o = 0; o < p; o++) {
            uint32_t acc = 0;
            for (int i = 0; i < size; i++) {
                int32_t m = tile.mul ? w.mul[i / ENG_KB / gblocks * p + o] : 1;
                acc += (uint32_t)(x[t][i] * w.w[o][i] * m);
            }
            ok &= (int32_t)acc == tile.acc[t * p + o];
        }
    check(k, ok, "mm w%da%d n %d blocks %d group %d extreme %d", wbits, abits,
          n, blocks, gblocks, extreme);
    guard_free(&g);
}

static void test_mm(const struct eng_kernels *k)
{
    static const int blocks[] = {1, 2, 3, 8, 9, 18, 24, 35};
    for (int s = 0; s < 4; s++)
        for (int n = 1; n <= k->rows; n += n < 13 ? 1 : 5)
            for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++)
                for (int extreme = 0; extreme < 4; extreme++) {
                    int all = blocks[b], wbits = s / 2 ? 8 : 4;
                    mm_case(k, wbits, s % 2 ? 4 : 8, n, all, all, extreme);
                    mm_case(k, wbits, s % 2 ? 4 : 8, n, all, 1, extreme);
                    if (all % 3 == 0)
                        mm_case(k, wbits, s % 2 ? 4 : 8, n, all, 3, extreme);
                }
}

/* ---- dequantise ------------------------------------------------------------- */

static struct num_scale random_scale(int low, int high)
{
    struct num_scale s = {(uint16_t)pick(0, 32768, 65535),
                          (int16_t)pick(0, low, high)};
    if (pick(0, 0, 7) == 0)
        s.mant = pick(0, 0, 1) ? 65535 : 32768;
    return s;
}

static void test_dequant(const struct eng_kernels *k)
{
    enum { P = ENG_MAX_PANEL, N = ENG_MAX_ROWS };
    _Alignas(64) int32_t acc[N * P], colsum[P];
    _Alignas(64) double ws[P], bias[P];
    struct num_scale sx[N], sw[P];
    double xs[N];
    int32_t zp[N], before[N * (P + 5)];
    int p = k->vec / 2;
    for (int round = 0; round < 4000; round++) {
        int n = pick(0, 1, k->rows), valid = pick(0, 1, p);
        int frac = pick(0, 0, 26), obits = pick(0, 0, 1) ? 27 : 32;
        int add = obits == 32 && pick(0, 0, 1);
        for (int o = 0; o < p; o++) {
            sw[o] = random_scale(-60, -25);
            ws[o] = __builtin_ldexp(sw[o].mant, sw[o].exp + frac);
            colsum[o] = pick(0, -100000, 100000);
            bias[o] = round % 2 ? (int32_t)random_word() >> pick(0, 4, 31) : 0;
        }
        for (int t = 0; t < n; t++) {
            sx[t] = random_scale(-30, -9);
            xs[t] = __builtin_ldexp(sx[t].mant, sx[t].exp);
            zp[t] = round % 3 ? pick(0, 0, 15) : 0;
        }
        for (int i = 0; i < n * p; i++)
            acc[i] = (int32_t)random_word() >> pick(0, 1, 31);
        int stride = p + 5;
        struct guard g = guard_new((size_t)(n * stride) * sizeof(int32_t));
        int32_t *y = g.data;
        for (int i = 0; i < n * stride; i++)
            y[i] = before[i] = (int32_t)random_word();
        k->dequant(&(struct eng_dequant){acc, xs, zp, ws, colsum, bias, p,
                                         valid, n, obits, add, y, stride});
        int ok = guard_ok(&g);
        for (int t = 0; t < n; t++)
            for (int o = 0; o < stride; o++) {
                int64_t want = before[t * stride + o];
                if (o < valid) {
                    int64_t a =
                        (int64_t)acc[t * p + o] - (int64_t)zp[t] * colsum[o];
                    if (a != (int32_t)a)
                        continue; /* outside the contract */
                    int64_t v = num_dequant(a, sx[t], sw[o], frac,
                                            (int64_t)bias[o], obits);
                    want = add ? num_sat(want + v, 32) : v;
                }
                ok &= want == y[t * stride + o];
            }
        check(k, ok, "dequant round %d", round);
        guard_free(&g);
    }
}

/* ---- channel by channel ------------------------------------------------------ */

static const int sizes[] = {1, 2, 4, 7, 8, 9, 31, 32, 33, 64, 172, 576, 1536};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void test_norm(const struct eng_kernels *k)
{
    static int32_t r[MAX_K];
    for (int s = 0; s < SIZES; s++)
        for (int round = 0; round < 60; round++) {
            int d = sizes[s], shift = round % 30;
            for (int i = 0; i < d; i++)
                r[i] = (int32_t)random_word() >> shift;
            if (round == 31)
                r[d / 2] = INT32_MIN;
            if (round == 32)
                memset(r, 0, sizeof r);
            struct num_scale sqrt_d = random_scale(-12, -10);
            uint64_t eps = random_word() >> pick(0, 20, 63);
            struct guard g = guard_new((size_t)d * sizeof(int32_t));
            k->norm(r, d, eps, sqrt_d, g.data);
            uint32_t amax = 0;
            uint64_t sum = 0;
            for (int i = 0; i < d; i++)
                amax = num_abs32(r[i]) > amax ? num_abs32(r[i]) : amax;
            int n = num_norm_shift(amax), ok = guard_ok(&g);
            for (int i = 0; i < d; i++)
                sum += num_norm_term(r[i], n);
            struct num_scale f = num_norm_scale(sum, n, eps, sqrt_d);
            for (int i = 0; i < d; i++)
                ok &= num_norm(r[i], f) == ((int32_t *)g.data)[i];
            check(k, ok, "norm d %d round %d", d, round);
            k->scaled(r, d, random_scale(-60, 12), g.data);
            check(k, guard_ok(&g), "scaled writes d %d", d);
            guard_free(&g);
        }
}

static void test_scaled(const struct eng_kernels *k)
{
    int32_t x[40];
    for (int round = 0; round < 20000; round++) {
        struct num_scale s = random_scale(round % 2 ? -64 : -34, 12);
        int n = pick(0, 1, 40);
        for (int i = 0; i < n; i++)
            x[i] = extreme32(i);
        struct guard g = guard_new((size_t)n * sizeof(int32_t));
        struct guard c = guard_new((size_t)n);
        k->scaled(x, n, s, g.data);
        int ok = guard_ok(&g);
        for (int i = 0; i < n; i++)
            ok &= num_attn(x[i], s) == ((int32_t *)g.data)[i];
        for (int i = 0; i < n; i++)
            x[i] >>= 5;
        k->codes(x, n, s, c.data);
        ok &= guard_ok(&c);
        for (int i = 0; i < n; i++)
            ok &= num_static_i8(x[i], s) == ((int8_t *)c.data)[i];
        check(k, ok, "scaled, codes: mant %d exp %d", s.mant, s.exp);
        guard_free(&g);
        guard_free(&c);
    }
}

static void test_quant(const struct eng_kernels *k)
{
    static int32_t mean[MAX_K], from[MAX_K];
    for (int s = 0; s < SIZES; s++)
        for (int round = 0; round < 60; round++) {
            int n = sizes[s], kp = (n + ENG_KB - 1) / ENG_KB * ENG_KB;
            struct num_qsite site = {.abits = round % 2 ? 4 : 8,
                                     .frac = round % 27,
                                     .clip = (uint32_t)pick(0, 1000, 65536),
                                     .mean = round % 3 ? mean : NULL};
            if (site.abits == 4 && round % 4 == 1)
                site.wide = n / (1 + round % 5);
            for (int i = 0; i < n; i++) {
                from[i] = (int32_t)random_word() >> pick(0, 5, 31);
                if (round % 7 == 0)
                    from[i] = round % 2 ? -67108864 : 67108863;
                if (round == 11)
                    from[i] = 0;
                mean[i] = (int32_t)random_word() >> pick(0, 5, 31);
            }
            struct guard x = guard_new((size_t)n * sizeof(int32_t));
            struct guard c = guard_new((size_t)kp);
            struct guard pre = guard_new((size_t)(kp / ENG_KB + 1) * 4);
            memcpy(x.data, from, (size_t)n * sizeof *from);
            struct guard pair = guard_new((size_t)(kp / ENG_KB + 1) * 4);
            struct eng_codes q = {
                .x = c.data, .pre = pre.data, .pair = pair.data};
            k->quant(x.data, n, kp, &site, &q);
            int32_t mn = 0, mx = 0, sum = 0;
            uint32_t far = 0;
            for (int i = 0; i < n; i++) {
                if (site.mean)
                    from[i] = (int32_t)num_sat((int64_t)from[i] - mean[i], 27);
                uint32_t m = i < site.wide ? num_abs32(from[i]) : 0;
                far = m > far ? m : far;
                if (i < site.wide)
                    continue;
                mn = from[i] < mn ? from[i] : mn;
                mx = from[i] > mx ? from[i] : mx;
            }
            struct num_qparam want =
                site.wide > 0
                    ? num_qparam_u4w(mn, mx, far, site.clip, site.frac)
                : site.abits == 4 ? num_qparam_u4(mn, mx, site.clip, site.frac)
                                  : num_qparam_i8(num_abs32(mx > -mn ? mx : mn),
                                                  site.clip, site.frac);
            int ok = guard_ok(&x) && guard_ok(&c) && guard_ok(&pre);
            ok &= q.q.r == want.r && q.q.zp == want.zp &&
                  q.q.shift == want.shift &&
                  q.q.scale.mant == want.scale.mant &&
                  q.q.scale.exp == want.scale.exp;
            for (int i = 0; i < kp; i++) {
                int v = i >= n            ? 0
                        : i < site.wide   ? num_code_u4w(from[i], want)
                        : site.abits == 4 ? num_code_u4(from[i], want)
                                          : num_code_i8(from[i], want);
                if (i % ENG_KB == 0)
                    ok &= q.pre[i / ENG_KB] == sum;
                ok &= q.x[i] == v;
                sum += v;
            }
            ok &= q.pre[kp / ENG_KB] == sum;
            ok &= guard_ok(&pair);
            int32_t sums[MAX_K / ENG_KB + 1];
            pair_sums(q.x, kp, sums);
            ok &= !k->pairs || num_input_bits(&site) == 8 ||
                  !memcmp(sums, q.pair, (size_t)(kp / ENG_KB + 1) * 4);
            ok &= q.run <= longest_run(q.x, kp / ENG_KB) && q.run >= 1;
            check(k, ok, "quant n %d round %d", n, round);
            guard_free(&x);
            guard_free(&c);
            guard_free(&pre);
            guard_free(&pair);
        }
}

static void test_silu(const struct eng_kernels *k)
{
    static int32_t g[MAX_K], u[MAX_K];
    for (int round = 0; round < 3000; round++) {
        int n = sizes[round % SIZES], gf = pick(0, 0, 26), uf = pick(0, 0, 26);
        int hf = pick(0, 0, 26);
        for (int i = 0; i < n; i++) {
            g[i] = round % 5 ? (int32_t)random_word() >> pick(0, 5, 31)
                             : extreme32(i) >> 5;
            u[i] = round % 3 ? (int32_t)random_word() >> pick(0, 5, 31)
                             : extreme32(i + 3) >> 5;
        }
        struct guard h = guard_new((size_t)n * sizeof(int32_t));
        k->silu(g, gf, u, uf, hf, n, h.data);
        int ok = guard_ok(&h);
        for (int i = 0; i < n; i++)
            ok &=
                num_silu_mul(g[i], gf, u[i], uf, hf) == ((int32_t *)h.data)[i];
        check(k, ok, "silu n %d gf %d uf %d hf %d", n, gf, uf, hf);
        guard_free(&h);
    }
}

static void test_fht(const struct eng_kernels *k)
{
    static const int n_list[] = {1,   2,   4,   8,    12,   16,   20,
                                 36,  64,  96,  28,   160,  172,  224,
                                 288, 576, 768, 1536, 1024, 3 * 8};
    static int32_t from[MAX_K];
    for (size_t s = 0; s < sizeof n_list / sizeof *n_list; s++)
        for (int round = 0; round < 12; round++) {
            int n = n_list[s], shift = round % 3 ? 5 + round : 5;
            for (int i = 0; i < n; i++)
                from[i] = round == 0 ? (i % 3 ? 67108863 : -67108864)
                                     : (int32_t)random_word() >> shift;
            struct guard x = guard_new((size_t)n * sizeof(int32_t));
            memcpy(x.data, from, (size_t)n * sizeof *from);
            k->fht(x.data, n);
            struct num_had h = num_had_split(n);
            int sh = num_fht_shift(h.m * h.p), ok = guard_ok(&x);
            for (int r = 0; r < n; r++) {
                int64_t sum = 0;
                for (int c = 0; c < n; c++)
                    sum += (int64_t)num_had_entry(h, r, c) * from[c];
                ok &= num_sat(num_round(sum, sh), 27) == ((int32_t *)x.data)[r];
            }
            check(k, ok, "fht n %d round %d", n, round);
            guard_free(&x);
        }
}

static void test_rope(const struct eng_kernels *k)
{
    int16_t cs[256];
    int32_t from[256];
    for (int round = 0; round < 3000; round++) {
        int head = 2 * pick(0, 1, 128);
        for (int i = 0; i < head; i++) {
            from[i] =
                round % 3 ? (int32_t)random_word() >> 5 : extreme32(i) >> 5;
            cs[i] = (int16_t)random_word();
        }
        struct guard x = guard_new((size_t)head * sizeof(int32_t));
        memcpy(x.data, from, (size_t)head * sizeof *from);
        k->rope(x.data, head, cs);
        int ok = guard_ok(&x);
        int32_t *y = x.data;
        for (int i = 0; i < head; i += 2) {
            int32_t a = from[i], b = from[i + 1];
            ok &= y[i] == num_rope_a(a, b, cs[i], cs[i + 1]) &&
                  y[i + 1] == num_rope_b(a, b, cs[i], cs[i + 1]);
        }
        check(k, ok, "rope head %d", head);
        guard_free(&x);
    }
}

/* ---- attention ------------------------------------------------------------------ */

static void attn_case(const struct eng_kernels *k, int n, int hp, int len,
                      int extreme)
{
    int blocks = (len + 15) / 16, pad = blocks * 16, stride = pad + 16;
    int8_t *q = calloc((size_t)(n * hp), 1), *c = calloc((size_t)(pad * hp), 1);
    int8_t *v = calloc((size_t)(pad * hp), 1);
    int8_t *kc = calloc((size_t)(pad * hp), 1),
           *vc = calloc((size_t)(pad * hp), 1);
    uint32_t *p = calloc((size_t)pad, sizeof *p);
    if (!q || !c || !v || !kc || !vc || !p)
        exit(2);
    for (int i = 0; i < n * hp; i++)
        q[i] = (int8_t)pick(extreme, -127, 127);
    for (int t = 0; t < pad; t++)
        for (int i = 0; i < hp; i++) {
            c[t * hp + i] = (int8_t)pick(extreme, -127, 127);
            v[t * hp + i] = (int8_t)pick(extreme, -127, 127);
            kc[t / 16 * 16 * hp + i / 4 * 64 + t % 16 * 4 + i % 4] =
                c[t * hp + i];
            vc[t / 4 * 4 * hp + i * 4 + t % 4] = v[t * hp + i];
        }
    struct guard s = guard_new((size_t)(n * stride) * sizeof(int32_t));
    struct guard pg = guard_new((size_t)(n * stride * k->p_bytes));
    struct guard a = guard_new((size_t)(n * hp) * sizeof(int32_t));
    int32_t *score = s.data;
    k->qk(q, n, kc, hp, blocks, score, stride);
    int ok = 1;
    for (int r = 0; r < n; r++)
        for (int t = 0; t < pad; t++) {
            int32_t sum = 0;
            for (int i = 0; i < hp; i++)
                sum += q[r * hp + i] * c[t * hp + i];
            ok &= score[r * stride + t] == sum;
        }
    check(k, ok && guard_ok(&s), "qk n %d hp %d len %d", n, hp, len);
    ok = 1;
    struct num_scale f =
        pick(0, 0, 9) ? random_scale(-28, -10) : random_scale(-66, 4);
    for (int r = 0; r < n; r++) {
        uint32_t got = k->prob(score + r * stride, len, pad, f,
                               (char *)pg.data + r * stride * k->p_bytes);
        int32_t m = score[r * stride];
        uint32_t sum = 0;
        for (int t = 1; t < len; t++)
            m = score[r * stride + t] > m ? score[r * stride + t] : m;
        for (int t = 0; t < pad; t++) {
            p[t] =
                t < len ? num_prob((int64_t)m - score[r * stride + t], f) : 0;
            size_t at = (size_t)(r * stride + t);
            uint32_t is = k->p_bytes == 2 ? ((uint16_t *)pg.data)[at]
                                          : ((uint8_t *)pg.data)[at];
            ok &= is == p[t];
            sum += p[t];
        }
        ok &= got == sum;
    }
    check(k, ok && guard_ok(&pg), "prob n %d len %d exp %d", n, len, f.exp);
    k->av(pg.data, stride, n, vc, hp, blocks, a.data);
    ok = guard_ok(&a);
    for (int r = 0; r < n; r++)
        for (int i = 0; i < hp; i++) {
            int32_t sum = 0;
            for (int t = 0; t < pad; t++) {
                size_t at = (size_t)(r * stride + t);
                sum += v[t * hp + i] * (k->p_bytes == 2
                                            ? ((uint16_t *)pg.data)[at]
                                            : ((uint8_t *)pg.data)[at]);
            }
            ok &= sum == ((int32_t *)a.data)[r * hp + i];
        }
    check(k, ok, "av n %d hp %d len %d", n, hp, len);
    guard_free(&s);
    guard_free(&pg);
    guard_free(&a);
    void *list[] = {q, c, v, kc, vc, p};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        free(list[i]);
}

static void test_attention(const struct eng_kernels *k)
{
    static const int len[] = {1, 2, 7, 8, 15, 16, 17, 33, 100, 257, 600};
    for (int n = 1; n <= k->p_rows; n++)
        for (size_t i = 0; i < sizeof len / sizeof *len; i++)
            for (int extreme = 0; extreme < 4; extreme++) {
                attn_case(k, n, 16, len[i], extreme);
                attn_case(k, n, 64, len[i], extreme);
            }
    attn_case(k, 1, 1024, 40, 1);
}

/* The table look-ups over their whole ranges. */
static void test_tables(const struct eng_kernels *k)
{
    enum { STEP = 4096 };
    static int32_t s[STEP + 8];
    static uint8_t p[2 * (STEP + 16)];
    struct num_scale one = {32768, -15};
    int ok = 1;
    s[0] = 0;
    for (int from = 0; from <= 1 << 21; from += STEP - 1) {
        for (int i = 1; i < STEP; i++)
            s[i] = -(from + i);
        k->prob(s, STEP, STEP, one, p);
        for (int i = 0; i < STEP; i++) {
            uint32_t is = k->p_bytes == 2
                              ? (uint32_t)(p[2 * i] | p[2 * i + 1] << 8)
                              : p[i];
            ok &= is == num_prob(-(int64_t)s[i], one);
        }
    }
    check(k, ok, "prob over all of its table");
    static int32_t g[STEP], u[STEP], h[STEP];
    ok = 1;
    for (int from = -(1 << 21); from < 1 << 21; from += STEP) {
        for (int i = 0; i < STEP; i++) {
            g[i] = from + i;
            u[i] = 65535;
        }
        k->silu(g, 16, u, 16, 16, STEP, h);
        for (int i = 0; i < STEP; i++)
            ok &= h[i] == num_silu_mul(g[i], 16, u[i], 16, 16);
    }
    check(k, ok, "silu over all of its table");
}

int main(int argc, char **argv)
{
    const char *name = NULL;
    int speed = 0;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--speed") == 0)
            speed = 1;
        else
            name = argv[i];
    eng_tables_make();
    for (const struct eng_kernels *const *k = kernels_here(); *k; k++) {
        if (name && strcmp(name, (*k)->name) != 0)
            continue;
        test_mm(*k);
        test_dequant(*k);
        test_norm(*k);
        test_scaled(*k);
        test_quant(*k);
        test_silu(*k);
        test_fht(*k);
        test_rope(*k);
        test_attention(*k);
        test_tables(*k);
        printf("%-10s %ld checks, %ld failed\n", (*k)->name, checks, failures);
        if (speed)
            kernels_speed(*k);
    }
    return failures != 0 || checks == 0;
}
