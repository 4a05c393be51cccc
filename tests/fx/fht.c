/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/fht.c -- against gold_fht: every order m, blocks, sums at a time
 * fewer and more than p, the identity, the largest sums. */
#include "tests/fx/vectors.h"
#include "golden/ops.h"

#define FX_NAME unit
#define FX_TP   1
#define FX_BP   1
#define FX_DIM  1
#define FX_M    2
#include "fx/fht.h"

#define FX_NAME prefill
#define FX_TP   3
#define FX_BP   1
#define FX_DIM  576
#define FX_M    36
#include "fx/fht.h"

#define FX_NAME decode
#define FX_TP   1
#define FX_BP   4
#define FX_DIM  2048
#define FX_M    16
#include "fx/fht.h"

#define FX_NAME both
#define FX_TP   2
#define FX_BP   2
#define FX_DIM  256
#define FX_M    3
#include "fx/fht.h"

enum { TOP = (1 << 26) - 1, N = 2048 };

/* kind 0, 1: random of 27 and 10 bits; 2, 3: all at an end; 4: the signs of a
 * row of H, which sums to the largest. */
static int32_t value(int kind, struct num_had had, int i)
{
    int r = had.m * had.p - 1;
    return (int32_t)(kind == 0                      ? h_rand(-TOP - 1, TOP)
                     : kind == 1                    ? h_rand(-512, 511)
                     : kind == 2                    ? -TOP - 1
                     : kind == 3                    ? TOP
                     : num_had_entry(had, r, i) < 0 ? -TOP - 1
                                                    : TOP);
}

/* n channels in blocks as num_had_split(size) has them, size dividing n. */
#define CASE(name, TP, BP)                                                     \
    static void run_##name(unsigned depth, int kind, int groups, int n,        \
                           int size)                                           \
    {                                                                          \
        static int32_t x_in[2][TP][N], want[2][TP][N];                         \
        struct num_had had = num_had_split(size);                              \
        had.blocks *= n / size;                                                \
        h_begin(#name, depth);                                                 \
        H_INPUT(i27, TP *BP, x);                                               \
        H_OUTPUT(i27, TP *BP, y);                                              \
        for (int g = 0; g < groups; g++) {                                     \
            for (int t = 0; t < TP; t++) {                                     \
                for (int i = 0; i < n; i++)                                    \
                    want[g][t][i] = x_in[g][t][i] =                            \
                        value((kind + t) % 5, had, i);                         \
                for (int i = 0; i < n; i += size)                              \
                    gold_fht(want[g][t] + i, size);                            \
            }                                                                  \
            V_PUT(i27, TP, BP, x, x_in[g], n);                                 \
        }                                                                      \
        struct name##_ports p = {.x = FX_FROM(x),                              \
                                 .y = FX_TO(y),                                \
                                 .groups = groups,                             \
                                 .blocks = had.blocks,                         \
                                 .m = had.m,                                   \
                                 .p = had.p};                                  \
        H_RUN(name, p);                                                        \
        for (int g = 0; g < groups; g++)                                       \
            V_CHECK(i27, TP, BP, y, want[g], n);                               \
        h_end();                                                               \
    }
CASE(unit, 1, 1)
CASE(prefill, 3, 1)
CASE(decode, 1, 4)
CASE(both, 2, 2)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 16; depth *= 4)
        for (int kind = 0; kind < 5; kind++) {
            run_unit(depth, kind, 2, 1, 1);
            run_prefill(depth, kind, 1, 576, 576); /* 36 x 16 */
            run_prefill(depth, kind, 2, 172, 172); /* 43 blocks of 4 */
            run_prefill(depth, kind, 2, 56, 56);   /* 28 x 2 */
            run_prefill(depth, kind, 1, 60, 20);   /* 3 heads of 20 */
            run_prefill(depth, kind, 1, 64, 64);   /* radix 32, then 2 */
            run_prefill(depth, kind, 1, 7, 1);     /* as it is */
            run_decode(depth, kind, 1, 2048, 2048);
            run_decode(depth, kind, 2, 192, 64);   /* 3 heads of 64 */
            run_decode(depth, kind, 1, 1536, 192); /* 12 x 16, 8 of them */
            run_decode(depth, kind, 1, 44, 44);    /* 11 blocks of 4 */
            run_decode(depth, kind, 1, 12, 1);     /* as it is */
            run_decode(depth, kind, 0, 64, 64);
            run_both(depth, kind, 2, 256, 256); /* radix 2 */
            run_both(depth, kind, 1, 10, 2);
        }
    return h_done("fht");
}
