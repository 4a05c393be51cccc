/* SPDX-License-Identifier: Apache-2.0 */
/* fx/linear_prefill.h -- the linear layer of prefill: TP tokens x WP outputs.
 *
 *     y[t][o] = sum over i of x[t][i] * w[o][i]           exact, no zero point
 *     with weight groups:  sum over g of mul[o][g] * sum over i in g of ...
 *
 *     x --> [ xbuf: groups x DIN ] --+
 *     w --> [ wbuf: DIN ] --> MAC[WP][TP] --> out --> + --> y
 *                                            mul --> * [ part: WP rows ]
 *
 *   FX_NAME   the function to make        FX_DIN    most inputs of a linear
 *   FX_TP     tokens side by side         FX_BLOCK  most groups of TP tokens
 *   FX_WP     outputs side by side        FX_GROUP  inputs a weight group,
 *   FX_XBITS  8: i8, 4: u4 codes                    0: a scale a row
 *   FX_WBITS  4: i4, 8: i8 weights
 *
 * One call runs `steps` linears; a step word gives each its shape, so that one
 * array serves all linears of all layers. A weight tile (WP outputs x din) is
 * read once and meets every group of the block before the next one comes.
 *
 * Two 4-bit weights share a multiplier: x * (w0 + w1 * 2^22) is 8 x 27 bits,
 * one DSP48E2, and 1,024 of them fit: |sum of x * w0| <= 2^20. `acc` is written
 * by the array only, so that it can be the DSPs' own register; `out` is what
 * the array leaves in fabric. The fields are taken apart row by row while the
 * next inputs are multiplied.
 *
 * units    codes in, exact sums out
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   a step: passes * max(inputs of a pass, WP) + WP, where a pass is a
 *          chunk of at most 1,024 inputs (a weight group) of a group of tokens
 * source   output-stationary prefill linear of FlexLLM, arXiv 2601.15710; the
 *          packing follows Xilinx WP487, for 4-bit weights
 * proof    tests/fx/linear_prefill.c
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_TP || !defined FX_WP ||                    \
    !defined FX_XBITS || !defined FX_WBITS || !defined FX_DIN ||               \
    !defined FX_BLOCK || !defined FX_GROUP
#error "fx/linear_prefill.h needs FX_NAME, FX_TP, FX_WP, FX_XBITS, FX_WBITS, \
FX_DIN, FX_BLOCK and FX_GROUP"
#endif
_Static_assert(FX_TP >= 1 && FX_WP >= 1 && FX_BLOCK >= 1,
               "fx/linear_prefill.h: FX_TP, FX_WP and FX_BLOCK must be >= 1");
#include "fx/mac.h"

struct FX_(ports) {
    FX_IN(u32, 3) step; /* {din, dout, groups of TP tokens}, one a step */
    FX_IN(FX_ELEM_X, FX_TP) x; /* (group, din) beats */
    FX_IN(FX_ELEM_W, FX_WP) w; /* (tile, din) beats; outputs past dout are 0 */
#if FX_GROUP
    FX_IN(u8, 1) mul; /* (tile, token group, weight group, output in tile) */
#endif
    FX_OUT(i40, FX_TP) y; /* (tile, group, output in tile), none past dout */
    int steps;
};

/* What is left to do for the pass before: its rows leave one a cycle. */
struct FX_(tail) {
    int rows;        /* rows that exist; 0: no pass before */
    int first, last; /* chunk of its row */
    int fresh, base; /* multipliers: to be read, and where they are kept */
};

/* Row r of the pass before: takes it out of `out`, adds it to its row of
 * `part` and, after the last chunk, sends it. `out` turns, so that only its
 * first row is looked at. */
