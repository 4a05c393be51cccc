/* SPDX-License-Identifier: Apache-2.0 */
/* sim/words.c -- a beat as the bytes of a memory word, lane 0 in the low bits,
 * and back.
 */
#include "sim/sim.h"
#include "fx/fx.h"
#include <string.h>

static unsigned lane_bytes(const struct fx_fifo *f)
{
    return f->bits <= 8 ? 1 : f->bits <= 16 ? 2 : f->bits <= 32 ? 4 : 8;
}

size_t sim_word_bytes(const void *stream)
{
    const struct fx_fifo *f = stream;
    return ((size_t)f->lanes * (size_t)f->bits + 7) / 8;
}

size_t sim_beat_bytes(const void *stream)
{
    const struct fx_fifo *f = stream;
    return f->beat_bytes;
}

/* Lanes of whole bytes are copied as they are, nibbles go two a byte, other
 * widths bit by bit. */
void sim_pack(const void *stream, const void *beat, uint8_t *word)
{
    const struct fx_fifo *f = stream;
    unsigned bytes = lane_bytes(f), bits = (unsigned)f->bits;
    size_t lanes = (size_t)f->lanes;
    const uint8_t *lane = beat;
    if (bits == 8 * bytes) {
        memcpy(word, beat, lanes * bytes);
        return;
    }
    memset(word, 0, sim_word_bytes(stream));
    if (bits == 4) {
        for (size_t k = 0; k < lanes; k++)
            word[k / 2] |= (uint8_t)((lane[k] & 15) << 4 * (k & 1));
        return;
    }
    for (size_t k = 0; k < lanes; k++) {
        uint64_t v = 0;
        memcpy(&v, lane + k * bytes, bytes);
        for (unsigned b = 0; b < bits; b++) {
            size_t at = k * bits + b;
            word[at / 8] |= (uint8_t)((v >> b & 1) << at % 8);
        }
    }
}

void sim_unpack(const void *stream, const uint8_t *word, void *beat)
{
    const struct fx_fifo *f = stream;
    unsigned bytes = lane_bytes(f), bits = (unsigned)f->bits;
    size_t lanes = (size_t)f->lanes;
    uint8_t *lane = beat;
    if (bits == 8 * bytes) {
        memcpy(beat, word, lanes * bytes);
        return;
    }
    if (bits == 4) {
        uint8_t flip = f->is_signed ? 8 : 0; /* (v ^ 8) - 8 extends the sign */
        for (size_t k = 0; k < lanes / 2; k++) {
            lane[2 * k] = (uint8_t)(((word[k] & 15) ^ flip) - flip);
            lane[2 * k + 1] = (uint8_t)((word[k] >> 4 ^ flip) - flip);
        }
        if (lanes & 1)
            lane[lanes - 1] = (uint8_t)(((word[lanes / 2] & 15) ^ flip) - flip);
        return;
    }
    for (size_t k = 0; k < lanes; k++) {
        uint64_t v = 0;
        for (unsigned b = 0; b < bits; b++) {
            size_t at = k * bits + b;
            v |= (uint64_t)(word[at / 8] >> at % 8 & 1) << b;
        }
        if (f->is_signed && (v >> (bits - 1) & 1))
            v |= ~0ull << bits;
        memcpy(lane + k * bytes, &v, bytes);
    }
}
