/* SPDX-License-Identifier: Apache-2.0 */
/* fx/embed.h -- token ids to rows of the embedding, as residuals.
 *
 *     y[t][i] = sat( code[id[t]][i] * scale[id[t]] * 2^res_frac )
 *
 *     id --> req         a row: ceil(4/N) words of header, d/N words of codes
 *     data --> [ TP rows ] --> y
 *
 *   FX_NAME  the function to make      FX_N    codes of a memory word
 *   FX_TP    tokens side by side       FX_DIM  most channels
 *   FX_BP    channels side by side,
 *            divides N
 *
 *   word 0 ..: | mant : 16 | exp : 8 | 0 : 8 | unused |, lanes 0 .. 3 from low
 *              (res_frac is in exp already); then the codes, ceil(d/N) words
 *
 * A group of TP tokens is gathered row by row and leaves channel by channel.
 *
 * units    residual format, 32 bits, saturating; rounds to nearest, halves up
 * errors   a bad parameter stops the compile; an id is the host's to check
 * cycles   TP * (header + d/N) + d/BP
 * proof    tests/fx/embed.c, against gold_embed
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_TP || !defined FX_BP || !defined FX_N ||   \
    !defined FX_DIM
#error "fx/embed.h needs FX_NAME, FX_TP, FX_BP, FX_N and FX_DIM"
#endif
_Static_assert(FX_N % FX_BP == 0, "fx/embed.h: FX_BP must divide FX_N");

struct FX_(ports) {
    FX_IN(u32, FX_TP) id; /* (group) */
    FX_OUT(u32, 2) req;   /* {word address, words}: a row each */
    FX_IN(i8, FX_N) data;
    FX_OUT(i32, FX_TP *FX_BP) y; /* lane c * TP + t: (group, d/BP) */
    int groups, d;
    uint32_t base;   /* word of row 0 */
    uint32_t stride; /* words from row to row, header + ceil(d/N) */
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    enum { HEADER = FX_CEIL(4, FX_N) };
    FX_BEAT(i8, FX_N) row[FX_TP][FX_CEIL(FX_DIM, FX_N)];
    uint32_t scale[FX_TP];
    int words = (int)p->stride - HEADER;

    for (int g = 0; g < p->groups; g++) {
        FX_NEST;
        FX_BEAT(u32, FX_TP) id = FX_READ(p->id);
        /* the request of a row is out while the row before it arrives */
        for (int r = 0; r <= FX_TP; r++) {
            FX_NEST;
            int t = r - 1;
            uint32_t head = 0;
            if (r < FX_TP) {
                FX_BEAT(u32, 2) req = FX_ZERO;
                FX_SET(u32, req, 0, p->base + FX_GET(u32, id, 0) * p->stride);
                FX_SET(u32, req, 1, p->stride);
                FX_WRITE(p->req, req);
            }
            for (int k = 0; k < FX_TP - 1; k++) { /* the next is the lowest */
                FX_UNROLL;
                FX_SET(u32, id, k, FX_GET(u32, id, k + 1));
            }
            for (int n = 0; n < (t < 0 ? 0 : words + HEADER); n++) {
                FX_PIPELINE(gather, 1);
                FX_BEAT(i8, FX_N) w = FX_READ(p->data);
                for (int l = 0; l < FX_MIN(FX_N, 4); l++) {
                    FX_UNROLL;
                    uint32_t byte = (uint32_t)FX_GET(i8, w, l) & 255u;
                    if (n * FX_N + l < 4)
                        head = (head >> 8) | (byte << 24);
                }
                for (int k = 0; k < FX_TP; k++) {
                    FX_UNROLL;
                    if (k == t && n >= HEADER)
                        row[k][n - HEADER] = w;
                }
            }
            for (int k = 0; k < FX_TP; k++) {
                FX_UNROLL;
                if (k == t)
                    scale[k] = head;
            }
        }
        FX_BEAT(i8, FX_N) word[FX_TP];
        int part = 0;
        int c = 0;
        for (int i = 0; i < p->d; i += FX_BP) {
            FX_PIPELINE(send, 1);
            FX_BEAT(i32, FX_TP * FX_BP) y = FX_ZERO;
            for (int t = 0; t < FX_TP; t++) {
                FX_UNROLL;
                FX_BEAT(i8, FX_N) w = word[t];
                FX_BEAT(i8, FX_N) next = FX_ZERO;
                if (part == 0)
                    w = row[t][c];
                for (int b = 0; b < FX_BP; b++) {
                    FX_UNROLL;
                    int32_t code = FX_GET(i8, w, b);
                    FX_SET(i32, y, b * FX_TP + t,
                           num_sat(num_scaled(code, fx_scale(scale[t])), 32));
                }
                for (int l = 0; l < FX_N - FX_BP; l++) {
                    FX_UNROLL;
                    FX_SET(i8, next, l, FX_GET(i8, w, l + FX_BP));
                }
                word[t] = next;
            }
            FX_WRITE(p->y, y);
            c = part == FX_N / FX_BP - 1 ? c + 1 : c;
            part = part == FX_N / FX_BP - 1 ? 0 : part + 1;
        }
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    uint64_t groups = (uint64_t)p->groups;
    if (groups == 0)
        return FX_WAY_NONE;
    return groups * ((uint64_t)FX_TP * p->stride +
                     (uint64_t)FX_CEIL(p->d, FX_BP) +
                     (FX_TP - 1) * FX_WAY(gather, gather, 1) +
                     FX_WAY(gather, send, 0)) +
           FX_WAY_IN(gather, 3) + (groups - 1) * FX_WAY(send, gather, 3) +
           FX_WAY_OUT(send, 0);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0, .mul = FX_TP * FX_BP, .ram_bits = 8ull * FX_TP * FX_DIM};
#include "fx/end.h"