NUM_FN void FX_(drain)(const struct FX_(ports) *p, int r,
                       const struct FX_(tail) tail,
                       FX_(word) out[FX_CEIL(FX_WP, FX_PACK)][FX_TP],
                       FX_(sum) part[FX_TP][FX_WP], FX_BEAT(u8, 1) *mulbuf)
{
    int32_t mul = 1;
#if FX_GROUP
    if (tail.rows > 0) {
        FX_BEAT(u8, 1) m = FX_ZERO;
        if (tail.fresh) {
            m = FX_READ(p->mul);
            mulbuf[tail.base + r] = m;
        } else {
            m = mulbuf[tail.base + r];
        }
        mul = FX_GET(u8, m, 0);
    }
#endif
    FX_BEAT(i40, FX_TP) y = FX_ZERO;
    for (int t = 0; t < FX_TP; t++) {
        FX_UNROLL;
        int64_t v = (int64_t)FX_(field)(out[0][t], r & 1) * mul;
        FX_(sum) sum =
            (FX_(sum))((tail.first ? (int64_t)0 : (int64_t)part[t][r]) + v);
        part[t][r] = sum;
        FX_SET(i40, y, t, (int64_t)sum);
    }
    if (FX_PACK == 1 || (r & 1))
        for (int q = 0; q < FX_CEIL(FX_WP, FX_PACK) - 1; q++) {
            FX_UNROLL;
            for (int t = 0; t < FX_TP; t++) {
                FX_UNROLL;
                out[q][t] = out[q + 1][t];
            }
        }
    if (tail.last && r < tail.rows)
        FX_WRITE(p->y, y);
}

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    enum { CHUNK = FX_(chunk), PAIRS = FX_CEIL(FX_WP, FX_PACK) };
    FX_BEAT(FX_ELEM_X, FX_TP) xbuf[FX_BLOCK * FX_DIN];
    FX_BEAT(FX_ELEM_W, FX_WP) wbuf[FX_DIN];
    FX_BEAT(u8, 1) mulbuf[FX_GROUP ? FX_CEIL(FX_DIN, CHUNK) * FX_WP : 1];
    FX_(word) acc[PAIRS][FX_TP];
    FX_(word) out[PAIRS][FX_TP];
    FX_(sum) part[FX_TP][FX_WP];

    for (int s = 0; s < p->steps; s++) {
        FX_NEST;
        FX_BEAT(u32, 3) step = FX_READ(p->step);
        int din = (int)FX_GET(u32, step, 0);
        int dout = (int)FX_GET(u32, step, 1);
        int groups = (int)FX_GET(u32, step, 2);
        struct FX_(tail) tail = {0, 1, 0, 0, 0};

        /* The last turn has nothing to multiply: the tile before leaves. */
        for (int o = 0; o < dout + FX_WP; o += FX_WP) {
            FX_NEST;
            int inputs = o < dout ? din : 1, turns = o < dout ? groups : 1;
            for (int g = 0; g < turns; g++) {
                FX_NEST;
                int base = 0;
                for (int i0 = 0; i0 < inputs; i0 += CHUNK) {
                    FX_NEST;
                    int left = o < dout ? din - i0 : 0;
                    int len = left < CHUNK ? left : CHUNK;
                    int n = len < FX_WP ? FX_WP : len;
                    int xat = g * FX_DIN + i0;
                    for (int i = 0; i < n; i++) {
                        FX_PIPELINE(mac, 1);
                        FX_NODEP(part); /* a row a pass */
                        FX_BEAT(FX_ELEM_X, FX_TP) x = FX_ZERO;
                        FX_BEAT(FX_ELEM_W, FX_WP) w = FX_ZERO;
                        if (i < len) {
                            if (o == 0) {
                                x = FX_READ(p->x);
                                xbuf[xat + i] = x;
                            } else {
                                x = xbuf[xat + i];
                            }
                            if (FX_BLOCK == 1 || g == 0)
                                w = FX_READ(p->w);
                            else
                                w = wbuf[i0 + i];
                            if (FX_BLOCK > 1 && g == 0)
                                wbuf[i0 + i] = w;
                        }
                        for (int q = 0; i == 0 && q < PAIRS; q++) {
                            FX_UNROLL;
                            for (int t = 0; t < FX_TP; t++) {
                                FX_UNROLL;
                                out[q][t] = acc[q][t];
                            }
                        }
                        if (i < FX_WP)
                            FX_(drain)(p, i, tail, out, part, mulbuf);
                        for (int q = 0; q < PAIRS; q++) {
                            FX_UNROLL;
                            int32_t w1 = 0;
                            if (q * FX_PACK + FX_PACK - 1 < FX_WP)
                                w1 =
                                    FX_GET(FX_ELEM_W, w, (q + 1) * FX_PACK - 1);
                            FX_(pair) ww = FX_(operand)(
                                FX_GET(FX_ELEM_W, w, q * FX_PACK), w1);
                            for (int t = 0; t < FX_TP; t++) {
                                FX_UNROLL;
                                int64_t wx =
                                    (int64_t)ww * FX_GET(FX_ELEM_X, x, t);
                                acc[q][t] =
                                    (FX_(word))((i == 0 ? (int64_t)0
                                                        : (int64_t)acc[q][t]) +
                                                wx);
                            }
                        }
                    }
                    tail.rows = dout - o;
                    tail.first = i0 == 0;
                    tail.last = i0 + CHUNK >= din;
                    tail.fresh = g == 0;
                    tail.base = base;
                    base += FX_WP;
                }
            }
        }
    }
}

/* Of one step: the ports know only how many there are. A call of steps takes
 * what they take and _call_cycles. */
FX_COST uint64_t FX_(step_cycles)(int din, int dout, int groups)
{
    uint64_t chunk = FX_(chunk), n = 0;
    uint64_t chunks = FX_CEIL((uint64_t)din, chunk);
    uint64_t tiles = FX_CEIL((uint64_t)dout, FX_WP), blocks = (uint64_t)groups;
    for (uint64_t i0 = 0; i0 < (uint64_t)din; i0 += chunk) {
        uint64_t len = (uint64_t)din - i0 < chunk ? (uint64_t)din - i0 : chunk;
        n += len < FX_WP ? FX_WP : len;
    }
    n = n * blocks * tiles + FX_WP + FX_WAY(mac, mac, 4);
    if (chunks * blocks == 0)
        return n;
    return n + (chunks - 1) * blocks * tiles * FX_WAY(mac, mac, 1) +
           (blocks - 1) * tiles * FX_WAY(mac, mac, 2) +
           tiles * FX_WAY(mac, mac, 3);
}

FX_COST uint64_t FX_(call_cycles)(void)
{
    return FX_WAY_IN(mac, 4) - FX_WAY(mac, mac, 4) + FX_WAY_OUT(mac, 0);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0,
    .mul = FX_CEIL(FX_WP, FX_PACK) * FX_TP,
    .ram_bits = (uint64_t)FX_BLOCK * FX_DIN * FX_TP * FX_XBITS +
                (FX_BLOCK > 1 ? (uint64_t)FX_DIN * FX_WP * FX_WBITS : 0) +
                (uint64_t)FX_TP * FX_WP * FX_(sum_bits),
};
#include "fx/end.h"
