/* SPDX-License-Identifier: Apache-2.0 */
/* explore/synth.h -- what the modules of fx/ cost, from docs/synthesis.json as
 * it was when this was built: a line through the rows of a module.
 *
 *     n(lanes) = a + b lanes          lanes: the parallelism of the module, a
 *                                     product of its parameters (synth.c)
 *     error    = s sqrt(1 + 1/r + (lanes - mean)^2 / Sxx)        r >= 3 rows
 *
 * s is the standard deviation of the residuals. Two rows have no residual: the
 * error is how far the line is from the larger row scaled up. Rows of one width
 * speak of that width alone. LUT and FF are those of the xc7 runs
 * (registers in DSPs) where all rows have them, else of xcup: an upper bound.
 */
#ifndef EXPLORE_SYNTH_H
#define EXPLORE_SYNTH_H
#include "explore/device.h"

/* Parameters of a module by name, as in scripts/synth_modules.txt: 0 where it
 * has no such one. */
struct xpl_params {
    double tp, bp, wp, kp, hp, np, n, m, ways, bits, topk;
    double mul, base; /* DSPs of a lane, of the module whatever its width:
                         where there are no rows */
};

/* What is proportional to the module's width: of its registers and logic, and
 * of its multipliers. 0: no module of that name. */
struct xpl_lanes {
    double logic, mul;
};
struct xpl_lanes xpl_lanes_of(const char *module, const struct xpl_params *p);

/* Fabric of one copy without its memories (BRAM and URAM are 0: buffers are
 * counted by their size). Rows it rests on; 0: none that say anything of that
 * width, *n and *err are 0. */
int xpl_synth(const char *module, const struct xpl_lanes *at,
              struct xpl_fabric *n, struct xpl_fabric *err);

/* Another table, for tests; NULL: the one that was built in. False: it is no
 * such table. Not thread-safe. */
bool xpl_synth_use(const char *json);

#endif
