/* SPDX-License-Identifier: Apache-2.0 */
/* timing.c -- what a call costs beside its iterations.
 *
 * While nothing stalls, a loop of n iterations takes n * ii cycles, and on the
 * way from one loop to the next control passes a fixed number more: what is
 * left of the drain, and a cycle for each step of the sequences between. So
 *
 *     cycles = sum over loops of n * ii + sum over ways taken of their cost
 *
 * holds to the cycle. A way is {from, to, levels, cycles}: `start` and `finish`
 * are its ends, levels the bodies of outer loops that begin on it. Where paths
 * with the same three differ, hi > lo.
 *
 * --timing writes it as text, for the timed view (sim/timing.h):
 *
 *     module NAME
 *     loop NAME II POP PUSH      POP: step of the first read, PUSH: of the
 *     way FROM TO LEVELS LO HI        last write; 0 if there is none
 */
#include "fxc/all.h"
#include "base/error.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>

enum {
    LONG = 1 << 20,
    VISITS = 3,        /* of a sequence on one path, for loops that run empty */
    MOST_WAYS = 20000, /* walked, of a module */
};

struct walk {
    Fn *fn;
    Way *way;
    int nway;
    const Region *from;
    char *on; /* how often a region is on the path, by number */
    int walked;
};

static const char *end_name(const Region *r, const char *none)
{
    return r ? r->label : none;
}

static void arrive(struct walk *w, const Region *to, int levels, int cost)
{
    for (int i = 0; i < w->nway; i++) {
        Way *y = &w->way[i];
        if (y->from != w->from || y->to != to || y->levels != levels)
            continue;
        y->lo = cost < y->lo ? cost : y->lo;
        y->hi = cost > y->hi ? cost : y->hi;
        return;
    }
    Way y = {w->from, to, levels, cost, cost};
    PUSH(w->way, w->nway, y);
}

static void follow(struct walk *w, const Region *r, int levels, int cost)
{
    for (int i = 0; i < r->nexit; i++) {
        const Block *b = r->exit[i].to;
        const Region *from = w->from, *to = b ? b->rgn : NULL;
        if (!to) { /* done waits until the pipeline is empty */
            int last = from ? from->nstep : 0;
            if (from && from->credit && from->credit->step + 2 > last)
                last = from->credit->step + 2; /* through its FIFO */
            int empty = from ? last - from->ii : 0;
            arrive(w, NULL, levels, cost > empty ? cost : empty);
        } else if (to->pipe) {
            arrive(w, to, levels, cost);
        } else if (w->on[to->id] < VISITS && w->walked++ < MOST_WAYS) {
            w->on[to->id]++;
            follow(w, to, levels + is_header(w->fn, to->blk[0]),
                   cost + (to->host ? 0 : to->nstep));
            w->on[to->id]--;
        }
    }
}

/* All ways of a module, the ones from its start first. */
int ways(Fn *fn, Way **out)
{
    struct walk w = {.fn = fn, .on = xalloc((size_t)fn->nrgn + 1)};
    const Region *first = fn->nblk ? fn->blk[0]->rgn : NULL;
    if (first && first->pipe)
        arrive(&w, first, 0, 1);
    else if (first)
        follow(&w, first, is_header(fn, first->blk[0]),
               1 + (first->host ? 0 : first->nstep));
    for (int i = 0; i < fn->nrgn; i++) {
        w.from = fn->rgn[i];
        if (w.from->pipe)
            follow(&w, w.from, 0, w.from->drain + 1 - w.from->ii);
    }
    *out = w.way;
    return w.nway;
}

const char *way_from(const Way *w)
{
    return end_name(w->from, "start");
}

const char *way_to(const Way *w)
{
    return end_name(w->to, "finish");
}

/* Steps of the first read and the last write of a loop. */
void loop_ports(const Region *r, int *pop, int *push)
{
    int first = LONG;
    *push = 0;
    for (int i = 0; i < r->nnode; i++) {
        const Node *n = r->node[i];
        if (n->op == Opop && n->step < first)
            first = n->step;
        int step = n->step + (n == r->credit);
        if (n->op == Opush && step > *push)
            *push = step;
    }
    *pop = first < LONG ? first : 0;
}

void timing(Fn **fn, int n, const char *path)
{
    struct fl_error err;
    struct fl_out o;
    if (!fl_out_open(&o, path, &err)) {
        fprintf(stderr, "fxc: %s\n", err.msg);
        exit(1);
    }
    fprintf(o.f,
            "# fxc: cycles of loops and of the ways between them, for %s "
            "at %.2f ns\n",
            target->name, period);
    for (int i = 0; i < n; i++) {
        if (fn[i]->dataflow)
            continue;
        fprintf(o.f, "module %s\n", fn[i]->name);
        for (int k = 0; k < fn[i]->nrgn; k++) {
            const Region *r = fn[i]->rgn[k];
            int pop, push;
            if (!r->pipe)
                continue;
            loop_ports(r, &pop, &push);
            fprintf(o.f, "loop %s %d %d %d\n", r->label, r->ii, pop, push);
        }
        Way *w;
        for (int k = 0, m = ways(fn[i], &w); k < m; k++)
            fprintf(o.f, "way %s %s %d %d %d\n", way_from(&w[k]), way_to(&w[k]),
                    w[k].levels, w[k].lo, w[k].hi);
    }
    if (!fl_out_commit(&o, &err)) {
        fprintf(stderr, "fxc: %s\n", err.msg);
        exit(1);
    }
}
