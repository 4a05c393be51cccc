/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/fork.c -- every reader gets every beat, in order. */
#include "tests/fx/harness.h"

#define FX_NAME three
#define FX_ELEM i16
#define FX_N    2
#define FX_WAYS 3
#include "fx/fork.h"

#define FX_NAME one
#define FX_ELEM u1
#define FX_N    1
#define FX_WAYS 1
#include "fx/fork.h"

static void run_three(int beats)
{
    int32_t v[8][2];
    H_INPUT(i16, 2, x);
    H_OUTPUT(i16, 2, a);
    H_OUTPUT(i16, 2, b);
    H_OUTPUT(i16, 2, c);
    for (int k = 0; k < beats; k++) {
        FX_BEAT(i16, 2) w = FX_ZERO;
        for (int l = 0; l < 2; l++)
            FX_SET(i16, w, l, v[k][l] = (int32_t)h_rand(-32768, 32767));
        H_PUT(x, w);
    }
    struct three_ports p = {
        .x = FX_FROM(x), .y = {FX_TO(a), FX_TO(b), FX_TO(c)}, .beats = beats};
    H_RUN(three, p);
    for (int k = 0; k < beats; k++) {
        FX_BEAT(i16, 2) wa = H_TAKE(a);
        FX_BEAT(i16, 2) wb = H_TAKE(b);
        FX_BEAT(i16, 2) wc = H_TAKE(c);
        for (int l = 0; l < 2; l++) {
            CHECK_EQ(FX_GET(i16, wa, l), v[k][l]);
            CHECK_EQ(FX_GET(i16, wb, l), v[k][l]);
            CHECK_EQ(FX_GET(i16, wc, l), v[k][l]);
        }
    }
}

static void run_one(void)
{
    H_INPUT(u1, 1, x);
    H_OUTPUT(u1, 1, y);
    for (int k = 0; k < 4; k++) {
        FX_BEAT(u1, 1) w = FX_ZERO;
        FX_SET(u1, w, 0, k == 2);
        H_PUT(x, w);
    }
    struct one_ports p = {.x = FX_FROM(x), .y = {FX_TO(y)}, .beats = 4};
    H_RUN(one, p);
    for (int k = 0; k < 4; k++) {
        FX_BEAT(u1, 1) w = H_TAKE(y);
        CHECK_EQ(FX_GET(u1, w, 0), k == 2);
    }
}

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 4; depth += 3) {
        for (int beats = 0; beats <= 8; beats += 4) {
            h_begin("three", depth);
            run_three(beats);
            h_end();
        }
        h_begin("one", depth);
        run_one();
        h_end();
    }
    return h_done("fork");
}
