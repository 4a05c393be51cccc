/* SPDX-License-Identifier: Apache-2.0 */
/* fx/load.h -- streams regions of off-chip memory in.
 *
 *     for each region {word address, words}:  y = those words, in order
 *
 *     region --+--> req    requests of at most BURST words
 *      data ---+--> y
 *
 *   FX_NAME  the function to make     FX_N      lanes of a word
 *   FX_ELEM  element type             FX_BURST  most words of a request
 *
 * The next request is out while the words of one arrive, never more, so that no
 * depth of queues can lock up; a burst that covers the memory's latency keeps
 * the channel busy. The word is the beat, packed as fx/README.md shows.
 *
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   a region: its words, where bursts cover the latency; the memory's
 *          answers are not the module's, so no formula is exact
 * proof    tests/fx/load.c
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_ELEM || !defined FX_N || !defined FX_BURST
#error "fx/load.h needs FX_NAME, FX_ELEM, FX_N and FX_BURST"
#endif
_Static_assert(FX_N >= 1 && FX_BURST >= 1,
               "fx/load.h: FX_N and FX_BURST must be at least 1");

struct FX_(ports) {
    FX_IN(u32, 2) region; /* {word address, words}: regions of them */
    FX_OUT(u32, 2) req;   /* {word address, words <= BURST} */
    FX_IN(FX_ELEM, FX_N) data;
    FX_OUT(FX_ELEM, FX_N) y;
    int regions;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    uint32_t due = 0; /* words of the request before */

    for (int r = 0; r <= p->regions; r++) {
        FX_NEST;
        uint32_t at = 0;
        uint32_t words = 0; /* after the last region only what is due */
        if (r < p->regions) {
            FX_BEAT(u32, 2) region = FX_READ(p->region);
            at = FX_GET(u32, region, 0);
            words = FX_GET(u32, region, 1);
        }
        int last = r == p->regions;
        for (uint32_t n = 0; n < words || (last && n == 0); n += FX_BURST) {
            FX_NEST;
            uint32_t left = words - n;
            uint32_t burst = left < FX_BURST ? left : (uint32_t)FX_BURST;
            if (burst > 0) {
                FX_BEAT(u32, 2) req = FX_ZERO;
                FX_SET(u32, req, 0, at + n);
                FX_SET(u32, req, 1, burst);
                FX_WRITE(p->req, req);
            }
            for (uint32_t k = 0; k < due; k++) {
                FX_PIPELINE(pass, 1);
                FX_BEAT(FX_ELEM, FX_N) y = FX_READ(p->data);
                FX_WRITE(p->y, y);
            }
            due = burst;
        }
    }
}

FX_COST const struct fx_cost FX_(cost) = {.fill = 0, .mul = 0, .ram_bits = 0};
#include "fx/end.h"
