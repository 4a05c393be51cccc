/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/rmsnorm.c -- rmsnorm against gold_rmsnorm: prefill and decode
 * lanes, every magnitude, zeros, the largest sum of squares. */
#include "tests/fx/vectors.h"
#include "golden/ops.h"
#include "num/convert.h"

#define FX_NAME unit
#define FX_TP   1
#define FX_BP   1
#define FX_DIM  1
#include "fx/rmsnorm.h"

#define FX_NAME prefill
#define FX_TP   3
#define FX_BP   1
#define FX_DIM  64
#include "fx/rmsnorm.h"

#define FX_NAME decode
#define FX_TP   1
#define FX_BP   4
#define FX_DIM  172
#include "fx/rmsnorm.h"

#define FX_NAME both
#define FX_TP   2
#define FX_BP   3
#define FX_DIM  576
#include "fx/rmsnorm.h"

/* kind 0..2: random of 31, 20 and 3 bits; 3: zeros; 4: the largest; 5: the
 * smallest; 6: one spike. */
static int32_t value(int kind, int i)
{
    return (int32_t)(kind == 0   ? h_rand(INT32_MIN, INT32_MAX)
                     : kind == 1 ? h_rand(-(1 << 19), 1 << 19)
                     : kind == 2 ? h_rand(-4, 3)
                     : kind == 3 ? 0
                     : kind == 4 ? INT32_MAX
                     : kind == 5 ? INT32_MIN
                                 : (i == 0) * (1 << 20));
}

#define CASE(name, TP, BP)                                                     \
    static void run_##name(unsigned depth, int kind, int groups, int d)        \
    {                                                                          \
        static int32_t x_in[8][TP][576], want[8][TP][576];                     \
        struct num_scale sqrt_d = num_scale_of(sqrt(d));                       \
        uint64_t eps_q = kind % 2 ? (uint64_t)d << 20 : 0;                     \
        h_begin(#name, depth);                                                 \
        H_INPUT(i32, TP *BP, x);                                               \
        H_OUTPUT(i27, TP *BP, y);                                              \
        for (int g = 0; g < groups; g++) {                                     \
            for (int t = 0; t < TP; t++) {                                     \
                for (int i = 0; i < d; i++)                                    \
                    x_in[g][t][i] = value((kind + t) % 7, i);                  \
                gold_rmsnorm(x_in[g][t], d, eps_q, sqrt_d, want[g][t]);        \
            }                                                                  \
            V_PUT(i32, TP, BP, x, x_in[g], d);                                 \
        }                                                                      \
        struct name##_ports p = {.x = FX_FROM(x),                              \
                                 .y = FX_TO(y),                                \
                                 .eps_q = eps_q,                               \
                                 .sqrt_d = fx_scale_pack(sqrt_d, 0),           \
                                 .groups = groups,                             \
                                 .d = d};                                      \
        H_RUN(name, p);                                                        \
        for (int g = 0; g < groups; g++)                                       \
            V_CHECK(i27, TP, BP, y, want[g], d);                               \
        h_end();                                                               \
    }
CASE(unit, 1, 1)
CASE(prefill, 3, 1)
CASE(decode, 1, 4)
CASE(both, 2, 3)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 16; depth *= 4)
        for (int kind = 0; kind < 7; kind++) {
            run_unit(depth, kind, 2, 1);
            run_prefill(depth, kind, 2, 64);
            run_prefill(depth, kind, 1, 48);
            run_decode(depth, kind, 1, 172);
            run_decode(depth, kind, 3, 4);
            run_both(depth, kind, kind % 3, 576);
        }
    return h_done("rmsnorm");
}
