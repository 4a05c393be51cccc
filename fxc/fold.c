/* SPDX-License-Identifier: Apache-2.0 */
/* fold.c -- constants, wires, and what nobody needs.
 *
 * C packs a word by shifts and ors, `y |= (word)v << 32 * t`. As arithmetic
 * that is a chain of operations as wide as the word; as hardware it is no more
 * than a bundle of wires. Every value that only moves bits is therefore seen
 * as segments, (node, first bit, bits) or zeros, lowest first; if the nonzero
 * segments of an `or`'s two sides do not meet, the or is their merge. What
 * remains is a slice, a zero extension or a concatenation.
 */
#include "fxc/all.h"
#include <stdlib.h>
#include <string.h>

typedef struct Seg {
    Node *n; /* NULL: zeros */
    int lo, w;
} Seg;

typedef struct Segs {
    int n, w;
    Seg *s;
} Segs;

static void add_seg(Segs *v, Node *n, int lo, int w)
{
    if (w <= 0)
        return;
    v->w += w;
    if (v->n) {
        Seg *p = &v->s[v->n - 1];
        if (p->n == n && (!n || p->lo + p->w == lo)) {
            p->w += w;
            return;
        }
    }
    Seg s = {n, lo, w};
    PUSH(v->s, v->n, s);
}

static void add_cut(Segs *v, const Segs *a, int lo, int w)
{
    for (int i = 0; i < a->n && w > 0; i++) {
        Seg s = a->s[i];
        if (lo >= s.w) {
            lo -= s.w;
            continue;
        }
        int k = s.w - lo < w ? s.w - lo : w;
        add_seg(v, s.n, s.n ? s.lo + lo : 0, k);
        lo = 0;
        w -= k;
    }
}

static bool bit_of(const Node *c, int k)
{
    return c->bits[k / 64] >> k % 64 & 1;
}

static Segs segs_of(Node *);

/* Runs of zeros in a constant are zeros; the rest stays part of it. */
static void const_segs(Segs *v, Node *c)
{
    int hi = c->w, lo = 0;
    while (hi > 0 && !bit_of(c, hi - 1))
        hi--;
    while (lo < hi && !bit_of(c, lo))
        lo++;
    add_seg(v, NULL, 0, lo);
    add_seg(v, c, lo, hi - lo);
    add_seg(v, NULL, 0, c->w - hi);
}

static void mask_segs(Segs *v, Node *x, const Node *mask)
{
    Segs a = segs_of(x);
    for (int k = 0; k < mask->w;) {
        int j = k;
        while (j < mask->w && bit_of(mask, j) == bit_of(mask, k))
            j++;
        if (bit_of(mask, k))
            add_cut(v, &a, k, j - k);
        else
            add_seg(v, NULL, 0, j - k);
        k = j;
    }
}

/* Merges two values that are never both nonzero in a bit. */
static bool merge_segs(Segs *v, Node *a, Node *b)
{
    Segs x = segs_of(a), y = segs_of(b);
    int i = 0, j = 0, xi = 0, yj = 0;
    while (i < x.n && j < y.n) {
        int k = x.s[i].w - xi < y.s[j].w - yj ? x.s[i].w - xi : y.s[j].w - yj;
        if (x.s[i].n && y.s[j].n)
            return false;
        if (x.s[i].n)
            add_seg(v, x.s[i].n, x.s[i].lo + xi, k);
        else
            add_seg(v, y.s[j].n, y.s[j].n ? y.s[j].lo + yj : 0, k);
        xi += k;
        yj += k;
        if (xi == x.s[i].w)
            i++, xi = 0;
        if (yj == y.s[j].w)
            j++, yj = 0;
    }
    return true;
}

static int mask_runs(const Node *c)
{
    int n = 1;
    for (int k = 1; k < c->w; k++)
        n += bit_of(c, k) != bit_of(c, k - 1);
    return n;
}

