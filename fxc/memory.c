/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c -- which memory is made of what, and who must wait for whom.
 *
 * A bank has one port to read and one to write. An array of which a pipelined
 * loop wants more in its interval is made of registers if it is small, and
 * refused if not. Two accesses to one bank, one of them a store, keep their
 * order unless their addresses are proved to differ; across iterations they
 * keep the distance that the addresses prove, or one iteration if nothing can
 * be proved. So a schedule never relies on hope: what cannot be proved costs
 * time, and if the asked interval does not have that time, the loop is refused.
 *
 * Address proof: an address is c + sum k * symbol; the symbols are values the
 * loop does not change, and its counters (p = p + step).
 */
#include "fxc/all.h"

enum { MAX_TERM = 8, MAX_REG_WORDS = 4096, SMALL_BITS = 256 };

typedef struct Affine {
    int64_t c;
    int n;
    Node *sym[MAX_TERM];
    int64_t k[MAX_TERM];
    bool bad;
} Affine;

static void add_term(Affine *a, Node *n, int64_t k)
{
    for (int i = 0; i < a->n; i++)
        if (a->sym[i] == n) {
            a->k[i] += k;
            return;
        }
    if (a->n == MAX_TERM) {
        a->bad = true;
        return;
    }
    a->sym[a->n] = n;
    a->k[a->n++] = k;
}

static bool signed_const(const Node *n, bool sgn, int64_t *v)
{
    uint64_t u;
    if (n->w > 64 || !const_small(n, &u))
        return false;
    *v = n->w < 64 && sgn && u >> (n->w - 1) & 1
             ? (int64_t)(u | ~UINT64_C(0) << n->w)
             : (int64_t)u;
    return n->w < 64 || (int64_t)u >= 0 || sgn;
}

/* C says so, or the widths do. */
static bool no_wrap(const Node *n)
{
    return n->nsw || n->nuw || n->uw < n->w;
}

static void affine(Affine *a, Node *n, int64_t k)
{
    int64_t v;
    n = node_real(n);
    if (signed_const(n, true, &v)) {
        a->c += v * k;
        return;
    }
    bool safe = no_wrap(n);
    if (n->op == Oadd && safe &&
        (n->in[1]->op != Oconst || n->nsw ||
         signed_const(n->in[1], false, &v))) {
        affine(a, n->in[0], k);
        affine(a, n->in[1], k);
        return;
    }
    if (n->op == Osub && n->nsw) {
        affine(a, n->in[0], k);
        affine(a, n->in[1], -k);
        return;
    }
    if (n->op == Omul && safe && signed_const(n->in[1], n->nsw, &v)) {
        affine(a, n->in[0], k * v);
        return;
    }
    if (n->op == Ozext || n->op == Osext) {
        affine(a, n->in[0], k);
        return;
    }
    if (n->op == Oslice && !n->lo && n->in[0]->uw <= n->w) {
        affine(a, n->in[0], k);
        return;
    }
    if (n->op == Ocat && n->nin == 2 && is_const(n->in[0], 0) &&
        n->in[0]->w < 32 && n->in[1]->op != Oconst) {
        affine(a, n->in[1], k << n->in[0]->w);
        return;
    }
    add_term(a, n, k);
}

static Affine address_of(const Node *n)
{
    Affine a = {.c = n->off};
    for (int t = 0; t < n->nterm; t++)
        affine(&a, n->term[t].n, n->term[t].stride);
    return a;
}

/* p = p + step in every iteration of r. */
static bool counter_step(const Region *r, const Node *p, int64_t *step)
{
    if (p->op != Ophi || p->rgn != r || p->blk != r->blk[0])
        return false;
    for (int i = 0; i < p->nin; i++) {
        const Node *u = node_real(p->in[i]);
        if (p->from[i] == r->latch)
            return u->op == Oadd && node_real(u->in[0]) == p && no_wrap(u) &&
                   signed_const(node_real(u->in[1]), true, step);
    }
    return false;
}

/* Can x, and y `dist` iterations later, meet? The smallest such dist >= 1, or
 * 0 if they never do. */
static int carried(const Region *r, const Node *x, const Node *y)
{
    Affine a = address_of(x), b = address_of(y);
    int64_t move = 0;
    if (a.bad || b.bad)
        return 1;
    for (int i = 0; i < a.n; i++)
        add_term(&b, a.sym[i], 0);
    for (int i = 0; i < b.n; i++)
        add_term(&a, b.sym[i], 0);
    if (a.bad || b.bad)
        return 1;
    for (int i = 0; i < a.n; i++) {
        int64_t step, kb = 0;
        for (int j = 0; j < b.n; j++)
            if (b.sym[j] == a.sym[i])
                kb = b.k[j];
        if (kb != a.k[i])
            return 1;
        if (!kb || a.sym[i]->rgn != r)
            continue;
        if (!counter_step(r, a.sym[i], &step))
            return 1;
        move += kb * step;
    }
    int64_t diff = a.c - b.c;
    if (!move)
        return diff ? 0 : 1;
    if (diff % move || diff / move < 1)
        return 0;
    return diff / move > 1000 ? 1000 : (int)(diff / move);
}

