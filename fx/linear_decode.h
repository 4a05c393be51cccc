/* SPDX-License-Identifier: Apache-2.0 */
/* fx/linear_decode.h -- the linear layer of decode: one token, WP outputs x BP
 * inputs a cycle, a matrix-vector engine for all linears and the head.
 *
 *     y[o] = sum over i of x[i] * w[o][i]                 exact, no zero point
 *     with weight groups:  sum over g of mul[o][g] * sum over i in g of ...
 *
 *     x --> [ xbuf: DIN ] --+
 *     w -----------------> MAC[WP][BP] --> out[WP] --> + --> y
 *                                     mul --> *    [ ring: WP ]
 *
 *   FX_NAME   the function to make        FX_DIN    most inputs of a linear
 *   FX_BP     inputs side by side         FX_GROUP  inputs a weight group,
 *   FX_WP     outputs side by side,                 0: a scale a row;
 *             a multiple of BP                      a multiple of BP
 *   FX_XBITS  8: i8, 4: u4 codes
 *   FX_WBITS  4: i4, 8: i8 weights
 *
 * One call runs `steps` linears; a step word gives each its shape: din and dout
 * are multiples of BP. The weights stream through once and are never kept: a
 * cycle eats BP * WP of them, and that is the engine's speed. Two 4-bit weights
 * share a multiplier (fx/mac.h). Results leave while the next tile runs.
 *
 * units    codes in, exact sums out
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   a step: tiles * chunks of max(din / BP, WP / BP) + WP / BP
 * source   the decode engine of FlexLLM, arXiv 2601.15710, with buffers that
 *          let the array never stop
 * proof    tests/fx/linear_decode.c
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_BP || !defined FX_WP ||                    \
    !defined FX_XBITS || !defined FX_WBITS || !defined FX_DIN ||               \
    !defined FX_GROUP
#error "fx/linear_decode.h needs FX_NAME, FX_BP, FX_WP, FX_XBITS, FX_WBITS, \
FX_DIN and FX_GROUP"
#endif
_Static_assert(FX_BP >= 1 && FX_BP <= 1024 && FX_WP % FX_BP == 0,
               "fx/linear_decode.h: FX_WP must be a multiple of FX_BP");
_Static_assert(FX_GROUP % FX_BP == 0,
               "fx/linear_decode.h: FX_GROUP must be a multiple of FX_BP");

#include "fx/mac.h"
_Static_assert(FX_BP <= FX_(chunk), "fx/linear_decode.h: FX_BP is more than a "
                                    "word of products");

struct FX_(ports) {
    FX_IN(u32, 3) step;               /* {din, dout, unused}, one a step */
    FX_IN(FX_ELEM_X, FX_BP) x;        /* din/BP beats */
    FX_IN(FX_ELEM_W, FX_BP *FX_WP) w; /* (tile, din/BP) beats, lane o * BP + b
                                          is output o, input b; 0 past dout */
#if FX_GROUP
    FX_IN(u8, FX_BP) mul; /* (tile, weight group, WP/BP) beats */
#endif
    FX_OUT(i40, FX_BP) y; /* dout/BP beats */
    int steps;
};

struct FX_(tail) {
    int rows;        /* outputs that exist; 0: no pass before */
    int first, last; /* chunk of its row */
};

/* Row r, BP outputs, of the pass before. out and ring turn, so that only
 * their first rows are looked at. */
