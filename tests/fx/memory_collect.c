/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/memory_collect.c -- halves put together, single rows, the largest
 * numbers. */
#include "tests/fx/harness.h"

#define FX_NAME unit
#define FX_BP   1
#include "fx/memory_collect.h"

#define FX_NAME odd
#define FX_BP   3
#include "fx/memory_collect.h"

#define FX_NAME pow2
#define FX_BP   4
#include "fx/memory_collect.h"

static int32_t value(int kind)
{
    int32_t top = (1 << 26) - 1;
    return (int32_t)(kind == 0   ? h_rand(-top - 1, top)
                     : kind == 1 ? h_rand(-5000, 5000)
                     : kind == 2 ? top
                                 : -top - 1);
}

#define CASE(name, BP)                                                         \
    static void run_##name(unsigned depth, int kind, int pairs, int singles)   \
    {                                                                          \
        static int32_t in[64][BP];                                             \
        h_begin(#name, depth);                                                 \
        H_INPUT(i27, BP, x);                                                   \
        H_OUTPUT(i16, BP, y);                                                  \
        for (int n = 0; n < 2 * pairs + singles; n++) {                        \
            FX_BEAT(i27, BP) b = FX_ZERO;                                      \
            for (int c = 0; c < BP; c++)                                       \
                FX_SET(i27, b, c, in[n][c] = value(kind));                     \
            H_PUT(x, b);                                                       \
        }                                                                      \
        struct name##_ports p = {.x = FX_FROM(x),                              \
                                 .y = FX_TO(y),                                \
                                 .pairs = pairs,                               \
                                 .singles = singles};                          \
        H_RUN(name, p);                                                        \
        for (int n = 0; n < pairs + singles; n++) {                            \
            FX_BEAT(i16, BP) b = H_TAKE(y);                                    \
            for (int c = 0; c < BP; c++) {                                     \
                int at = n < pairs ? 2 * n : pairs + n;                        \
                CHECK_EQ(                                                      \
                    FX_GET(i16, b, c),                                         \
                    num_hmt_i16(in[at][c], n < pairs ? in[at + 1][c] : 0));    \
            }                                                                  \
        }                                                                      \
        h_end();                                                               \
    }
CASE(unit, 1)
CASE(odd, 3)
CASE(pow2, 4)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 16; depth *= 4)
        for (int kind = 0; kind < 4; kind++) {
            run_unit(depth, kind, 5, 7);
            run_odd(depth, kind, 8, 0);
            run_odd(depth, kind, 0, 9);
            run_odd(depth, kind, 1, 1);
            run_pow2(depth, kind, 16, 31);
            run_pow2(depth, kind, 0, 0);
        }
    return h_done("memory_collect");
}
