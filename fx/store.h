/* SPDX-License-Identifier: Apache-2.0 */
/* fx/store.h -- writes a stream to regions of off-chip memory.
 *
 *     for each region {word address, words}:  those words = x, in order
 *
 *     region --+--> req     requests of at most BURST words
 *          x --+--> data
 *
 *   FX_NAME  the function to make     FX_N      lanes of a word
 *   FX_ELEM  element type             FX_BURST  most words of a request
 *
 * The memory answers each request when its words are in; fx/settle.h counts
 * the answers. Whoever reads the region afterwards waits for that: nothing
 * else orders a read after a write.
 *
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   a region: its words
 * proof    tests/fx/load.c
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_ELEM || !defined FX_N || !defined FX_BURST
#error "fx/store.h needs FX_NAME, FX_ELEM, FX_N and FX_BURST"
#endif
_Static_assert(FX_N >= 1 && FX_BURST >= 1,
               "fx/store.h: FX_N and FX_BURST must be at least 1");

struct FX_(ports) {
    FX_IN(u32, 2) region; /* {word address, words}: regions of them */
    FX_IN(FX_ELEM, FX_N) x;
    FX_OUT(u32, 2) req; /* {word address, words <= BURST} */
    FX_OUT(FX_ELEM, FX_N) data;
    int regions;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int r = 0; r < p->regions; r++) {
        FX_NEST;
        FX_BEAT(u32, 2) region = FX_READ(p->region);
        uint32_t at = FX_GET(u32, region, 0);
        uint32_t words = FX_GET(u32, region, 1);

        for (uint32_t n = 0; n < words; n += FX_BURST) {
            FX_NEST;
            uint32_t left = words - n;
            uint32_t burst = left < FX_BURST ? left : (uint32_t)FX_BURST;
            FX_BEAT(u32, 2) req = FX_ZERO;
            FX_SET(u32, req, 0, at + n);
            FX_SET(u32, req, 1, burst);
            FX_WRITE(p->req, req);
            for (uint32_t k = 0; k < burst; k++) {
                FX_PIPELINE(pass, 1);
                FX_BEAT(FX_ELEM, FX_N) x = FX_READ(p->x);
                FX_WRITE(p->data, x);
            }
        }
    }
}

FX_COST const struct fx_cost FX_(cost) = {.fill = 0, .mul = 0, .ram_bits = 0};
#include "fx/end.h"