NUM_FN void FX_(drain)(const struct FX_(ports) *p, int r,
                       const struct FX_(tail) tail,
                       FX_INT(26) out[FX_WP / FX_BP][FX_BP],
                       FX_(sum) ring[FX_WP / FX_BP][FX_BP])
{
    FX_BEAT(u8, FX_BP) mul = FX_ZERO;
#if FX_GROUP
    if (tail.rows > 0)
        mul = FX_READ(p->mul);
#endif
    FX_BEAT(i40, FX_BP) y = FX_ZERO;
    for (int b = 0; b < FX_BP; b++) {
        FX_UNROLL;
        int32_t m = FX_GROUP ? FX_GET(u8, mul, b) : (int32_t)1;
        int64_t v = (int64_t)out[0][b] * m;
        int64_t sum = (tail.first ? (int64_t)0 : (int64_t)ring[0][b]) + v;
        for (int o = 0; o < FX_WP / FX_BP - 1; o++) {
            FX_UNROLL;
            ring[o][b] = ring[o + 1][b];
            out[o][b] = out[o + 1][b];
        }
        ring[FX_WP / FX_BP - 1][b] = (FX_(sum))sum;
        FX_SET(i40, y, b, (int64_t)ring[FX_WP / FX_BP - 1][b]);
    }
    if (tail.last && r * FX_BP < tail.rows)
        FX_WRITE(p->y, y);
}

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    enum {
        CHUNK = FX_(chunk) / FX_BP * FX_BP, /* inputs */
        PAIRS = FX_CEIL(FX_WP, FX_PACK),
        ROWS = FX_WP / FX_BP,
    };
    FX_BEAT(FX_ELEM_X, FX_BP) xbuf[FX_CEIL(FX_DIN, FX_BP)];
    FX_(word) acc[PAIRS];
    FX_INT(26) out[ROWS][FX_BP];
    FX_(sum) ring[ROWS][FX_BP];

    for (int s = 0; s < p->steps; s++) {
        FX_NEST;
        FX_BEAT(u32, 3) step = FX_READ(p->step);
        int din = (int)FX_GET(u32, step, 0);
        int dout = (int)FX_GET(u32, step, 1);
        struct FX_(tail) tail = {0, 1, 0};

        for (int o = 0; o < dout; o += FX_WP) {
            FX_NEST;
            int at = 0; /* beat of xbuf */
            for (int i0 = 0; i0 < din; i0 += CHUNK) {
                FX_NEST;
                int len = din - i0 < CHUNK ? din - i0 : CHUNK;
                int n = len < FX_WP ? FX_WP : len;
                int k = 0; /* i / BP */
                for (int i = 0; i < n; i += FX_BP) {
                    FX_PIPELINE(mac, 1);
                    FX_BEAT(FX_ELEM_X, FX_BP) x = FX_ZERO;
                    FX_BEAT(FX_ELEM_W, FX_BP * FX_WP) w = FX_ZERO;
                    if (i < len) {
                        if (o == 0) {
                            x = FX_READ(p->x);
                            xbuf[at + k] = x;
                        } else {
                            x = xbuf[at + k];
                        }
                        w = FX_READ(p->w);
                    }
                    for (int q = 0; q < PAIRS; q++) {
                        FX_UNROLL;
                        int64_t sum = i == 0 ? (int64_t)0 : (int64_t)acc[q];
                        for (int b = 0; b < FX_BP; b++) {
                            FX_UNROLL;
                            int lane = q * FX_PACK * FX_BP + b;
                            int32_t w1 = 0;
                            if (q * FX_PACK + FX_PACK - 1 < FX_WP)
                                w1 = FX_GET(FX_ELEM_W, w,
                                            lane + (FX_PACK - 1) * FX_BP);
                            FX_(pair) ww =
                                FX_(operand)(FX_GET(FX_ELEM_W, w, lane), w1);
                            sum += (int64_t)ww * FX_GET(FX_ELEM_X, x, b);
                        }
                        acc[q] = (FX_(word))sum;
                    }
                    if (k < ROWS)
                        FX_(drain)(p, k, tail, out, ring);
                    k++;
                }
                for (int r = 0; r < ROWS; r++) {
                    FX_UNROLL;
                    for (int b = 0; b < FX_BP; b++) {
                        FX_UNROLL;
                        int c = r * FX_BP + b;
                        out[r][b] = (FX_INT(26))FX_(field)(acc[c / FX_PACK],
                                                           c % FX_PACK);
                    }
                }
                at += CHUNK / FX_BP;
                tail.rows = dout - o;
                tail.first = i0 == 0;
                tail.last = i0 + CHUNK >= din;
            }
        }
        for (int r = 0; r < ROWS; r++) {
            FX_PIPELINE(drain, 1);
            FX_(drain)(p, r, tail, out, ring);
        }
    }
}

/* Of one step: the ports know only how many there are. A call of steps that
 * are not empty takes what they take and _call_cycles. */
FX_COST uint64_t FX_(step_cycles)(int din, int dout)
{
    uint64_t chunk = FX_(chunk) / FX_BP * FX_BP, n = 0;
    uint64_t chunks = FX_CEIL((uint64_t)din, chunk);
    uint64_t tiles = FX_CEIL((uint64_t)dout, FX_WP);
    for (uint64_t i0 = 0; i0 < (uint64_t)din; i0 += chunk) {
        uint64_t len = (uint64_t)din - i0 < chunk ? (uint64_t)din - i0 : chunk;
        n += FX_CEIL(len < FX_WP ? FX_WP : len, FX_BP);
    }
    n = n * tiles + FX_WP / FX_BP;
    if (!FX_HAS(drain))
        return FX_UNKNOWN; /* WP is 1 */
    if (chunks * tiles == 0)
        return n;
    return n + (chunks - 1) * tiles * FX_WAY(mac, mac, 1) +
           (tiles - 1) * FX_WAY(mac, mac, 2) + FX_WAY(mac, drain, 0) +
           FX_WAY(drain, mac, 3);
}

FX_COST uint64_t FX_(call_cycles)(void)
{
    if (!FX_HAS(drain))
        return 0;
    return FX_WAY_IN(mac, 3) - FX_WAY(drain, mac, 3) + FX_WAY_OUT(drain, 0);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0,
    .mul = FX_CEIL(FX_WP, FX_PACK) * FX_BP,
    .ram_bits = (uint64_t)FX_DIN * FX_XBITS,
};
#include "fx/end.h"
