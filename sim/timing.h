/* SPDX-License-Identifier: Apache-2.0 */
/* sim/timing.h -- what fxc knows about cycles, for the timed view.
 *
 * Without it the timed view is the ideal machine: a loop of n iterations takes
 * n * ii cycles and nothing else takes any. `fxc --timing T.txt` writes what a
 * module's hardware really takes between its loops, and in which steps of an
 * iteration it reads and writes. Once that is loaded, a task of that name is
 * as late as its hardware, and NAME_cycles() of its header says the same:
 *
 *     fxc design.c --top design -o design.sv --timing design.txt
 *     sim_timing_load("design.txt", &err);        before sim_run
 *
 * A module not in any table stays ideal. The table is the process's; loading
 * another file adds to it, a module named again is replaced.
 */
#ifndef SIM_TIMING_H
#define SIM_TIMING_H
#include "base/error.h"
#include <stdbool.h>

bool sim_timing_load(const char *path, struct fl_error *err);
void sim_timing_clear(void);

/* For sim.c. A module, or NULL; a loop of it, or NULL; and the cycles of the
 * way from one loop to the next (NULL: start, finish). A way that is not there
 * with so many levels is continued from those with fewer. */
struct timing_module;
struct timing_loop {
    char name[64];
    int ii, pop, push;
};
const struct timing_module *timing_module(const char *name);
const struct timing_loop *timing_loop(const struct timing_module *m,
                                      const char *name);
/* Takes a line of the file into *at; false: it is no such line. */
bool timing_line(struct timing_module **at, const char *line);
int timing_way(const struct timing_module *m, const char *from, const char *to,
               int levels);

#endif
