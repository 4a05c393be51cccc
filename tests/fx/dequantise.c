/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/dequantise.c -- both dequantisers against gold_dequant: blocks of
 * one and more groups, 27 and 32 bits, results that saturate at either end. */
#include "tests/fx/harness.h"
#include "golden/ops.h"

#define FX_NAME  block
#define FX_TP    3
#define FX_WP    4
#define FX_BLOCK 2
#include "fx/dequantise.h"

#define FX_NAME  unit
#define FX_TP    1
#define FX_WP    1
#define FX_BLOCK 1
#include "fx/dequantise.h"

#define FX_NAME decode
#define FX_BP   4
#include "fx/dequantise_decode.h"

enum { OUT = 12, TOKENS = 6, FRAC = 16 };

static int64_t acc[TOKENS][OUT];
static int32_t y_want[TOKENS][OUT];
static uint32_t token[TOKENS], record[OUT][3];

static void make(int kind, int obits)
{
    static uint16_t mant[OUT];
    static int8_t exp[OUT];
    static int32_t colsum[OUT], bias[OUT];
    int big = kind ? 20 : 0; /* saturates */
    for (int o = 0; o < OUT; o++) {
        mant[o] = (uint16_t)h_rand(32768, 65535);
        exp[o] = (int8_t)h_rand(-24, -20);
        colsum[o] = (int32_t)h_rand(-(1 << 20), 1 << 20);
        bias[o] = (int32_t)h_rand(-(1 << 26), 1 << 26);
        struct num_scale s = {mant[o], (int16_t)(exp[o] + FRAC)};
        record[o][0] = fx_scale_pack(s, 0);
        record[o][1] = (uint32_t)colsum[o];
        record[o][2] = (uint32_t)bias[o];
    }
    struct num_qlinear lin = {.dout = OUT,
                              .obits = obits,
                              .frac = FRAC,
                              .mant = mant,
                              .exp = exp,
                              .bias = bias};
    for (int t = 0; t < TOKENS; t++) {
        int64_t clean[OUT];
        int zp = (int)h_rand(0, 15);
        struct num_scale s = {(uint16_t)h_rand(32768, 65535),
                              (int16_t)h_rand(-28 + big, -20 + big)};
        token[t] = fx_scale_pack(s, zp);
        for (int o = 0; o < OUT; o++) {
            clean[o] = kind == 0 ? h_rand(-(1 << 20), 1 << 20)
                                 : h_rand(-(1ll << 37), 1ll << 37);
            acc[t][o] = clean[o] + (int64_t)zp * colsum[o];
        }
        gold_dequant(&lin, clean, s, y_want[t]);
    }
}

#define STEP(din, dout, last)                                                  \
    do {                                                                       \
        FX_BEAT(u32, 3) b = FX_ZERO;                                           \
        FX_SET(u32, b, 0, din);                                                \
        FX_SET(u32, b, 1, dout);                                               \
        FX_SET(u32, b, 2, last);                                               \
        H_PUT(step, b);                                                        \
    } while (0)

