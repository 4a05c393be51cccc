/* SPDX-License-Identifier: Apache-2.0 */
/* designs/timed.h -- how long a design takes: the two designs themselves, in
 * the timed view, at full size. Data is left out (FX_ELIDE): control, streams
 * and memories are all there, so the cycles are those of a run with data.
 *
 *     struct timed *t = timed_open(&plan.model, &options, place, &err);
 *     timed_prefill(t, 1023, &run, &err);         run.cycles
 *     timed_decode(t, 1024, 2, &run, &err);       two tokens after 1024
 *     timed_close(t);
 *
 * options->config and ->cap as for hls_open; the places, one a stage and kept
 * by the caller, are in cycles of the stage's clock.
 */
#ifndef DESIGNS_TIMED_H
#define DESIGNS_TIMED_H
#include "designs/hls.h"
#include "designs/host.h"

struct timed_run {
    uint64_t cycles;
    struct dsn_seen seen;
};

struct timed;

struct timed *timed_open(const struct num_qmodel *m,
                         const struct hls_options *o,
                         const struct dsn_place place[DSN_STAGES],
                         struct fl_error *err);
void timed_close(struct timed *t);

/* The first n positions through prefill. */
bool timed_prefill(struct timed *t, int n, struct timed_run *run,
                   struct fl_error *err);
/* n positions from `first` on, those before them in the cache. */
bool timed_prefill_at(struct timed *t, int first, int n, struct timed_run *run,
                      struct fl_error *err);
/* `tokens` tokens drawn at positions first, first + 1 ... */
bool timed_decode(struct timed *t, int first, int tokens, struct timed_run *run,
                  struct fl_error *err);

/* The memory map, for what it says of sizes. */
const struct dsn_image *timed_image(const struct timed *t);

#endif