static Segs segs_of(Node *n)
{
    Segs v = {0}, a;
    uint64_t k;
    switch (n->op) {
    case Oconst:
        const_segs(&v, n);
        return v;
    case Ocat:
        for (int i = 0; i < n->nin; i++) {
            a = segs_of(n->in[i]);
            add_cut(&v, &a, 0, a.w);
        }
        return v;
    case Ozext:
        a = segs_of(n->in[0]);
        add_cut(&v, &a, 0, a.w);
        add_seg(&v, NULL, 0, n->w - a.w);
        return v;
    case Oslice:
        a = segs_of(n->in[0]);
        add_cut(&v, &a, n->lo, n->w);
        return v;
    case Oshl:
        if (const_small(n->in[1], &k) && k < (uint64_t)n->w) {
            a = segs_of(n->in[0]);
            add_seg(&v, NULL, 0, (int)k);
            add_cut(&v, &a, 0, n->w - (int)k);
            return v;
        }
        break;
    case Olshr:
        if (const_small(n->in[1], &k) && k < (uint64_t)n->w) {
            a = segs_of(n->in[0]);
            add_cut(&v, &a, (int)k, n->w - (int)k);
            add_seg(&v, NULL, 0, (int)k);
            return v;
        }
        break;
    case Oand:
        for (int i = 0; i < 2; i++)
            if (n->in[i]->op == Oconst && mask_runs(n->in[i]) <= 4) {
                mask_segs(&v, n->in[1 - i], n->in[i]);
                return v;
            }
        break;
    case Oor:
    case Oxor:
    case Oadd:
        if (merge_segs(&v, n->in[0], n->in[1]))
            return v;
        v = (Segs){0};
        break;
    default:
        break;
    }
    add_seg(&v, n, 0, n->w);
    return v;
}

static Node *seg_node(Fn *fn, Node *at, Seg s)
{
    if (!s.n)
        return node_const(fn, s.w, 0);
    if (s.n->op == Oconst) {
        uint64_t *b = xalloc(sizeof *b * (size_t)(s.w / 64 + 1));
        for (int k = 0; k < s.w; k++)
            if (bit_of(s.n, s.lo + k))
                b[k / 64] |= UINT64_C(1) << k % 64;
        return node_wide(fn, s.w, b);
    }
    if (s.n->op == Osext && s.lo + s.w <= s.n->in[0]->w)
        return node_slice(fn, at, s.n->in[0], s.lo, s.w);
    if (s.n->op == Osext && s.lo == 0 && s.w < s.n->w)
        return node_op(fn, at, Osext, s.w, s.n->in[0], NULL);
    return node_slice(fn, at, s.n, s.lo, s.w);
}

/* Is c what seg_node would make of s? */
static bool is_seg(const Node *c, Seg s)
{
    if (!s.n)
        return c->op == Oconst && s.w == c->w;
    if (s.n == c)
        return !s.lo && s.w == c->w;
    return c->op == Oslice && s.n == c->in[0] && s.lo == c->lo && s.w == c->w;
}

/* Is n already written the way v would be? */
static bool same_form(const Node *n, const Segs *v)
{
    if (n->op == Oslice && v->n == 1)
        return is_seg(n, v->s[0]);
    if (n->op == Ozext)
        return v->n == 2 && !v->s[1].n && is_seg(n->in[0], v->s[0]);
    if (n->op != Ocat || n->nin != v->n)
        return false;
    for (int i = 0; i < n->nin; i++)
        if (!is_seg(n->in[i], v->s[i]))
            return false;
    return true;
}

static Node *rewire(Fn *fn, Node *n)
{
    Segs v = segs_of(n);
    if (v.n == 1 && v.s[0].n == n)
        return NULL;
    if (v.n == 0 || (v.n == 1 && !v.s[0].n))
        return node_const(fn, n->w, 0);
    if (same_form(n, &v))
        return NULL;
    if (v.n == 1)
        return seg_node(fn, n, v.s[0]);
    if (v.n == 2 && !v.s[1].n)
        return node_op(fn, n, Ozext, n->w, seg_node(fn, n, v.s[0]), NULL);
    Node **in = xalloc(sizeof *in * (size_t)v.n);
    for (int i = 0; i < v.n; i++)
        in[i] = seg_node(fn, n, v.s[i]);
    return node_cat(fn, n, v.n, in);
}

static int64_t sext64(uint64_t v, int w)
{
    return w >= 64 ? (int64_t)v : (int64_t)(v << (64 - w)) >> (64 - w);
}

/* The value of an operation on constants of at most 64 bits. */
static bool evaluate(const Node *n, uint64_t *out)
{
    uint64_t v[3] = {0};
    if (n->w > 64 || n->nin < 1 || n->nin > 3)
        return false;
    for (int i = 0; i < n->nin; i++)
        if (n->in[i]->w > 64 || !const_small(n->in[i], &v[i]))
            return false;
    int w = n->in[0]->w;
    int64_t a = sext64(v[0], w), b = n->nin > 1 ? sext64(v[1], n->in[1]->w) : 0;
    uint64_t s = v[1] < 64 ? v[1] : 63;
    switch (n->op) {
    case Oslice:
        *out = v[0] >> n->lo;
        return true;
    case Ozext:
        *out = v[0];
        return true;
    case Osext:
        *out = (uint64_t)a;
        return true;
    case Oand:
        *out = v[0] & v[1];
        return true;
    case Oor:
        *out = v[0] | v[1];
        return true;
    case Oxor:
        *out = v[0] ^ v[1];
        return true;
    case Oadd:
        *out = v[0] + v[1];
        return true;
    case Osub:
        *out = v[0] - v[1];
        return true;
    case Omul:
        *out = v[0] * v[1];
        return true;
    case Oshl:
        *out = v[0] << s;
        return true;
    case Olshr:
        *out = v[0] >> s;
        return true;
    case Oashr:
        *out = (uint64_t)(a >> s);
        return true;
    case Oeq:
        *out = v[0] == v[1];
        return true;
    case One:
        *out = v[0] != v[1];
        return true;
    case Oult:
        *out = v[0] < v[1];
        return true;
    case Oule:
        *out = v[0] <= v[1];
        return true;
    case Oslt:
        *out = a < b;
        return true;
    case Osle:
        *out = a <= b;
        return true;
    default:
        return false;
    }
}

