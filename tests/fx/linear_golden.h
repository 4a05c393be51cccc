/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/linear_golden.h -- random linears and what golden/ops.c makes of
 * them, for the tests of the two arrays. */
#include "golden/ops.h"

enum { MAX_IN = 2100, MAX_OUT = 80, MAX_TOKENS = 16 };

static int8_t codes[MAX_TOKENS][MAX_IN], weights[MAX_OUT][MAX_IN];
static uint8_t mults[MAX_OUT][MAX_IN];
static int64_t want[MAX_TOKENS][MAX_OUT];

/* want = the exact sums, from weights packed as the package has them. */
static void golden(int wbits, int group, int din, int dout, int tokens)
{
    static uint8_t packed[MAX_OUT * MAX_IN], mul[MAX_OUT * MAX_IN];
    static int32_t colsum[MAX_OUT];
    int row = wbits == 8 ? din : (din + 1) / 2, parts = group ? din / group : 0;
    memset(packed, 0, sizeof packed);
    for (int o = 0; o < dout; o++) {
        for (int i = 0; i < din; i++)
            if (wbits == 8)
                packed[o * row + i] = (uint8_t)weights[o][i];
            else
                packed[o * row + i / 2] |=
                    (uint8_t)((weights[o][i] & 15) << 4 * (i & 1));
        for (int g = 0; g < parts; g++)
            mul[o * parts + g] = mults[o][g];
    }
    struct num_qlinear lin = {.din = din,
                              .dout = dout,
                              .wbits = wbits,
                              .group = group,
                              .w = packed,
                              .mul = mul,
                              .colsum = colsum};
    for (int t = 0; t < tokens; t++)
        gold_linear(&lin, codes[t], 0, want[t]);
}

static void fill(int xlo, int xhi, int wlo, int whi, int mlo, int mhi)
{
    for (int t = 0; t < MAX_TOKENS; t++)
        for (int i = 0; i < MAX_IN; i++)
            codes[t][i] = (int8_t)h_rand(xlo, xhi);
    for (int o = 0; o < MAX_OUT; o++)
        for (int i = 0; i < MAX_IN; i++) {
            weights[o][i] = (int8_t)h_rand(wlo, whi);
            mults[o][i] = (uint8_t)h_rand(mlo, mhi);
        }
}

/* Kind 0 is random; 1 .. 3 are the largest sums, of either sign. */
static void fill_kind(int kind, int xbits, int wbits)
{
    int x = xbits == 8 ? (kind == 1 ? -127 : 127) : kind == 2 ? 0 : 15;
    int w = wbits == 8 ? (kind == 3 ? 127 : -127) : kind == 3 ? 7 : -8;
    if (kind)
        fill(x, x, w, w, 255, 255);
    else
        fill(xbits == 8 ? -127 : 0, xbits == 8 ? 127 : 15,
             wbits == 8 ? -127 : -8, wbits == 8 ? 127 : 7, 1, 255);
}
