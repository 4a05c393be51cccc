/* SPDX-License-Identifier: Apache-2.0 */
/* engine/pack.c -- repacks weights for the kernels, once, at load.
 *
 * All packed weights lie in one arena in the order in which a token reads
 * them. Layouts: kernel.h. Rows that pad a panel have code 0 and scale 0.
 */
#define _GNU_SOURCE
#include "engine/engine_int.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "engine/pack.c builds words with the first byte lowest");

enum { ALIGN = 64, HUGE = 2 << 20 };

/* Takes `size` bytes of the arena; before it exists, only counts them. */
static void *take(uint8_t *arena, size_t *used, size_t size)
{
    void *p = arena ? arena + *used : NULL;
    *used += (size + ALIGN - 1) / ALIGN * ALIGN;
    return p;
}

/* Places one linear in the arena and fills everything but the arrays. */
static void place(const struct engine *e, struct eng_lin *l,
                  const struct num_qlinear *q, const struct num_qsite *site,
                  uint8_t *arena, size_t *used)
{
    int vec = e->k->vec, p = vec / 2;
    int xbits = num_input_bits(site), wbits = num_weight_bits(q);
    int64_t xmax = num_input_most(site), wmax = wbits == 4 ? 8 : 128;
    l->q = q;
    l->blocks = (q->din + ENG_KB - 1) / ENG_KB;
    l->gblocks = q->group ? q->group / ENG_KB : l->blocks;
    l->panels = (q->dout + p - 1) / p;
    /* |acc| <= din xmax wmax [255] must fit 31 bits; sums are modulo 2^32 on
     * the way. It always does without multipliers: 2^17 127 128 < 2^31. */
    l->plain = (q->group && q->group % ENG_KB) ||
               q->din * xmax * wmax * (q->group ? 255 : 1) > INT32_MAX;
    l->mm = wbits == 8 ? e->k->mm8 : xbits == 4 ? e->k->mm4a4 : e->k->mm4a8;
    if (l->plain)
        return;
    size_t rows = (size_t)l->panels * (size_t)p;
    l->panel_bytes = (size_t)l->blocks * 8 * (size_t)vec * (wbits == 8 ? 2 : 1);
    l->w = take(arena, used, (size_t)l->panels * l->panel_bytes);
    l->mul = q->group
                 ? take(arena, used, rows * (size_t)(l->blocks / l->gblocks))
                 : NULL;
    l->ws = take(arena, used, rows * sizeof *l->ws);
    l->colsum = take(arena, used, rows * sizeof *l->colsum);
    l->bias = q->bias ? take(arena, used, rows * sizeof *l->bias) : NULL;
}

static void place_all(struct engine *e, size_t *used)
{
    const struct num_qmodel *m = e->m;
    static const int site[NUM_LINEARS] = {
        [NUM_Q] = NUM_SITE_ATTN,   [NUM_K] = NUM_SITE_ATTN,
        [NUM_V] = NUM_SITE_ATTN,   [NUM_O] = NUM_SITE_O,
        [NUM_GATE] = NUM_SITE_FFN, [NUM_UP] = NUM_SITE_FFN,
        [NUM_DOWN] = NUM_SITE_DOWN};
    *used = 0;
    for (int i = 0; i < m->shape.layers; i++)
        for (int j = 0; j < NUM_LINEARS; j++)
            place(e, &e->layer[i].lin[j], &m->layer[i].lin[j],
                  &m->layer[i].site[site[j]], e->arena, used);
    place(e, &e->head, &m->head, &m->head_site, e->arena, used);
}

/* The four 4-bit codes in the low 16 bits of x, one a byte. */
static uint32_t spread(uint32_t x)
{
    x = (x | x << 8) & 0x00FF00FF;
    return (x | x << 4) & 0x0F0F0F0F;
}

/* Inputs 4s .. 4s+3 of a row of 4-bit codes, as 16 bits. */
static uint32_t nibbles(const uint8_t *row, int bytes, int s)
{
    uint32_t a = 2 * s < bytes ? row[2 * s] : 0;
    uint32_t b = 2 * s + 1 < bytes ? row[2 * s + 1] : 0;
    return a | b << 8;
}

/* Eight 4-bit codes in the low 32 bits of x, one a byte. */
static uint64_t spread8(uint64_t x)
{
    x = (x | x << 16) & 0x0000FFFF0000FFFF;
    x = (x | x << 8) & 0x00FF00FF00FF00FF;
    return (x | x << 4) & 0x0F0F0F0F0F0F0F0F;
}

/* Two steps at a time from whole words of two rows; returns the steps done. */
static int pack4_fast(const uint8_t *a, const uint8_t *b, int bytes, int vec,
                      uint8_t *to)
{
    int s = 0;
    for (; 2 * s + 4 <= bytes; s += 2) {
        uint32_t x, y;
        memcpy(&x, a + 2 * s, sizeof x);
        memcpy(&y, b + 2 * s, sizeof y);
        uint64_t v = (spread8(x) | spread8(y) << 4) ^ 0x8888888888888888;
        memcpy(to + (ptrdiff_t)s * vec, &v, 4);
        v >>= 32;
        memcpy(to + (ptrdiff_t)(s + 1) * vec, &v, 4);
    }
    return s;
}

