/* SPDX-License-Identifier: Apache-2.0 */
/* coalesce.c -- registers that can be one.
 *
 * A value that lives through a nest of loops is a phi in every region on its
 * way: entering a region copies it from one register to the next. Two of them
 * can share a register if a copy joins them and neither is needed where the
 * other is set: then the copy is nothing, and an accumulator has one register
 * instead of one in each region.
 *
 * `live` of a register are the regions in which it is read, or through which
 * its value travels to a reader; it is set where control enters the region of
 * its phi, in the cycle in which the region before is left. A pipelined loop is
 * left when nothing in flight reads or writes its registers any more (`drain`
 * in sched.c), so a region is fine enough a measure of time.
 */
#include "fxc/all.h"

typedef struct Web {
    Node *head;
    struct Web *joined; /* NULL: this is its register's own */
    char *live, *set;   /* by region */
} Web;

static Fn *in;
static Node **phi; /* by Node.mark */
static Web **web;
static int nphi;

/* The register that others read for n; NULL: one of its own, or none. */
static Node *register_of(Node *n)
{
    if (!n || n->op == Oconst || n->op == Oarg || is_wire(n))
        return NULL;
    return n->op == Ophi && !n->rgn->pipe ? n : shared_register(n);
}

static void live_in(Web *w, const Node *p, const Region *r)
{
    if (w->live[r->id])
        return;
    w->live[r->id] = 1;
    for (int i = 0; i < in->nrgn && r != p->rgn; i++)
        for (int k = 0; k < in->rgn[i]->nexit; k++) {
            const Block *to = in->rgn[i]->exit[k].to;
            if (to && to->rgn == r)
                live_in(w, p, in->rgn[i]);
        }
}

/* Region r reads n. */
static void reads(Region *r, Node *n)
{
    if (!n)
        return;
    for (int i = 0; is_wire(n) && i < n->nin; i++)
        reads(r, n->in[i]);
    Node *p = n->rgn == r ? NULL : register_of(n);
    if (p)
        live_in(web[p->mark], p, r);
}

static void find_live(Region *r)
{
    for (int k = 0; k < r->nnode; k++) {
        Node *n = r->node[k];
        for (int i = 0; i < n->nin; i++)
            if (n->op != Ophi)
                reads(r, n->in[i]);
            else if (n->from[i]->rgn != r || !r->pipe)
                reads(n->from[i]->rgn, n->in[i]);
        reads(r, n->pred);
    }
    for (int k = 0; k < r->nexit; k++)
        reads(r, r->exit[k].cond);
    reads(r, r->stop);
}

static bool meet(const Web *a, const Web *b)
{
    for (int i = 0; i < in->nrgn; i++)
        if ((a->live[i] && b->set[i]) || (b->live[i] && a->set[i]))
            return true;
    return false;
}

static Web *web_of(const Node *p)
{
    Web *w = web[p->mark];
    while (w->joined)
        w = w->joined;
    return w;
}

static void join(const Node *p, const Node *q)
{
    Web *a = web_of(p), *b = web_of(q);
    if (a == b || p->rw != q->rw || p->sgn != q->sgn || meet(a, b))
        return;
    for (int i = 0; i < in->nrgn; i++) {
        a->live[i] |= b->live[i];
        a->set[i] |= b->set[i];
    }
    b->joined = a;
}

/* Is what p becomes on entry from its k-th block in p's register already? */
bool stays(const Node *p, int k)
{
    Node *q = register_of(source_of(p->in[k], p->rw));
    return q && q->reg && q->reg == p->reg;
}

void coalesce(Fn *fn)
{
    in = fn;
    nphi = 0;
    for (int i = 0; i < fn->nrgn; i++)
        for (int k = 0; k < fn->rgn[i]->nnode; k++) {
            Node *p = fn->rgn[i]->node[k];
            if (p->op != Ophi)
                continue;
            Web *w = xalloc(sizeof *w);
            w->head = p;
            w->live = xalloc((size_t)fn->nrgn);
            w->set = xalloc((size_t)fn->nrgn);
            w->live[p->rgn->id] = w->set[p->rgn->id] = 1;
            web = vec_grow(web, nphi, sizeof *web);
            web[nphi] = w;
            p->mark = nphi;
            PUSH(phi, nphi, p);
        }
    for (int i = 0; i < fn->nrgn; i++)
        find_live(fn->rgn[i]);
    for (int i = 0; i < nphi; i++)
        for (int k = 0; k < phi[i]->nin; k++) {
            Node *q = register_of(source_of(phi[i]->in[k], phi[i]->rw));
            if (q &&
                (phi[i]->from[k]->rgn != phi[i]->rgn || !phi[i]->rgn->pipe))
                join(phi[i], q);
        }
    for (int i = 0; i < nphi; i++)
        phi[i]->reg = web_of(phi[i])->head;
}
