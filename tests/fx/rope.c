/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/rope.c -- against gold_rope: pairs over two beats and inside one,
 * heads that pass, angles and values at the ends of their range. */
#include "tests/fx/vectors.h"
#include "golden/ops.h"

#define FX_NAME unit
#define FX_TP   1
#define FX_BP   1
#define FX_HEAD 2
#include "fx/rope.h"

#define FX_NAME prefill
#define FX_TP   3
#define FX_BP   1
#define FX_HEAD 64
#include "fx/rope.h"

#define FX_NAME decode
#define FX_TP   1
#define FX_BP   4
#define FX_HEAD 64
#include "fx/rope.h"

#define FX_NAME both
#define FX_TP   2
#define FX_BP   6
#define FX_HEAD 48
#include "fx/rope.h"

#define CASE(name, TP, BP)                                                     \
    static void run_##name(unsigned depth, int kind, int heads, int head,      \
                           int from, int to)                                   \
    {                                                                          \
        static int32_t x_in[TP][1024], want[TP][1024];                         \
        static int16_t table[TP][64], row[1][TP * 64];                         \
        int lim = kind ? 32767 : 0;                                            \
        h_begin(#name, depth);                                                 \
        H_INPUT(i27, TP *BP, x);                                               \
        H_INPUT(i16, FX_MAX(2, BP), cs);                                       \
        H_OUTPUT(i27, TP *BP, y);                                              \
        for (int t = 0; t < TP; t++) {                                         \
            for (int i = 0; i < head; i++) {                                   \
                table[t][i] = (int16_t)h_rand(lim - 32767, 32767);             \
                row[0][t * head + i] = table[t][i];                            \
            }                                                                  \
            for (int i = 0; i < heads * head; i++)                             \
                want[t][i] = x_in[t][i] =                                      \
                    (int32_t)h_rand(-(1 << 26), (1 << 26) - 1);                \
            for (int h = 0; h < heads; h++)                                    \
                if (h < from || h >= to)                                       \
                    gold_rope(want[t] + h * head, 1, head, table[t]);          \
        }                                                                      \
        V_PUT(i27, TP, BP, x, x_in, heads *head);                              \
        V_PUT(i16, 1, FX_MAX(2, BP), cs, row, TP *head);                       \
        struct name##_ports p = {.x = FX_FROM(x),                              \
                                 .cs = FX_FROM(cs),                            \
                                 .y = FX_TO(y),                                \
                                 .heads = heads,                               \
                                 .head = head,                                 \
                                 .pass_from = from,                            \
                                 .pass_to = to};                               \
        H_RUN(name, p);                                                        \
        V_CHECK(i27, TP, BP, y, want, heads *head);                            \
        h_end();                                                               \
    }
CASE(unit, 1, 1)
CASE(prefill, 3, 1)
CASE(decode, 1, 4)
CASE(both, 2, 6)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 16; depth *= 4)
        for (int kind = 0; kind < 2; kind++) {
            run_unit(depth, kind, 1, 2, 0, 0);
            run_unit(depth, kind, 5, 2, 2, 4);
            run_prefill(depth, kind, 15, 64, 3, 6);
            run_prefill(depth, kind, 4, 10, 0, 1);
            run_prefill(depth, kind, 0, 10, 0, 0);
            run_decode(depth, kind, 15, 64, 3, 6);
            run_decode(depth, kind, 3, 4, 2, 3);
            run_decode(depth, kind, 0, 0, 0, 0);
            run_both(depth, kind, 6, 48, 0, 0);
            run_both(depth, kind, 6, 6, 1, 5);
        }
    return h_done("rope");
}
