/* SPDX-License-Identifier: Apache-2.0 */
/* fx/memory_row.h -- a vector becomes a row of the embedding table.
 *
 *     words at base:  the scale word in ceil(4/N) words, then the codes
 *
 *     s --+--> req       one request
 *     x --+--> data      the layout that fx/embed.h reads
 *
 *   FX_NAME  the function to make      FX_N   codes of a memory word
 *   FX_BP    channels side by side,    FX_BP must divide N
 *
 * Where an HMT's P goes, prefill and decode take it as a token behind the
 * vocabulary.
 *
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   vectors * (ceil(4/N) + channels/BP); of one vector: no design writes
 *          more at a time
 * proof    tests/fx/memory_row.c, against fx/embed.h
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_BP || !defined FX_N
#error "fx/memory_row.h needs FX_NAME, FX_BP and FX_N"
#endif
_Static_assert(FX_N % FX_BP == 0, "fx/memory_row.h: FX_BP must divide FX_N");

struct FX_(ports) {
    FX_IN(scale, 1) s; /* the row's, zero point 0 */
    FX_IN(i8, FX_BP) x;
    FX_OUT(u32, 2) req; /* {word address, words} */
    FX_OUT(i8, FX_N) data;
    int vectors;   /* usually 1; 0: none */
    int words;     /* of codes: ceil(d / N) */
    uint32_t base; /* of the row */
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    enum { HEADER = FX_CEIL(4, FX_N), PARTS = FX_N / FX_BP };

    for (int v = 0; v < p->vectors; v++) { /* all to the same place */
        FX_NEST;
        FX_BEAT(scale, 1) s = FX_READ(p->s);
        FX_BEAT(u32, 2) req = FX_ZERO;
        uint32_t head = FX_GET(scale, s, 0);
        FX_SET(u32, req, 0, p->base);
        FX_SET(u32, req, 1, HEADER + p->words);
        FX_WRITE(p->req, req);
        for (int n = 0; n < HEADER; n++) {
            FX_PIPELINE(header, 1);
            FX_BEAT(i8, FX_N) w = FX_ZERO;
            for (int l = 0; l < FX_MIN(FX_N, 4); l++) {
                FX_UNROLL;
                FX_SET(i8, w, l, head & 255u);
                head >>= 8;
            }
            FX_WRITE(p->data, w);
        }
        FX_BEAT(i8, FX_N) word = FX_ZERO;
        int part = 0;
        for (int n = 0; n < p->words * PARTS; n++) {
            FX_PIPELINE(code, 1);
            FX_BEAT(i8, FX_BP) x = FX_READ(p->x);
            for (int l = 0; l < FX_N - FX_BP; l++) {
                FX_UNROLL;
                FX_SET(i8, word, l, FX_GET(i8, word, l + FX_BP));
            }
            for (int b = 0; b < FX_BP; b++) {
                FX_UNROLL;
                FX_SET(i8, word, FX_N - FX_BP + b, FX_GET(i8, x, b));
            }
            if (part == PARTS - 1)
                FX_WRITE(p->data, word);
            part = part == PARTS - 1 ? 0 : part + 1;
        }
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    uint64_t v = (uint64_t)p->vectors, header = FX_WAY_IN(code, 1);
    if (v == 0)
        return FX_WAY_NONE;
    if (v > 1 && FX_WAY_NONE)
        return FX_UNKNOWN; /* no design writes more than one at a time */
    if (FX_HAS(header))
        header =
            FX_WAY_IN(header, 1) + FX_CEIL(4, FX_N) + FX_WAY(header, code, 0);
    return header + (v - 1) * FX_CEIL(4, FX_N) +
           v * (uint64_t)p->words * (FX_N / FX_BP) + FX_WAY_OUT(code, 0);
}

FX_COST const struct fx_cost FX_(cost) = {.fill = 0, .mul = 0, .ram_bits = 0};
#include "fx/end.h"
