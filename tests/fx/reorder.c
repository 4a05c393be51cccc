/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/reorder.c -- tiles of a block become rows of tokens. */
#include "tests/fx/harness.h"

#define FX_NAME  turn
#define FX_ELEM  i32
#define FX_TP    2
#define FX_WP    4
#define FX_BLOCK 3
#define FX_DOUT  12
#include "fx/reorder.h"

#define FX_NAME  unit
#define FX_ELEM  i32
#define FX_TP    2
#define FX_WP    1
#define FX_BLOCK 1
#define FX_DOUT  12
#include "fx/reorder.h"

enum { TP = 2 };

#define RUN(name, WP)                                                          \
    static void run_##name(unsigned depth, int dout, int groups)               \
    {                                                                          \
        int32_t v[3][12];                                                      \
        h_begin(#name, depth);                                                 \
        H_INPUT(u32, 3, step);                                                 \
        H_INPUT(i32, TP, x);                                                   \
        H_OUTPUT(i32, TP, y);                                                  \
        FX_BEAT(u32, 3) dims = FX_ZERO;                                        \
        FX_SET(u32, dims, 1, dout);                                            \
        FX_SET(u32, dims, 2, groups | (dout & 1) << 31);                       \
        H_PUT(step, dims);                                                     \
        for (int o = 0; o < dout; o += WP)                                     \
            for (int g = 0; g < groups; g++)                                   \
                for (int r = o; r < o + WP && r < dout; r++) {                 \
                    FX_BEAT(i32, TP) b = FX_ZERO;                              \
                    v[g][r] = (int32_t)h_rand(-(1 << 30), 1 << 30);            \
                    for (int t = 0; t < TP; t++)                               \
                        FX_SET(i32, b, t, v[g][r] + t);                        \
                    H_PUT(x, b);                                               \
                }                                                              \
        struct name##_ports p = {.step = FX_FROM(step),                        \
                                 .x = FX_FROM(x),                              \
                                 .y = FX_TO(y),                                \
                                 .steps = 1};                                  \
        fx_spawn(#name, -1, name##_task, &p, sizeof p);                        \
        h_run(name##_step_cycles(dout, groups) + name##_call_cycles());         \
        for (int g = 0; g < groups; g++)                                       \
            for (int o = 0; o < dout; o++) {                                   \
                FX_BEAT(i32, TP) b = H_TAKE(y);                                \
                for (int t = 0; t < TP; t++)                                   \
                    CHECK_EQ(FX_GET(i32, b, t), v[g][o] + t);                  \
            }                                                                  \
        h_end();                                                               \
    }
RUN(turn, 4)
RUN(unit, 1)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 4; depth += 3) {
        for (int groups = 1; groups <= 3; groups++) {
            run_turn(depth, 12, groups);
            run_turn(depth, 7, groups);
            run_turn(depth, 1, groups);
        }
        run_unit(depth, 5, 1);
        run_unit(depth, 12, 1);
    }
    return h_done("reorder");
}
