/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/load.c -- load and store against a plain array in memory: regions
 * of every length around a burst, words that are no whole number of bytes, and
 * in the timed view the bandwidth and latency of the channel. */
#include "tests/fx/harness.h"
#include "sim/memory.h"

#define FX_NAME  in43
#define FX_ELEM  i4
#define FX_N     43
#define FX_BURST 5
#include "fx/load.h"

#define FX_NAME  out43
#define FX_ELEM  i4
#define FX_N     43
#define FX_BURST 5
#include "fx/store.h"

#define FX_NAME  in8
#define FX_ELEM  i27
#define FX_N     1
#define FX_BURST 1
#include "fx/load.h"

#define FX_NAME settled
#include "fx/settle.h"

enum { WORD = 22, WORDS = 64 }; /* 43 nibbles: 22 bytes */

static const uint32_t regions[][2] = {{3, 5}, {0, 1},  {9, 0},
                                      {7, 6}, {63, 1}, {20, 22}};
enum { REGIONS = sizeof regions / sizeof *regions };

static int nibble(const uint8_t *bytes, int word, int lane)
{
    int v = bytes[word * WORD + lane / 2] >> 4 * (lane & 1) & 15;
    return v >= 8 ? v - 16 : v;
}

static void run_load(unsigned depth)
{
    static uint8_t bytes[WORD * WORDS];
    struct sim_channel channel = {.bytes = bytes, .size = sizeof bytes};
    for (size_t k = 0; k < sizeof bytes; k++)
        bytes[k] = (uint8_t)h_rand(0, 255);
    h_begin("load", depth);
    H_INPUT(u32, 2, region);
    H_OUTPUT(i4, 43, y);
    FX_STREAM(u32, 2, req, depth);
    FX_STREAM(i4, 43, data, depth);
    sim_memory_read(h_sim, &channel, req, data);
    for (int r = 0; r < REGIONS; r++) {
        FX_BEAT(u32, 2) b = FX_ZERO;
        FX_SET(u32, b, 0, regions[r][0]);
        FX_SET(u32, b, 1, regions[r][1]);
        H_PUT(region, b);
    }
    struct in43_ports p = {.region = FX_FROM(region),
                           .req = FX_TO(req),
                           .data = FX_FROM(data),
                           .y = FX_TO(y),
                           .regions = REGIONS};
    fx_spawn("in43", -1, in43_task, &p, sizeof p);
    h_run_ideal(35);
    for (int r = 0; r < REGIONS; r++)
        for (uint32_t k = 0; k < regions[r][1]; k++) {
            FX_BEAT(i4, 43) b = H_TAKE(y);
            for (int l = 0; l < 43; l++)
                CHECK_EQ(FX_GET(i4, b, l),
                         nibble(bytes, (int)(regions[r][0] + k), l));
        }
    CHECK_EQ(channel.requests, 1 + 1 + 2 + 1 + 5);
    CHECK_EQ(channel.bytes_read, 35 * WORD);
    h_end();
}

