/* SPDX-License-Identifier: Apache-2.0 */
/* width.c -- how many bits of a value hardware has to keep.
 *
 * Forward: a value fits in uw bits unsigned and in sw bits signed. Starting
 * from nothing, the bounds grow through the operations until they stand still
 * (a loop's registers and the memories join what flows into them), so that a
 * 32-bit product of an i4 and an i8 is found to be 12 bits.
 * Backward: only the low `dem` bits are ever looked at: a sum that is later
 * cut to 16 bits is a 16-bit sum.
 *
 * rw is the smaller, sgn how to extend it. Bits above `dem` may differ from
 * what C has; nobody can see them. A counter that a loop stops at a constant
 * is bounded by it (clamp), or its sum would grow to the width of its type.
 */
#include "fxc/all.h"

static int min2(int a, int b)
{
    return a < b ? a : b;
}

static int max2(int a, int b)
{
    return a > b ? a : b;
}

static int const_uw(const Node *n)
{
    int k = n->w;
    while (k > 0 && !(n->bits[(k - 1) / 64] >> (k - 1) % 64 & 1))
        k--;
    return k;
}

static int const_sw(const Node *n)
{
    int k = n->w - 1;
    uint64_t top = n->bits[k / 64] >> k % 64 & 1;
    while (k > 0 && (n->bits[(k - 1) / 64] >> (k - 1) % 64 & 1) == top)
        k--;
    return k + 1;
}

/* Shift amounts: the largest value of uw bits, held to a word's width. */
static int most(const Node *n, int w)
{
    uint64_t k;
    if (const_small(n, &k))
        return k < (uint64_t)w ? (int)k : w;
    return n->uw < 20 ? min2((1 << n->uw) - 1, w) : w;
}

static void forward(Node *n, int *u, int *s)
{
    Node *a = n->nin ? n->in[0] : NULL, *b = n->nin > 1 ? n->in[1] : NULL;
    int w = n->w;
    *u = *s = w;
    switch (n->op) {
    case Oconst:
        *u = const_uw(n);
        *s = const_sw(n);
        return;
    case Oadd:
        *u = max2(a->uw, b->uw) + 1;
        if (!a->uw || !b->uw)
            *u = max2(a->uw, b->uw);
        *s = max2(a->sw, b->sw) + 1;
        return;
    case Osub:
        *s = max2(a->sw, b->sw) + 1;
        return;
    case Omul:
        *u = a->uw && b->uw ? a->uw + b->uw : 0;
        *s = a->sw + b->sw;
        return;
    case Oand:
        *u = min2(a->uw, b->uw);
        *s = max2(a->sw, b->sw);
        return;
    case Oor:
    case Oxor:
        *u = max2(a->uw, b->uw);
        *s = max2(a->sw, b->sw);
        return;
    case Oselect:
        *u = max2(b->uw, n->in[2]->uw);
        *s = max2(b->sw, n->in[2]->sw);
        return;
    case Ophi:
        *u = *s = 0;
        for (int i = 0; i < n->nin; i++) {
            *u = max2(*u, n->in[i]->uw);
            *s = max2(*s, n->in[i]->sw);
        }
        return;
    case Oshl:
        *u = a->uw + most(b, w);
        *s = a->sw + most(b, w);
        return;
    case Olshr:
        *u = a->uw;
        return;
    case Oashr:
        *s = a->sw;
        *u = a->uw < w ? a->uw : w;
        return;
    case Ozext:
        *u = a->uw;
        return;
    case Osext:
        *s = a->sw;
        *u = a->uw < a->w ? a->uw : w;
        return;
    case Oslice:
        *u = max2(0, a->uw - n->lo);
        *s = max2(1, a->sw - n->lo);
        return;
    case Ocat: {
        int lo = 0, top = 0;
        for (int i = 0; i < n->nin; lo += n->in[i++]->w)
            if (n->in[i]->uw)
                top = lo + n->in[i]->uw;
        *u = top;
        return;
    }
    case Oload:
        *u = n->mem->uw;
        *s = n->mem->sw;
        return;
    case Oudiv:
        *u = a->uw;
        return;
    case Ourem:
        *u = min2(a->uw, b->uw);
        return;
    default:
        return;
    }
}

static bool grow(Node *n)
{
    int u, s;
    forward(n, &u, &s);
    if (n->clamp >= 0)
        u = min2(u, n->clamp);
    u = min2(u, n->w);
    s = min2(max2(s, 1), n->w);
    if (u < n->w)
        s = min2(s, u + 1);
    if (u <= n->uw && s <= n->sw)
        return false;
    n->uw = max2(u, n->uw);
    n->sw = max2(s, n->sw);
    return true;
}

static bool grow_mem(Mem *m)
{
    int u = 0, s = 1;
    for (int64_t i = 0; i < m->ninit; i++) {
        Node c = {.w = m->w, .bits = &m->init[i]};
        u = max2(u, const_uw(&c));
        s = max2(s, const_sw(&c));
    }
    for (int i = 0; i < m->nacc; i++)
        if (m->acc[i]->op == Ostore) {
            u = max2(u, m->acc[i]->in[1]->uw);
            s = max2(s, m->acc[i]->in[1]->sw);
        }
    u = min2(u, m->w);
    s = min2(s, m->w);
    bool more = u > m->uw || s > m->sw;
    m->uw = max2(u, m->uw);
    m->sw = max2(s, m->sw);
    return more;
}

