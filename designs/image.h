/* SPDX-License-Identifier: Apache-2.0 */
/* designs/image.h -- the device memory of a model: every byte that the two
 * Llama designs read, laid out for one parallelism. dsn_image_build is the
 * only place that knows an offset; the designs learn addresses from the step
 * table that it writes.
 *
 * Memories (one port each, addresses from 0):
 *
 *   stage[p].w[c]  weights of channel c        prefill: pch, decode: ch
 *                  step | tile of wp rows | bp inputs | lane
 *   stage[p].side  what goes with them         words of 32 bits, bp a beat
 *   stage[p].mul   multipliers of weight       step | tile | group | row of
 *                  groups, bytes                 the tile; 1 where it has none
 *   embed          codes and scale of a token  row | scale word, codes; both
 *                  parts in words of kp bytes
 *   rope           cosines and sines           position | pair | {cos, sin}
 *   k[a], v[a]     the cache, stripe a         designs/llama_cache.h
 *
 * A beat has bp wp weights (bp is 1 in prefill), lane j of channel c being lane
 * l = c bp wp / ch + j of them: row tile wp + l / bp, input i bp + l % bp. The
 * rows of a step are those of its linears put together:
 *
 *   kvq   all of k, then v, then q            (prefill's last layer: k and v)
 *   o
 *   gu    gate and up in turn, bp rows each
 *   down
 *   head  (decode only), padded to a multiple of bp with rows of zero
 *
 * Side words of a step, in the order of their use:
 *
 *   mean      (din)            what is taken out of the input
 *   kvq only: static scales of the heads of k, v, q (a beat each), softmax
 *             scales (nq beats), output scales (nkv beats)
 *   rows      (dout / bp) x { scale beat, colsum beat, bias beat }
 *
 * Fraction bits of site and result are added to the row scale's exponent, so
 * the datapath never sees them. A cache row is written by prefill or decode
 * and read by both: there is nothing to convert between the stages.
 */
#ifndef DESIGNS_IMAGE_H
#define DESIGNS_IMAGE_H
#include "designs/config.h"
#include "designs/step.h"
#include <stddef.h>

struct dsn_mem {
    uint8_t *data;
    size_t bytes;
};

struct dsn_stage {
    struct dsn_mem w[DSN_MAX_CH];
    struct dsn_mem side, mul;
    uint32_t *table; /* (steps, DSN_WORDS) */
    int steps;
};

enum { DSN_PREFILL, DSN_DECODE, DSN_STAGES };

struct dsn_image {
    struct dsn_config config;
    int cap; /* positions the cache has room for, a multiple of tp */
    struct dsn_stage stage[DSN_STAGES];
    struct dsn_mem embed, rope;
    struct dsn_mem k[DSN_MAX_HP], v[DSN_MAX_HP]; /* behind one another */
    int embed_row;                               /* words of kp bytes */
};

/* Lays out m for c (checked here) with room for cap positions. False: the
 * model does not fit the design, or out of memory. */
bool dsn_image_build(struct dsn_image *im, const struct num_qmodel *m,
                     const struct dsn_config *c, int cap, struct fl_error *err);
/* The same without bytes: step tables and sizes of memories whose data is
 * NULL. m needs shapes and formats, its arrays may be NULL. */
bool dsn_image_plan(struct dsn_image *im, const struct num_qmodel *m,
                    const struct dsn_config *c, int cap, struct fl_error *err);
void dsn_image_free(struct dsn_image *im);

#endif
