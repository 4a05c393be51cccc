/* SPDX-License-Identifier: Apache-2.0 */
/* sim/trace.h -- when a task was busy: for sim.c. The run is cut into SIM_BINS
 * stretches of 2^shift cycles; each counts the cycles of the iterations that
 * began in it. A run that gets longer than that makes the stretches longer. */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H
#include "sim/sim.h"

struct trace {
    int shift;
    unsigned ii; /* of the iteration that is under way */
    uint32_t bin[SIM_BINS];
};

static inline void trace_widen(struct trace *r)
{
    for (int k = 0; k < SIM_BINS / 2; k++)
        r->bin[k] = r->bin[2 * k] + r->bin[2 * k + 1];
    for (int k = SIM_BINS / 2; k < SIM_BINS; k++)
        r->bin[k] = 0;
    r->shift++;
}

/* The iteration under way began at `clock`, as is known once it is over; the
 * next one takes ii cycles. */
static inline void trace_step(struct trace *r, uint64_t clock, unsigned ii)
{
    while (clock >> r->shift >= SIM_BINS)
        trace_widen(r);
    r->bin[clock >> r->shift] += r->ii;
    r->ii = ii;
}

#endif
