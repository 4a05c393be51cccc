/* SPDX-License-Identifier: Apache-2.0 */
/* fx/reorder.h -- a block in linear_prefill's order to token order.
 *
 *     x: (tile of WP outputs, group, output in tile)  ->  y: (group, output)
 *
 *     x --> [ buf: groups x DOUT ] --> y
 *
 *   FX_NAME  the function to make       FX_BLOCK  most groups of a block
 *   FX_ELEM  element type               FX_DOUT   most outputs
 *   FX_TP    tokens side by side        FX_WP     outputs of a tile
 *
 * Only needed where a block has more than one group of tokens: operations over
 * a whole row of a token (norm, quantise) want its channels one after another.
 *
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   a step: 2 * groups * dout; with WP 1 the inner loop is no loop, and
 *          no formula is given
 * proof    tests/fx/reorder.c
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_ELEM || !defined FX_TP ||                  \
    !defined FX_WP || !defined FX_BLOCK || !defined FX_DOUT
#error "fx/reorder.h needs FX_NAME, FX_ELEM, FX_TP, FX_WP, FX_BLOCK and FX_DOUT"
#endif
_Static_assert(FX_TP >= 1 && FX_WP >= 1 && FX_BLOCK >= 1 && FX_DOUT >= 1,
               "fx/reorder.h: every parameter must be at least 1");

struct FX_(ports) {
    FX_IN(u32, 3) step; /* {din, dout, groups}; bit 31 of groups is ignored */
    FX_IN(FX_ELEM, FX_TP) x;
    FX_OUT(FX_ELEM, FX_TP) y;
    int steps;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_BEAT(FX_ELEM, FX_TP) buf[FX_BLOCK * FX_DOUT];

    for (int s = 0; s < p->steps; s++) {
        FX_NEST;
        FX_BEAT(u32, 3) step = FX_READ(p->step);
        int dout = (int)FX_GET(u32, step, 1);
        int groups = (int)(FX_GET(u32, step, 2) & 0x7FFFFFFFu);

        for (int o = 0; o < dout; o += FX_WP) {
            FX_NEST;
            for (int g = 0; g < groups; g++) {
                FX_NEST;
                int n = dout - o < FX_WP ? dout - o : FX_WP;
                int at = g * FX_DOUT + o;
                for (int r = 0; r < n; r++) {
                    FX_PIPELINE(keep, 1);
                    buf[at + r] = FX_READ(p->x);
                }
            }
        }
        for (int g = 0; g < groups; g++) {
            FX_NEST;
            for (int o = 0; o < dout; o++) {
                FX_PIPELINE(send, 1);
                FX_BEAT(FX_ELEM, FX_TP) y = buf[g * FX_DOUT + o];
                FX_WRITE(p->y, y);
            }
        }
    }
}

/* Of one step; a call of steps that are not empty adds _call_cycles. */
FX_COST uint64_t FX_(step_cycles)(int dout, int groups)
{
    uint64_t tiles = FX_CEIL((uint64_t)dout, FX_WP), blocks = (uint64_t)groups;
    uint64_t n = 2 * blocks * (uint64_t)dout;
    if (!FX_HAS(keep))
        return FX_UNKNOWN; /* WP is 1 */
    if (n == 0)
        return n;
    return n + (blocks - 1) * tiles * FX_WAY(keep, keep, 1) +
           (tiles - 1) * FX_WAY(keep, keep, 2) + FX_WAY(keep, send, 1) +
           (blocks - 1) * FX_WAY(send, send, 1) + FX_WAY(send, keep, 3);
}

FX_COST uint64_t FX_(call_cycles)(void)
{
    if (!FX_HAS(keep))
        return 0;
    return FX_WAY_IN(keep, 3) - FX_WAY(send, keep, 3) + FX_WAY_OUT(send, 0);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0,
    .mul = 0,
    .ram_bits =
        (uint64_t)FX_BLOCK * FX_DOUT * FX_TP * FX_JOIN(fx_bits_, FX_ELEM),
};
#include "fx/end.h"
