/* SPDX-License-Identifier: Apache-2.0 */
/* node.c -- making nodes, and putting new ones among the old.
 *
 * A pass that makes a node says `at` which existing node it is needed: the
 * new one belongs to the same region and block and stands before it. New
 * nodes wait in a list; node_flush sorts the region by need again.
 */
#include "fxc/all.h"
#include <string.h>

#define OP(name, arity, class, text) {#name, arity, class, text},
const OpInfo opinfo[Ocount] = {
#include "fxc/ops.h"
};
#undef OP

Node *node_new(Fn *fn, enum Op op, int w, int nin)
{
    Node *n = xalloc(sizeof *n);
    n->id = fn->nnode;
    n->op = op;
    n->w = w;
    n->nin = nin;
    n->in = xalloc(sizeof *n->in * (size_t)(nin ? nin : 1));
    n->name = "";
    n->bank = -1;
    n->clamp = -1;
    PUSH(fn->node, fn->nnode, n);
    return n;
}

Node *node_wide(Fn *fn, int w, const uint64_t *bits)
{
    Node *n = node_new(fn, Oconst, w, 0);
    int words = (w + 63) / 64;
    n->bits = xalloc(sizeof *n->bits * (size_t)(words ? words : 1));
    memcpy(n->bits, bits, sizeof *bits * (size_t)words);
    if (w % 64)
        n->bits[words - 1] &= ~UINT64_C(0) >> (64 - w % 64);
    return n;
}

Node *node_const(Fn *fn, int w, uint64_t v)
{
    size_t words = (size_t)(w + 63) / 64;
    uint64_t *b = xalloc(sizeof *b * (words ? words : 1));
    b[0] = v;
    return node_wide(fn, w, b);
}

Node *node_real(Node *n)
{
    while (n && n->alias)
        n = n->alias;
    return n;
}

bool const_small(const Node *n, uint64_t *v)
{
    if (n->op != Oconst)
        return false;
    for (int i = 1; i < (n->w + 63) / 64; i++)
        if (n->bits[i])
            return false;
    *v = n->bits[0];
    return true;
}

bool is_const(const Node *n, uint64_t v)
{
    uint64_t x;
    return const_small(n, &x) && x == v;
}

static Node *place(Fn *fn, Node *at, enum Op op, int w, int nin)
{
    Node *n = node_new(fn, op, w, nin);
    n->loc = at->loc;
    n->blk = at->blk;
    n->rgn = at->rgn;
    if (at->rgn)
        PUSH(at->rgn->node, at->rgn->nnode, n);
    else if (at->blk)
        PUSH(at->blk->node, at->blk->nnode, n);
    return n;
}

Node *node_op(Fn *fn, Node *at, enum Op op, int w, Node *a, Node *b)
{
    Node *n = place(fn, at, op, w, b ? 2 : 1);
    n->in[0] = a;
    if (b)
        n->in[1] = b;
    return n;
}

Node *node_slice(Fn *fn, Node *at, Node *a, int lo, int w)
{
    if (lo == 0 && w == a->w)
        return a;
    Node *n = place(fn, at, Oslice, w, 1);
    n->in[0] = a;
    n->lo = lo;
    return n;
}

Node *node_ext(Fn *fn, Node *at, Node *a, int w, bool sgn)
{
    if (w == a->w)
        return a;
    if (w < a->w)
        return node_slice(fn, at, a, 0, w);
    return node_op(fn, at, sgn ? Osext : Ozext, w, a, NULL);
}

Node *node_select(Fn *fn, Node *at, Node *c, Node *a, Node *b)
{
    Node *n = place(fn, at, Oselect, a->w, 3);
    n->in[0] = c;
    n->in[1] = a;
    n->in[2] = b;
    return n;
}

Node *node_cat(Fn *fn, Node *at, int k, Node **in)
{
    if (k == 1)
        return in[0];
    int w = 0;
    for (int i = 0; i < k; i++)
        w += in[i]->w;
    Node *n = place(fn, at, Ocat, w, k);
    memcpy(n->in, in, sizeof *in * (size_t)k);
    return n;
}

static void visit(Region *r, Node *n, Node ***v, int *k)
{
    if (n->mark == 2 || n->rgn != r)
        return;
    if (n->mark == 1)
        die("%s_%d depends on itself within an iteration", opinfo[n->op].name,
            n->id);
    n->mark = 1;
    if (n->op != Ophi)
        for (int i = 0; i < n->nin; i++)
            visit(r, n->in[i] = node_real(n->in[i]), v, k);
    if (n->pred)
        visit(r, n->pred = node_real(n->pred), v, k);
    n->mark = 2;
    PUSH(*v, *k, n);
}

/* Phis first, then every node after what it needs; old order otherwise. */
void node_flush(Region *r)
{
    Node **v = NULL;
    int k = 0;
    for (int i = 0; i < r->nnode; i++)
        r->node[i]->mark = 0;
    for (int i = 0; i < r->nnode; i++)
        if (r->node[i]->op == Ophi && !r->node[i]->alias)
            visit(r, r->node[i], &v, &k);
    for (int i = 0; i < r->nnode; i++)
        if (!r->node[i]->alias)
            visit(r, r->node[i], &v, &k);
    r->node = v;
    r->nnode = k;
    for (int i = 0; i < k; i++)
        if (v[i]->op == Ophi)
            for (int j = 0; j < v[i]->nin; j++)
                v[i]->in[j] = node_real(v[i]->in[j]);
}

static void print_node(const Node *n, FILE *f)
{
    fprintf(f, "    %s_%d:%d = %s", n->name, n->id, n->w, opinfo[n->op].name);
    if (n->op == Oconst)
        fprintf(f, " %lld", (long long)n->bits[0]);
    if (n->op == Oslice)
        fprintf(f, " [%d]", n->lo);
    for (int i = 0; i < n->nin; i++)
        if (n->in[i])
            fprintf(f, " %d", n->in[i]->id);
    if (n->mem)
        fprintf(f, " %s.%d", n->mem->name, n->bank);
    if (n->port)
        fprintf(f, " %s", n->port->name);
    if (n->pred)
        fprintf(f, " if %d", n->pred->id);
    fprintf(f, "   ; rw %d%s step %d+%d at %.2f\n", n->rw, n->sgn ? "s" : "",
            n->step, n->lat, n->at);
}

/* The netlist as text, for --debug. */
void fn_print(Fn *fn, FILE *f)
{
    fprintf(f, "fn %s\n", fn->name);
    for (int i = 0; !fn->nrgn && i < fn->nblk; i++) {
        fprintf(f, "  block %s ii %d\n", fn->blk[i]->name, fn->blk[i]->ii);
        for (int k = 0; k < fn->blk[i]->nnode; k++)
            print_node(fn->blk[i]->node[k], f);
    }
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        fprintf(f, "  region %s%s ii %d steps %d drain %d\n", r->name,
                r->pipe ? " pipelined" : "", r->ii, r->nstep, r->drain);
        for (int k = 0; k < r->nnode; k++)
            print_node(r->node[k], f);
    }
}
