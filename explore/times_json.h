/* SPDX-License-Identifier: Apache-2.0 */
/* explore/times_json.h -- a timed run as JSON: what `flexllm time --json`
 * prints and `flexllm report --time` reads. Keys: docs/explorer.md.
 *
 * Of each stage "spans" says when its modules were busy, of the time that the
 * stage's cycles are: `start` and `end` of a module in cycles (to a stretch),
 * `busy`, its share of all the time (the mean of its `tasks`), and `activity`,
 * a digit for each stretch of cycles: 0 not at all, 1 to 9 up to so many
 * ninths.
 */
#ifndef EXPLORE_TIMES_JSON_H
#define EXPLORE_TIMES_JSON_H
#include "explore/cost.h"
#include "explore/times.h"
#include <cjson/cJSON.h>

/* The cost of d for the lengths that were timed. */
bool xpl_cost_of(struct xpl_cost *c, const struct xpl_design *d,
                 const struct xpl_times *t, struct fl_error *err);

/* cJSON_Delete it. */
cJSON *xpl_times_json(const struct xpl_design *d, const struct xpl_times *t);

#endif