static void run_store(unsigned depth)
{
    static uint8_t bytes[WORD * WORDS], before[WORD * WORDS];
    int8_t v[40][43], touched[WORDS] = {0};
    int n = 0;
    struct sim_channel channel = {.bytes = bytes, .size = sizeof bytes};
    for (size_t k = 0; k < sizeof bytes; k++)
        bytes[k] = (uint8_t)h_rand(0, 255);
    memcpy(before, bytes, sizeof bytes);
    h_begin("store", depth);
    H_INPUT(u32, 2, region);
    H_INPUT(i4, 43, x);
    H_OUTPUT(u1, 1, done);
    FX_STREAM(u32, 2, req, depth);
    FX_STREAM(i4, 43, data, depth);
    FX_STREAM(u1, 1, ack, depth);
    sim_memory_write(h_sim, &channel, req, data, FX_TO(ack));
    for (int r = 0; r < REGIONS; r++) {
        FX_BEAT(u32, 2) b = FX_ZERO;
        FX_SET(u32, b, 0, regions[r][0]);
        FX_SET(u32, b, 1, regions[r][1]);
        H_PUT(region, b);
        for (uint32_t k = 0; k < regions[r][1]; k++, n++) {
            FX_BEAT(i4, 43) w = FX_ZERO;
            for (int l = 0; l < 43; l++)
                FX_SET(i4, w, l, v[n][l] = (int8_t)h_rand(-8, 7));
            H_PUT(x, w);
        }
    }
    struct out43_ports p = {.region = FX_FROM(region),
                            .x = FX_FROM(x),
                            .req = FX_TO(req),
                            .data = FX_TO(data),
                            .regions = REGIONS};
    struct settled_ports q = {
        .ack = FX_FROM(ack), .done = FX_TO(done), .acks = 10, .times = 1};
    fx_spawn("settled", -1, settled_task, &q, sizeof q);
    fx_spawn("out43", -1, out43_task, &p, sizeof p);
    h_run_ideal(35);
    FX_BEAT(u1, 1) d = H_TAKE(done);
    CHECK_EQ(FX_GET(u1, d, 0), 1);
    n = 0;
    for (int r = 0; r < REGIONS; r++)
        for (uint32_t k = 0; k < regions[r][1]; k++, n++) {
            touched[regions[r][0] + k] = 1;
            for (int l = 0; l < 43; l++)
                if (regions[r][0] + k != 7 || r > 0) /* written twice */
                    CHECK_EQ(nibble(bytes, (int)(regions[r][0] + k), l),
                             v[n][l]);
        }
    for (int k = 0; k < WORDS; k++)
        CHECK(touched[k] || !memcmp(bytes + k * WORD, before + k * WORD, WORD));
    h_end();
}

/* 27-bit words, one a request: four bytes each, the top five bits unused. */
static void run_single(unsigned depth, unsigned latency, unsigned rate)
{
    static uint8_t bytes[16];
    struct sim_channel channel = {.bytes = bytes,
                                  .size = sizeof bytes,
                                  .latency = latency,
                                  .bytes_per_cycle = rate};
    for (int k = 0; k < 16; k++)
        bytes[k] = (uint8_t)h_rand(0, 255);
    h_begin("single", depth);
    H_INPUT(u32, 2, region);
    H_OUTPUT(i27, 1, y);
    FX_STREAM(u32, 2, req, depth);
    FX_STREAM(i27, 1, data, depth);
    sim_memory_read(h_sim, &channel, req, data);
    FX_BEAT(u32, 2) b = FX_ZERO;
    FX_SET(u32, b, 1, 4);
    H_PUT(region, b);
    struct in8_ports p = {.region = FX_FROM(region),
                          .req = FX_TO(req),
                          .data = FX_FROM(data),
                          .y = FX_TO(y),
                          .regions = 1};
    fx_spawn("in8", -1, in8_task, &p, sizeof p);
    h_run_ideal(h_depth > 1 && latency ? 2 * latency + 1 : 4);
    for (int k = 0; k < 4; k++) {
        FX_BEAT(i27, 1) w = H_TAKE(y);
        uint32_t all;
        memcpy(&all, bytes + 4 * k, 4);
        CHECK_EQ(FX_GET(i27, w, 0), (int32_t)(all << 5) >> 5);
    }
    h_end();
}

#ifndef __cplusplus
/* A request past the end stops the run and says so. */
static void run_fault(void)
{
    static uint8_t bytes[16];
    struct sim_channel channel = {.bytes = bytes, .size = sizeof bytes};
    h_begin("fault", 2);
    FX_STREAM(u32, 2, req, 2);
    FX_STREAM(i27, 1, far, 2);
    sim_memory_read(h_sim, &channel, req, far);
    FX_BEAT(u32, 2) b = FX_ZERO;
    FX_SET(u32, b, 0, 3);
    FX_SET(u32, b, 1, 2);
    FX_WRITE(FX_TO(req), b);
    CHECK(!sim_run(h_sim));
    CHECK(strcmp(sim_message(h_sim), "memory: stream far wants 8 bytes at 12 "
                                     "of 16") == 0);
    sim_free(h_sim);
}
#endif

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 8; depth *= 2) {
        run_load(depth);
        run_store(depth);
        run_single(depth, 0, 0);
    }
    run_single(4, 50, 4);
#ifndef __cplusplus
    run_fault();
#endif
    return h_done("load");
}
