/* SPDX-License-Identifier: Apache-2.0 */
/* sched.c -- iterative modulo scheduling: every node gets a step.
 *
 * A region runs through steps 0, 1, ... of one clock each; a pipelined loop
 * starts an iteration every ii steps. As soon as possible, and chained: a node
 * shares the step of its operands while the delays fit the period, else it
 * moves to the next and finds them in registers. The constraints are
 *
 *   operand    step(n) >= step(in) + lat(in)
 *   edge       step(b) >= step(a) + lat - dist * ii     (memory.c)
 *   register   step(phi) >= step(next) - (ii - 1): next must be there when the
 *              following iteration reads it
 *   end        the loop's stop condition is known in step ii - 1 at the latest
 *   ports      accesses to one bank or stream in different steps modulo ii
 *
 * Lower bounds only grow, so the sweep over the nodes is repeated until nothing
 * moves. A loop whose constraints chase each other in a circle never settles:
 * its interval is too short, and it is refused with one that works.
 */
#include "fxc/all.h"
#include <string.h>

enum { MAX_STEP = 2000, MAX_ROUND = 400 };

static Node *blamed;  /* what moved last: the place of a refusal */
static uint8_t *busy; /* port uses, by port number and step */

static int enabled; /* bits of registers in the region that is placed */

static int modulo(const Region *r, int step)
{
    return r->pipe ? step % r->ii : step;
}

/* The port of a bank or stream that n needs for itself in its step, or -1. */
static int resource(Fn *fn, const Node *n)
{
    int base = 0;
    for (int i = 0; i < fn->nmem; i++) {
        Mem *m = fn->mem[i];
        if (n->mem == m && m->kind == Mram && opinfo[n->op].class == Cmem)
            return base + 2 * n->bank + (n->op == Ostore);
        base += 2 * m->nbank;
    }
    for (int i = 0; i < fn->nport; i++)
        if (n->port == fn->port[i])
            return base + i;
    return -1;
}

static int resources(Fn *fn)
{
    int n = fn->nport;
    for (int i = 0; i < fn->nmem; i++)
        n += 2 * fn->mem[i]->nbank;
    return n;
}

static void arrive(const Region *r, const Node *p, int *s, double *at)
{
    if (p->rgn != r) {
        if (p->op != Oconst && *at < target->clkq && *s == 0)
            *at = target->clkq;
        return;
    }
    int ps = avail(p);
    if (ps > *s) {
        *s = ps;
        *at = p->at;
    } else if (ps == *s && p->at > *at) {
        *at = p->at;
    } else if (*at < target->clkq) {
        *at = target->clkq;
    }
}

static double result_at(const Node *n)
{
    if (n->op == Oload && n->mem->kind != Mreg)
        return target->ramq;
    return target->clkq;
}

static void place_node(Fn *fn, Region *r, Node *n, int res)
{
    int s = n->lb;
    double at = 0, limit = period - target->setup;
    if (n->op == Ophi) {
        n->step = s;
        n->at = target->clkq;
        return;
    }
    for (int i = 0; i < n->nin; i++)
        arrive(r, n->in[i], &s, &at);
    if (n->pred)
        arrive(r, n->pred, &s, &at);
    if (s < n->lb) {
        s = n->lb;
        at = target->clkq;
    }
    n->lat = op_lat(n);
    /* whether a stream is wanted decides over all that its step enables */
    double d = n->port && n->pred ? steer_delay(2, enabled) : op_delay(n);
    if (at + d > limit && at > target->clkq + 1e-9) {
        s++;
        at = target->clkq;
    }
    while (res >= 0 && s < MAX_STEP && busy[res * MAX_STEP + modulo(r, s)]) {
        s++;
        at = target->clkq;
    }
    if (res >= 0 && s < MAX_STEP)
        busy[res * MAX_STEP + modulo(r, s)] = 1;
    n->step = s;
    n->from_at = at;
    n->at = n->op == Opop ? target->port
            : n->lat      ? result_at(n)
                          : at + (n->port ? 0 : d);
}

static bool raise(Node *n, int lb)
{
    if (n->lb >= lb)
        return false;
    n->lb = lb;
    blamed = n;
    return true;
}

