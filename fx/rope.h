/* SPDX-License-Identifier: Apache-2.0 */
/* fx/rope.h -- rotary position embedding of neighbouring channels.
 *
 *     y[t][h][2j]   = sat27(round(x[2j] cos[t][j] - x[2j+1] sin[t][j]))
 *     y[t][h][2j+1] = sat27(round(x[2j] sin[t][j] + x[2j+1] cos[t][j]))
 *
 *     cs --> [ table: TP x HEAD/2 ] --+
 *     x ----------------------------> rotate --> y
 *
 *   FX_NAME  the function to make      FX_BP    channels side by side:
 *   FX_TP    tokens side by side                1 or even
 *                                      FX_HEAD  most channels of a head
 *
 * The table of the tokens' positions comes once and serves all heads. Heads
 * pass_from .. pass_to - 1 go through as they are: the values among keys and
 * queries.
 *
 * units    activations; cosine and sine in Q1.15
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   TP head / max(2, BP) + heads * head/BP, one more where BP is 1
 * proof    tests/fx/rope.c, against gold_rope
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_TP || !defined FX_BP || !defined FX_HEAD
#error "fx/rope.h needs FX_NAME, FX_TP, FX_BP and FX_HEAD"
#endif
_Static_assert(FX_TP >= 1 && (FX_BP == 1 || FX_BP % 2 == 0),
               "fx/rope.h: FX_BP must be 1 or even");
_Static_assert(FX_HEAD >= 2 && FX_HEAD % 2 == 0,
               "fx/rope.h: FX_HEAD must be even");

struct FX_(ports) {
    FX_IN(i27, FX_TP *FX_BP) x;      /* (h, head/BP) beats, lane c * TP + t */
    FX_IN(i16, FX_MAX(2, FX_BP)) cs; /* (t, pair), {cos, sin} a pair */
    FX_OUT(i27, FX_TP *FX_BP) y;     /* as x */
    int heads;
    int head; /* channels a head: even, a multiple of BP, up to HEAD */
    int pass_from, pass_to;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    enum { CS = FX_MAX(2, FX_BP) };
    FX_BEAT(i16, CS) table[FX_TP][FX_CEIL(FX_HEAD, CS)];
#if FX_BP == 1
    /* A pair is two beats, y is a beat behind x. */
    FX_BEAT(i27, FX_TP) first = FX_ZERO, second = FX_ZERO;
#endif
    int token = 0, k = 0, i = 0, h = 0, total = p->heads * p->head;

    for (int n = 0; n < FX_TP * p->head; n += CS) {
        FX_PIPELINE(table, 1);
        FX_BEAT(i16, CS) cs = FX_READ(p->cs);
        for (int t = 0; t < FX_TP; t++) {
            FX_UNROLL;
            if (t == token)
                table[t][k] = cs;
        }
        i += CS;
        k++;
        if (i >= p->head) {
            i = 0;
            k = 0;
            token++;
        }
    }
    for (int n = 0; n < total + (FX_BP == 1); n += FX_BP) {
        FX_PIPELINE(rotate, 1);
        FX_BEAT(i27, FX_TP * FX_BP) x = FX_ZERO, y = FX_ZERO;
        int turn = h < p->pass_from || h >= p->pass_to;
        if (n < total)
            x = FX_READ(p->x);
        for (int t = 0; t < FX_TP; t++) {
            FX_UNROLL;
            FX_BEAT(i16, CS) cs = table[t][k];
            for (int j = 0; j < CS / 2; j++) {
                FX_UNROLL;
                int l = 2 * j * FX_TP + t;
#if FX_BP == 1
                int32_t a = FX_GET(i27, first, t), b = FX_GET(i27, x, t);
#else
                int32_t a = FX_GET(i27, x, l), b = FX_GET(i27, x, l + FX_TP);
#endif
                int32_t c = FX_GET(i16, cs, 2 * j);
                int32_t s = FX_GET(i16, cs, 2 * j + 1);
                int32_t ya = turn ? num_rope_a(a, b, c, s) : a;
                int32_t yb = turn ? num_rope_b(a, b, c, s) : b;
#if FX_BP == 1
                FX_SET(i27, y, l, n % 2 ? ya : FX_GET(i27, second, t));
                FX_SET(i27, second, t, yb);
#else
                FX_SET(i27, y, l, ya);
                FX_SET(i27, y, l + FX_TP, yb);
#endif
            }
        }
#if FX_BP == 1
        first = x;
        if (n > 0)
            FX_WRITE(p->y, y);
        k = n % 2 ? k + 1 : k;
#else
        FX_WRITE(p->y, y);
        k++;
#endif
        i += FX_BP;
        if (i >= p->head) {
            i = 0;
            k = 0;
            h++;
        }
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    uint64_t lanes = FX_MAX(2, FX_BP), beats = (uint64_t)p->heads * p->head;
    uint64_t n = beats / FX_BP + (FX_BP == 1);
    return FX_CEIL(FX_TP * (uint64_t)p->head, lanes) + n +
           FX_WAY_IN(table, 0) +
           (n ? FX_WAY(table, rotate, 0) + FX_WAY_OUT(rotate, 0)
              : FX_WAY_OUT(table, 0));
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0,
    .mul = 2 * FX_TP * FX_MAX(2, FX_BP),
    .ram_bits = 16ull * FX_TP * FX_HEAD,
};
#include "fx/end.h"
