/* SPDX-License-Identifier: Apache-2.0 */
/* split.c -- multipliers as wide as the chip has them, and constant division.
 *
 * A product of operands too wide for one DSP is cut: a = ah * 2^k + al gives
 * (ah * b << k) + al * b, again and again, so that every piece can be followed
 * by a register. Widths must be known, and change: width() runs again after.
 *
 * x / d for a constant d is a multiplication: with n = bits of x and
 * l = ceil(log2 d), q = x * (floor(2^(n+l) / d) + 1) >> (n + l) is exact for
 * every x (Granlund and Montgomery, 1994). A power of two is wires.
 */
#include "fxc/all.h"

/* Width as a signed operand. */
static int operand_width(const Node *n)
{
    return n->sgn ? n->rw : n->rw + 1;
}

static bool fits(const Node *n)
{
    int a = operand_width(n->in[0]), b = operand_width(n->in[1]);
    int big = a > b ? a : b, small = a > b ? b : a;
    if (big > n->rw + 1)
        big = n->rw + 1; /* high bits that nobody needs */
    if (small > n->rw + 1)
        small = n->rw + 1;
    return big <= target->mula && small <= target->mulb;
}

static Node *split_mul(Fn *fn, Node *n)
{
    Node *a = n->in[0], *b = n->in[1];
    bool a_wide = operand_width(a) >= operand_width(b);
    if ((a_wide ? b : a)->op == Oconst &&
        operand_width(a_wide ? a : b) <= target->mulb)
        return NULL;
    if (!a_wide) {
        Node *t = a;
        a = b;
        b = t;
    }
    int w = n->w, k = target->mulb - 1;
    if (a->op == Oconst) {
        Node *t = a;
        a = b;
        b = t;
    }
    if (operand_width(a) <= k + 1)
        return NULL;
    Node *al = node_ext(fn, n, node_slice(fn, n, a, 0, k), w, false);
    Node *ah = node_ext(fn, n, node_slice(fn, n, a, k, a->w - k), w, a->sgn);
    Node *h = node_op(fn, n, Omul, w, ah, b);
    Node *l = node_op(fn, n, Omul, w, al, b);
    Node *hs = node_op(fn, n, Oshl, w, h, node_const(fn, w, (uint64_t)k));
    Node *s = node_op(fn, n, Oadd, w, hs, l);
    s->name = n->name;
    return s;
}

static Node *divide_unsigned(Fn *fn, Node *at, Node *x, int n, uint64_t d)
{
    int w = x->w;
    if (n < 1)
        n = 1;
    if ((d & (d - 1)) == 0) {
        int k = __builtin_ctzll(d);
        if (k >= w)
            return node_const(fn, w, 0);
        return node_ext(fn, at, node_slice(fn, at, x, k, w - k), w, false);
    }
    if (d >> 62) { /* the quotient is 0 to 3 */
        Node *q = node_const(fn, w, 0);
        for (uint64_t k = d; k >= d; k += d)
            q = node_op(
                fn, at, Oadd, w, q,
                node_ext(fn, at,
                         node_op(fn, at, Oule, 1, node_const(fn, w, k), x), w,
                         false));
        return q;
    }
    int l = clog2((int64_t)d);
    unsigned __int128 m =
        ((unsigned __int128)1 << (n + l)) / (unsigned __int128)d + 1;
    uint64_t words[2] = {(uint64_t)m, (uint64_t)(m >> 64)};
    int pw = 2 * n + l + 1;
    Node *k = node_ext(fn, at, node_wide(fn, n + l > 63 ? 128 : 64, words), pw,
                       false);
    Node *p =
        node_op(fn, at, Omul, pw,
                node_ext(fn, at, node_ext(fn, at, x, n, false), pw, false), k);
    Node *q = node_slice(fn, at, p, n + l, pw - n - l);
    return node_ext(fn, at, q, w, false);
}

static Node *divide(Fn *fn, Node *n)
{
    bool sgn = n->op == Osdiv || n->op == Osrem;
    bool rem = n->op == Ourem || n->op == Osrem;
    Node *x = n->in[0], *q;
    uint64_t d;
    int w = n->w;
    if (!const_small(n->in[1], &d) || w > 64 || !d)
        reject(n->loc,
               "multiply by a reciprocal (num/), or divide bit by bit "
               "in a loop",
               "there is no hardware divider for a divisor that varies");
    bool minus = sgn && d >> (w - 1) & 1;
    if (minus)
        d = (0 - d) & (~UINT64_C(0) >> (64 - w));
    if (!sgn || x->uw < w) {
        q = divide_unsigned(fn, n, x, x->uw < w ? x->uw : w, d);
    } else {
        Node *zero = node_const(fn, w, 0);
        Node *neg = node_op(fn, n, Oslt, 1, x, zero);
        Node *ax = node_select(fn, n, neg, node_op(fn, n, Osub, w, zero, x), x);
        q = divide_unsigned(fn, n, ax, w, d);
        q = node_select(fn, n, neg, node_op(fn, n, Osub, w, zero, q), q);
    }
    if (minus)
        q = node_op(fn, n, Osub, w, node_const(fn, w, 0), q);
    if (!rem)
        return q;
    Node *back = node_op(fn, n, Omul, w, q, n->in[1]);
    return node_op(fn, n, Osub, w, x, back);
}

static bool split_once(Fn *fn)
{
    bool any = false;
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        int k = r->nnode;
        for (int j = 0; j < k; j++) {
            Node *n = r->node[j], *x = NULL;
            if (n->op == Omul && !fits(n))
                x = split_mul(fn, n);
            if (n->op == Oudiv || n->op == Ourem || n->op == Osdiv ||
                n->op == Osrem)
                x = divide(fn, n);
            if (x) {
                n->alias = x;
                any = true;
            }
        }
        node_flush(r);
    }
    return any;
}

void split(Fn *fn)
{
    for (int round = 0; round < 12 && split_once(fn); round++) {
        fold(fn);
        width(fn);
    }
}
