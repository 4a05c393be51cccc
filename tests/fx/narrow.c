/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/narrow.c -- lane order of narrow, over lane counts and depths. */
#include "tests/fx/harness.h"

#define FX_NAME pow2
#define FX_ELEM i8
#define FX_N    8
#define FX_M    2
#include "fx/narrow.h"

#define FX_NAME odd
#define FX_ELEM i27
#define FX_N    15
#define FX_M    3
#include "fx/narrow.h"

#define FX_NAME same
#define FX_ELEM u4
#define FX_N    1
#define FX_M    1
#include "fx/narrow.h"

#define RUN(name, T, N, M, lo, hi)                                             \
    static void run_##name(int beats)                                          \
    {                                                                          \
        static int64_t want[64 * 16];                                          \
        H_INPUT(T, N, x);                                                      \
        H_OUTPUT(T, M, y);                                                     \
        for (int k = 0; k < beats; k++) {                                      \
            FX_BEAT(T, N) b = FX_ZERO;                                         \
            for (int l = 0; l < N; l++)                                        \
                FX_SET(T, b, l, want[k * N + l] = h_rand(lo, hi));             \
            H_PUT(x, b);                                                       \
        }                                                                      \
        struct name##_ports p = {                                              \
            .x = FX_FROM(x), .y = FX_TO(y), .beats = beats};                   \
        H_RUN(name, p);                                                        \
        for (int k = 0; k < beats * (N / M); k++) {                            \
            FX_BEAT(T, M) b = H_TAKE(y);                                       \
            for (int l = 0; l < M; l++)                                        \
                CHECK_EQ(FX_GET(T, b, l), want[k * M + l]);                    \
        }                                                                      \
    }
RUN(pow2, i8, 8, 2, -128, 127)
RUN(odd, i27, 15, 3, -(1 << 26), (1 << 26) - 1)
RUN(same, u4, 1, 1, 0, 15)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 16; depth *= 4)
        for (int beats = 0; beats <= 5; beats++) {
            h_begin("pow2", depth);
            run_pow2(beats);
            h_end();
            h_begin("odd", depth);
            run_odd(beats);
            h_end();
            h_begin("same", depth);
            run_same(beats);
            h_end();
        }
    return h_done("narrow");
}
