/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/quantise_static.c -- against gold_static: a scale a head, codes
 * that clamp at either end. */
#include "tests/fx/vectors.h"
#include "golden/ops.h"

#define FX_NAME unit
#define FX_TP   1
#define FX_BP   1
#include "fx/quantise_static.h"

#define FX_NAME prefill
#define FX_TP   3
#define FX_BP   1
#include "fx/quantise_static.h"

#define FX_NAME decode
#define FX_TP   1
#define FX_BP   4
#include "fx/quantise_static.h"

#define CASE(name, TP, BP)                                                     \
    static void run_##name(unsigned depth, int groups, int heads, int head)    \
    {                                                                          \
        static int32_t x_in[4][TP][576];                                       \
        static int8_t want[4][TP][576];                                        \
        struct num_scale sc[16];                                               \
        h_begin(#name, depth);                                                 \
        H_INPUT(i27, TP *BP, x);                                               \
        H_INPUT(scale, 1, scale);                                              \
        H_OUTPUT(i8, TP *BP, y);                                               \
        for (int g = 0; g < groups; g++) {                                     \
            for (int h = 0; h < heads; h++) {                                  \
                sc[h] = v_scale(-20, -17);                                     \
                V_SCALE(scale, sc[h]);                                         \
            }                                                                  \
            for (int t = 0; t < TP; t++) {                                     \
                for (int i = 0; i < heads * head; i++)                         \
                    x_in[g][t][i] =                                            \
                        (int32_t)h_rand(-(1 << 26), (1 << 26) - 1);            \
                gold_static(x_in[g][t], heads, head, sc, want[g][t]);          \
            }                                                                  \
            V_PUT(i27, TP, BP, x, x_in[g], heads *head);                       \
        }                                                                      \
        struct name##_ports p = {.x = FX_FROM(x),                              \
                                 .scale = FX_FROM(scale),                      \
                                 .y = FX_TO(y),                                \
                                 .groups = groups,                             \
                                 .heads = heads,                               \
                                 .head = head};                                \
        H_RUN(name, p);                                                        \
        for (int g = 0; g < groups; g++)                                       \
            V_CHECK(i8, TP, BP, y, want[g], heads *head);                      \
        h_end();                                                               \
    }
CASE(unit, 1, 1)
CASE(prefill, 3, 1)
CASE(decode, 1, 4)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 16; depth *= 4) {
        run_unit(depth, 1, 1, 1);
        run_unit(depth, 2, 3, 2);
        run_prefill(depth, 2, 5, 64);
        run_prefill(depth, 1, 3, 10);
        run_prefill(depth, 0, 3, 10);
        run_decode(depth, 1, 9, 64);
        run_decode(depth, 2, 0, 64);
        run_decode(depth, 3, 2, 4);
    }
    return h_done("quantise_static");
}
