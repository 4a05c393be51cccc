/* SPDX-License-Identifier: Apache-2.0 */
/* tests/designs/rtl_tiny.h -- the parameters of the designs that go through
 * Verilator: small, no two alike, nothing left out. */
#define KP         4
#define HP         1
#define WBITS      4
#define GROUP      0
#define MAX_D      16
#define MAX_FFN    24
#define MAX_NQ     4
#define MAX_SHARE  2
#define MAX_HEAD   8
#define MAX_SEQ    16
#define MAX_M      2
#define MAX_LAYERS 2
#if DSN_STAGE
#define TP    1
#define AP    KP
#define TURNS 1
#define BP    2
#define WP    4
#define CH    2
#else
#define TP    2
#define AP    2
#define TURNS 2
#define BP    1
#define WP    3
#define CH    3
#endif
