/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/segment_load.c -- the vector first, then the tokens, then id 0. */
#include "tests/fx/harness.h"

#define FX_NAME unit
#define FX_TP   1
#include "fx/segment_load.h"

#define FX_NAME odd
#define FX_TP   3
#include "fx/segment_load.h"

#define FX_NAME pow2
#define FX_TP   8
#include "fx/segment_load.h"

#define CASE(name, TP)                                                         \
    static void run_##name(unsigned depth, int count, int more)                \
    {                                                                          \
        uint32_t id[64] = {0};                                                 \
        int groups = count < 0 ? 0 : (1 + count + TP - 1) / TP + more;         \
        h_begin(#name, depth);                                                 \
        H_INPUT(u32, 1, x);                                                    \
        H_OUTPUT(u32, TP, y);                                                  \
        id[0] = (uint32_t)h_rand(0, UINT32_MAX);                               \
        for (int n = 1; n <= count; n++) {                                     \
            FX_BEAT(u32, 1) b = FX_ZERO;                                       \
            FX_SET(u32, b, 0, id[n] = (uint32_t)h_rand(0, UINT32_MAX));        \
            H_PUT(x, b);                                                       \
        }                                                                      \
        struct name##_ports p = {.x = FX_FROM(x),                              \
                                 .y = FX_TO(y),                                \
                                 .groups = groups,                             \
                                 .count = count < 0 ? 0 : count,               \
                                 .first = id[0]};                              \
        H_RUN(name, p);                                                        \
        for (int g = 0; g < groups; g++) {                                     \
            FX_BEAT(u32, TP) b = H_TAKE(y);                                    \
            for (int t = 0; t < TP; t++)                                       \
                CHECK_EQ(FX_GET(u32, b, t), id[g * TP + t]);                   \
        }                                                                      \
        h_end();                                                               \
    }
CASE(unit, 1)
CASE(odd, 3)
CASE(pow2, 8)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 16; depth *= 4)
        for (int count = -1; count <= 17; count++) {
            run_unit(depth, count, 0);
            run_odd(depth, count, 0);
            run_pow2(depth, count, count == 7); /* a group of padding */
        }
    return h_done("segment_load");
}
