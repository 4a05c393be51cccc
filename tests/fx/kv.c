/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/kv.c -- prefill and decode write one cache; kv_read gets it back.
 * Any prompt length: groups of TP tokens, the last one short or empty, then
 * single tokens by decode. K by position, V by chunk. */
#include "tests/fx/harness.h"
#include "sim/memory.h"

enum { HEADS = 2, HEAD = 12, N = 4, CHUNKS = HEAD / N, CAP = 16, TP = 3 };

#define FX_NAME prefill
#define FX_TP   3
#define FX_BP   2
#define FX_N    4
#define FX_HEAD 12
#include "fx/kv_write.h"

#define FX_NAME decode
#define FX_TP   1
#define FX_BP   2
#define FX_N    4
#define FX_HEAD 12
#include "fx/kv_write.h"

#define FX_NAME fetch
#include "fx/kv_read.h"

#define FX_NAME settled
#include "fx/settle.h"

static uint8_t cache[(HEADS * CAP * CHUNKS + 8) * N];
static int8_t codes[CAP][HEADS][HEAD];

/* Word of (h, pos, c) in a cache of that kind, 8 words in. */
static int word_at(int is_v, int h, int pos, int c)
{
    int in_head = is_v ? c * CAP + pos : pos * CHUNKS + c;
    return 8 + h * CAP * CHUNKS + in_head;
}

static void write_prefill(unsigned depth, int is_v, int pos, int tokens)
{
    struct sim_channel channel = {.bytes = cache, .size = sizeof cache};
    h_begin("prefill", depth);
    H_INPUT(i8, TP * 2, x);
    H_OUTPUT(u1, 1, done);
    FX_STREAM(u32, 2, req, depth);
    FX_STREAM(i8, N, data, depth);
    FX_STREAM(u1, 1, ack, depth);
    sim_memory_write(h_sim, &channel, req, data, FX_TO(ack));
    for (int h = 0; h < HEADS; h++)
        for (int i = 0; i < HEAD; i += 2) {
            FX_BEAT(i8, TP * 2) b = FX_ZERO;
            for (int t = 0; t < TP; t++)
                for (int c = 0; c < 2; c++)
                    FX_SET(i8, b, c * TP + t,
                           t < tokens ? codes[pos + t][h][i + c] : 99);
            H_PUT(x, b);
        }
    struct prefill_ports p = {.x = FX_FROM(x),
                              .req = FX_TO(req),
                              .data = FX_TO(data),
                              .heads = HEADS,
                              .chunks = CHUNKS,
                              .tokens = tokens,
                              .base = (uint32_t)word_at(is_v, 0, pos, 0),
                              .head_stride = CAP * CHUNKS,
                              .chunk_stride = is_v ? CAP : 1};
    struct settled_ports q = {.ack = FX_FROM(ack),
                              .done = FX_TO(done),
                              .acks = tokens ? HEADS * (is_v ? CHUNKS : 1) : 0,
                              .times = 1};
    fx_spawn("settled", -1, settled_task, &q, sizeof q);
    H_RUN(prefill, p);
    FX_BEAT(u1, 1) d = H_TAKE(done);
    CHECK_EQ(FX_GET(u1, d, 0), 1);
    h_end();
}

static void write_decode(unsigned depth, int is_v, int pos)
{
    struct sim_channel channel = {.bytes = cache, .size = sizeof cache};
    h_begin("decode", depth);
    H_INPUT(i8, 2, x);
    FX_STREAM(u32, 2, req, depth);
    FX_STREAM(i8, N, data, depth);
    sim_memory_write(h_sim, &channel, req, data, NULL);
    for (int h = 0; h < HEADS; h++)
        for (int i = 0; i < HEAD; i += 2) {
            FX_BEAT(i8, 2) b = FX_ZERO;
            for (int c = 0; c < 2; c++)
                FX_SET(i8, b, c, codes[pos][h][i + c]);
            H_PUT(x, b);
        }
    struct decode_ports p = {.x = FX_FROM(x),
                             .req = FX_TO(req),
                             .data = FX_TO(data),
                             .heads = HEADS,
                             .chunks = CHUNKS,
                             .tokens = 1,
                             .base = (uint32_t)word_at(is_v, 0, pos, 0),
                             .head_stride = CAP * CHUNKS,
                             .chunk_stride = is_v ? CAP : 1};
    H_RUN(decode, p);
    h_end();
}

static void read_back(unsigned depth, int is_v, int positions)
{
    struct sim_channel channel = {.bytes = cache, .size = sizeof cache};
    h_begin("read", depth);
    FX_STREAM(u32, 2, req, depth);
    H_OUTPUT(i8, N, y);
    sim_memory_read(h_sim, &channel, req, y);
    struct fetch_ports p = {.req = FX_TO(req),
                            .heads = HEADS,
                            .chunks = CHUNKS,
                            .positions = positions,
                            .base = 8,
                            .head_stride = CAP * CHUNKS,
                            .chunk_stride = is_v ? CAP : 1};
    fx_spawn("fetch", -1, fetch_task, &p, sizeof p);
    CHECK(sim_run(h_sim));
    CHECK_EQ(channel.requests,
             positions ? HEADS * (is_v ? (int)CHUNKS : 1) : 0);
    for (int h = 0; h < HEADS; h++)
        for (int k = 0; k < positions * CHUNKS; k++) {
            int pos = is_v ? k % positions : k / CHUNKS;
            int c = is_v ? k / positions : k % CHUNKS;
            FX_BEAT(i8, N) b = H_TAKE(y);
            for (int l = 0; l < N; l++)
                CHECK_EQ(FX_GET(i8, b, l), codes[pos][h][c * N + l]);
        }
    h_end();
}

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 4; depth += 3)
        for (int is_v = 0; is_v < 2; is_v++)
            for (int prompt = 0; prompt <= 7; prompt++) {
                int pos = 0;
                memset(cache, 77, sizeof cache);
                for (int t = 0; t < CAP; t++)
                    for (int h = 0; h < HEADS; h++)
                        for (int i = 0; i < HEAD; i++)
                            codes[t][h][i] = (int8_t)h_rand(-127, 127);
                for (; pos < prompt; pos += TP)
                    write_prefill(depth, is_v, pos,
                                  prompt - pos < TP ? prompt - pos : TP);
                write_prefill(depth, is_v, 0, 0);
                for (pos = prompt; pos < prompt + 3; pos++)
                    write_decode(depth, is_v, pos);
                read_back(depth, is_v, pos);
                read_back(depth, is_v, 0);
                for (int h = 0; h < HEADS; h++) /* nothing beside it */
                    for (int t = pos; t < CAP; t++)
                        for (int c = 0; c < CHUNKS; c++)
                            CHECK_EQ(cache[word_at(is_v, h, t, c) * N], 77);
            }
    return h_done("kv");
}
