/* SPDX-License-Identifier: Apache-2.0 */
/* ahead.c -- the end of a loop known an iteration ahead.
 *
 *     for (i = 0; i < n; i += 2)   stop(i) = !(i + 2 < n), in i's first cycle
 *
 * A sum, a comparison, and then the state machine and all that it enables: often
 * too much for one cycle. If the end depends on nothing but the loop's registers
 * and on what the loop does not change, it can be computed in the iteration
 * before, from the values the registers are about to take, and for the first
 * iteration where the loop is entered:
 *
 *     last = phi(stop(start), stop(next i))
 *
 * Done where the end would otherwise come too late for the period, and only if it
 * is in time then.
 */
#include "fxc/all.h"
#include <string.h>

static Region *in;
static Node **copy; /* by Node.mark, for the nodes of the loop */
static bool *simple;

/* Nothing but gates between n and the loop's registers? */
static bool gates_only(Node *n)
{
    if (n->rgn != in || n->op == Ophi || simple[n->mark])
        return true;
    enum Class c = opinfo[n->op].class;
    if (c == Cport || c == Cmem || n->pred || op_lat(n))
        return false;
    for (int i = 0; i < n->nin; i++)
        if (!gates_only(n->in[i]))
            return false;
    return simple[n->mark] = true;
}

/* How late n is known. */
static double late(Region *r, const Node *n)
{
    double *at = xalloc(sizeof *at * (size_t)(r->nnode + 1));
    for (int i = 0; i < r->nnode; i++) {
        Node *x = r->node[i];
        x->mark = i;
        at[i] = target->clkq;
        for (int k = 0; k < x->nin && x->op != Ophi; k++)
            if (x->in[k]->rgn == r && at[x->in[k]->mark] > at[i])
                at[i] = at[x->in[k]->mark];
        at[i] += x->op == Ophi ? 0 : op_delay(x);
    }
    return at[n->mark];
}

/* n of another iteration: each register of the loop is what it is at `entry`,
 * or becomes if that is NULL. */
static Node *other(Fn *fn, Region *to, Node *n, const Block *entry)
{
    if (n->rgn != in)
        return n;
    if (n->op == Ophi) {
        for (int k = 0; k < n->nin; k++)
            if (n->from[k] == (entry ? entry : in->latch))
                return n->in[k];
        die("a register of '%s' has no start", in->name);
    }
    if (copy[n->mark])
        return copy[n->mark];
    Node *c = node_new(fn, n->op, n->w, n->nin);
    uint64_t a, b;
    Node fresh = *n;
    fresh.id = c->id;
    fresh.in = c->in;
    fresh.rgn = to;
    *c = fresh;
    for (int i = 0; i < n->nin; i++)
        c->in[i] = other(fn, to, n->in[i], entry);
    Node *x = c->in[0];
    if (c->op == Oadd && x->op == Oadd && x->rgn == to && c->w <= 64 &&
        const_small(c->in[1], &a) && const_small(x->in[1], &b)) {
        c->in[0] = x->in[0]; /* (i + 2) + 2 is i + 4 */
        c->in[1] = node_const(fn, c->w, a + b);
        c->in[1]->rw = c->w;
        c->in[1]->live = true;
    }
    PUSH(to->node, to->nnode, c);
    return copy[n->mark] = c;
}

/* The block from which r is entered; NULL: several, or from a pipeline. */
static Block *entry_of(const Region *r)
{
    Block *entry = NULL;
    for (int i = 0; i < r->nnode; i++) {
        const Node *p = r->node[i];
        for (int k = 0; p->op == Ophi && k < p->nin; k++) {
            if (p->from[k] == r->latch)
                continue;
            if (entry && entry != p->from[k])
                return NULL;
            entry = p->from[k];
        }
    }
    return entry && entry->rgn && !entry->rgn->pipe ? entry : NULL;
}

/* If the end looks at n: is what n's registers become known by gates too? */
static bool next_in_time(Node *n, bool looked_at)
{
    for (int i = 0; looked_at && i < n->nin; i++)
        if (n->in[i]->op == Ophi && n->in[i]->rgn == in &&
            !gates_only(update_of(in, n->in[i])))
            return false;
    return true;
}

static void foresee(Fn *fn, Region *r)
{
    Block *entry = entry_of(r);
    int bits = 0, last = r->nnode;
    in = r;
    copy = xalloc(sizeof *copy * (size_t)(last + 1));
    simple = xalloc(sizeof *simple * (size_t)(last + 1));
    for (int i = 0; i < last; i++) {
        r->node[i]->mark = i;
        bits += r->node[i]->op == Ophi ? r->node[i]->rw : 0;
    }
    if (!entry || r->stop->op == Ophi || !gates_only(r->stop) ||
        late(r, r->stop) + steer_delay(2, bits) <= period - target->setup)
        return;
    bool *simple_at = xalloc(sizeof *simple_at * (size_t)(last + 1));
    memcpy(simple_at, simple, sizeof *simple * (size_t)last);
    for (int i = 0; i < last; i++)
        if (!next_in_time(r->node[i], simple_at[i]))
            return;
    int before = entry->rgn->nnode;
    Node *start = other(fn, entry->rgn, r->stop, entry);
    memset(copy, 0, sizeof *copy * (size_t)last);
    Node *next = other(fn, r, r->stop, NULL);
    if (late(r, next) > period - target->setup) { /* no better */
        r->nnode = last;
        entry->rgn->nnode = before;
        return;
    }
    Node *p = node_new(fn, Ophi, 1, 2);
    p->name = "last";
    p->loc = r->stop->loc;
    p->blk = r->blk[0];
    p->rgn = r;
    p->live = true;
    p->uw = p->sw = p->dem = p->rw = 1;
    p->from = xalloc(2 * sizeof *p->from);
    p->from[0] = entry;
    p->from[1] = r->latch;
    p->in[0] = start;
    p->in[1] = next;
    PUSH(r->node, r->nnode, p);
    r->stop = p;
}

void ahead(Fn *fn)
{
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        if (r->pipe && r->ii == 1 && r->stop && r->stop->rgn == r)
            foresee(fn, r);
    }
}
