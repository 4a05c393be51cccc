/* SPDX-License-Identifier: Apache-2.0 */
/* report/parts.h -- the sections of the page, one file each. Every one writes
 * its section whole, also where its data is absent. */
#ifndef REPORT_PARTS_H
#define REPORT_PARTS_H
#include "report/data.h"
#include <stdio.h>

void rep_graph(FILE *f, const struct rep_times *t);
void rep_gantt(FILE *f, const struct rep_times *t);
void rep_roofline(FILE *f, const struct xpl_design *d,
                  const struct rep_times *t);
void rep_memory(FILE *f, const struct xpl_design *d, const struct rep_times *t);
void rep_resources(FILE *f, const struct xpl_design *d,
                   const struct rep_times *t);
/* s NULL: no search. */
void rep_pareto(FILE *f, const struct rep_search *s, const struct rep_times *t);
void rep_published(FILE *f, const struct xpl_design *d,
                   const struct rep_times *t);
void rep_assume(FILE *f, const struct xpl_design *d, const struct rep_times *t);

/* The drawing order of a module (graph.c), for lists that follow the data;
 * a large number for one that is not drawn. */
int rep_graph_order(const char *module);

#endif
