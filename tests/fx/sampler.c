/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/sampler.c -- against gold_sample: greedy, temperatures, top-k,
 * top-p, equal logits, padding, a vocabulary smaller than k, stop tokens. */
#include "tests/fx/vectors.h"
#include "golden/ops.h"
#include "num/convert.h"

#define FX_NAME greedy
#define FX_BP   1
#define FX_TOPK 1
#include "fx/sampler.h"

#define FX_NAME short_list
#define FX_BP   4
#define FX_TOPK 5
#include "fx/sampler.h"

#define FX_NAME full
#define FX_BP   3
#define FX_TOPK 64
#include "fx/sampler.h"

enum { ROWS = 600, TOP = (1 << 26) - 1 };

/* kind 0: anything; 1: near each other; 2: many equal; 3: all equal, the
 * smallest; 4, 6: falling, 5: growing. Rows past the vocabulary are largest. */
static int32_t value(int kind, int n)
{
    return (int32_t)(kind == 0   ? h_rand(-TOP - 1, TOP)
                     : kind == 1 ? h_rand(-200000, 200000)
                     : kind == 2 ? h_rand(-3, 3) * 65536
                     : kind == 3 ? -TOP - 1
                     : kind == 4 ? -n * 20000
                     : kind == 5 ? n * 20000
                                 : -n * 12345);
}

#define CASE(name, BP)                                                         \
    static void run_##name(unsigned depth, int kind, int rows, int vocab,      \
                           int k, double temperature, uint32_t top_p,          \
                           uint32_t seed)                                      \
    {                                                                          \
        static int32_t logit[1][ROWS];                                         \
        struct gold_sampler s = {.k = k,                                       \
                                 .t_scale =                                    \
                                     num_scale_of(1.442695 / temperature),     \
                                 .top_p = top_p,                               \
                                 .seed = seed};                                \
        uint32_t step = seed % 1000;                                           \
        h_begin(#name, depth);                                                 \
        H_INPUT(i27, BP, x);                                                   \
        H_INPUT(u32, 8, eos);                                                  \
        H_OUTPUT(u32, 2, y);                                                   \
        for (int n = 0; n < rows; n++)                                         \
            logit[0][n] = n < vocab ? value(kind, n) : TOP;                    \
        int want = gold_sample(logit[0], vocab, &s, step);                     \
        int stop = (int)h_rand(0, 1), at = (int)h_rand(0, 7);                  \
        FX_BEAT(u32, 8) ids = FX_ZERO;                                         \
        for (int e = 0; e < 8; e++)                                            \
            FX_SET(u32, ids, e,                                                \
                   e == at && stop ? (uint32_t)want : 0xFFFFFFFFu - (e & 1));  \
        V_PUT(i27, 1, BP, x, logit, rows);                                     \
        H_PUT(eos, ids);                                                       \
        struct name##_ports p = {.x = FX_FROM(x),                              \
                                 .eos = FX_FROM(eos),                          \
                                 .y = FX_TO(y),                                \
                                 .rows = rows,                                 \
                                 .vocab = vocab,                               \
                                 .k = k,                                       \
                                 .t_scale = fx_scale_pack(s.t_scale, 0),       \
                                 .top_p = top_p,                               \
                                 .seed = s.seed,                               \
                                 .step = step};                                \
        H_RUN(name, p);                                                        \
        FX_BEAT(u32, 2) b = H_TAKE(y);                                         \
        CHECK_EQ(FX_GET(u32, b, 0), want);                                     \
        CHECK_EQ(FX_GET(u32, b, 1), stop);                                     \
        h_end();                                                               \
    }
CASE(greedy, 1)
CASE(short_list, 4)
CASE(full, 3)

/* Two tokens, where the sums meet their limits exactly: a prefix of just the
 * wanted weight, of a fraction less, and a draw that falls between the two. */
static void edges(unsigned depth, uint32_t seed)
{
    uint32_t second = num_sample_weight(12345, num_scale_of(1.442695));
    uint32_t top_p = (uint32_t)((1ull << 32) / (65536 + second)) + 1;
    run_short_list(depth, 3, 4, 2, 2, 1, 32768, seed);
    run_short_list(depth, 6, 4, 2, 2, 1, top_p, seed);
    while (num_rand(seed, seed % 1000) >> 15 != 65536)
        seed++;
    run_short_list(depth, 3, 4, 2, 2, 1, 65536, seed);
}

int main(int argc, char **argv)
{
    static const uint32_t top_p[] = {65536, 60000, 30000, 0};
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 16; depth *= 4)
        for (int n = 0; n < 48; n++) {
            int kind = n % 6;
            uint32_t seed = (uint32_t)h_rand(0, 0xFFFFFFFF);
            double temperature = n % 5 ? 0.3 * (n % 5) : 20 + 100 * n;
            run_greedy(depth, kind, 77, 77, 1, 1, 65536, seed);
            run_greedy(depth, kind, 1, 1, 1, 1, 65536, seed);
            run_short_list(depth, kind, 128, 127, 1 + n % 5, temperature,
                           top_p[n % 4], seed);
            run_short_list(depth, kind, 4, 3, 5, temperature, 65536, seed);
            run_full(depth, kind, 513, 512, 64, temperature, top_p[n % 4],
                     seed);
            run_full(depth, kind, 600, 600, 40, temperature, 65536, seed);
            edges(depth, seed);
        }
    return h_done("sampler");
}
