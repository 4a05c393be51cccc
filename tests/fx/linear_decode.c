/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/linear_decode.c -- linear_decode against golden/ops.c, through
 * engines of every kind, shapes that do and do not fill them, the largest sums
 * and queues of depth 1. */
#include "tests/fx/harness.h"
#include "tests/fx/linear_golden.h"

#define ARRAY_NAME  even /* the flagship engine */
#define ARRAY_BP    4
#define ARRAY_WP    16
#define ARRAY_XBITS 8
#define ARRAY_WBITS 4
#define ARRAY_GROUP 0
#include "tests/fx/linear_decode_case.h"

#define ARRAY_NAME  odd /* lanes that are no power of two */
#define ARRAY_BP    3
#define ARRAY_WP    9
#define ARRAY_XBITS 4
#define ARRAY_WBITS 4
#define ARRAY_GROUP 0
#include "tests/fx/linear_decode_case.h"

#define ARRAY_NAME  unit /* the smallest there is */
#define ARRAY_BP    1
#define ARRAY_WP    1
#define ARRAY_XBITS 8
#define ARRAY_WBITS 4
#define ARRAY_GROUP 0
#include "tests/fx/linear_decode_case.h"

#define ARRAY_NAME  wide /* 8-bit weights */
#define ARRAY_BP    2
#define ARRAY_WP    6
#define ARRAY_XBITS 8
#define ARRAY_WBITS 8
#define ARRAY_GROUP 0
#include "tests/fx/linear_decode_case.h"

#define ARRAY_NAME  flat /* one row of outputs: WP = BP */
#define ARRAY_BP    4
#define ARRAY_WP    4
#define ARRAY_XBITS 8
#define ARRAY_WBITS 4
#define ARRAY_GROUP 0
#include "tests/fx/linear_decode_case.h"

#define ARRAY_NAME  grouped
#define ARRAY_BP    4
#define ARRAY_WP    8
#define ARRAY_XBITS 8
#define ARRAY_WBITS 4
#define ARRAY_GROUP 32
#include "tests/fx/linear_decode_case.h"

int main(int argc, char **argv)
{
    h_args(argc, argv);
    for (unsigned depth = 1; depth <= 8; depth += 7)
        for (int kind = 0; kind < 4; kind++) {
            fill_kind(kind, 8, 4);
            even(depth, 64, 32);
            even(depth, 2048, 16); /* two chunks, largest sums */
            even(depth, 1032, 20); /* a short second chunk and last tile */
            even(depth, 4, 32);    /* fewer inputs than rows of outputs */
            unit(depth, 1, 1);
            unit(depth, 37, 3);
            flat(depth, 64, 12);
            grouped(depth, 64, 8);
            grouped(depth, 32, 4);
            grouped(depth, 128, 12);
            fill_kind(kind, 4, 4);
            odd(depth, 45, 12);
            odd(depth, 1023, 9);
            odd(depth, 2046, 6);
            fill_kind(kind, 8, 8);
            wide(depth, 1024, 8);
            wide(depth, 2100, 2);
        }
    return h_done("linear_decode");
}
