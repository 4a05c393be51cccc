/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/quantise.c -- quantise against gold_quantise: i8 and u4, with and
 * without a mean, clipped or not, constant and extreme tokens; with and
 * without wide channels. */
#include "tests/fx/vectors.h"
#include "golden/ops.h"

#define FX_NAME unit
#define FX_TP   1
#define FX_BP   1
#define FX_DIM  1
#include "fx/quantise.h"

#define FX_NAME prefill
#define FX_TP   3
#define FX_BP   1
#define FX_DIM  64
#include "fx/quantise.h"

#define FX_NAME decode
#define FX_TP   1
#define FX_BP   4
#define FX_DIM  172
#include "fx/quantise.h"

#define FX_NAME both
#define FX_TP   2
#define FX_BP   3
#define FX_DIM  96
#include "fx/quantise.h"

#define FX_NAME unit_wide
#define FX_TP   1
#define FX_BP   1
#define FX_DIM  4
#define FX_WIDE 1
#include "fx/quantise.h"

#define FX_NAME both_wide
#define FX_TP   2
#define FX_BP   3
#define FX_DIM  96
#define FX_WIDE 1
#include "fx/quantise.h"

enum { TOP = (1 << 26) - 1 };

/* 0, 1: random of 27 and 12 bits; 2: zeros; 3: only positive; 4: only
 * negative; 5: both ends of the range; 6: the smallest. */
static int32_t value(int kind)
{
    return (int32_t)(kind == 0      ? h_rand(-TOP - 1, TOP)
                     : kind == 1    ? h_rand(-2048, 2047)
                     : kind == 2    ? 0
                     : kind == 3    ? h_rand(1000, 1 << 20)
                     : kind == 4    ? h_rand(-TOP - 1, -5)
                     : kind == 6    ? -1
                     : h_rand(0, 1) ? TOP
                                    : -TOP - 1);
}

#define CASE(name, TP, BP, WIDE, ...)                                          \
    static void run_##name(unsigned depth, int kind, int abits, int groups,    \
                           int din)                                            \
    {                                                                          \
        int wide = WIDE && abits == 4 ? (kind * 5 + din / 4) % din : 0;        \
        static int32_t x_in[4][TP][576], mu[1][576];                           \
        static int8_t want[4][TP][576];                                        \
        uint32_t token[4][TP];                                                 \
        struct num_qsite site = {.abits = abits,                               \
                                 .frac = (int)h_rand(8, 18),                   \
                                 .wide = wide,                                 \
                                 .clip = kind % 2 ? 65536 : 52000,             \
                                 .mean = kind % 3 ? mu[0] : NULL};             \
        h_begin(#name, depth);                                                 \
        H_INPUT(i27, TP *BP, x);                                               \
        H_INPUT(i32, BP, mean);                                                \
        H_OUTPUT(i8, TP *BP, y);                                               \
        H_OUTPUT(scale, TP, s);                                                \
        for (int i = 0; i < din; i++)                                          \
            mu[0][i] = site.mean ? (int32_t)h_rand(-TOP, TOP) : 0;             \
        for (int g = 0; g < groups; g++) {                                     \
            for (int t = 0; t < TP; t++) {                                     \
                for (int i = 0; i < din; i++)                                  \
                    x_in[g][t][i] =                                            \
                        value((kind + t) % 7) >> (i < wide ? 0 : wide % 8);    \
                struct num_qparam q =                                          \
                    gold_quantise(&site, x_in[g][t], din, want[g][t]);         \
                token[g][t] = fx_scale_pack(q.scale, q.zp);                    \
            }                                                                  \
            V_PUT(i27, TP, BP, x, x_in[g], din);                               \
            V_PUT(i32, 1, BP, mean, mu, din);                                  \
        }                                                                      \
        struct name##_ports p = {.x = FX_FROM(x),                              \
                                 .mean = FX_FROM(mean),                        \
                                 .y = FX_TO(y),                                \
                                 .s = FX_TO(s),                                \
                                 .groups = groups,                             \
                                 .din = din,                                   \
                                 .abits = abits,                               \
                                 .clip = site.clip,                            \
                                 .frac =                                       \
                                     site.frac __VA_OPT__(, ) __VA_ARGS__};    \
        H_RUN(name, p);                                                        \
        for (int g = 0; g < groups; g++) {                                     \
            FX_BEAT(scale, TP) b = H_TAKE(s);                                  \
            for (int t = 0; t < TP; t++)                                       \
                CHECK_EQ(FX_GET(scale, b, t), token[g][t]);                    \
            V_CHECK(i8, TP, BP, y, want[g], din);                              \
        }                                                                      \
        h_end();                                                               \
    }
CASE(unit, 1, 1, 0)
CASE(prefill, 3, 1, 0)
CASE(decode, 1, 4, 0)
CASE(both, 2, 3, 0)
CASE(unit_wide, 1, 1, 1, .wide = wide)
CASE(both_wide, 2, 3, 1, .wide = wide)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 16; depth *= 4)
        for (int kind = 0; kind < 14; kind++)
            for (int abits = 4; abits <= 8; abits += 4) {
                run_unit(depth, kind, abits, 2, 1);
                run_prefill(depth, kind, abits, 2, 64);
                run_prefill(depth, kind, abits, 1, 5);
                run_decode(depth, kind, abits, 1, 172);
                run_decode(depth, kind, abits, 0, 172);
                run_both(depth, kind, abits, 3, 96);
                run_unit_wide(depth, kind, abits, 2, 4);
                run_both_wide(depth, kind, abits, 3, 96);
            }
    return h_done("quantise");
}
