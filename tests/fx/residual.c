/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/residual.c -- against gold_residual, with sums that saturate. */
#include "tests/fx/vectors.h"
#include "golden/ops.h"

#define FX_NAME unit
#define FX_TP   1
#define FX_BP   1
#define FX_DIM  2
#include "fx/residual.h"

#define FX_NAME prefill
#define FX_TP   3
#define FX_BP   1
#define FX_DIM  64
#include "fx/residual.h"

#define FX_NAME decode
#define FX_TP   1
#define FX_BP   4
#define FX_DIM  172
#include "fx/residual.h"

#define CASE(name, TP, BP)                                                     \
    static void run_##name(unsigned depth, int vectors, int d)                 \
    {                                                                          \
        static int32_t x_in[8][TP][576], want[8][TP][576];                     \
        h_begin(#name, depth);                                                 \
        H_INPUT(i32, TP *BP, x);                                               \
        H_OUTPUT(i32, TP *BP, y);                                              \
        for (int v = 0; v < vectors; v++) {                                    \
            for (int t = 0; t < TP; t++) {                                     \
                for (int i = 0; i < d; i++) {                                  \
                    x_in[v][t][i] = (int32_t)h_rand(INT32_MIN, INT32_MAX);     \
                    want[v][t][i] = v ? want[v - 1][t][i] : x_in[v][t][i];     \
                }                                                              \
                if (v > 0)                                                     \
                    gold_residual(want[v][t], x_in[v][t], d);                  \
            }                                                                  \
            V_PUT(i32, TP, BP, x, x_in[v], d);                                 \
        }                                                                      \
        struct name##_ports p = {                                              \
            .x = FX_FROM(x), .y = FX_TO(y), .vectors = vectors, .d = d};       \
        H_RUN(name, p);                                                        \
        for (int v = 0; v < vectors; v++)                                      \
            V_CHECK(i32, TP, BP, y, want[v], d);                               \
        h_end();                                                               \
    }
CASE(unit, 1, 1)
CASE(prefill, 3, 1)
CASE(decode, 1, 4)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 16; depth *= 4)
        for (int vectors = 0; vectors <= 5; vectors++) {
            run_unit(depth, vectors, 1);
            run_prefill(depth, vectors, 64);
            run_prefill(depth, vectors, 7);
            run_decode(depth, vectors, 172);
            run_decode(depth, vectors, 4);
        }
    return h_done("residual");
}
