/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/memory_queue.c -- pushes and searches through a memory: what comes
 * back are the newest vectors, in the order of the slots. */
#include "tests/fx/harness.h"
#include "sim/memory.h"

#define FX_NAME unit
#define FX_BP   1
#include "fx/memory_queue.h"

#define FX_NAME odd
#define FX_BP   3
#include "fx/memory_queue.h"

#define FX_NAME pow2
#define FX_BP   4
#include "fx/memory_queue.h"

enum { SLOTS = 9, WORDS = 16 };

#define CASE(name, BP)                                                         \
    static void push_##name(unsigned depth, struct sim_channel *mem, int slot, \
                            int slots, int keys, int rows,                     \
                            int16_t v[WORDS][BP])                              \
    {                                                                          \
        h_begin(#name, depth);                                                 \
        H_INPUT(i16, BP, x);                                                   \
        FX_STREAM(u32, 2, wreq, h_depth);                                      \
        FX_STREAM(i16, BP, data, h_depth);                                     \
        FX_STREAM(u32, 2, rreq, h_depth);                                      \
        sim_memory_write(h_sim, mem, wreq, data, NULL);                        \
        for (int n = 0; n < keys + rows; n++) {                                \
            FX_BEAT(i16, BP) b = FX_ZERO;                                      \
            for (int c = 0; c < BP; c++)                                       \
                FX_SET(i16, b, c,                                              \
                       v[n][c] = (int16_t)h_rand(INT16_MIN, INT16_MAX));       \
            H_PUT(x, b);                                                       \
        }                                                                      \
        struct name##_ports p = {.x = FX_FROM(x),                              \
                                 .wreq = FX_TO(wreq),                          \
                                 .data = FX_TO(data),                          \
                                 .rreq = FX_TO(rreq),                          \
                                 .push = 1,                                    \
                                 .slot = slot,                                 \
                                 .slots = slots,                               \
                                 .keys = keys,                                 \
                                 .rows = rows};                                \
        H_RUN(name, p);                                                        \
        h_end();                                                               \
    }                                                                          \
    static void find_##name(unsigned depth, struct sim_channel *mem, int live, \
                            int slots, int keys, int rows,                     \
                            int16_t v[SLOTS][WORDS][BP])                       \
    {                                                                          \
        h_begin(#name, depth);                                                 \
        H_INPUT(i16, BP, x);                                                   \
        H_OUTPUT(i16, BP, back);                                               \
        FX_STREAM(u32, 2, wreq, h_depth);                                      \
        FX_STREAM(i16, BP, data, h_depth);                                     \
        FX_STREAM(u32, 2, rreq, h_depth);                                      \
        sim_memory_read(h_sim, mem, rreq, back);                               \
        struct name##_ports p = {.x = FX_FROM(x),                              \
                                 .wreq = FX_TO(wreq),                          \
                                 .data = FX_TO(data),                          \
                                 .rreq = FX_TO(rreq),                          \
                                 .live = live,                                 \
                                 .slots = slots,                               \
                                 .keys = keys,                                 \
                                 .rows = rows};                                \
        H_RUN(name, p);                                                        \
        for (int n = 0; n < live * (keys + rows); n++) {                       \
            FX_BEAT(i16, BP) b = H_TAKE(back);                                 \
            int key = n < live * keys, r = n - live * keys;                    \
            int s = key ? n / keys : r % live;                                 \
            int at = key ? n % keys : keys + r / live;                         \
            for (int c = 0; c < BP; c++)                                       \
                CHECK_EQ(FX_GET(i16, b, c), v[s][at][c]);                      \
        }                                                                      \
        h_end();                                                               \
    }                                                                          \
    static void run_##name(unsigned depth, int slots, int keys, int rows)      \
    {                                                                          \
        static uint8_t bytes[SLOTS * WORDS * BP * 2];                          \
        static int16_t v[SLOTS][WORDS][BP];                                    \
        struct sim_channel mem = {                                             \
            .bytes = bytes, .size = (size_t)(slots * (keys + rows) * BP * 2)}; \
        for (int n = 0; n < slots + 2; n++) {                                  \
            int live = n < slots ? n : slots;                                  \
            find_##name(depth, &mem, live, slots, keys, rows, v);              \
            push_##name(depth, &mem, n % slots, slots, keys, rows,             \
                        v[n % slots]);                                         \
        }                                                                      \
    }
CASE(unit, 1)
CASE(odd, 3)
CASE(pow2, 4)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 16; depth *= 4) {
        run_unit(depth, 1, 1, 1);
        run_unit(depth, 8, 3, 5);
        run_odd(depth, 5, 2, 7);
        run_pow2(depth, 9, 6, 10);
        run_pow2(depth, 3, 7, 2);
    }
    return h_done("memory_queue");
}