/* A node that moved drags its followers in the next sweep. */
static bool push_bounds(Region *r, int ii)
{
    bool more = false;
    for (int i = 0; i < r->nedge; i++) {
        Edge *e = &r->edge[i];
        more |= raise(e->b, e->a->step + e->lat - e->dist * ii);
    }
    for (int i = 0; i < r->nnode && r->pipe; i++) {
        Node *p = r->node[i];
        if (p->op != Ophi)
            continue;
        for (int k = 0; k < p->nin; k++)
            if (p->from[k] == r->latch && p->in[k]->rgn == r)
                more |= raise(p, avail(p->in[k]) - (ii - 1));
    }
    return more;
}

/* One attempt at an interval. */
static bool try_ii(Fn *fn, Region *r, int ii, const int *res)
{
    int keep = r->ii, nres = resources(fn);
    r->ii = ii;
    for (int i = 0; i < r->nnode; i++)
        r->node[i]->lb = r->node[i]->step = 0;
    bool ok = false;
    for (int round = 0; round < MAX_ROUND && !ok; round++) {
        memset(busy, 0, (size_t)nres * MAX_STEP);
        for (int i = 0; i < r->nnode; i++) {
            place_node(fn, r, r->node[i], res[i]);
            if (avail(r->node[i]) >= MAX_STEP) {
                r->ii = keep;
                return false;
            }
        }
        ok = !push_bounds(r, ii);
    }
    if (ok && r->stop) {
        r->stopstep = r->stop->rgn == r ? avail(r->stop) : 0;
        if (r->stopstep > ii - 1) {
            blamed = r->stop;
            ok = false;
        }
    }
    if (!ok)
        r->ii = keep;
    return ok;
}

static bool pops_into(Region *r, Node *n)
{
    if (!n || n->rgn != r || n->mark)
        return false;
    n->mark = 1;
    if (n->op == Opop)
        return true;
    for (int i = 0; i < n->nin; i++)
        if (pops_into(r, n->in[i]))
            return true;
    return n->pred && pops_into(r, n->pred);
}

static void check_streams(Fn *fn, Region *r)
{
    for (int i = 0; i < fn->nport; i++) {
        Port *p = fn->port[i];
        int n = 0;
        for (int k = 0; k < p->nop; k++)
            if (p->op[k]->rgn == r && ++n > r->ii)
                reject(p->op[k]->loc,
                       "use it once, under an if if need be; or raise the "
                       "interval",
                       "loop '%s' uses stream '%s' more than once in its "
                       "interval of %d",
                       r->name, p->name, r->ii);
    }
}

static void check_stop(Region *r)
{
    for (int i = 0; i < r->nnode; i++)
        r->node[i]->mark = 0;
    if (r->stop && pops_into(r, r->stop))
        reject(r->stop->loc, "read a count before the loop, and count",
               "the end of pipelined loop '%s' depends on data it reads",
               r->name);
}

static _Noreturn void too_short(Fn *fn, Region *r, const int *res)
{
    Node *why = blamed ? blamed : r->node[0];
    int asked = r->ii;
    const char *name = why->mem     ? why->mem->name
                       : *why->name ? why->name
                                    : opinfo[why->op].name;
    Loc at = why->loc.file ? why->loc : r->loc;
    if (strchr(debug_passes, 'S'))
        fn_print(fn, stderr);
    for (int ii = asked + 1; ii <= 64; ii++)
        if (try_ii(fn, r, ii, res))
            reject(at,
                   fmt("an interval of %d works: FX_PIPELINE(%s, %d); or a "
                       "longer --period",
                       ii, r->name, ii),
                   "loop '%s' cannot start an iteration every %d cycle%s: '%s' "
                   "is needed by the next iteration before it is there",
                   r->name, asked, asked > 1 ? "s" : "", name);
    reject(at, "shorten the recurrence",
           "loop '%s' cannot be pipelined at any interval up to 64", r->name);
}

/* ---- after the schedule: who is used when ---- */

