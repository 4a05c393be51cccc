/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/memory_row.c -- a row that was written is what fx/embed.h reads:
 * word for word, and through it. */
#include "tests/fx/vectors.h"
#include "sim/memory.h"

#define FX_NAME unit
#define FX_BP   1
#define FX_N    1
#include "fx/memory_row.h"

#define FX_NAME narrow
#define FX_BP   1
#define FX_N    2
#include "fx/memory_row.h"

#define FX_NAME wide
#define FX_BP   4
#define FX_N    8
#include "fx/memory_row.h"

#define FX_NAME embed_unit
#define FX_TP   1
#define FX_BP   1
#define FX_N    1
#define FX_DIM  16
#include "fx/embed.h"

#define FX_NAME embed_narrow
#define FX_TP   1
#define FX_BP   1
#define FX_N    2
#define FX_DIM  16
#include "fx/embed.h"

#define FX_NAME embed_wide
#define FX_TP   1
#define FX_BP   4
#define FX_N    8
#define FX_DIM  16
#include "fx/embed.h"

#define CASE(name, BP, N)                                                      \
    static void run_##name(unsigned depth, int d, int id_, int vectors)        \
    {                                                                          \
        static uint8_t bytes[256];                                             \
        int8_t code[16];                                                       \
        int head = (4 + N - 1) / N, row = head + d / N;                        \
        struct num_scale sc = v_scale(-10, 4);                                 \
        struct sim_channel mem = {.bytes = bytes, .size = sizeof bytes};       \
        h_begin(#name, depth);                                                 \
        H_INPUT(scale, 1, s);                                                  \
        H_INPUT(i8, BP, x);                                                    \
        FX_STREAM(u32, 2, req, h_depth);                                       \
        FX_STREAM(i8, N, data, h_depth);                                       \
        sim_memory_write(h_sim, &mem, req, data, NULL);                        \
        for (int v = 0; v < vectors; v++) {                                    \
            V_SCALE(s, sc);                                                    \
            for (int i = 0; i < d; i += BP) {                                  \
                FX_BEAT(i8, BP) b = FX_ZERO;                                   \
                for (int c = 0; c < BP; c++)                                   \
                    FX_SET(i8, b, c, code[i + c] = (int8_t)h_rand(-127, 127)); \
                H_PUT(x, b);                                                   \
            }                                                                  \
        }                                                                      \
        struct name##_ports p = {.s = FX_FROM(s),                              \
                                 .x = FX_FROM(x),                              \
                                 .req = FX_TO(req),                            \
                                 .data = FX_TO(data),                          \
                                 .vectors = vectors,                           \
                                 .words = d / N,                               \
                                 .base = (uint32_t)(id_ * row)};               \
        H_RUN(name, p);                                                        \
        h_end();                                                               \
        if (vectors == 0)                                                      \
            return;                                                            \
        h_begin(#name, depth);                                                 \
        H_INPUT(u32, 1, id);                                                   \
        H_OUTPUT(i32, BP, y);                                                  \
        FX_STREAM(u32, 2, rreq, h_depth);                                      \
        FX_STREAM(i8, N, back, h_depth);                                       \
        sim_memory_read(h_sim, &mem, rreq, back);                              \
        FX_BEAT(u32, 1) b = FX_ZERO;                                           \
        FX_SET(u32, b, 0, (uint32_t)id_);                                      \
        H_PUT(id, b);                                                          \
        struct embed_##name##_ports e = {.id = FX_FROM(id),                    \
                                         .req = FX_TO(rreq),                   \
                                         .data = FX_FROM(back),                \
                                         .y = FX_TO(y),                        \
                                         .groups = 1,                          \
                                         .d = d,                               \
                                         .stride = (uint32_t)row};             \
        H_RUN(embed_##name, e);                                                \
        for (int i = 0; i < d; i += BP) {                                      \
            FX_BEAT(i32, BP) r = H_TAKE(y);                                    \
            for (int c = 0; c < BP; c++)                                       \
                CHECK_EQ(FX_GET(i32, r, c),                                    \
                         num_sat(num_scaled(code[i + c], sc), 32));            \
        }                                                                      \
        h_end();                                                               \
    }
CASE(unit, 1, 1)
CASE(narrow, 1, 2)
CASE(wide, 4, 8)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 16; depth *= 4)
        for (int id = 0; id < 4; id++) {
            run_unit(depth, 5, id, 1);
            run_unit(depth, 1, id, 2);
            run_narrow(depth, 6, id, 1);
            run_narrow(depth, 6, id, 0);
            run_wide(depth, 16, id, 1);
            run_wide(depth, 8, id, 1);
        }
    return h_done("memory_row");
}