static void pack4(const struct eng_lin *l, int vec, int panel)
{
    const struct num_qlinear *q = l->q;
    int half = vec / 4, bytes = (q->din + 1) / 2;
    uint8_t *to = l->w + (size_t)panel * l->panel_bytes;
    for (int o = 0; o < half; o++) {
        int lo = panel * 2 * half + o, hi = lo + half;
        const uint8_t *a = q->w + (size_t)lo * (size_t)bytes;
        const uint8_t *b = q->w + (size_t)hi * (size_t)bytes;
        int na = lo < q->dout ? bytes : 0, nb = hi < q->dout ? bytes : 0;
        /* the last byte of an odd row has a spare half: not for words */
        int s = na && nb ? pack4_fast(a, b, q->din / 2, vec, to + 4 * o) : 0;
        for (; s < l->blocks * 8; s++) {
            uint32_t v = spread(nibbles(a, na, s)) | spread(nibbles(b, nb, s))
                                                         << 4;
            if (q->din % 2 && s == q->din / 4)
                v &= ~(0xFFu << q->din % 4 * 8); /* the last byte's spare */
            v ^= 0x88888888; /* two's complement to code + 8 */
            memcpy(to + (size_t)s * (size_t)vec + 4 * o, &v, sizeof v);
        }
    }
}

static void pack8(const struct eng_lin *l, int vec, int panel)
{
    const struct num_qlinear *q = l->q;
    int half = vec / 4;
    uint8_t *to = l->w + (size_t)panel * l->panel_bytes;
    for (int r = 0; r < 2 * half; r++) {
        int row = panel * 2 * half + r;
        int n = row < q->dout ? q->din : 0;
        for (int s = 0; s < l->blocks * 8; s++) {
            uint8_t *x =
                to + (size_t)(s * 2 + r / half) * (size_t)vec + r % half * 4;
            for (int j = 0; j < 4; j++)
                x[j] =
                    4 * s + j < n ? (uint8_t)num_weight(q, row, 4 * s + j) : 0;
        }
    }
}

static void rows(struct eng_lin *l, int p)
{
    const struct num_qlinear *q = l->q;
    int groups = l->blocks / l->gblocks;
    l->top_exp = -1000;
    for (int o = 0; o < l->panels * p; o++) {
        int in = o < q->dout;
        int e = in ? q->exp[o] + q->frac : 0;
        uint64_t bits = (uint64_t)(1023 + e) << 52;
        double unit;
        memcpy(&unit, &bits, sizeof unit);
        l->ws[o] = in ? q->mant[o] * unit : 0;
        l->colsum[o] = in ? q->colsum[o] : 0;
        if (q->bias)
            l->bias[o] = in ? q->bias[o] : 0;
        if (in && e > l->top_exp)
            l->top_exp = e;
        for (int g = 0; g < groups && l->mul; g++)
            l->mul[((size_t)(o / p) * (size_t)groups + (size_t)g) * (size_t)p +
                   (size_t)(o % p)] =
                in ? q->mul[(size_t)o * (size_t)groups + (size_t)g] : 0;
    }
}

/* Items: the linears of all layers, then the head in HEAD_PARTS parts. */
enum { HEAD_PARTS = 16 };

static void pack_item(void *arg, int item, int thread)
{
    struct engine *e = arg;
    int linears = e->m->shape.layers * NUM_LINEARS;
    int part = item < linears ? 0 : item - linears;
    int parts = item < linears ? 1 : HEAD_PARTS;
    struct eng_lin *l =
        item < linears ? &e->layer[item / NUM_LINEARS].lin[item % NUM_LINEARS]
                       : &e->head;
    if (l->plain)
        return;
    if (part == 0)
        rows(l, e->k->vec / 2);
    int64_t from = (int64_t)l->panels * part / parts;
    int64_t to = (int64_t)l->panels * (part + 1) / parts;
    for (int i = (int)from; i < (int)to; i++) {
        if (num_weight_bits(l->q) == 4)
            pack4(l, e->k->vec, i);
        else
            pack8(l, e->k->vec, i);
    }
}

bool eng_pack(struct engine *e, struct fl_error *err)
{
    e->layer = calloc((size_t)e->m->shape.layers, sizeof *e->layer);
    FL_FAIL_IF(!e->layer, err, FL_NOMEM, 0, "out of memory for the layers");
    size_t used;
    place_all(e, &used);
    e->arena_bytes = (used + HUGE - 1) / HUGE * HUGE;
    if (e->arena_bytes)
        e->arena = aligned_alloc(HUGE, e->arena_bytes);
    FL_FAIL_IF(!e->arena && e->arena_bytes, err, FL_NOMEM, 0,
               "out of memory: the weights need %zu MiB", e->arena_bytes >> 20);
    if (e->arena)
        madvise(e->arena, e->arena_bytes, MADV_HUGEPAGE);
    place_all(e, &used);
    pool_run(e->pool, pack_item, e,
             e->m->shape.layers * NUM_LINEARS + HEAD_PARTS);
    return true;
}
