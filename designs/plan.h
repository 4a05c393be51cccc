/* SPDX-License-Identifier: Apache-2.0 */
/* designs/plan.h -- a model that is only its shape and its formats: what
 * planning, timing and sizing need. It has no weights, so it cannot be run.
 *
 *     struct dsn_plan p;
 *     if (dsn_plan_make(&p, &shape, "w4a8kv8", &err))
 *         ... p.model ...
 *     dsn_plan_free(&p);
 */
#ifndef DESIGNS_PLAN_H
#define DESIGNS_PLAN_H
#include "base/error.h"
#include "num/qmodel.h"

struct dsn_plan {
    struct num_qmodel model; /* every array NULL but layer */
    struct num_qlayer *layer;
};

/* Schemes are the quantiser's: w4a8kv8, w4a4kv8, w8a8kv8; R4 is on, R3 off, as
 * they are there unless asked otherwise. False: no such scheme, or a shape no
 * Llama has. */
bool dsn_plan_make(struct dsn_plan *p, const struct num_shape *s,
                   const char *scheme, struct fl_error *err);
void dsn_plan_free(struct dsn_plan *p);

#endif
