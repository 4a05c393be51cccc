/* SPDX-License-Identifier: Apache-2.0 */
/* balance.c -- a sum of many is a tree, and what comes round the loop is last.
 *
 * C adds from left to right: acc + a + b + c + d is four adders in a row, all
 * in the recurrence of acc. Addition modulo 2^w is associative, so the leaves
 * of such a chain are added pairwise, the earliest first, and a leaf that
 * depends on the sum itself, through a register of the loop, at the very end:
 * ((a + b) + (c + d)) + acc has one adder in the recurrence.
 */
#include "fxc/all.h"
#include <stdlib.h>

static int *uses; /* by node id */

static void count_uses(Fn *fn)
{
    uses = xalloc(sizeof *uses * (size_t)fn->nnode);
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        for (int k = 0; k < r->nnode; k++) {
            Node *n = r->node[k];
            for (int j = 0; j < n->nin; j++)
                uses[n->in[j]->id] +=
                    n->in[j]->rgn == r && n->op != Ophi ? 1 : 2;
            if (n->pred)
                uses[n->pred->id] += 2;
        }
        for (int k = 0; k < r->nexit; k++)
            if (r->exit[k].cond)
                uses[r->exit[k].cond->id] += 2;
        if (r->stop)
            uses[r->stop->id] += 2;
    }
}

/* An adder inside a sum: added once, to something of the same width. */
static bool inner(const Node *n, const Node *root)
{
    return n->op == Oadd && n->rgn == root->rgn && n->w == root->w &&
           uses[n->id] == 1;
}

static void leaves(Node *n, Node *root, Node ***v, int *k)
{
    for (int i = 0; i < 2; i++)
        if (inner(n->in[i], root))
            leaves(n->in[i], root, v, k);
        else
            PUSH(*v, *k, n->in[i]);
}

/* Does n need `what`, going round the loop through its registers? */
static bool needs(Region *r, Node *n, const Node *what)
{
    if (n == what)
        return true;
    if (n->rgn != r || n->mark)
        return false;
    n->mark = 1;
    if (n->op == Ophi)
        return r->pipe && needs(r, update_of(r, n), what);
    for (int i = 0; i < n->nin; i++)
        if (needs(r, n->in[i], what))
            return true;
    return n->pred && needs(r, n->pred, what);
}

static void clear_marks(Region *r)
{
    for (int i = 0; i < r->nnode; i++)
        r->node[i]->mark = 0;
}

/* Levels of logic before n; what the recurrence brings comes last. */
static int depth_of(const Node *n, const int *depth)
{
    return n->op == Oconst ? -1 : depth[n->id];
}

static Node *tree(Fn *fn, Node *root, Node **v, int k, int *depth)
{
    int *d = xalloc(sizeof *d * (size_t)k);
    for (int i = 0; i < k; i++)
        d[i] = depth_of(v[i], depth);
    while (k > 1) {
        for (int pass = 0; pass < 2; pass++) /* the two earliest to the end */
            for (int i = 0; i < k - 1 - pass; i++)
                if (d[i] < d[k - 1 - pass]) {
                    Node *t = v[i];
                    int e = d[i];
                    v[i] = v[k - 1 - pass];
                    d[i] = d[k - 1 - pass];
                    v[k - 1 - pass] = t;
                    d[k - 1 - pass] = e;
                }
        Node *s = node_op(fn, root, Oadd, root->w, v[k - 1], v[k - 2]);
        s->name = root->name;
        d[k - 2] = (d[k - 1] > d[k - 2] ? d[k - 1] : d[k - 2]) + 1;
        v[k - 2] = s;
        k--;
    }
    return v[0];
}

static int level(const Node *n)
{
    switch (opinfo[n->op].class) {
    case Cmul:
        return 4;
    case Cadd:
    case Ccmp:
    case Cshift:
    case Cmem:
        return 2;
    case Clogic:
    case Cmux:
        return 1;
    default:
        return 0;
    }
}

static void balance_region(Fn *fn, Region *r)
{
    int nnode = r->nnode, *depth = xalloc(sizeof *depth * (size_t)fn->nnode);
    bool *is_inner = xalloc(sizeof *is_inner * (size_t)fn->nnode);
    for (int i = 0; i < nnode; i++) {
        Node *n = r->node[i];
        for (int k = 0; k < n->nin && n->op != Ophi; k++) {
            Node *a = n->in[k];
            if (a->rgn == r && depth[a->id] > depth[n->id])
                depth[n->id] = depth[a->id];
            if (n->op == Oadd && inner(a, n))
                is_inner[a->id] = true;
        }
        depth[n->id] += level(n);
    }
    for (int i = 0; i < nnode; i++) {
        Node *n = r->node[i], **v = NULL;
        int k = 0;
        if (n->op != Oadd || is_inner[n->id])
            continue;
        leaves(n, n, &v, &k);
        if (k < 3)
            continue;
        for (int j = 0; j < k && r->pipe; j++) {
            clear_marks(r);
            if (v[j]->rgn == r && v[j]->op != Oconst && needs(r, v[j], n))
                depth[v[j]->id] = 1 << 20;
        }
        n->alias = tree(fn, n, v, k, depth);
    }
    node_flush(r);
}

void balance(Fn *fn)
{
    count_uses(fn);
    for (int i = 0; i < fn->nrgn; i++)
        balance_region(fn, fn->rgn[i]);
    fold(fn);
}
