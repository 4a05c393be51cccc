/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/silu_mul.c -- against gold_silu_mul: fractions from 0 to 26, the
 * ends of the range, results that saturate. */
#include "tests/fx/vectors.h"
#include "golden/ops.h"

#define FX_NAME unit
#define FX_TP   1
#define FX_BP   1
#include "fx/silu_mul.h"

#define FX_NAME prefill
#define FX_TP   3
#define FX_BP   1
#include "fx/silu_mul.h"

#define FX_NAME decode
#define FX_TP   1
#define FX_BP   4
#include "fx/silu_mul.h"

static int32_t value(int kind)
{
    int64_t r = h_rand(0, 1) ? -(1 << 26) : (1 << 26) - 1;
    if (kind < 2)
        r = kind ? h_rand(-(1 << 26), (1 << 26) - 1) : h_rand(-999, 999);
    return (int32_t)r;
}

#define CASE(name, TP, BP)                                                     \
    static void run_##name(unsigned depth, int kind, int groups, int n)        \
    {                                                                          \
        static int32_t x_in[2][TP][256], want[4][TP][256];                     \
        int gf = kind == 3 ? 0 : kind == 4 ? 26 : (int)h_rand(8, 22);          \
        int uf = kind == 3 ? 0 : (int)h_rand(0, 26);                           \
        int hf = kind == 3 ? 26 : (int)h_rand(0, 26);                          \
        h_begin(#name, depth);                                                 \
        H_INPUT(i27, TP *BP, x);                                               \
        H_OUTPUT(i27, TP *BP, y);                                              \
        for (int g = 0; g < groups; g++) {                                     \
            for (int t = 0; t < TP; t++) {                                     \
                for (int i = 0; i < 2 * n; i++)                                \
                    x_in[i % 2][t][i / 2] = value(kind % 3);                   \
                gold_silu_mul(x_in[0][t], gf, x_in[1][t], uf, n, hf,           \
                              want[g][t]);                                     \
            }                                                                  \
            for (int i = 0; i < n; i += BP)                                    \
                for (int u = 0; u < 2; u++) {                                  \
                    FX_BEAT(i27, TP *BP) b = FX_ZERO;                          \
                    for (int l = 0; l < TP * BP; l++)                          \
                        FX_SET(i27, b, l, x_in[u][l % TP][i + l / TP]);        \
                    H_PUT(x, b);                                               \
                }                                                              \
        }                                                                      \
        struct name##_ports p = {.x = FX_FROM(x),                              \
                                 .y = FX_TO(y),                                \
                                 .groups = groups,                             \
                                 .n = n,                                       \
                                 .gf = gf,                                     \
                                 .uf = uf,                                     \
                                 .hf = hf};                                    \
        H_RUN(name, p);                                                        \
        for (int g = 0; g < groups; g++)                                       \
            V_CHECK(i27, TP, BP, y, want[g], n);                               \
        h_end();                                                               \
    }
CASE(unit, 1, 1)
CASE(prefill, 3, 1)
CASE(decode, 1, 4)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 16; depth *= 4)
        for (int kind = 0; kind < 15; kind++) {
            run_unit(depth, kind, 3, 1);
            run_prefill(depth, kind, 2, 64);
            run_prefill(depth, kind, 1, 7);
            run_decode(depth, kind, 1, 172);
            run_decode(depth, kind, 0, 172);
        }
    return h_done("silu_mul");
}
