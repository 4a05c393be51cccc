/* SPDX-License-Identifier: Apache-2.0 */
/* engine/kernel.h -- what one instruction set provides: a table of inner
 * loops, and the layouts they agree on. engine/k_*.c fill one table each;
 * tests/engine/kernels.c holds every table to the portable one.
 *
 * Weights, packed once at load. A panel is P = vec/2 rows of the matrix; k
 * (the inputs) goes in steps of 4, padded to a multiple of 32:
 *
 *   4 bits  (dout/P, k/4, vec bytes)      byte j: low nibble row j/4, high
 *           nibble row vec/4 + j/4, input 4 step + j%4, as code + 8: 0..15
 *   8 bits  (dout/P, k/4, 2, vec bytes)   byte j of half s: row s vec/4 + j/4
 *
 * Activations are bytes, (token, k): i8 or u4 codes without the zero point
 * taken out, zero in the padding; with them for each token the sums of the
 * codes before every 32nd input, (k/32 + 1), from which a kernel takes
 * 8 sum x (the nibbles' offset) out of a group; and for u4 codes, where a
 * kernel wants them, the sums of x[i] x[i+4] over i % 8 < 4.
 *
 * K cache (t/16, h/4, 16, 4) and V cache (t/4, h, 4), one key/value head; h
 * stands for the head size padded to a multiple of 16 with zeros. Positions
 * past the end hold anything; their probabilities are zeros.
 */
#ifndef ENGINE_KERNEL_H
#define ENGINE_KERNEL_H
#include "num/qmodel.h"
#include <stddef.h>

enum {
    ENG_KB = 32, /* inputs a block of k */
    ENG_RUN_SUM = 2184,
    ENG_HP = 16,        /* a head is padded to a multiple of this */
    ENG_TB = 16,        /* positions a block of scores */
    ENG_MAX_ROWS = 48,  /* most tokens a call of any kernel */
    ENG_MAX_PANEL = 32, /* most rows a panel of any kernel */
    ENG_FHT_WIDE = NUM_MAX_DIM,
    ENG_AV_MAX = 65536, /* positions whose p v sums fit 32 bits */
};

/* One tile of a matrix product: n tokens by one panel. */
struct eng_tile {
    const int8_t *x;     /* (n, xs) codes */
    const int32_t *pre;  /* (n, ps) sums of codes before each block */
    const int32_t *pair; /* (n, ps) of x[i] x[i+4]; u4 codes only */
    const uint8_t *w;    /* the panel */
    const uint8_t *next; /* the panel of the next call: worth fetching */
    const uint8_t *mul;  /* (groups, P) multipliers, NULL: none */
    ptrdiff_t xs, ps;
    int n;          /* tokens, 1 .. rows of the kernel */
    const int *run; /* (n) the tokens' eng_codes.run */
    int blocks;     /* of 32 inputs */
    int gblocks;    /* blocks a group; == blocks without groups */
    int32_t *acc;   /* (n, P) result modulo 2^32 */
};

/* What a tile's sums become. Scales as doubles: mant 2^exp is one exactly. */
struct eng_dequant {
    const int32_t *acc;    /* (n, P) */
    const double *xs;      /* (n) token scales, times 2^frac of the result */
    const int32_t *zp;     /* (n) zero points */
    const double *ws;      /* (P) row scales */
    const int32_t *colsum; /* (P) */
    const double *bias;    /* (P) */
    int panel, valid;      /* P; rows of the panel that exist */
    int n;
    int obits;
    int add;    /* 1: saturating sum into y, which is the residual */
    int32_t *y; /* (n, ys) */
    ptrdiff_t ys;
};

/* A token quantised for a linear. */
struct eng_codes {
    int8_t *x;     /* (kp) */
    int32_t *pre;  /* (kp/32 + 1) */
    int32_t *pair; /* (kp/32 + 1) filled where pairs are used and abits 4 */
    struct num_qparam q;
    int run; /* 4, 2 or 1: so many blocks in a row, anywhere, have at most
                ENG_RUN_SUM for each sum of |x| over inputs with k % 4 < 2, and
                with k % 4 >= 2: 15 times it fits 16 bits */
};

struct eng_kernels {
    const char *name;
    int vec;     /* bytes a vector, see above */
    int rows;    /* tokens a call, at most ENG_MAX_ROWS */
    int unit;    /* tokens a tile inside: multiples of it are best */
    int pairs;   /* mm4a4 reads eng_tile.pair, quant fills it */
    int p_bytes; /* bytes a probability: 1 or 2 */
    int p_rows;  /* query rows a tile of qk and av */

    void (*mm4a8)(const struct eng_tile *); /* w 4 bits, x in -127..127 */
    void (*mm4a4)(const struct eng_tile *); /* w 4 bits, x in 0..15 */
    void (*mm8)(const struct eng_tile *);   /* w 8 bits, x either */
    void (*dequant)(const struct eng_dequant *);

    /* y = norm(r): docs/numerics.md step 2. */
    void (*norm)(const int32_t *r, int d, uint64_t eps_q,
                 struct num_scale sqrt_d, int32_t *y);
    /* y = sat(scaled(x, s), 27) */
    void (*scaled)(const int32_t *x, int n, struct num_scale s, int32_t *y);
    /* Step 3; takes the mean out of x in place. */
    void (*quant)(int32_t *x, int n, int kp, const struct num_qsite *site,
                  struct eng_codes *c);
    /* Step 8; h may be g. */
    void (*silu)(const int32_t *g, int gf, const int32_t *u, int uf, int hf,
                 int n, int32_t *h);
    /* Step 9, in place. */
    void (*fht)(int32_t *x, int n);
    /* Step 5 on one head, in place: cs is (head/2, {cos, sin}). */
    void (*rope)(int32_t *x, int head, const int16_t *cs);
    /* Step 6 on one head. */
    void (*codes)(const int32_t *x, int head, struct num_scale s, int8_t *y);

    /* s[row][t] = sum q k over `blocks` blocks of 16 positions; n <= p_rows.
     * q is (n, hp), s is (n, ss). */
    void (*qk)(const int8_t *q, int n, const int8_t *k, int hp, int blocks,
               int32_t *s, ptrdiff_t ss);
    /* Probabilities of a row of n scores; zeros up to a multiple of 16 and on
     * to `pad`. Returns their sum. */
    uint32_t (*prob)(const int32_t *s, int n, int pad, struct num_scale scale,
                     void *p);
    /* acc[row][i] = sum over 16 `blocks` positions of p v; i < hp. p is
     * (n, ps elements), acc is (n, hp). 16 blocks <= ENG_AV_MAX. */
    void (*av)(const void *p, ptrdiff_t ps, int n, const int8_t *v, int hp,
               int blocks, int32_t *acc);
};

/* num.h's tables, one word an entry: the value in 17 bits, above it the
 * (positive) step to the next entry. eng_tables_make fills them, once. */
extern struct eng_tables {
    uint32_t exp2[64], sigmoid[512];
} eng_tables;
void eng_tables_make(void);

extern const struct eng_kernels eng_k_c, eng_k_avx2, eng_k_avxvnni,
    eng_k_avx512, eng_k_neon;

#endif
