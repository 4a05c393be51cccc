/* SPDX-License-Identifier: Apache-2.0 */
/* critical.c -- what holds a pipelined loop back: its critical recurrence.
 *
 * A recurrence is a value that the next iteration needs: a register of the loop
 * (an accumulator, a counter), or a word that is stored and loaded again. It
 * asks for an interval of (step in which the value is there - step in which it
 * is wanted + 1) / distance cycles. Of those that ask for most the one with the
 * longest path is critical: the delays of target.c from its register through
 * its logic and back, in ns. A loop cannot have a shorter period at its
 * interval, whatever the number of steps.
 */
#include "fxc/all.h"

/* The longest path from a to b through nodes of r, in ns; < 0: none. */
static double longest(Region *r, const Node *a, const Node *b)
{
    double *d = xalloc(sizeof *d * (size_t)(r->nnode + 1));
    double found = -1;
    for (int i = 0; i < r->nnode; i++) {
        Node *n = r->node[i];
        n->mark = i;
        d[i] = n == a ? target->clkq : -1;
        for (int k = 0; k <= n->nin && n != a && n->op != Ophi; k++) {
            const Node *in = k < n->nin ? n->in[k] : n->pred;
            if (in && in->rgn == r && d[in->mark] > d[i])
                d[i] = d[in->mark];
        }
        if (n != a && d[i] >= 0)
            d[i] += op_delay(n);
        if (n == b)
            found = d[i];
    }
    return found < 0 ? found : found + target->setup;
}

static bool worse(const Recurrence *a, const Recurrence *b)
{
    return a->cycles > b->cycles || (a->cycles == b->cycles && a->ns > b->ns);
}

/* Of a loop without registers and stores, cycles is 0. */
Recurrence critical_recurrence(Region *r)
{
    Recurrence worst = {.name = ""};
    for (int i = 0; i < r->nnode; i++) {
        Node *p = r->node[i];
        if (p->op != Ophi)
            continue;
        Recurrence x = {.name = p->name,
                        .loc = update_of(r, p)->loc,
                        .cycles = update_step(r, p) - p->step + 1};
        if (update_of(r, p)->rgn == r && x.cycles >= worst.cycles)
            x.ns = longest(r, p, update_of(r, p));
        if (worse(&x, &worst))
            worst = x;
    }
    for (int i = 0; i < r->nedge; i++) {
        const Edge *e = &r->edge[i];
        if (!e->dist || e->a->op != Ostore || e->b->op != Oload)
            continue;
        int span = e->a->step + e->lat - e->b->step;
        Recurrence x = {.name = e->a->mem->name,
                        .loc = e->a->loc,
                        .cycles = (span + e->dist - 1) / e->dist};
        if (x.cycles > 0 && x.cycles >= worst.cycles)
            x.ns = longest(r, e->b, e->a);
        if (x.ns > 0 && worse(&x, &worst))
            worst = x;
    }
    if (!*worst.name && worst.cycles)
        worst.name = "value";
    return worst;
}
