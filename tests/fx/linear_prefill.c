/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/linear_prefill.c -- linear_prefill against golden/ops.c, through
 * arrays of every kind, shapes that do and do not fill them, the largest sums
 * and queues of depth 1. */
#include "tests/fx/harness.h"
#include "tests/fx/linear_golden.h"

#define ARRAY_NAME  even /* the flagship array, blocks of two groups */
#define ARRAY_TP    4
#define ARRAY_WP    16
#define ARRAY_XBITS 8
#define ARRAY_WBITS 4
#define ARRAY_BLOCK 2
#define ARRAY_GROUP 0
#include "tests/fx/linear_prefill_case.h"

#define ARRAY_NAME  odd /* WP odd: half a pair is left over */
#define ARRAY_TP    3
#define ARRAY_WP    5
#define ARRAY_XBITS 4
#define ARRAY_WBITS 4
#define ARRAY_BLOCK 3
#define ARRAY_GROUP 0
#include "tests/fx/linear_prefill_case.h"

#define ARRAY_NAME  unit /* the smallest array there is */
#define ARRAY_TP    1
#define ARRAY_WP    1
#define ARRAY_XBITS 8
#define ARRAY_WBITS 4
#define ARRAY_BLOCK 1
#define ARRAY_GROUP 0
#include "tests/fx/linear_prefill_case.h"

#define ARRAY_NAME  wide /* 8-bit weights */
#define ARRAY_TP    2
#define ARRAY_WP    3
#define ARRAY_XBITS 8
#define ARRAY_WBITS 8
#define ARRAY_BLOCK 1
#define ARRAY_GROUP 0
#include "tests/fx/linear_prefill_case.h"

#define ARRAY_NAME  grouped
#define ARRAY_TP    2
#define ARRAY_WP    4
#define ARRAY_XBITS 8
#define ARRAY_WBITS 4
#define ARRAY_BLOCK 2
#define ARRAY_GROUP 32
#include "tests/fx/linear_prefill_case.h"

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 8; depth += 7)
        for (int kind = 0; kind < 4; kind++) {
            fill_kind(kind, 8, 4);
            even(depth, 64, 32, 2);
            even(depth, 2048, 16, 1); /* two chunks, largest sums */
            even(depth, 1030, 17, 2); /* a short second chunk */
            even(depth, 7, 30, 2);    /* fewer inputs than outputs */
            unit(depth, 1, 1, 1);
            unit(depth, 37, 3, 1);
            grouped(depth, 64, 8, 2);
            grouped(depth, 32, 3, 1);
            grouped(depth, 128, 9, 2);
            grouped(depth, 2048, 4, 1);
            fill_kind(kind, 4, 4);
            odd(depth, 43, 11, 3);
            odd(depth, 1024, 5, 2);
            fill_kind(kind, 8, 8);
            wide(depth, 1024, 7, 1);
            wide(depth, 2100, 3, 1);
        }
    return h_done("linear_prefill");
}
