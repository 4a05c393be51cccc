/* SPDX-License-Identifier: Apache-2.0 */
/* lower.c -- operations that hardware builds from others.
 *
 * clz counts leading zeros by halves: is the upper half zero? then its size
 * is part of the count and the lower half is looked at, else the upper half.
 * A word that is no power of two gets ones below, which are never reached
 * unless the word is zero.
 */
#include "fxc/all.h"

static Node *lower_clz(Fn *fn, Node *n)
{
    Node *x = n->in[0];
    int w = x->w, p = 1 << clog2(w);
    if (p > w) {
        uint64_t *ones = xalloc(sizeof *ones * (size_t)(p / 64 + 1));
        for (int k = 0; k < p - w; k++)
            ones[k / 64] |= UINT64_C(1) << k % 64;
        Node *two[2] = {node_wide(fn, p - w, ones), x};
        x = node_cat(fn, n, 2, two);
    }
    int nbit = 0;
    Node **bit = xalloc(sizeof *bit * 32);
    for (int half = p / 2; half; half /= 2) {
        Node *hi = node_slice(fn, n, x, half, half);
        Node *lo = node_slice(fn, n, x, 0, half);
        Node *z = node_op(fn, n, Oeq, 1, hi, node_const(fn, half, 0));
        x = node_select(fn, n, z, lo, hi);
        bit[nbit++] = z;
    }
    /* Here x is the one bit at the counted place: 0 if all were zero. */
    Node *none = node_op(fn, n, Oxor, 1, x, node_const(fn, 1, 1));
    if (!nbit)
        return node_ext(fn, n, none, n->w, false);
    Node **low = xalloc(sizeof *low * (size_t)nbit);
    for (int k = 0; k < nbit; k++)
        low[k] = bit[nbit - 1 - k];
    Node *count = node_ext(fn, n, node_cat(fn, n, nbit, low), nbit + 1, false);
    count = node_op(fn, n, Oadd, nbit + 1, count,
                    node_ext(fn, n, none, nbit + 1, false));
    return node_ext(fn, n, count, n->w, false);
}

void lower(Fn *fn)
{
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        int k = r->nnode;
        for (int j = 0; j < k; j++)
            if (r->node[j]->op == Oclz)
                r->node[j]->alias = lower_clz(fn, r->node[j]);
        node_flush(r);
    }
}
