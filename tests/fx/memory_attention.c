/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/memory_attention.c -- the search against golden's: queues of one
 * slot and of all, scores alike and far apart, numbers that reach the largest
 * sums. */
#include "golden/ops.h"
#include "tests/fx/vectors.h"

#define FX_NAME  unit
#define FX_BP    1
#define FX_DIM   1
#define FX_DEPTH 1
#include "fx/memory_attention.h"

#define FX_NAME  odd
#define FX_BP    3
#define FX_DIM   12
#define FX_DEPTH 7
#include "fx/memory_attention.h"

#define FX_NAME  pow2
#define FX_BP    4
#define FX_DIM   16
#define FX_DEPTH 64
#include "fx/memory_attention.h"

#define FX_NAME  deep
#define FX_BP    2
#define FX_DIM   2
#define FX_DEPTH 4096
#include "fx/memory_attention.h"

enum { MOST = 4096 };

/* 0: random; 1: small; 2, 3: the largest of either sign. */
static int16_t value(int kind)
{
    return (int16_t)(kind == 0   ? h_rand(INT16_MIN, INT16_MAX)
                     : kind == 1 ? h_rand(-40, 40)
                     : kind == 2 ? INT16_MAX
                                 : INT16_MIN);
}

#define FEED(stream, BP, array, n)                                             \
    for (int i_ = 0; i_ < (n); i_ += BP) {                                     \
        FX_BEAT(i16, BP) b_ = FX_ZERO;                                         \
        for (int c_ = 0; c_ < BP; c_++)                                        \
            FX_SET(i16, b_, c_, (array)[i_ + c_]);                             \
        H_PUT(stream, b_);                                                     \
    }

#define CASE(name, BP)                                                         \
    static void run_##name(unsigned depth, int kind, int dm, int d, int live)  \
    {                                                                          \
        static int16_t vq[64], key[MOST * 4], vm[MOST * 64];                   \
        static int32_t want[64];                                               \
        h_begin(#name, depth);                                                 \
        H_INPUT(i16, BP, q);                                                   \
        H_INPUT(i16, BP, k);                                                   \
        H_INPUT(i16, BP, m);                                                   \
        H_OUTPUT(i27, BP, y);                                                  \
        struct num_scale s = v_scale(-12, -4);                                 \
        int mixed = kind == 4;                                                 \
        for (int i = 0; i < dm; i++)                                           \
            vq[i] = value(mixed ? 0 : kind);                                   \
        for (int i = 0; i < live * dm; i++)                                    \
            key[i] = value(mixed ? 1 : kind);                                  \
        for (int i = 0; i < live * d; i++)                                     \
            vm[i] = value(mixed ? i % d % 4 : kind);                           \
        if (live > 0)                                                          \
            gold_hmt_search(vq, key, vm, live, dm, d, s, want);                \
        if (live > 0)                                                          \
            FEED(q, BP, vq, dm);                                               \
        FEED(k, BP, key, live *dm);                                            \
        for (int i = 0; i < d; i += BP)                                        \
            for (int n = 0; n < live; n++)                                     \
                FEED(m, BP, vm + n * d + i, BP);                               \
        struct name##_ports p = {.q = FX_FROM(q),                              \
                                 .k = FX_FROM(k),                              \
                                 .m = FX_FROM(m),                              \
                                 .y = FX_TO(y),                                \
                                 .live = live,                                 \
                                 .keys = dm / BP,                              \
                                 .rows = d / BP,                               \
                                 .s_scale = fx_scale_pack(s, 0)};              \
        H_RUN(name, p);                                                        \
        for (int i = 0; i < (live > 0 ? d : 0); i += BP) {                     \
            FX_BEAT(i27, BP) b = H_TAKE(y);                                    \
            for (int c = 0; c < BP; c++)                                       \
                CHECK_EQ(FX_GET(i27, b, c), want[i + c]);                      \
        }                                                                      \
        h_end();                                                               \
    }
CASE(unit, 1)
CASE(odd, 3)
CASE(pow2, 4)
CASE(deep, 2)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 16; depth *= 4)
        for (int kind = 0; kind < 5; kind++) {
            run_unit(depth, kind, 1, 1, 1);
            run_unit(depth, kind, 1, 5, 1);
            run_odd(depth, kind, 12, 15, 7);
            run_odd(depth, kind, 3, 6, 1);
            run_odd(depth, kind, 9, 6, 0);
            run_pow2(depth, kind, 16, 8, 64);
            run_pow2(depth, kind, 8, 16, 33);
            run_pow2(depth, kind, 16, 12, 2);
        }
    for (int kind = 0; kind < 4; kind++)
        run_deep(4, kind, 2, 4, 4096);
    return h_done("memory_attention");
}
