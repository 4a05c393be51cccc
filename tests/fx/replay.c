/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/replay.c -- rows come back as often as asked, full buffer too. */
#include "tests/fx/harness.h"

#define FX_NAME  again
#define FX_ELEM  i27
#define FX_N     3
#define FX_DEPTH 5
#include "fx/replay.h"

static void run(unsigned depth, int rows, int times, int beats)
{
    int32_t v[4][5];
    h_begin("again", depth);
    H_INPUT(i27, 3, x);
    H_OUTPUT(i27, 3, y);
    for (int r = 0; r < rows; r++)
        for (int k = 0; k < beats; k++) {
            FX_BEAT(i27, 3) b = FX_ZERO;
            v[r][k] = (int32_t)h_rand(-1000, 1000);
            for (int l = 0; l < 3; l++)
                FX_SET(i27, b, l, v[r][k] + l);
            H_PUT(x, b);
        }
    struct again_ports p = {.x = FX_FROM(x),
                            .y = FX_TO(y),
                            .rows = rows,
                            .times = times,
                            .beats = beats};
    H_RUN(again, p);
    for (int r = 0; r < rows; r++)
        for (int k = 0; k < times * beats; k++) {
            FX_BEAT(i27, 3) b = H_TAKE(y);
            for (int l = 0; l < 3; l++)
                CHECK_EQ(FX_GET(i27, b, l), v[r][k % beats] + l);
        }
    h_end();
}

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 4; depth += 3)
        for (int rows = 0; rows <= 4; rows += 2)
            for (int times = 1; times <= 3; times++)
                for (int beats = 1; beats <= 5; beats += 2)
                    run(depth, rows, times, beats);
    return h_done("replay");
}
