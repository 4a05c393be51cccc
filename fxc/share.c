/* SPDX-License-Identifier: Apache-2.0 */
/* share.c -- multipliers that can be one.
 *
 * The state machine is in one state at a time, so the products of a module's
 * sequences meet only if they lie in the same step of the same sequence. In a
 * loop with an interval above 1 a step fires only in its slot, so products of
 * different slots never meet. Those that do not meet share a multiplier (a
 * Unit) as wide as its widest use, as long as it is no wider than the target's
 * DSP and the choice among the operands still fits into the period; no product
 * comes a cycle later for it. First come, first served, in the order of the
 * program.
 *
 * Adders and comparisons are not shared: a choice costs as much as they do.
 */
#include "fxc/all.h"

enum { SMALL = 5 }; /* bits; a product of fewer is no DSP */

/* Bits of operand k as a signed number, as far as they matter. */
static int bits_of(const Node *n, int k)
{
    int w = n->in[k]->rw + !n->in[k]->sgn;
    return w < n->rw ? w : n->rw;
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

static bool meets(const Node *x, const Node *y)
{
    if (x->rgn->pipe || y->rgn->pipe)
        return x->rgn != y->rgn || x->step % x->rgn->ii == y->step % x->rgn->ii;
    return x->rgn == y->rgn && x->step == y->step;
}

static bool takes(const Unit *u, const Node *n)
{
    double at = n->from_at;
    for (int i = 0; i < u->nuse; i++) {
        if (meets(u->use[i], n))
            return false;
        if (u->use[i]->from_at > at)
            at = u->use[i]->from_at;
    }
    return most(u->a, bits_of(n, 0)) <= target->mula &&
           most(u->b, bits_of(n, 1)) <= target->mulb &&
           turn_delay(at, u->nuse + 1) + target->mul <= period - target->setup;
}

static void give(Unit *u, Node *n)
{
    u->a = most(u->a, bits_of(n, 0));
    u->b = most(u->b, bits_of(n, 1));
    u->w = most(u->w, n->rw);
    PUSH(u->use, u->nuse, n);
    n->unit = u;
}

static void place(Fn *fn, Node *n)
{
    if (bits_of(n, 0) < bits_of(n, 1)) {
        Node *t = n->in[0];
        n->in[0] = n->in[1];
        n->in[1] = t;
    }
    if (bits_of(n, 1) < SMALL)
        return;
    for (int i = 0; i < fn->nunit; i++)
        if (takes(fn->unit[i], n)) {
            give(fn->unit[i], n);
            return;
        }
    Unit *u = xalloc(sizeof *u);
    give(u, n);
    PUSH(fn->unit, fn->nunit, u);
}

void share(Fn *fn)
{
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        for (int k = 0; k < r->nnode; k++)
            if (r->node[k]->op == Omul && (!r->pipe || r->ii > 1))
                place(fn, r->node[k]);
    }
    int n = 0;
    for (int i = 0; i < fn->nunit; i++) {
        Unit *u = fn->unit[i];
        if (u->nuse > 1) {
            u->id = n;
            fn->unit[n++] = u;
        } else {
            u->use[0]->unit = NULL;
        }
    }
    fn->nunit = n;
}