/* Can they meet within one iteration? */
static bool meet(const Node *x, const Node *y)
{
    Affine a = address_of(x), b = address_of(y);
    if (a.bad || b.bad)
        return true;
    for (int i = 0; i < b.n; i++)
        add_term(&a, b.sym[i], -b.k[i]);
    for (int i = 0; i < a.n; i++)
        if (a.k[i])
            return true;
    return a.bad || a.c == b.c;
}

static void add_edge(Region *r, Node *a, Node *b, int lat, int dist)
{
    Edge e = {a, b, lat, dist};
    PUSH(r->edge, r->nedge, e);
}

static int order_lat(const Node *a, const Node *b)
{
    if (a->op == Ostore)
        return b->op == Ostore && a->mem->kind == Mreg ? 0 : 1;
    return 0; /* a load sees what was there before the clock edge */
}

/* FX_NODEP in a block of r; emit_mem.c asserts it in simulation. */
bool vouched(const Region *r, const Mem *m)
{
    for (int i = 0; i < m->nnodep; i++)
        if (m->nodep[i]->rgn == r)
            return true;
    return false;
}

static void memory_edges(Region *r, Mem *m)
{
    for (int i = 0; i < m->nacc; i++)
        for (int k = 0; k < m->nacc; k++) {
            Node *a = m->acc[i], *b = m->acc[k];
            if (a->rgn != r || b->rgn != r || a->bank != b->bank ||
                (a->op == Oload && b->op == Oload))
                continue;
            if (a->id < b->id && meet(a, b))
                add_edge(r, a, b, order_lat(a, b), 0);
            int d = r->pipe && a != b ? carried(r, a, b) : 0;
            if (a->op == Ostore && b->op == Oload && vouched(r, m))
                d = 0;
            if (d)
                add_edge(r, a, b, 1, d);
        }
}

static void port_edges(Fn *fn, Region *r)
{
    Node **v = NULL;
    int n = 0;
    for (int i = 0; i < r->nnode; i++)
        if (r->node[i]->port)
            PUSH(v, n, r->node[i]);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) {
            Node *a = v[i], *b = v[k];
            if (a->port == b->port && a != b && r->pipe)
                add_edge(r, a, b, 1, a->id < b->id ? 0 : 1);
            else if (a->id < b->id && a->port == b->port)
                add_edge(r, a, b, 1, 0);
            else if (a->id < b->id && r->pipe && a->port->out && !b->port->out)
                add_edge(r, a, b, 0, 0); /* an answer after its question */
            else if (a->id < b->id && !r->pipe)
                add_edge(r, a, b, a->port->out || b->port->out, 0);
        }
}

static bool wants_more(const Mem *m, const Region *r)
{
    int *loads = xalloc(sizeof *loads * (size_t)m->nbank);
    int *stores = xalloc(sizeof *stores * (size_t)m->nbank);
    for (int i = 0; i < m->nacc; i++)
        if (m->acc[i]->rgn == r &&
            ++(m->acc[i]->op == Oload ? loads : stores)[m->acc[i]->bank] >
                r->ii)
            return true;
    return false;
}

static Loc first_access(const Mem *m, const Region *r)
{
    for (int i = 0; i < m->nacc; i++)
        if (m->acc[i]->rgn == r)
            return m->acc[i]->loc;
    return m->loc;
}

static void choose_kind(Fn *fn, Mem *m)
{
    m->kind = m->constant ? Mrom : Mram;
    if (m->constant)
        return;
    int64_t words = m->depth * m->nbank;
    if (m->depth == 1 || m->depth * m->w <= SMALL_BITS)
        m->kind = Mreg;
    for (int i = 0; i < fn->nrgn && m->kind == Mram; i++) {
        Region *r = fn->rgn[i];
        if (!r->pipe || !wants_more(m, r))
            continue;
        if (words > MAX_REG_WORDS)
            reject(first_access(m, r),
                   "bank it, a[BANK][ADDRESS] with constant BANK, raise the "
                   "interval, or read it once",
                   "loop '%s' wants one bank of '%s' more than once in its "
                   "interval of %d",
                   r->name, m->name, r->ii);
        m->kind = Mreg;
    }
}

void memory(Fn *fn)
{
    for (int i = 0; i < fn->nmem; i++)
        choose_kind(fn, fn->mem[i]);
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        for (int k = 0; k < fn->nmem; k++)
            memory_edges(r, fn->mem[k]);
        port_edges(fn, r);
    }
}