/* What a register of loop r becomes for the next iteration. */
Node *update_of(const Region *r, const Node *phi)
{
    for (int k = 0; k < phi->nin; k++)
        if (phi->from[k] == r->latch)
            return phi->in[k];
    die("a register of '%s' is never updated", r->name);
}

/* The step at whose end the register takes it. */
int update_step(const Region *r, const Node *phi)
{
    const Node *u = update_of(r, phi);
    return u->rgn == r && avail(u) > phi->step ? avail(u) : phi->step;
}

static void use_at(Region *r, Node *n, int step)
{
    if (n->rgn != r || n->op == Oconst)
        return;
    if (is_wire(n)) {
        if (step > n->last)
            n->last = step;
        for (int i = 0; i < n->nin; i++)
            use_at(r, n->in[i], step);
        return;
    }
    if (step > n->last)
        n->last = step;
}

static void use_outside(Region *r, Node *n)
{
    if (!n || n->op == Oconst || n->op == Oarg || n->rgn == r)
        return;
    if (is_wire(n)) {
        for (int i = 0; i < n->nin; i++)
            use_outside(r, n->in[i]);
        return;
    }
    n->ext = true;
}

static void use_late(Node *n)
{
    if (n->op == Oconst || n->op == Oarg)
        return;
    n->ext = true;
    for (int i = 0; is_wire(n) && i < n->nin; i++)
        use_late(n->in[i]);
}

static void find_ext(Fn *fn)
{
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        for (int k = 0; k < r->nnode; k++) {
            Node *n = r->node[k];
            for (int j = 0; j < n->nin; j++)
                if (n->op != Ophi)
                    use_outside(r, n->in[j]);
                else if (n->from[j]->rgn->pipe && n->from[j]->rgn != r)
                    use_late(n->in[j]);
                else
                    use_outside(n->from[j]->rgn, n->in[j]);
            if (n->pred)
                use_outside(r, n->pred);
        }
        for (int k = 0; k < r->nexit; k++)
            use_outside(r, r->exit[k].cond);
        use_outside(r, r->stop);
    }
}

static void find_last(Fn *fn, Region *r)
{
    for (int i = 0; i < r->nnode; i++)
        r->node[i]->last = r->node[i]->step;
    int top = 0;
    for (int i = 0; i < r->nnode; i++) {
        Node *n = r->node[i];
        for (int k = 0; k < n->nin && n->op != Ophi && !is_wire(n); k++)
            use_at(r, n->in[k], n->step);
        if (n->pred)
            use_at(r, n->pred, n->step);
        if (!is_wire(n) && avail(n) > top)
            top = avail(n);
        if (n->op == Ophi && r->pipe) {
            int u = update_step(r, n);
            use_at(r, update_of(r, n), u);
            if (u > top)
                top = u;
        }
    }
    r->nstep = top + 1;
    if (r->stop)
        use_at(r, r->stop, r->stopstep);
    for (int k = 0; k < r->nexit && !r->pipe; k++)
        if (r->exit[k].cond)
            use_at(r, r->exit[k].cond, top);
    for (int i = 0; i < fn->nrgn && !r->pipe; i++)
        for (int k = 0; k < fn->rgn[i]->nnode; k++) {
            Node *p = fn->rgn[i]->node[k];
            for (int j = 0; p->op == Ophi && j < p->nin; j++)
                if (p->from[j]->rgn == r)
                    use_at(r, p->in[j], top);
        }
    /* what an outer region reads of a wire must be there as a register */
    for (int i = 0; i < r->nnode; i++)
        if (r->node[i]->ext && avail(r->node[i]) > top)
            die("a live value comes after the last step");
}

static void at_least(int *k, int step)
{
    if (step > *k)
        *k = step;
}

static bool reads_register(Region *r, Node *n)
{
    if (n->rgn == r && is_wire(n)) {
        for (int i = 0; i < n->nin; i++)
            if (reads_register(r, n->in[i]))
                return true;
        return false;
    }
    return n->rgn != r && n->op != Oconst && n->op != Oarg;
}

/* How far the last iteration must have come before control may go on:
 * whatever could disturb it, or be disturbed by it, lies behind. */
