/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/cast.c -- cast keeps what fits and wraps what does not. */
#include "tests/fx/harness.h"

#define FX_NAME   down
#define FX_ELEM_X i32
#define FX_ELEM_Y i27
#define FX_N      3
#include "fx/cast.h"

#define FX_NAME   up
#define FX_ELEM_X i4
#define FX_ELEM_Y i8
#define FX_N      1
#include "fx/cast.h"

static void run(int beats)
{
    int32_t v[8][3];
    H_INPUT(i32, 3, x);
    H_OUTPUT(i27, 3, y);
    for (int k = 0; k < beats; k++) {
        FX_BEAT(i32, 3) b = FX_ZERO;
        for (int l = 0; l < 3; l++)
            FX_SET(i32, b, l, v[k][l] = (int32_t)h_rand(INT32_MIN, INT32_MAX));
        H_PUT(x, b);
    }
    struct down_ports p = {.x = FX_FROM(x), .y = FX_TO(y), .beats = beats};
    H_RUN(down, p);
    for (int k = 0; k < beats; k++) {
        FX_BEAT(i27, 3) b = H_TAKE(y);
        for (int l = 0; l < 3; l++) {
            int64_t low = (int64_t)v[k][l] & ((1 << 27) - 1);
            CHECK_EQ(FX_GET(i27, b, l), low >= 1 << 26 ? low - (1 << 27) : low);
        }
    }
}

static void run_up(void)
{
    H_INPUT(i4, 1, x);
    H_OUTPUT(i8, 1, y);
    for (int k = -8; k < 8; k++) {
        FX_BEAT(i4, 1) b = FX_ZERO;
        FX_SET(i4, b, 0, k);
        H_PUT(x, b);
    }
    struct up_ports p = {.x = FX_FROM(x), .y = FX_TO(y), .beats = 16};
    H_RUN(up, p);
    for (int k = -8; k < 8; k++) {
        FX_BEAT(i8, 1) b = H_TAKE(y);
        CHECK_EQ(FX_GET(i8, b, 0), k);
    }
}

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 4; depth += 3) {
        for (int beats = 0; beats <= 8; beats += 4) {
            h_begin("down", depth);
            run(beats);
            h_end();
        }
        h_begin("up", depth);
        run_up();
        h_end();
    }
    return h_done("cast");
}
