/* SPDX-License-Identifier: Apache-2.0 */
/* explore/times.h -- times a design file: the real prefill and decode designs
 * at full size, in the timed view, on the device's memories.
 *
 * A decoded token is the second of two less one run of one: what a token costs
 * once the pipeline is warm. It attends to `context` positions. Nothing is
 * extrapolated, but for the time of a whole answer: that is the mean of its
 * first and its last token, as a token's cycles grow linearly with its context.
 */
#ifndef EXPLORE_TIMES_H
#define EXPLORE_TIMES_H
#include "designs/timed.h"
#include "explore/design.h"

struct xpl_times_options {
    int prompt, generate, context; /* 0: the design's; context: the prompt */
    const char *source_dir, *cache_dir; /* as struct hls_options */
    int skip_prefill, skip_answer;      /* 1: not wanted */
    int block; /* 1: the last block of the prompt alone, too */
    int progress;
};

struct xpl_times {
    int prompt, generate, context;
    uint64_t prefill_cycles; /* of all but the last token of the prompt */
    double prefill_s;
    /* The last tokens that prefill takes together, alone: 0, not wanted. */
    int block_tokens;
    uint64_t block_cycles;
    struct dsn_seen block;
    uint64_t decode_cycles; /* of a token at `context` */
    double decode_tok_s;
    double answer_s;                 /* `generate` tokens after the prompt */
    double answer_tok_s;             /* 0: not wanted */
    struct dsn_seen prefill, decode; /* decode: of that one token */
    /* of the memory the decode weights are in: GB/s at the pins of all its
     * channels, bytes of the token, and their share of what the pins could
     * have moved */
    double peak_gb_s, token_bytes, utilisation;
    /* tokens/s if the channels that hold decode weights did nothing else at
     * the rate that is counted on */
    double bound_tok_s;
};

bool xpl_times(struct xpl_times *t, const struct xpl_design *d,
               const struct xpl_times_options *o, struct fl_error *err);

#endif
