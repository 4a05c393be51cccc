/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/softmax.c -- probabilities and sums against a plain loop: what a
 * token must not see, sweeps, rows of equal and of far apart scores. */
#include "tests/fx/vectors.h"

#define FX_NAME unit
#define FX_TP   1
#define FX_HP   1
#define FX_SEQ  1
#include "fx/softmax.h"

#define FX_NAME prefill
#define FX_TP   3
#define FX_HP   4
#define FX_SEQ  40
#include "fx/softmax.h"

#define FX_NAME decode
#define FX_TP   1
#define FX_HP   3
#define FX_SEQ  64
#include "fx/softmax.h"

enum { NKV = 3, POS = 64, SHARE = 4 };

/* kind 0, 1: random, far apart and near; 2: all equal; 3: growing, so that
 * the positions a token must not see are the largest. */
static int32_t value(int kind, int pos)
{
    return (int32_t)(kind == 0   ? h_rand(-(1 << 24), 1 << 24)
                     : kind == 1 ? h_rand(-2000, 2000)
                     : kind == 2 ? -777
                                 : pos * 1000);
}

#define CASE(name, TP)                                                         \
    static void run_##name(unsigned depth, int kind, int nkv, int share,       \
                           int positions, int first, int sweeps)               \
    {                                                                          \
        static int32_t in[NKV][POS][SHARE][TP], prob[NKV][POS][SHARE][TP];     \
        h_begin(#name, depth);                                                 \
        H_INPUT(i27, TP, s);                                                   \
        H_INPUT(scale, 1, scale);                                              \
        H_OUTPUT(u8, TP, p);                                                   \
        H_OUTPUT(u32, TP, l);                                                  \
        static uint32_t sum[NKV][SHARE][TP];                                   \
        for (int h = 0; h < nkv; h++) {                                        \
            for (int pos = 0; pos < positions; pos++)                          \
                for (int r = 0; r < share; r++) {                              \
                    FX_BEAT(i27, TP) b = FX_ZERO;                              \
                    for (int t = 0; t < TP; t++)                               \
                        FX_SET(i27, b, t,                                      \
                               in[h][pos][r][t] = value(kind, pos));           \
                    H_PUT(s, b);                                               \
                }                                                              \
            for (int r = 0; r < share; r++) {                                  \
                struct num_scale sc = v_scale(4, 8);                           \
                V_SCALE(scale, sc);                                            \
                for (int t = 0; t < TP; t++) {                                 \
                    int32_t max = in[h][0][r][t];                              \
                    for (int n = 0; n < positions && n <= first + t; n++)      \
                        max = in[h][n][r][t] > max ? in[h][n][r][t] : max;     \
                    sum[h][r][t] = 0;                                          \
                    for (int n = 0; n < positions; n++) {                      \
                        int seen = n <= first + t;                             \
                        uint32_t w =                                           \
                            seen ? num_prob((int64_t)max - in[h][n][r][t], sc) \
                                 : 0;                                          \
                        prob[h][n][r][t] = (int32_t)w;                         \
                        sum[h][r][t] += w;                                     \
                    }                                                          \
                }                                                              \
            }                                                                  \
        }                                                                      \
        struct name##_ports ports = {.s = FX_FROM(s),                          \
                                     .scale = FX_FROM(scale),                  \
                                     .p = FX_TO(p),                            \
                                     .l = FX_TO(l),                            \
                                     .nkv = nkv,                               \
                                     .share = share,                           \
                                     .positions = positions,                   \
                                     .first = first,                           \
                                     .sweeps = sweeps};                        \
        H_RUN(name, ports);                                                    \
        for (int h = 0; h < nkv; h++) {                                        \
            for (int n = 0; n < sweeps * positions; n++)                       \
                for (int r = 0; r < share; r++) {                              \
                    FX_BEAT(u8, TP) b = H_TAKE(p);                             \
                    for (int t = 0; t < TP; t++)                               \
                        CHECK_EQ(FX_GET(u8, b, t),                             \
                                 prob[h][n % positions][r][t]);                \
                }                                                              \
            for (int r = 0; r < share; r++) {                                  \
                FX_BEAT(u32, TP) b = H_TAKE(l);                                \
                for (int t = 0; t < TP; t++)                                   \
                    CHECK_EQ(FX_GET(u32, b, t), sum[h][r][t]);                 \
            }                                                                  \
        }                                                                      \
        h_end();                                                               \
    }
CASE(unit, 1)
CASE(prefill, 3)
CASE(decode, 1)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 16; depth *= 4)
        for (int kind = 0; kind < 4; kind++) {
            run_unit(depth, kind, 2, 1, 1, 0, 1);
            run_prefill(depth, kind, 3, 4, 40, 37, 3); /* full groups */
            run_prefill(depth, kind, 2, 1, 3, 0, 2);   /* the first group */
            run_prefill(depth, kind, 1, 3, 5, 3, 1);   /* a short one */
            run_prefill(depth, kind, 0, 3, 5, 3, 1);
            run_decode(depth, kind, 3, 3, 64, 63, 4);
            run_decode(depth, kind, 1, 2, 1, 0, 4);
        }
    return h_done("softmax");
}
