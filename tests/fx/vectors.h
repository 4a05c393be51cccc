/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/vectors.h -- vectors of TP tokens as beats of TP x BP lanes.
 *
 *     V_PUT(i27, TP, BP, x, a, n)     a[t][0 .. n-1] of every token t into x
 *     V_CHECK(i27, TP, BP, y, a, n)   the beats of y are a[t][0 .. n-1]
 *
 * Lane c * TP + t of a beat is channel c of its BP channels, token t.
 */
#ifndef TESTS_FX_VECTORS_H
#define TESTS_FX_VECTORS_H
#include "tests/fx/harness.h"

#define V_PUT(T, TP, BP, x, a, n)                                              \
    do {                                                                       \
        for (int v_i = 0; v_i < (n); v_i += (BP)) {                            \
            FX_BEAT(T, (TP) * (BP)) v_b = FX_ZERO;                             \
            for (int v_l = 0; v_l < (TP) * (BP); v_l++)                        \
                FX_SET(T, v_b, v_l, (a)[v_l % (TP)][v_i + v_l / (TP)]);        \
            H_PUT(x, v_b);                                                     \
        }                                                                      \
    } while (0)

#define V_CHECK(T, TP, BP, y, a, n)                                            \
    do {                                                                       \
        for (int v_i = 0; v_i < (n); v_i += (BP)) {                            \
            FX_BEAT(T, (TP) * (BP)) v_b = H_TAKE(y);                           \
            for (int v_l = 0; v_l < (TP) * (BP); v_l++)                        \
                CHECK_EQ(FX_GET(T, v_b, v_l),                                  \
                         (a)[v_l % (TP)][v_i + v_l / (TP)]);                   \
        }                                                                      \
    } while (0)

/* One lane, a scale word. */
#define V_SCALE(x, s)                                                          \
    do {                                                                       \
        FX_BEAT(scale, 1) v_b = FX_ZERO;                                       \
        FX_SET(scale, v_b, 0, fx_scale_pack(s, 0));                            \
        H_PUT(x, v_b);                                                         \
    } while (0)

/* A positive scale between 2^lo and 2^(hi+1). */
static inline struct num_scale v_scale(int lo, int hi)
{
    return (struct num_scale){(uint16_t)h_rand(32768, 65535),
                              (int16_t)(h_rand(lo, hi) - 15)};
}

#endif
