/* SPDX-License-Identifier: Apache-2.0 */
/* explore/place.h -- a design's memories on the channels of its device, in
 * cycles of a stage's clock: what the timed view (designs/timed.h) wants.
 *
 *   bytes a cycle = gb_s * efficiency / clock       latency = ns * clock
 *
 * efficiency and latency are the device file's, or where it does not know them
 * the design's assumptions; with neither it is an error that says so.
 */
#ifndef EXPLORE_PLACE_H
#define EXPLORE_PLACE_H
#include "designs/host.h"
#include "explore/design.h"

bool xpl_place(struct dsn_place *p, const struct xpl_design *d, int stage,
               struct fl_error *err);

/* GB/s of a bank at its pins, and what is counted on of it. */
double xpl_bank_peak(const struct xpl_design *d, int bank);
double xpl_bank_rate(const struct xpl_design *d, int bank);

#endif
