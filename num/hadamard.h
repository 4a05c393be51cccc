/* SPDX-License-Identifier: Apache-2.0 */
/* num/hadamard.h -- which Hadamard matrix serves a dimension, entry by entry.
 *
 *     H_n = I_blocks (x) H_m (x) S_p        n = blocks * m * p
 *
 * S_p is Sylvester's matrix, p a power of two: entry (r, c) is -1 where r & c
 * has an odd number of ones. m is 1, 12, 20, 28 or 36. One block where n
 * allows it; else as many as needed (172 = 43 blocks of S_4). Rows of H_n are
 * orthogonal: H H^T = (m p) I.
 */
#ifndef NUM_HADAMARD_H
#define NUM_HADAMARD_H
#include "num/num.h"
#include "num/hadamard_tab.h"

struct num_had {
    int blocks, m, p; /* n = blocks * m * p */
};

/* Splits n >= 1. */
NUM_FN struct num_had num_had_split(int n)
{
    int p = n & -n;
    int odd = n / p;
    struct num_had h = {odd, 1, p};
    int m = odd == 3 ? 12 : odd == 5 ? 20 : odd == 7 ? 28 : odd == 9 ? 36 : 1;
    if (m > 1 && p >= 4) {
        h.blocks = 1;
        h.m = m;
        h.p = p / 4;
    }
    return h;
}

/* 1 where entry (r, c) of H_m is -1; 0 <= r, c < m. */
NUM_FN int num_had_neg(int m, int r, int c)
{
    const uint64_t *t = m == 12   ? num_had12_tab
                        : m == 20 ? num_had20_tab
                        : m == 28 ? num_had28_tab
                                  : num_had36_tab;
    return m == 1 ? 0 : (int)(t[r] >> c & 1);
}

/* Entry (r, c) of H_n, 0 off the block diagonal: +1, -1 or 0. */
NUM_FN int num_had_entry(struct num_had h, int r, int c)
{
    int size = h.m * h.p;
    int odd = __builtin_parity((unsigned)((r % h.p) & (c % h.p)));
    int neg = odd ^ num_had_neg(h.m, r % size / h.p, c % size / h.p);
    return r / size != c / size ? 0 : neg ? -1 : 1;
}

#endif
