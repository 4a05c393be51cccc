/* SPDX-License-Identifier: Apache-2.0 */
/* explore/grid.h -- every legal setting of one stage, its cycles and fabric,
 * without those that another setting beats in everything.
 *
 * The stages share kp, fm and the memories and never run at once, so each is
 * looked at by itself for every kp and fm; explore/search.h pairs them.
 */
#ifndef EXPLORE_GRID_H
#define EXPLORE_GRID_H
#include "explore/search.h"

struct xpl_stage_point {
    struct dsn_config config; /* of the stage; the rest as small as can be */
    double cycles;
    struct xpl_fabric n, var; /* var: squared errors */
    int uncounted;
};

struct xpl_grid {
    struct xpl_stage_point *point;
    int points, room;
    double legal, timed;
};

/* The settings of `stage` with d->config's kp, fm and wbits, that alone fit
 * d->dev; d needs model, device, clocks, prompt. Appends to *g. */
bool xpl_grid_add(struct xpl_grid *g, struct xpl_design *d, int stage,
                  struct fl_error *err);
void xpl_grid_free(struct xpl_grid *g);

/* Puts the parts of d->config on the channels of d->dev: weights on the first
 * of the largest memory, the cache on those behind them, what is left on
 * another memory if there is one whose bandwidth is known. */
bool xpl_grid_place(struct xpl_design *d, struct fl_error *err);

#endif
