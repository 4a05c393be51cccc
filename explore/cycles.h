/* SPDX-License-Identifier: Apache-2.0 */
/* explore/cycles.h -- how long a design takes, by formulas alone: what the
 * search uses, in microseconds where a timed run (explore/times.h) takes
 * minutes. docs/explorer.md has the formulas and their error.
 *
 * A module is known by the counts of its loops (the `cycles` line of its header
 * in fx/) and by when it is free again; what flows between two modules by the
 * cycles of its first and last beat. Steps go through the modules in the order
 * of the step table, so fill, drain, stalls and overlap come out of
 *
 *     start = max(module free, first beat there)
 *     end   = max(start + loop, last beat there, end of what it feeds)
 *
 * Weights are a fluid: they arrive at the rate of the channels, wait in a queue
 * of `deep` beats, and go at the rate of the engine.
 */
#ifndef EXPLORE_CYCLES_H
#define EXPLORE_CYCLES_H
#include "designs/host.h"
#include "explore/design.h"

struct xpl_cycles {
    double cycles;
    double bytes[XPL_BANKS]; /* read and written */
};

/* The first `tokens` tokens through prefill; one token of decode that attends
 * to `context` positions. `place` is the stage's (explore/place.h), d->config
 * must be checked (dsn_config_check). R3 is off, weights have no groups: as the
 * schemes of designs/plan.h are. */
struct xpl_cycles xpl_cycles_prefill(const struct xpl_design *d,
                                     const struct dsn_place *place, int tokens);
struct xpl_cycles xpl_cycles_decode(const struct xpl_design *d,
                                    const struct dsn_place *place, int context);

#endif
