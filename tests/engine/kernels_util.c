/* SPDX-License-Identifier: Apache-2.0 */
/* tests/engine/kernels_util.c -- canaries, numbers, timing. */
#include "engine/engine.h"
#include "engine/select.h"
#include "tests/engine/kernels.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

long checks, failures;

void check(const struct eng_kernels *k, int ok, const char *fmt, ...)
{
    checks++;
    if (ok || failures++ > 20)
        return;
    va_list ap;
    va_start(ap, fmt);
    printf("FAIL %s ", k->name);
    vprintf(fmt, ap);
    printf("\n");
    va_end(ap);
}

uint64_t random_word(void)
{
    static uint64_t state = 1;
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

int pick(int extreme, int lo, int hi)
{
    uint64_t w = random_word() >> 20;
    if (extreme == 0)
        return lo + (int)(w % (uint64_t)((int64_t)hi - lo + 1));
    return extreme == 1 ? (w & 1 ? lo : hi) : extreme == 2 ? hi : lo;
}

int32_t extreme32(int i)
{
    uint32_t bit = 1u << (random_word() >> 59);
    switch (i % 6) {
    case 0:
        return (int32_t)bit;
    case 1:
        return (int32_t)(bit - 1);
    case 2:
        return (int32_t)(0u - bit);
    case 3:
        return (int32_t)(bit ^ bit >> 1);
    default:
        return (int32_t)random_word() >> pick(0, 0, 31);
    }
}

enum { PAD = 256 };

struct guard guard_new(size_t size)
{
    struct guard g = {.size = size};
    g.base = malloc(size + 2 * PAD);
    if (!g.base)
        exit(2);
    memset(g.base, 0xA5, size + 2 * PAD);
    g.data = g.base + PAD;
    return g;
}

int guard_ok(const struct guard *g)
{
    for (int i = 0; i < PAD; i++)
        if (g->base[i] != 0xA5 || g->base[PAD + g->size + (size_t)i] != 0xA5)
            return 0;
    return 1;
}

void guard_free(struct guard *g)
{
    free(g->base);
}

const struct eng_kernels *const *kernels_here(void)
{
    static const struct eng_kernels *list[8];
    int n = 0;
#if defined(FL_KERNELS_SIMDE)
    list[n++] = &eng_k_avx512;
    list[n++] = &eng_k_avxvnni;
#else
    int runs[8];
    const char *const *name = eng_isa_list(runs);
    for (int i = 0; name[i]; i++)
        if (runs[i])
            list[n++] = eng_select(name[i], NULL);
        else
            printf("%-10s NOT CHECKED: not on this machine\n", name[i]);
#endif
    list[n] = NULL;
    return list;
}

/* ---- speed --------------------------------------------------------------- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Runs `call` for a while; the best of many rounds, in seconds a call. */
#define BEST(seconds, call)                                                    \
    do {                                                                       \
        seconds = 1;                                                           \
        for (int round_ = 0; round_ < 300; round_++) {                         \
            double start_ = now();                                             \
            for (int i_ = 0; i_ < 200; i_++) {                                 \
                call;                                                          \
                __asm__ volatile("" ::: "memory");                             \
            }                                                                  \
            double took_ = (now() - start_) / 200;                             \
            seconds = took_ < seconds ? took_ : seconds;                       \
        }                                                                      \
    } while (0)

static void speed_mm(const struct eng_kernels *k, const char *what,
                     void (*mm)(const struct eng_tile *), int n)
{
    static uint8_t w[576 * ENG_MAX_PANEL];
    static int8_t x[ENG_MAX_ROWS][640];
    static int32_t pre[ENG_MAX_ROWS][20];
    int run[ENG_MAX_ROWS];
    for (int t = 0; t < n; t++)
        run[t] = 2;
    _Alignas(64) int32_t acc[ENG_MAX_ROWS * ENG_MAX_PANEL];
    struct eng_tile t = {.x = x[0],
                         .pre = pre[0],
                         .pair = pre[0],
                         .w = w,
                         .next = w,
                         .xs = 640,
                         .ps = 20,
                         .n = n,
                         .run = run,
                         .blocks = 18,
                         .gblocks = 18,
                         .acc = acc};
    double s;
    BEST(s, mm(&t));
    double macs = 576.0 * n * k->vec / 2;
    printf("  %-22s %7.1f GMAC/s\n", what, macs / s * 1e-9);
}

static void speed_ops(const struct eng_kernels *k)
{
    static int32_t x[1536], y[1536], z[1536];
    static int8_t code[1536];
    static int32_t pre[64], pair[64];
    static int16_t cs[64];
    struct num_scale one = {40000, -20};
    struct num_qsite site = {.abits = 8, .frac = 16, .clip = 65536};
    struct eng_codes c = {.x = code, .pre = pre, .pair = pair};
    for (int i = 0; i < 1536; i++)
        x[i] = y[i] = (int32_t)random_word() >> 10;
    double s;
#define ROW(name, count, call)                                                 \
    BEST(s, call);                                                             \
    printf("  %-22s %7.2f ns/element\n", name, s * 1e9 / (count))
    ROW("norm 576", 576, k->norm(x, 576, 1, one, z));
    ROW("quantise i8 576", 576, k->quant(x, 576, 576, &site, &c));
    site.abits = 4;
    ROW("quantise u4 576", 576, k->quant(x, 576, 576, &site, &c));
    ROW("silu 1536", 1536, k->silu(x, 16, y, 16, 16, 1536, z));
    ROW("hadamard 1536", 1536, (memcpy(z, x, sizeof z), k->fht(z, 1536)));
    ROW("hadamard 64", 64, (memcpy(z, x, 256), k->fht(z, 64)));
    ROW("rope 64", 64, k->rope(z, 64, cs));
    ROW("codes 64", 64, k->codes(x, 64, one, code));
    int p = k->vec / 2, n = k->rows;
    static int32_t acc[ENG_MAX_ROWS * ENG_MAX_PANEL];
    static double xs[ENG_MAX_ROWS], ws[ENG_MAX_PANEL], bias[ENG_MAX_PANEL];
    static int32_t zero[ENG_MAX_ROWS];
    struct eng_dequant q = {acc, xs, zero, ws, zero, bias, p,
                            p,   n,  27,   0,  z,    p};
    ROW("dequantise", n * p, k->dequant(&q));
#undef ROW
}

static void speed_attention(const struct eng_kernels *k)
{
    enum { T = 512, HP = 64 };
    static int8_t q[8 * HP], kv[T * HP];
    static int32_t s[8 * T], acc[8 * HP];
    static uint16_t p[8 * T];
    for (int i = 0; i < T * HP; i++)
        kv[i] = (int8_t)random_word();
    for (int i = 0; i < 8 * HP; i++)
        q[i] = (int8_t)random_word();
    int n = k->p_rows;
    double sec;
    BEST(sec, k->qk(q, n, kv, HP, T / 16, s, T));
    printf("  %-22s %7.1f GMAC/s\n", "q k", (double)n * T * HP / sec * 1e-9);
    struct num_scale f = {40000, -22};
    BEST(sec, k->prob(s, T, T, f, p));
    printf("  %-22s %7.2f ns/element\n", "probabilities", sec * 1e9 / T);
    BEST(sec, k->av(p, T, n, kv, HP, T / 16, acc));
    printf("  %-22s %7.1f GMAC/s\n", "p v", (double)n * T * HP / sec * 1e-9);
}

void kernels_speed(const struct eng_kernels *k)
{
    char text[64];
    for (int n = 1; n <= k->rows; n = n == 1 ? k->rows : n + 1) {
        snprintf(text, sizeof text, "w4a8, %d tokens", n);
        speed_mm(k, text, k->mm4a8, n);
        snprintf(text, sizeof text, "w4a4, %d tokens", n);
        speed_mm(k, text, k->mm4a4, n);
        snprintf(text, sizeof text, "w8a8, %d tokens", n);
        speed_mm(k, text, k->mm8, n);
    }
    speed_attention(k);
    speed_ops(k);
}