static bool is_ones(const Node *n)
{
    for (int k = 0; k < n->w && n->op == Oconst; k++)
        if (!bit_of(n, k))
            return false;
    return n->op == Oconst;
}

/* LLVM writes x | x << 27 as a product: two bits are two shifts. */
static bool two_bits(const Node *c, int at[2])
{
    int n = 0;
    for (int k = 0; k < c->w; k++)
        if (bit_of(c, k)) {
            if (n == 2)
                return false;
            at[n++] = k;
        }
    return n == 2;
}

static Node *shifted(Fn *fn, Node *at, Node *a, int k)
{
    return k ? node_op(fn, at, Oshl, a->w, a, node_const(fn, a->w, (uint64_t)k))
             : a;
}

static Node *identity(Fn *fn, Node *n)
{
    int at[2];
    Node *a = n->nin ? n->in[0] : NULL, *b = n->nin > 1 ? n->in[1] : NULL;
    uint64_t k;
    switch (n->op) {
    case Oselect:
        if (is_const(a, 1) || b == n->in[2])
            return b;
        if (is_const(a, 0))
            return n->in[2];
        if (n->w == 1 && is_const(b, 1) && is_const(n->in[2], 0))
            return a;
        if (a->op == Oxor && is_const(a->in[1], 1) && a->w == 1)
            return node_select(fn, n, a->in[0], n->in[2], b);
        return NULL;
    case Oand:
        if (is_const(a, 0) || is_ones(b) || a == b)
            return a;
        if (is_const(b, 0) || is_ones(a))
            return b;
        return NULL;
    case Oor:
        if (is_const(a, 0) || is_ones(b) || a == b)
            return b;
        return is_const(b, 0) || is_ones(a) ? a : NULL;
    case Oxor:
        if (a->op == Oxor && is_const(b, 1) && is_const(a->in[1], 1) &&
            n->w == 1)
            return a->in[0];
        return is_const(a, 0) ? b : is_const(b, 0) ? a : NULL;
    case Oadd:
        return is_const(a, 0) ? b : is_const(b, 0) ? a : NULL;
    case Osub:
        return is_const(b, 0) ? a : NULL;
    case Omul:
        if (a->op == Oconst && b->op != Oconst) {
            n->in[0] = b;
            n->in[1] = a;
            return identity(fn, n);
        }
        if (is_const(b, 0))
            return b;
        if (is_const(b, 1))
            return a;
        if (b->op == Oconst && two_bits(b, at))
            return node_op(fn, n, Oadd, n->w, shifted(fn, n, a, at[0]),
                           shifted(fn, n, a, at[1]));
        if (const_small(b, &k) && (k & (k - 1)) == 0)
            return node_op(fn, n, Oshl, n->w, a,
                           node_const(fn, n->w, (uint64_t)__builtin_ctzll(k)));
        return NULL;
    case Oashr:
        if (const_small(b, &k) && k < (uint64_t)n->w)
            return k ? node_op(fn, n, Osext, n->w,
                               node_slice(fn, n, a, (int)k, n->w - (int)k),
                               NULL)
                     : a;
        return NULL;
    case Oshl:
    case Olshr:
        return is_const(b, 0) ? a : NULL;
    case Osext:
        if (a->op == Osext)
            return node_op(fn, n, Osext, n->w, a->in[0], NULL);
        if (a->op == Ozext)
            return node_op(fn, n, Ozext, n->w, a->in[0], NULL);
        return NULL;
    case Oslice:
        if (a->op == Osext && n->lo == 0 && n->w > a->in[0]->w)
            return node_op(fn, n, Osext, n->w, a->in[0], NULL);
        if (a->op == Osext && n->lo + n->w <= a->in[0]->w)
            return node_slice(fn, n, a->in[0], n->lo, n->w);
        return NULL;
    case Oeq:
        if (n->in[0]->w == 1 && is_const(b, 1))
            return a;
        if (n->in[0]->w == 1 && is_const(b, 0))
            return node_op(fn, n, Oxor, 1, a, node_const(fn, 1, 1));
        return NULL;
    default:
        return NULL;
    }
}

