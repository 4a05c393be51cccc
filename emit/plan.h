/* SPDX-License-Identifier: Apache-2.0 */
/* emit/plan.h -- what fxc's report would say of a design's ports. */
#ifndef EMIT_PLAN_H
#define EMIT_PLAN_H
#include "designs/defs.h"
#include <cjson/cJSON.h>

/* name, ports and scalars of the top of a stage; the caller deletes it. */
cJSON *emit_plan(int stage, const struct dsn_config *c,
                 const struct dsn_room *room);

#endif
