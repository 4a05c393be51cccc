/* SPDX-License-Identifier: Apache-2.0 */
/* explore/ports.h -- what explore/cycles.c needs to know of a stage before it
 * starts: lanes, and for every memory port the cycles of a word, from what all
 * ports together want of their banks.
 *
 *     a word takes  max(1, bytes / (rate of the bank - what others take))
 */
#ifndef EXPLORE_PORTS_H
#define EXPLORE_PORTS_H
#include "explore/cycles.h"

/* A stage, in cycles and beats; names as in designs/llama.h. */
struct xpl_plan {
    struct num_shape s;
    int tp, bp, wp, ap, kp, hp, turns, deep, wbits;
    int share, sweeps, chunks, hb; /* hb: beats of a head */
    int decode;
    double w_rate; /* beats of weights a cycle */
    double side, kread, vread, kwrite, vwrite, embed; /* cycles a word */
    double w_wait, kwait, vwait, embed_wait;          /* latencies */
};

/* Bytes of each bank in a run. */
struct xpl_traffic {
    double w[XPL_BANKS], side[XPL_BANKS], other[XPL_BANKS], kv[XPL_BANKS];
};

struct xpl_plan xpl_plan_of(const struct xpl_design *d, int decode);

/* Adds what groups of tokens (one, in decode) move that begin at position
 * `first` on the average. bank: of each of the ch weight channels. */
void xpl_traffic_add(struct xpl_traffic *t, const struct xpl_plan *p,
                     const struct dsn_place *place, const int *bank, int ch,
                     double groups, double first);
/* Sums by bank, and the cycles that the slowest bank needs for its own. */
double xpl_traffic_floor(const struct xpl_traffic *t,
                         const struct dsn_place *place, double *bytes);
/* Rates of the ports when a run takes `cycles`; 0: nobody else is there. */
void xpl_plan_rates(struct xpl_plan *p, const struct xpl_traffic *t,
                    const struct dsn_place *place, const int *bank, int ch,
                    double cycles);
/* Values that a pass of the Hadamard transforms takes together. */
int xpl_radix(const struct xpl_design *d);
int xpl_embed_stride(const struct xpl_plan *p);
/* Channels that a shard normalises at once: NP of designs/llama_heads.h. */
int xpl_norms(int bp, int hp);

#endif
