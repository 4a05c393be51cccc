/* SPDX-License-Identifier: Apache-2.0 */
/* tests/designs/rtl_tiny.h -- the parameters of the designs that go through
 * Verilator: small, no two alike, nothing left out. TINY says which; 0 is the
 * one ctest runs, bench/design_cycles.sh takes them all.
 */
#ifndef TINY
#define TINY 0
#endif
/*          prefill            decode           both   model            */
/*          tp wp pch ap turns bp dwp ch    kp hp    d  ffn nq share head layers */
#define SET0 2, 3, 3, 2, 2,    2, 4, 2,     4, 1,    16, 24, 4, 2, 8, 2
#define SET1 1, 1, 1, 1, 1,    1, 1, 1,     2, 1,    8, 12, 2, 1, 4, 1
#define SET2 4, 4, 2, 2, 1,    1, 4, 4,     2, 2,    16, 24, 4, 2, 8, 2
#define SET3 2, 6, 2, 4, 1,    4, 4, 4,     4, 1,    16, 32, 4, 4, 8, 1
#define SET4 3, 4, 4, 1, 2,    2, 6, 3,     2, 1,    24, 48, 6, 3, 4, 2
#define SET5 1, 8, 4, 4, 1,    1, 8, 2,     4, 2,    16, 24, 4, 1, 8, 1
#define SET6 2, 5, 5, 2, 2,    2, 2, 4,     2, 1,    16, 32, 2, 1, 8, 2
#define SET7 4, 6, 3, 4, 2,    4, 8, 8,     8, 1,    32, 64, 4, 2, 8, 1
#define SET8 2, 2, 1, 2, 2,    1, 3, 3,     2, 2,    16, 24, 4, 2, 8, 2
#define SET9 1, 4, 2, 1, 1,    2, 4, 8,     2, 1,    16, 48, 8, 4, 4, 2

#define TINY_AT(k, n)      TINY_AT_(k, n)
#define TINY_AT_(k, n)     TINY_AT__(k, SET##n)
#define TINY_AT__(k, ...)  TINY_AT##k(__VA_ARGS__)
#define TINY_AT0(a, ...)   a
#define TINY_AT1(a, ...)   TINY_AT0(__VA_ARGS__)
#define TINY_AT2(a, ...)   TINY_AT1(__VA_ARGS__)
#define TINY_AT3(a, ...)   TINY_AT2(__VA_ARGS__)
#define TINY_AT4(a, ...)   TINY_AT3(__VA_ARGS__)
#define TINY_AT5(a, ...)   TINY_AT4(__VA_ARGS__)
#define TINY_AT6(a, ...)   TINY_AT5(__VA_ARGS__)
#define TINY_AT7(a, ...)   TINY_AT6(__VA_ARGS__)
#define TINY_AT8(a, ...)   TINY_AT7(__VA_ARGS__)
#define TINY_AT9(a, ...)   TINY_AT8(__VA_ARGS__)
#define TINY_AT10(a, ...)  TINY_AT9(__VA_ARGS__)
#define TINY_AT11(a, ...)  TINY_AT10(__VA_ARGS__)
#define TINY_AT12(a, ...)  TINY_AT11(__VA_ARGS__)
#define TINY_AT13(a, ...)  TINY_AT12(__VA_ARGS__)
#define TINY_AT14(a, ...)  TINY_AT13(__VA_ARGS__)
#define TINY_AT15(a, ...)  TINY_AT14(__VA_ARGS__, 0)

#define TINY_TP    TINY_AT(0, TINY)
#define TINY_WP    TINY_AT(1, TINY)
#define TINY_PCH   TINY_AT(2, TINY)
#define TINY_AP    TINY_AT(3, TINY)
#define TINY_TURNS TINY_AT(4, TINY)
#define TINY_BP    TINY_AT(5, TINY)
#define TINY_DWP   TINY_AT(6, TINY)
#define TINY_CH    TINY_AT(7, TINY)

#define KP         TINY_AT(8, TINY)
#define TINY_HP    TINY_AT(9, TINY)
#define WBITS      4
#define GROUP      0
#define MAX_D      TINY_AT(10, TINY)
#define MAX_FFN    TINY_AT(11, TINY)
#define MAX_NQ     TINY_AT(12, TINY)
#define MAX_SHARE  TINY_AT(13, TINY)
#define MAX_HEAD   TINY_AT(14, TINY)
#define MAX_SEQ    16
#define MAX_M      12
#define MAX_LAYERS TINY_AT(15, TINY)
#if DSN_STAGE
#define TP    1
#define AP    KP
#define TURNS 1
#define HP    TINY_HP
#define BP    TINY_BP
#define WP    TINY_DWP
#define CH    TINY_CH
#else
#define TP    TINY_TP
#define AP    TINY_AP
#define TURNS TINY_TURNS
#define HP    1 /* one shard sees all stripes */
#define BP    1
#define WP    TINY_WP
#define CH    TINY_PCH
#endif
