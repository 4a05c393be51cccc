/* SPDX-License-Identifier: Apache-2.0 */
/* absorb.c -- pieces of sequence that need no state of their own.
 *
 * Between two loops C often has no more than a counter to raise and a test. If
 * such a region is only entered from one other, its host, has no streams,
 * memories or multipliers, and fits into the clock period behind what the host
 * does last, it is evaluated in the very cycle in which the host is left.
 */
#include "fxc/all.h"

static int entries(Fn *fn, const Region *s, Region **from)
{
    int n = 0;
    for (int i = 0; i < fn->nrgn; i++)
        for (int k = 0; k < fn->rgn[i]->nexit; k++) {
            const Block *to = fn->rgn[i]->exit[k].to;
            if (to && to->rgn == s) {
                *from = fn->rgn[i];
                n++;
            }
        }
    return n;
}

static bool plain(const Region *s, double *depth)
{
    *depth = 0;
    for (int i = 0; i < s->nnode; i++) {
        const Node *n = s->node[i];
        enum Class c = opinfo[n->op].class;
        if (c == Cport || c == Cmem || c == Cphi || n->lat)
            return false;
        if (n->at > *depth)
            *depth = n->at;
    }
    return !s->pipe && s->nstep == 1;
}

/* When the values of r's last cycle are there, latest. */
static double last_at(const Region *r)
{
    int step = r->pipe ? r->drain : r->nstep - 1;
    double at = target->clkq;
    for (int i = 0; i < r->nnode; i++)
        if (avail(r->node[i]) == step && r->node[i]->at > at &&
            (!r->pipe || r->node[i]->ext))
            at = r->node[i]->at;
    return at;
}

/* From the conditions of s's exits until they have steered the state machine
 * and the registers that are set where it goes. */
static double steer(const Region *s)
{
    int bits = 0;
    for (int i = 0; i < s->nexit; i++) {
        const Exit *e = &s->exit[i];
        int n = 0;
        for (int k = 0; e->to && k < e->to->rgn->nnode; k++) {
            const Node *p = e->to->rgn->node[k];
            for (int j = 0; p->op == Ophi && j < p->nin; j++)
                if (p->from[j] == e->from && !stays(p, j))
                    n += p->rw;
        }
        bits = n > bits ? n : bits;
    }
    return steer_delay(s->nexit, bits);
}

/* The first region can run in the cycle of `start`. */
static void absorb_entry(Fn *fn)
{
    Region *s = fn->blk[0]->rgn, *from;
    double depth;
    if (!plain(s, &depth) || entries(fn, s, &from) ||
        depth + steer(s) > period - target->setup)
        return;
    fn->start = xalloc(sizeof *fn->start);
    fn->start->name = "start";
    fn->start->nstep = 1;
    s->host = fn->start;
    s->depth = depth;
}

void absorb(Fn *fn)
{
    absorb_entry(fn);
    for (bool more = true; more;) {
        more = false;
        for (int i = 0; i < fn->nrgn; i++) {
            Region *s = fn->rgn[i], *from = NULL;
            double depth;
            if (s->host || s->blk[0] == fn->blk[0] || !plain(s, &depth) ||
                entries(fn, s, &from) != 1 || from == s)
                continue;
            Region *host = from->host ? from->host : from;
            double before = from->host ? from->depth : last_at(from);
            if (host == s || before + depth + steer(s) > period - target->setup)
                continue;
            s->host = host;
            s->depth = before + depth;
            more = true;
        }
    }
}
