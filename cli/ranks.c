/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ranks.h"
#include <mpi.h>
#include <stdlib.h>

static int count = 1, me = 0, here = 1;

/* Whether a launcher of Open MPI or MPICH set our environment. */
static bool launched(void)
{
    return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMI_SIZE") ||
           getenv("PMIX_RANK");
}

void ranks_start(int *argc, char ***argv)
{
    if (!launched())
        return;
    MPI_Init(argc, argv);
    MPI_Comm_size(MPI_COMM_WORLD, &count);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm node;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL,
                        &node);
    MPI_Comm_size(node, &here);
    MPI_Comm_free(&node);
}

void ranks_end(void)
{
    int on = 0;
    MPI_Initialized(&on);
    if (on)
        MPI_Finalize();
}

int ranks_count(void)
{
    return count;
}

int ranks_me(void)
{
    return me;
}

int ranks_here(void)
{
    return here;
}

bool ranks_add(double *x, int n, struct fl_error *err)
{
    int rc =
        MPI_Allreduce(MPI_IN_PLACE, x, n, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    FL_FAIL_IF(rc != MPI_SUCCESS, err, FL_IO, 0,
               "the ranks could not exchange their results");
    return true;
}
