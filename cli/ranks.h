/* SPDX-License-Identifier: Apache-2.0 */
/* cli/ranks.h -- work shared out among processes, where mpirun started us.
 *
 * Without mpirun there is one rank and MPI is never initialised.
 */
#ifndef CLI_RANKS_H
#define CLI_RANKS_H
#include "base/error.h"

void ranks_start(int *argc, char ***argv);
void ranks_end(void);
int ranks_count(void); /* 1 without mpirun */
int ranks_me(void);
/* Ranks on this machine, which share its processors. */
int ranks_here(void);
/* x[i] = sum of x[i] over the ranks, on every rank. */
bool ranks_add(double *x, int n, struct fl_error *err);

#endif
