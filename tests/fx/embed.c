/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/embed.c -- rows of the embedding against gold_embed: words of one,
 * three and more lanes, one and more tokens side by side, saturation. */
#include "tests/fx/harness.h"
#include "golden/ops.h"
#include "sim/memory.h"

enum { VOCAB = 9, D = 12, MAX_TP = 3 };

#define FX_NAME prefill
#define FX_TP   3
#define FX_BP   1
#define FX_N    6
#define FX_DIM  12
#include "fx/embed.h"

#define FX_NAME decode
#define FX_TP   1
#define FX_BP   2
#define FX_N    4
#define FX_DIM  12
#include "fx/embed.h"

#define FX_NAME three
#define FX_TP   2
#define FX_BP   3
#define FX_N    3
#define FX_DIM  12
#include "fx/embed.h"

#define FX_NAME unit
#define FX_TP   1
#define FX_BP   1
#define FX_N    1
#define FX_DIM  12
#include "fx/embed.h"

#define RUN(name, TP, BP, N)                                                   \
    static void run_##name(unsigned depth, int groups, int d, int big)         \
    {                                                                          \
        enum { HEADER = FX_CEIL(4, N), BASE = 5 };                             \
        static uint8_t bytes[(BASE + VOCAB * (HEADER + D)) * N];               \
        static int32_t want[VOCAB][D];                                         \
        int words = FX_CEIL(d, N), stride = HEADER + words;                    \
        uint32_t id[4][MAX_TP];                                                \
        struct sim_channel channel = {.bytes = bytes, .size = sizeof bytes};   \
        for (int v = 0; v < VOCAB; v++) {                                      \
            int8_t code[D];                                                    \
            struct num_scale s = {(uint16_t)h_rand(32768, 65535),              \
                                  (int16_t)(big ? 10 : h_rand(-12, 0))};       \
            uint32_t w = fx_scale_pack(s, 0);                                  \
            uint8_t *row = bytes + (BASE + v * stride) * N;                    \
            memset(row, 0x55, (size_t)(stride * N));                           \
            for (int k = 0; k < 4; k++)                                        \
                row[k] = (uint8_t)(w >> 8 * k);                                \
            for (int i = 0; i < d; i++)                                        \
                row[HEADER * N + i] =                                          \
                    (uint8_t)(code[i] = (int8_t)h_rand(-127, 127));            \
            gold_embed(code, s.mant, s.exp, 0, d, want[v]);                    \
        }                                                                      \
        h_begin(#name, depth);                                                 \
        H_INPUT(u32, TP, id_in);                                               \
        FX_STREAM(u32, 2, req, depth);                                         \
        FX_STREAM(i8, N, data, depth);                                         \
        H_OUTPUT(i32, (TP) * (BP), y);                                         \
        sim_memory_read(h_sim, &channel, req, data);                           \
        for (int g = 0; g < groups; g++) {                                     \
            FX_BEAT(u32, TP) b = FX_ZERO;                                      \
            for (int t = 0; t < TP; t++) {                                     \
                id[g][t] = (uint32_t)h_rand(0, VOCAB - 1);                     \
                FX_SET(u32, b, t, id[g][t]);                                   \
            }                                                                  \
            H_PUT(id_in, b);                                                   \
        }                                                                      \
        struct name##_ports p = {.id = FX_FROM(id_in),                         \
                                 .req = FX_TO(req),                            \
                                 .data = FX_FROM(data),                        \
                                 .y = FX_TO(y),                                \
                                 .groups = groups,                             \
                                 .d = d,                                       \
                                 .base = BASE,                                 \
                                 .stride = (uint32_t)stride};                  \
        H_RUN(name, p);                                                        \
        for (int g = 0; g < groups; g++)                                       \
            for (int i = 0; i < d; i += BP) {                                  \
                FX_BEAT(i32, (TP) * (BP)) b = H_TAKE(y);                       \
                for (int t = 0; t < TP; t++)                                   \
                    for (int c = 0; c < BP; c++)                               \
                        CHECK_EQ(FX_GET(i32, b, c *TP + t),                    \
                                 want[id[g][t]][i + c]);                       \
            }                                                                  \
        h_end();                                                               \
    }
RUN(prefill, 3, 1, 6)
RUN(decode, 1, 2, 4)
RUN(three, 2, 3, 3)
RUN(unit, 1, 1, 1)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 4; depth += 3)
        for (int groups = 0; groups <= 4; groups += 2)
            for (int big = 0; big < 2; big++) {
                run_prefill(depth, groups, D, big);
                run_prefill(depth, groups, 7, big);
                run_decode(depth, groups, D, big);
                run_decode(depth, groups, 2, big);
                run_three(depth, groups, D, big);
                run_unit(depth, groups, 1, big);
                run_unit(depth, groups, 5, big);
            }
    return h_done("embed");
}