#define PREFILL(name, TP, WP)                                                  \
    static void run_##name(unsigned depth, int kind, int obits, int groups,    \
                           int dout)                                           \
    {                                                                          \
        h_begin(#name, depth);                                                 \
        H_INPUT(u32, 3, step);                                                 \
        H_INPUT(scale, TP, scale);                                             \
        H_INPUT(u32, 3, row);                                                  \
        H_INPUT(i40, TP, x);                                                   \
        H_OUTPUT(i32, TP, y);                                                  \
        make(kind, obits);                                                     \
        STEP(1, dout, (uint32_t)groups | (obits == 32 ? 1u << 31 : 0));        \
        for (int g = 0; g < groups; g++) {                                     \
            FX_BEAT(scale, TP) b = FX_ZERO;                                    \
            for (int t = 0; t < TP; t++)                                       \
                FX_SET(scale, b, t, token[g * TP + t]);                        \
            H_PUT(scale, b);                                                   \
        }                                                                      \
        for (int o = 0; o < dout; o++) {                                       \
            FX_BEAT(u32, 3) b = FX_ZERO;                                       \
            for (int k = 0; k < 3; k++)                                        \
                FX_SET(u32, b, k, record[o][k]);                               \
            H_PUT(row, b);                                                     \
        }                                                                      \
        for (int o = 0; o < dout; o += WP)                                     \
            for (int g = 0; g < groups; g++)                                   \
                for (int r = o; r < o + WP && r < dout; r++) {                 \
                    FX_BEAT(i40, TP) b = FX_ZERO;                              \
                    for (int t = 0; t < TP; t++)                               \
                        FX_SET(i40, b, t, acc[g * TP + t][r]);                 \
                    H_PUT(x, b);                                               \
                }                                                              \
        struct name##_ports p = {.step = FX_FROM(step),                        \
                                 .scale = FX_FROM(scale),                      \
                                 .row = FX_FROM(row),                          \
                                 .x = FX_FROM(x),                              \
                                 .y = FX_TO(y),                                \
                                 .steps = 1};                                  \
        fx_spawn(#name, -1, name##_task, &p, sizeof p);                        \
        h_run(name##_step_cycles(dout, groups) + name##_call_cycles());         \
        for (int o = 0; o < dout; o += WP)                                     \
            for (int g = 0; g < groups; g++)                                   \
                for (int r = o; r < o + WP && r < dout; r++) {                 \
                    FX_BEAT(i32, TP) b = H_TAKE(y);                            \
                    for (int t = 0; t < TP; t++)                               \
                        CHECK_EQ(FX_GET(i32, b, t), y_want[g * TP + t][r]);    \
                }                                                              \
        h_end();                                                               \
    }
PREFILL(block, 3, 4)
PREFILL(unit, 1, 1)

static void run_decode(unsigned depth, int kind, int obits)
{
    h_begin("decode", depth);
    H_INPUT(u32, 3, step);
    H_INPUT(scale, 1, scale);
    H_INPUT(u32, 12, row);
    H_INPUT(i40, 4, x);
    H_OUTPUT(i32, 4, y);
    make(kind, obits);
    for (int t = 0; t < 2; t++) {
        STEP(1, OUT, obits == 32 ? 1u << 31 : 0);
        FX_BEAT(scale, 1) s = FX_ZERO;
        FX_SET(scale, s, 0, token[t]);
        H_PUT(scale, s);
        for (int o = 0; o < OUT; o += 4) {
            FX_BEAT(u32, 12) r = FX_ZERO;
            FX_BEAT(i40, 4) b = FX_ZERO;
            for (int k = 0; k < 4; k++) {
                for (int j = 0; j < 3; j++)
                    FX_SET(u32, r, 3 * k + j, record[o + k][j]);
                FX_SET(i40, b, k, acc[t][o + k]);
            }
            H_PUT(row, r);
            H_PUT(x, b);
        }
    }
    struct decode_ports p = {.step = FX_FROM(step),
                             .scale = FX_FROM(scale),
                             .row = FX_FROM(row),
                             .x = FX_FROM(x),
                             .y = FX_TO(y),
                             .steps = 2};
    fx_spawn("decode", -1, decode_task, &p, sizeof p);
    h_run(2 * decode_step_cycles(OUT) + decode_call_cycles());
    for (int t = 0; t < 2; t++)
        for (int o = 0; o < OUT; o += 4) {
            FX_BEAT(i32, 4) b = H_TAKE(y);
            for (int k = 0; k < 4; k++)
                CHECK_EQ(FX_GET(i32, b, k), y_want[t][o + k]);
        }
    h_end();
}

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 4; depth += 3)
        for (int kind = 0; kind < 2; kind++)
            for (int obits = 27; obits <= 32; obits += 5) {
                run_block(depth, kind, obits, 2, OUT);
                run_block(depth, kind, obits, 1, 10);
                run_unit(depth, kind, obits, 1, OUT);
                run_unit(depth, kind, obits, 1, 1);
                run_decode(depth, kind, obits);
            }
    return h_done("dequantise");
}
