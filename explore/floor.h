/* SPDX-License-Identifier: Apache-2.0 */
/* explore/floor.h -- which region of the device each part of a design goes to:
 * an integer program.
 *
 *     minimise    sum over wires e = (i, j) of w_e |r_i - r_j|
 *     such that   every unit i is in one region r_i
 *                 no region holds more than its room, of any kind
 *
 * A unit is a block that should not be cut: an engine's slice, the path, the
 * heads, a shard's attention. An engine of which a region could not hold half
 * is cut into slices of its outputs, which only share their input and pass
 * their sums on. Weights enter where the memory is, in the first region.
 */
#ifndef EXPLORE_FLOOR_H
#define EXPLORE_FLOOR_H
#include "explore/search.h"

/* Fills s->design.floor, s->crossings and s->floor_optimal for s->design. A
 * device of one region, or whose regions are not known, has no floorplan; a
 * design that fits the device but not its regions gets none either and
 * s->crossings stays NAN. False: out of memory. */
bool xpl_floor(struct xpl_search *s, struct fl_error *err);

/* True where a floorplan's name ("decode linear 1") is of the part's block. Of
 * a block in pieces a part is said to be where the first piece is. */
bool xpl_floor_is(const char *name, const struct xpl_part *p);

#endif
