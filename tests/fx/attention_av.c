/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/attention_av.c -- against gold_attention, whose probabilities are
 * computed here again from its scores; the largest sums. */
#include "tests/fx/vectors.h"
#include "golden/ops.h"

#define FX_NAME unit
#define FX_TP   1
#define FX_KP   1
#define FX_BP   1
#define FX_NP   1
#define FX_HP   1
#define FX_HEAD 1
#define FX_SEQ  2
#include "fx/attention_av.h"

#define FX_NAME prefill
#define FX_TP   3
#define FX_KP   4
#define FX_BP   1
#define FX_NP   1
#define FX_HP   4
#define FX_HEAD 64
#define FX_SEQ  40
#include "fx/attention_av.h"

#define FX_NAME decode
#define FX_TP   1
#define FX_KP   24
#define FX_BP   8
#define FX_NP   2
#define FX_HP   3
#define FX_HEAD 48
#define FX_SEQ  64
#include "fx/attention_av.h"

/* Sums of more than 32 bits. */
#define FX_NAME pairs
#define FX_TP   2
#define FX_KP   12
#define FX_BP   4
#define FX_NP   4
#define FX_HP   2
#define FX_HEAD 24
#define FX_SEQ  (1 << 18)
#include "fx/attention_av.h"

enum { NKV = 3, POS = 64, SHARE = 4, HEAD = 64 };

static int8_t k_in[NKV][POS * HEAD], v_in[NKV][POS * HEAD];

/* Probabilities of one query head over n of `positions`; their sum. */
static uint32_t row(const int8_t *q, const int8_t *k, int n, int positions,
                    int head, struct num_scale s, uint8_t *p)
{
    int32_t score[POS], max = INT32_MIN;
    uint32_t sum = 0;
    for (int t = 0; t < n; t++) {
        score[t] = 0;
        for (int i = 0; i < head; i++)
            score[t] += q[i] * k[t * head + i];
        max = score[t] > max ? score[t] : max;
    }
    for (int t = 0; t < positions; t++) {
        p[t] = (uint8_t)(t < n ? num_prob(max - score[t], s) : 0);
        sum += p[t];
    }
    return sum;
}

/* kind 0: random; 1: every probability 255, every value -127. */
#define CASE(name, TP, KP, BP)                                                 \
    static void run_##name(unsigned depth, int kind, int nkv, int share,       \
                           int head, int positions, int first)                 \
    {                                                                          \
        static int32_t want[TP][NKV * SHARE * HEAD];                           \
        static uint8_t prob[SHARE][TP][POS];                                   \
        int8_t q_in[HEAD];                                                     \
        uint32_t sum[SHARE][TP];                                               \
        h_begin(#name, depth);                                                 \
        H_INPUT(u8, TP, p);                                                    \
        H_INPUT(u32, TP, l);                                                   \
        H_INPUT(i8, KP, v);                                                    \
        H_INPUT(scale, 1, scale);                                              \
        H_OUTPUT(i27, TP *BP, y);                                              \
        for (int h = 0; h < nkv; h++) {                                        \
            struct num_scale o = v_scale(10, 17);                              \
            V_SCALE(scale, o);                                                 \
            for (int i = 0; i < positions * head; i++) {                       \
                k_in[h][i] = (int8_t)(kind ? 0 : h_rand(-127, 127));           \
                v_in[h][i] = (int8_t)(kind ? -127 : h_rand(-127, 127));        \
            }                                                                  \
            for (int r = 0; r < share; r++) {                                  \
                struct num_scale s = v_scale(4, 6);                            \
                for (int t = 0; t < TP; t++) {                                 \
                    int n = FX_MIN(positions, first + t + 1);                  \
                    for (int i = 0; i < head; i++)                             \
                        q_in[i] = (int8_t)h_rand(-127, 127);                   \
                    sum[r][t] =                                                \
                        row(q_in, k_in[h], n, positions, head, s, prob[r][t]); \
                    gold_attention(q_in, k_in[h], v_in[h], n, head, s, o,      \
                                   want[t] + (h * share + r) * head);          \
                }                                                              \
                FX_BEAT(u32, TP) b = FX_ZERO;                                  \
                for (int t = 0; t < TP; t++)                                   \
                    FX_SET(u32, b, t, sum[r][t]);                              \
                H_PUT(l, b);                                                   \
            }                                                                  \
            for (int i = 0; i < head; i += KP)                                 \
                for (int pos = 0; pos < positions; pos++) {                    \
                    FX_BEAT(i8, KP) b = FX_ZERO;                               \
                    for (int c = 0; c < KP; c++)                               \
                        FX_SET(i8, b, c, v_in[h][pos * head + i + c]);         \
                    H_PUT(v, b);                                               \
                    for (int r = 0; r < share; r++) {                          \
                        FX_BEAT(u8, TP) w = FX_ZERO;                           \
                        for (int t = 0; t < TP; t++)                           \
                            FX_SET(u8, w, t, prob[r][t][pos]);                 \
                        H_PUT(p, w);                                           \
                    }                                                          \
                }                                                              \
        }                                                                      \
        struct name##_ports ports = {.p = FX_FROM(p),                          \
                                     .l = FX_FROM(l),                          \
                                     .v = FX_FROM(v),                          \
                                     .scale = FX_FROM(scale),                  \
                                     .y = FX_TO(y),                            \
                                     .nkv = nkv,                               \
                                     .share = share,                           \
                                     .head = head,                             \
                                     .positions = positions};                  \
        H_RUN(name, ports);                                                    \
        V_CHECK(i27, TP, BP, y, want, nkv *share *head);                       \
        h_end();                                                               \
    }
CASE(unit, 1, 1, 1)
CASE(prefill, 3, 4, 1)
CASE(decode, 1, 24, 8)
CASE(pairs, 2, 12, 4)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 16; depth *= 4)
        for (int kind = 0; kind < 2; kind++) {
            run_unit(depth, kind, 2, 1, 1, 1, 0);
            run_unit(depth, kind, 3, 1, 1, 2, 1);
            run_prefill(depth, kind, 3, 4, 64, 40, 37);
            run_prefill(depth, kind, 2, 1, 64, 3, 0); /* no sharing */
            run_prefill(depth, kind, 1, 3, 4, 5, 3);  /* one chunk a head */
            run_prefill(depth, kind, 0, 3, 4, 5, 3);
            run_decode(depth, kind, 3, 3, 48, 64, 63);
            run_decode(depth, kind, 1, 2, 24, 1, 0);
            run_pairs(depth, kind, 2, 2, 24, 6, 4);
        }
    return h_done("attention_av");
}