static void find_drain(Region *r)
{
    int k = r->stopstep;
    for (int i = 0; i < r->nnode; i++) {
        Node *n = r->node[i];
        if (n->ext)
            at_least(&k, avail(n));
        if (n->op == Ophi)
            at_least(&k, update_step(r, n));
        if (n->mem && !n->mem->constant)
            at_least(&k, n->step);
        for (int j = 0; n->port && j < n->port->nop; j++)
            if (n->port->op[j]->rgn != r)
                at_least(&k, n->step);
        for (int j = 0; j < n->nin && n->op != Ophi && !is_wire(n); j++)
            if (reads_register(r, n->in[j]))
                at_least(&k, n->step);
        if (n->pred && reads_register(r, n->pred))
            at_least(&k, n->step);
    }
    r->drain = k;
}

/* An array of multipliers with sums that come round the loop, which reads in its
 * first step and writes late, to a stream nobody else writes: its write goes
 * through a FIFO, and an iteration begins only if there is room for it and for
 * all that are in flight (a credit). Then nothing can stall it either. */
static void find_credit(Region *r)
{
    enum { ARRAY = 4 };
    int muls = 0, sums = 0;
    Node *late = NULL;
    for (int i = 0; i < r->nnode; i++) {
        Node *n = r->node[i];
        muls += n->op == Omul;
        sums += n->op == Ophi && n->data && update_step(r, n) > 0;
        if (!n->port || !n->step)
            continue;
        if (late || !n->port->out || n->port->nop > 1)
            return;
        late = n;
    }
    if (r->ii > 1 || muls < ARRAY || !sums || !late)
        return;
    r->credit = late;
    r->room = late->step + 2; /* one word goes while the next comes */
}

/* Behind the last stream nothing stalls: what is there runs freely, and whoever
 * is followed by such a step need not ask it. (At an interval of 1 a step waits
 * for another only over a distance of several iterations.) */
static void find_free(Region *r)
{
    int k = r->ii == 1 ? 1 : r->nstep;
    for (int i = 0; i < r->nedge; i++)
        if (r->edge[i].dist > 1 && r->edge[i].a->step > r->edge[i].b->step)
            at_least(&k, r->edge[i].b->step + 1);
    if (k == 1)
        find_credit(r);
    for (int i = 0; i < r->nnode; i++)
        if (r->node[i]->port && r->node[i] != r->credit)
            at_least(&k, r->node[i]->step + 1);
    r->freefrom = k;
}

/* Which values are data; the others are a loop's control. */
static void find_data(Region *r)
{
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < r->nnode; i++) {
            Node *n = r->node[i];
            if (n->op == Ophi)
                n->data |= r->pipe && update_of(r, n)->data;
            else
                n->data |= n->op == Opop || n->op == Oload;
            for (int k = 0; k < n->nin && n->op != Ophi; k++)
                n->data |= n->in[k]->data;
        }
}

void sched(Fn *fn)
{
    busy = xalloc((size_t)(resources(fn) + 1) * MAX_STEP);
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        int *res = xalloc(sizeof *res * (size_t)(r->nnode + 1));
        for (int k = 0; k < r->nnode; k++)
            res[k] = resource(fn, r->node[k]);
        blamed = NULL;
        enabled = 0;
        for (int k = 0; k < r->nnode; k++)
            if (r->node[k]->op == Ophi)
                enabled += r->node[k]->rw;
        if (r->pipe) {
            check_stop(r);
            check_streams(fn, r);
        }
        if (!try_ii(fn, r, r->pipe ? r->ii : 1 << 20, res)) {
            if (!r->pipe)
                reject(r->loc, "use a loop instead of unrolled code",
                       "a piece of sequential code takes more than %d steps",
                       MAX_STEP);
            too_short(fn, r, res);
        }
    }
    find_ext(fn);
    for (int i = 0; i < fn->nrgn; i++)
        find_last(fn, fn->rgn[i]);
    for (int i = 0; i < fn->nrgn; i++) {
        find_data(fn->rgn[i]);
        if (!fn->rgn[i]->pipe)
            continue;
        find_drain(fn->rgn[i]);
        find_free(fn->rgn[i]);
    }
}