/* ---- one copy of equal nodes ---- */

enum { BUCKETS = 1 << 14 };
static Node **bucket[BUCKETS];
static int nbucket[BUCKETS];

static bool pure(const Node *n)
{
    enum Class c = opinfo[n->op].class;
    return n->op != Oconst && c != Cport && c != Cmem && c != Cphi &&
           n->op != Oarg;
}

static bool same_in(const Node *a, const Node *b)
{
    return a == b || (a->op == Oconst && b->op == Oconst && a->w == b->w &&
                      !memcmp(a->bits, b->bits,
                              sizeof *a->bits * (size_t)((a->w + 63) / 64)));
}

static bool same_node(const Node *a, const Node *b)
{
    if (a->op != b->op || a->w != b->w || a->lo != b->lo || a->nin != b->nin ||
        a->rgn != b->rgn)
        return false;
    for (int i = 0; i < a->nin; i++)
        if (!same_in(a->in[i], b->in[i]))
            return false;
    return true;
}

static Node *seen_before(Node *n)
{
    uint64_t h = (uint64_t)n->op * 31 + (uint64_t)n->w * 7 + (uint64_t)n->lo;
    for (int i = 0; i < n->nin; i++)
        h = (h ^ (n->in[i]->op == Oconst ? n->in[i]->bits[0]
                                         : (uint64_t)n->in[i]->id)) *
            0x9E3779B97F4A7C15u;
    unsigned k = (unsigned)(h >> 32) % BUCKETS;
    for (int i = 0; i < nbucket[k]; i++)
        if (same_node(bucket[k][i], n))
            return bucket[k][i];
    PUSH(bucket[k], nbucket[k], n);
    return NULL;
}

static bool fold_region(Fn *fn, Region *r)
{
    bool changed = false;
    memset(nbucket, 0, sizeof nbucket);
    memset(bucket, 0, sizeof bucket);
    for (int i = 0; i < r->nnode; i++) {
        Node *n = r->node[i];
        for (int k = 0; k < n->nin; k++)
            n->in[k] = node_real(n->in[k]);
        n->pred = node_real(n->pred);
        if (n->alias || !pure(n))
            continue;
        uint64_t v;
        Node *x = evaluate(n, &v) ? node_const(fn, n->w, v) : identity(fn, n);
        if (!x)
            x = rewire(fn, n);
        if (!x)
            x = seen_before(n);
        if (x && x != n) {
            if (x->rgn && !*x->name)
                x->name = n->name;
            n->alias = x;
            changed = true;
        }
    }
    node_flush(r);
    return changed;
}

/* ---- what nobody needs ---- */

static void keep(Node *n)
{
    if (!n || n->live)
        return;
    n->live = true;
    for (int i = 0; i < n->nin; i++)
        keep(n->in[i] = node_real(n->in[i]));
    keep(n->pred = node_real(n->pred));
}

static void sweep(Fn *fn)
{
    for (int i = 0; i < fn->nnode; i++)
        fn->node[i]->live = false;
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        keep(r->stop = node_real(r->stop));
        for (int k = 0; k < r->nexit; k++)
            keep(r->exit[k].cond = node_real(r->exit[k].cond));
        for (int k = 0; k < r->nnode; k++) {
            Node *n = r->node[k];
            if (is_const(n->pred ? n->pred : n, 0) && n->pred)
                continue; /* never happens */
            if (n->op == Opop || n->op == Opush || n->op == Ostore)
                keep(n);
        }
    }
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        int k = 0;
        for (int j = 0; j < r->nnode; j++)
            if (r->node[j]->live)
                r->node[k++] = r->node[j];
        r->nnode = k;
    }
}

static void live_only(int *n, Node **v)
{
    int k = 0;
    for (int i = 0; i < *n; i++)
        if (v[i]->live)
            v[k++] = v[i];
    *n = k;
}

void fold(Fn *fn)
{
    for (int i = 0; i < fn->nrgn; i++)
        for (int round = 0; round < 8 && fold_region(fn, fn->rgn[i]); round++)
            ;
    for (int i = 0; i < fn->nrgn; i++)
        node_flush(fn->rgn[i]);
    sweep(fn);
    for (int i = 0; i < fn->nmem; i++)
        live_only(&fn->mem[i]->nacc, fn->mem[i]->acc);
    for (int i = 0; i < fn->nport; i++)
        live_only(&fn->port[i]->nop, fn->port[i]->op);
}
