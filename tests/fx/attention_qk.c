/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/attention_qk.c -- scores against a plain loop: query heads that
 * share a key head, chunks of a head, the largest sums. */
#include "tests/fx/vectors.h"

#define FX_NAME unit
#define FX_TP   1
#define FX_KP   1
#define FX_HP   1
#define FX_HEAD 1
#include "fx/attention_qk.h"

#define FX_NAME prefill
#define FX_TP   3
#define FX_KP   4
#define FX_HP   4
#define FX_HEAD 64
#include "fx/attention_qk.h"

#define FX_NAME decode
#define FX_TP   1
#define FX_KP   24
#define FX_HP   3
#define FX_HEAD 48
#include "fx/attention_qk.h"

enum { HEADS = 12, HEAD = 64, POS = 40, NKV = 4 };

static int8_t code(int kind)
{
    return (int8_t)(kind == 0 ? h_rand(-127, 127) : kind == 1 ? -127 : 127);
}

#define CASE(name, TP, KP)                                                     \
    static void run_##name(unsigned depth, int kind, int nkv, int share,       \
                           int head, int positions)                            \
    {                                                                          \
        static int8_t q_in[TP][HEADS * HEAD], k_in[1][NKV * POS * HEAD];       \
        int n = positions * head;                                              \
        h_begin(#name, depth);                                                 \
        H_INPUT(i8, TP *KP, q);                                                \
        H_INPUT(i8, KP, k);                                                    \
        H_OUTPUT(i27, TP, s);                                                  \
        for (int i = 0; i < nkv * share * head; i++)                           \
            for (int t = 0; t < TP; t++)                                       \
                q_in[t][i] = code(kind);                                       \
        for (int i = 0; i < nkv * n; i++)                                      \
            k_in[0][i] = code(kind ? 3 - kind % 3 : 0);                        \
        V_PUT(i8, TP, KP, q, q_in, nkv *share *head);                          \
        V_PUT(i8, 1, KP, k, k_in, nkv *n);                                     \
        struct name##_ports p = {.q = FX_FROM(q),                              \
                                 .k = FX_FROM(k),                              \
                                 .s = FX_TO(s),                                \
                                 .nkv = nkv,                                   \
                                 .share = share,                               \
                                 .head = head,                                 \
                                 .positions = positions};                      \
        H_RUN(name, p);                                                        \
        for (int h = 0; h < nkv; h++)                                          \
            for (int pos = 0; pos < positions; pos++)                          \
                for (int r = 0; r < share; r++) {                              \
                    FX_BEAT(i27, TP) b = H_TAKE(s);                            \
                    for (int t = 0; t < TP; t++) {                             \
                        int want = 0;                                          \
                        for (int i = 0; i < head; i++)                         \
                            want += q_in[t][(h * share + r) * head + i] *      \
                                    k_in[0][h * n + pos * head + i];           \
                        CHECK_EQ(FX_GET(i27, b, t), want);                     \
                    }                                                          \
                }                                                              \
        h_end();                                                               \
    }
CASE(unit, 1, 1)
CASE(prefill, 3, 4)
CASE(decode, 1, 24)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 16; depth *= 4)
        for (int kind = 0; kind < 3; kind++) {
            run_unit(depth, kind, 1, 1, 1, 1);
            run_unit(depth, kind, 2, 1, 1, 7);
            run_prefill(depth, kind, 3, 4, 64, 19); /* HP heads */
            run_prefill(depth, kind, 2, 1, 64, 5);  /* no sharing */
            run_prefill(depth, kind, 2, 3, 4, 40);  /* one chunk a head */
            run_prefill(depth, kind, 0, 3, 8, 5);
            run_decode(depth, kind, 3, 3, 48, 40);
            run_decode(depth, kind, 1, 2, 24, 1);
            run_decode(depth, kind, 2, 2, 48, 0);
        }
    return h_done("attention_qk");
}
