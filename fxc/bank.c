/* SPDX-License-Identifier: Apache-2.0 */
/* bank.c -- arrays become banks, byte addresses become word addresses.
 *
 * A dimension that is only ever indexed by constants (after unrolling) is
 * split completely: buf[2][256], used as buf[0][i] and buf[1][i], is two
 * memories of 256 words. The other dimensions make up the word address:
 *
 *     byte = off + sum term * stride    ->   bank, and word = c + sum term * m
 *
 * If every dimension is constant the bank is one register.
 */
#include "fxc/all.h"

/* The dimension whose stride divides s and whose extent s stays within. */
static int dim_of(const Mem *m, int64_t s)
{
    for (int d = 0; d < m->nd; d++)
        if (s % m->stride[d] == 0 && (d == 0 || s < m->stride[d - 1]))
            return d;
    return -1;
}

static void find_banked(Mem *m)
{
    for (int d = 0; d < m->nd; d++)
        m->banked[d] = true;
    for (int a = 0; a < m->nacc; a++) {
        Node *n = m->acc[a];
        for (int t = 0; t < n->nterm; t++) {
            int64_t s = n->term[t].stride;
            int d = dim_of(m, s < 0 ? -s : s);
            if (d < 0)
                reject(n->loc, "index each dimension by itself: a[i][j]",
                       "fxc cannot split the index of '%s' into its dimensions",
                       m->name);
            /* a[4 * i]: the constant part may not stay within the dimension,
             * so the dimensions outside are variable, too, if i is. */
            m->banked[d] = false;
        }
    }
    m->nbank = 1;
    m->depth = 1;
    for (int d = 0; d < m->nd; d++)
        if (m->banked[d])
            m->nbank *= (int)m->dim[d];
        else
            m->depth *= m->dim[d];
}

static int word_bits(const Mem *m)
{
    int w = clog2(m->depth);
    return w ? w : 1;
}

static void bank_access(Fn *fn, Mem *m, Node *n)
{
    int64_t word[8], bank[8], w = 1, b = 1, rest = n->off, c = 0;
    for (int d = m->nd - 1; d >= 0; d--) {
        word[d] = m->banked[d] ? 0 : w;
        bank[d] = m->banked[d] ? b : 0;
        w *= m->banked[d] ? 1 : m->dim[d];
        b *= m->banked[d] ? m->dim[d] : 1;
    }
    n->bank = 0;
    for (int d = 0; d < m->nd; d++) {
        int64_t k = rest / m->stride[d];
        if (rest % m->stride[d] < 0)
            k--; /* floor: a[i - 1][3] has a negative constant */
        rest -= k * m->stride[d];
        if (m->banked[d] && (k < 0 || k >= m->dim[d]))
            reject(n->loc, "check the bounds of the loop",
                   "index %lld of '%s' is outside its %lld elements",
                   (long long)k, m->name, (long long)m->dim[d]);
        n->bank += (int)(k * bank[d]);
        c += k * word[d];
    }
    if (rest)
        reject(n->loc, "store and load whole elements",
               "an access to part of an element of '%s'", m->name);
    int aw = word_bits(m);
    Node *sum = NULL;
    for (int t = 0; t < n->nterm; t++) {
        int64_t s = n->term[t].stride;
        int d = dim_of(m, s < 0 ? -s : s);
        int64_t k = s / m->stride[d] * word[d];
        n->term[t].stride = k;
        Node *x = node_ext(fn, n, n->term[t].n, aw, true);
        if (k != 1)
            x = node_op(fn, n, Omul, aw, x, node_const(fn, aw, (uint64_t)k));
        sum = sum ? node_op(fn, n, Oadd, aw, sum, x) : x;
    }
    n->off = c;
    Node *k = node_const(fn, aw, (uint64_t)c);
    n->in[0] = !sum ? k : c ? node_op(fn, n, Oadd, aw, sum, k) : sum;
    if (!n->nterm && (c < 0 || c >= m->depth))
        reject(n->loc, "check the bounds of the loop",
               "an index of '%s' is outside the array", m->name);
}

/* A word over 128 bits may lie in memory as an array of bytes. */
static void whole_words(Mem *m)
{
    bool whole = m->storew == 8 && m->nd > 1;
    for (int a = 0; a < m->nacc; a++)
        whole = whole && m->acc[a]->w == 8 * m->dim[m->nd - 1];
    if (whole)
        m->storew = (int)(8 * m->dim[--m->nd]);
}

/* clang hands a result of 65 to 128 bits back through a variable: one store,
 * then loads of its halves. True if that was so, and is no memory any more. */
static bool forward_parts(Fn *fn, Mem *m)
{
    Node *st = NULL;
    for (int a = 0; a < m->nacc; a++)
        if (m->acc[a]->op == Ostore) {
            if (st)
                return false;
            st = m->acc[a];
        }
    if (!st || st->off || st->nterm)
        return false;
    for (int a = 0; a < m->nacc; a++) {
        Node *n = m->acc[a];
        if (n != st && (n->blk != st->blk || n->id < st->id || n->nterm ||
                        n->off < 0 || n->off * 8 >= st->w))
            return false;
    }
    for (int a = 0; a < m->nacc; a++) {
        Node *n = m->acc[a];
        int lo = (int)n->off * 8;
        int w = n->w < st->w - lo ? n->w : st->w - lo;
        if (n != st)
            n->alias = node_ext(fn, n, node_slice(fn, n, st->in[1], lo, w),
                                n->w, false);
        n->op = Oslice; /* nobody's: swept away */
        n->in[0] = st->in[1];
        n->nin = 1;
        n->mem = NULL;
        n->w = 1;
    }
    m->nacc = 0;
    return true;
}

static void check_parts(const Mem *m)
{
    for (int a = 0; a < m->nacc; a++)
        if (m->acc[a]->w != m->storew)
            reject(m->acc[a]->loc,
                   "store and load whole elements; give a result of over 64 "
                   "bits through a pointer",
                   "an access to part of an element of '%s'", m->name);
}

void bank(Fn *fn)
{
    for (int i = 0; i < fn->nmem; i++) {
        Mem *m = fn->mem[i];
        whole_words(m);
        bool parts = false;
        for (int a = 0; a < m->nacc; a++)
            parts |= m->acc[a]->w != m->storew;
        if (parts && m->nd == 1 && m->dim[0] == 1 && forward_parts(fn, m))
            continue;
        check_parts(m);
        find_banked(m);
        for (int a = 0; a < m->nacc; a++) {
            bank_access(fn, m, m->acc[a]);
            if (m->acc[a]->w > m->w)
                m->w = m->acc[a]->w;
        }
    }
}
