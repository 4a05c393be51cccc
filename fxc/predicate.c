/* SPDX-License-Identifier: Apache-2.0 */
/* predicate.c -- branches inside a region become conditions.
 *
 * bp of a block is 1 when the block runs: the or over its incoming edges of
 * bp(pred) & condition of the edge. A block that every path from its dominator
 * reaches has its dominator's bp. A phi inside a region becomes a chain of
 * selects on those edges; memory and port operations keep bp as their
 * predicate, everything else is computed whether needed or not. Phis of a
 * region's header stay: they are the registers a loop carries.
 */
#include "fxc/all.h"

static Node *both(Fn *fn, Node *at, Node *a, Node *b)
{
    return !a ? b : !b ? a : node_op(fn, at, Oand, 1, a, b);
}

/* 1 when control goes from p to b, both in one region. */
static Node *edge_cond(Fn *fn, Node *at, Block *p, Block *b)
{
    if (p->nsucc != 2 || p->succ[0] == p->succ[1])
        return p->bp;
    Node *c = p->cond;
    if (p->succ[1] == b)
        c = node_op(fn, at, Oxor, 1, c, node_const(fn, 1, 1));
    return both(fn, at, p->bp, c);
}

/* Does a walk from d through the region come to `to` (NULL: to the region's
 * end) without b? `seen` has a place for each block of the function. */
static bool walks(Region *r, Block *d, Block *to, Block *b, char *seen)
{
    if (d == b || seen[d->id])
        return false;
    if (d == to)
        return true;
    seen[d->id] = 1;
    if (!d->nsucc)
        return !to;
    for (int i = 0; i < d->nsucc; i++) {
        Block *s = d->succ[i];
        bool out = s->rgn != r || s == r->blk[0];
        if (out ? !to : walks(r, s, to, b, seen))
            return true;
    }
    return false;
}

static bool controls(Fn *fn, Region *r, Block *d, Block *b)
{
    size_t n = (size_t)fn->nblk;
    return !walks(r, r->blk[0], b, d, xalloc(n)) &&
           !walks(r, d, NULL, b, xalloc(n));
}

static void set_bp(Fn *fn, Region *r, int k)
{
    Block *b = r->blk[k];
    Node at = {.blk = b, .rgn = r, .loc = b->loc};
    for (int d = k - 1; d >= 0; d--)
        if (controls(fn, r, r->blk[d], b)) {
            b->bp = r->blk[d]->bp;
            return;
        }
    Node *any = NULL;
    for (int i = 0; i < b->npred; i++) {
        if (i && b->pred[i] == b->pred[i - 1])
            continue;
        Node *e = edge_cond(fn, &at, b->pred[i], b);
        if (!e)
            return;
        any = any ? node_op(fn, &at, Oor, 1, any, e) : e;
    }
    b->bp = any;
}

static void phi_to_select(Fn *fn, Node *n)
{
    Node *v = n->in[0];
    for (int i = 1; i < n->nin; i++) {
        Node *c = edge_cond(fn, n, n->from[i], n->blk);
        v = c ? node_select(fn, n, c, n->in[i], v) : n->in[i];
    }
    n->alias = v;
    if (v->rgn && !*v->name)
        v->name = n->name;
}

static void add_exit(Region *r, Node *c, Block *from, Block *to)
{
    Exit e = {c, from, to};
    PUSH(r->exit, r->nexit, e);
}

static void set_exits(Fn *fn, Region *r)
{
    for (int k = 0; k < r->nblk; k++) {
        Block *b = r->blk[k];
        Node at = {.blk = b, .rgn = r, .loc = b->loc};
        if (!b->nsucc)
            add_exit(r, b->bp, b, NULL);
        for (int i = 0; i < b->nsucc; i++) {
            Block *s = b->succ[i];
            bool out = s->rgn != r || s == r->blk[0];
            if (!out || (i && s == b->succ[0]))
                continue;
            Node *c = edge_cond(fn, &at, b, s);
            if (r->pipe && s->rgn == r)
                continue; /* the back edge: go on */
            if (r->pipe)
                r->stop = c;
            add_exit(r, r->pipe ? NULL : c, b, s);
        }
    }
    /* Exactly one exit is taken: the last needs no condition. */
    if (r->nexit)
        r->exit[r->nexit - 1].cond = NULL;
}

static void predicate_region(Fn *fn, Region *r)
{
    int n = r->nnode;
    for (int k = 1; k < r->nblk; k++)
        set_bp(fn, r, k);
    for (int i = 0; i < n; i++) {
        Node *x = r->node[i];
        if (x->op == Ophi && x->blk != r->blk[0])
            phi_to_select(fn, x);
        else if (x->op == Ophi && x->nin == 1)
            x->alias = x->in[0];
        if (opinfo[x->op].class == Cport || opinfo[x->op].class == Cmem)
            x->pred = x->blk->bp;
    }
    if (r->pipe)
        r->latch->bp = NULL;
    set_exits(fn, r);
}

void predicate(Fn *fn)
{
    for (int i = 0; i < fn->nrgn; i++)
        predicate_region(fn, fn->rgn[i]);
    for (int i = 0; i < fn->nrgn; i++)
        node_flush(fn->rgn[i]);
}