/* phi p = start; ... next = p + step; if (next != K) again: p < K. */
static void bound_counter(Node *p)
{
    if (p->nin != 2)
        return;
    for (int k = 0; k < 2; k++) {
        Node *start = p->in[1 - k], *next = p->in[k];
        Block *latch = p->from[k];
        uint64_t c0, step, end;
        if (!const_small(start, &c0) || next->op != Oadd || next->in[0] != p ||
            !const_small(next->in[1], &step) || !step || !latch->cond ||
            p->w > 62)
            continue;
        Node *c = node_real(latch->cond);
        if (c->nin != 2 || !const_small(c->in[1], &end))
            continue;
        int again = latch->succ[0] == p->blk ? 0 : 1;
        if (latch->succ[again] != p->blk || latch->succ[0] == latch->succ[1])
            continue;
        Node *of = c->in[0];
        bool ne = (c->op == One && again == 0) || (c->op == Oeq && again == 1);
        bool lt = (c->op == Oult || c->op == Oslt) && again == 0;
        if (of != next && of != p)
            continue;
        if (end >= UINT64_C(1) << (p->w - 1) || end <= c0 ||
            (ne && (end - c0) % step))
            continue;
        if (!ne && !lt)
            continue;
        uint64_t top = of == next ? end : end + step;
        p->clamp = clog2((int64_t)top + 1);
        next->clamp = clog2((int64_t)(top + step) + 1);
        if (of == next && ne)
            next->clamp = clog2((int64_t)end + 1);
        int64_t trips = (int64_t)((end - c0 + step - 1) / step);
        if (of == next && p->rgn->pipe)
            p->rgn->trip = trips;
    }
}

/* ---- backward ---- */

static int need(Node *n, int k)
{
    k = min2(k, n->w);
    if (k <= n->dem)
        return false;
    n->dem = k;
    return true;
}

static int demand(Node *n)
{
    Node *a = n->nin ? n->in[0] : NULL, *b = n->nin > 1 ? n->in[1] : NULL;
    int more = n->pred ? need(n->pred, 1) : 0;
    int d = n->dem;
    switch (n->op) {
    case Oadd:
    case Osub:
    case Omul:
    case Oand:
    case Oor:
    case Oxor:
        return need(a, d) | need(b, d) | more;
    case Oshl:
        return need(a, d) | need(b, b->w) | more;
    case Oselect:
        return need(a, d ? 1 : 0) | need(b, d) | need(n->in[2], d) | more;
    case Ophi:
        for (int i = 0; i < n->nin; i++)
            more |= need(n->in[i], d);
        return more;
    case Oslice:
        return need(a, d ? n->lo + d : 0) | more;
    case Ozext:
    case Osext:
        return need(a, d) | more;
    case Ocat: {
        int lo = 0;
        for (int i = 0; i < n->nin; lo += n->in[i++]->w)
            more |= need(n->in[i], max2(0, d - lo));
        return more;
    }
    case Ostore:
        return need(a, a->w) | need(b, n->mem->w) | more;
    default:
        for (int i = 0; i < n->nin; i++)
            more |= need(n->in[i], n->in[i]->w);
        return more;
    }
}

static void settle(Node *n)
{
    /* a tie is unsigned, unless only the sign bit is spare */
    bool sgn = n->sw < n->uw;
    int f = sgn ? n->sw : n->uw;
    n->rw = max2(1, min2(f, n->dem ? n->dem : 1));
    n->sgn = sgn;
}

static void all_nodes(Fn *fn, bool (*step)(Node *))
{
    for (bool more = true; more;) {
        more = false;
        for (int i = 0; i < fn->nnode; i++)
            if (fn->node[i]->live)
                more |= step(fn->node[i]);
        for (int i = 0; i < fn->nmem && step == grow; i++)
            more |= grow_mem(fn->mem[i]);
    }
}

static bool demand_reverse(Node *n)
{
    return demand(n);
}

void width(Fn *fn)
{
    for (int i = 0; i < fn->nnode; i++) {
        Node *n = fn->node[i];
        n->uw = n->sw = n->dem = 0;
        if (n->op == Oarg)
            n->live = true;
        if (n->live && n->op == Ophi)
            bound_counter(n);
    }
    for (int i = 0; i < fn->nmem; i++)
        fn->mem[i]->uw = fn->mem[i]->sw = 0;
    all_nodes(fn, grow);
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        if (r->stop)
            need(r->stop, 1);
        for (int k = 0; k < r->nexit; k++)
            if (r->exit[k].cond)
                need(r->exit[k].cond, 1);
    }
    for (int i = 0; i < fn->ninst; i++)
        for (int k = 0; k < fn->inst[i]->nwire; k++)
            if (fn->inst[i]->wire[k].value)
                need(fn->inst[i]->wire[k].value, fn->inst[i]->wire[k].scal->w);
    for (bool more = true; more;) {
        more = false;
        for (int i = fn->nnode - 1; i >= 0; i--)
            if (fn->node[i]->live)
                more |= demand_reverse(fn->node[i]);
    }
    for (int i = 0; i < fn->nnode; i++)
        if (fn->node[i]->live)
            settle(fn->node[i]);
    for (int i = 0; i < fn->nmem; i++) {
        Mem *m = fn->mem[i];
        m->sgn = m->sw < m->uw;
        m->storew = max2(1, m->sgn ? m->sw : m->uw);
    }
}
