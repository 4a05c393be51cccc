/* SPDX-License-Identifier: Apache-2.0 */
/* base/progress.h -- one line on a terminal that says how far a long job is.
 *
 * Draws only where standard error is a terminal; in a pipe it is silent.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H
#include <stdint.h>

struct fl_progress {
    const char *what; /* "quantising", borrowed */
    uint64_t total;
    double start, drawn; /* seconds, monotonic */
    int on;
};

void fl_progress_start(struct fl_progress *p, const char *what, uint64_t total);
/* `done` of `total`; `note` (may be NULL) stands at the end of the line. */
void fl_progress_set(struct fl_progress *p, uint64_t done, const char *note);
/* Erases the line. */
void fl_progress_end(struct fl_progress *p);

/* Seconds on a clock that only goes forward. */
double fl_now(void);

#endif
