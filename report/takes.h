/* SPDX-License-Identifier: Apache-2.0 */
/* report/takes.h -- reads what a design takes: the objects "resources" and
 * "energy" of a timed run (xpl_cost_json of explore/cost.h). */
#ifndef REPORT_TAKES_H
#define REPORT_TAKES_H
#include "report/data.h"

/* Into t->resources and what follows it; neither object need be there. */
bool rep_takes_read(struct rep_times *t, const cJSON *root, const char *path,
                    struct fl_error *err);

#endif
