/* SPDX-License-Identifier: Apache-2.0 */
/* region.c -- blocks become regions, the units of the schedule.
 *
 * A pipelined loop with all its blocks is one region; it has one exit, in its
 * latch. Everything else is cut into regions of sequence: a leader and all
 * blocks that can only be reached through it, without loops. Inside a region
 * branches become predicates (predicate.c); between regions the state machine
 * moves. A pipelined loop always runs at least once: LLVM has turned
 * `for (i = 0; i < n; i++)` into `if (n > 0) do ... while`.
 */
#include "fxc/all.h"
#include <string.h>

static bool can_reach(Block *from, Block *to, Block *without, char *seen)
{
    if (from == to)
        return true;
    if (from == without || seen[from->id])
        return false;
    seen[from->id] = 1;
    for (int i = 0; i < from->nsucc; i++)
        if (can_reach(from->succ[i], to, without, seen))
            return true;
    return false;
}

static Region *region_new(Fn *fn)
{
    Region *r = xalloc(sizeof *r);
    r->id = fn->nrgn;
    r->trip = -1;
    PUSH(fn->rgn, fn->nrgn, r);
    return r;
}

static void add_block(Region *r, Block *b)
{
    b->rgn = r;
    b->order = r->nblk;
    PUSH(r->blk, r->nblk, b);
}

/* Adds the blocks of `in` to r so that each comes after its predecessors. */
static void add_sorted(Fn *fn, Region *r, Block *head, const char *in)
{
    add_block(r, head);
    for (bool more = true; more;) {
        more = false;
        for (int i = 0; i < fn->nblk; i++) {
            Block *b = fn->blk[i];
            bool ready = in[b->id] && !b->rgn;
            for (int k = 0; k < b->npred && ready; k++)
                ready = b->pred[k]->rgn == r || !in[b->pred[k]->id];
            if (ready) {
                add_block(r, b);
                more = true;
            }
        }
    }
    for (int i = 0; i < fn->nblk; i++)
        if (in[i] && fn->blk[i]->rgn != r)
            reject(fn->blk[i]->loc,
                   "unroll it (FX_UNROLL, constant bounds) or pipeline it "
                   "instead of the outer one",
                   "pipelined loop '%s' holds a loop that is not unrolled",
                   r->name);
}

/* The header of the loop whose latch is b: the successor that reaches b. */
static Block *header_of(Fn *fn, Block *b)
{
    Block *best = NULL;
    for (int i = 0; i < b->nsucc; i++) {
        char *seen = xalloc((size_t)fn->nblk);
        if (b->succ[i] != b && !can_reach(fn->blk[0], b, b->succ[i], seen))
            best = b->succ[i];
        if (b->succ[i] == b)
            return b;
    }
    return best;
}

static void pipelined_loop(Fn *fn, Block *latch)
{
    Block *head = header_of(fn, latch);
    if (!head)
        die("pipelined loop without a header");
    char *in = xalloc((size_t)fn->nblk);
    in[head->id] = in[latch->id] = 1;
    for (bool more = true; more;) {
        more = false;
        for (int i = 0; i < fn->nblk; i++) {
            Block *b = fn->blk[i];
            for (int k = 0; k < b->nsucc && !in[i]; k++)
                if (in[b->succ[k]->id] && b->succ[k] != head)
                    in[i] = 1, more = true;
        }
    }
    Region *r = region_new(fn);
    r->pipe = true;
    r->ii = latch->ii;
    r->latch = latch;
    r->name =
        *latch->loopname ? latch->loopname : fmt("loop%d", latch->loc.line);
    r->label = r->name;
    r->loc = latch->loc;
    add_sorted(fn, r, head, in);
    for (int i = 0; i < r->nblk; i++) {
        Block *b = r->blk[i];
        for (int k = 0; k < b->nsucc; k++)
            if (!in[b->succ[k]->id] && b != latch)
                reject(b->loc,
                       "let the loop condition say when it ends; guard the "
                       "rest of the body by an if",
                       "pipelined loop '%s' is left from its middle", r->name);
    }
    if (latch->nsucc != 2)
        reject(r->loc, "give the loop an end", "pipelined loop '%s' never ends",
               r->name);
}

bool is_header(Fn *fn, Block *b)
{
    for (int i = 0; i < b->npred; i++) {
        char *seen = xalloc((size_t)fn->nblk);
        if (b->pred[i] == b || !can_reach(fn->blk[0], b->pred[i], b, seen))
            return true;
    }
    return false;
}

static void sequence(Fn *fn, Block *lead)
{
    Region *r = region_new(fn);
    r->loc = lead->loc;
    add_block(r, lead);
    for (bool more = true; more;) {
        more = false;
        for (int i = 0; i < fn->nblk; i++) {
            Block *b = fn->blk[i];
            bool all = !b->rgn && b->npred && !is_header(fn, b);
            for (int k = 0; k < b->npred && all; k++)
                all = b->pred[k]->rgn == r;
            if (all) {
                add_block(r, b);
                more = true;
            }
        }
    }
    r->name = fmt("%s%d", *lead->name ? lead->name : "seq", r->id);
}

/* A sequence region can start at blocks only that have a predecessor in
 * another region (or are the entry). */
static Block *next_leader(Fn *fn)
{
    for (int i = 0; i < fn->nblk; i++) {
        Block *b = fn->blk[i];
        if (b->rgn || (b->npred == 0 && i))
            continue;
        bool lead = i == 0;
        for (int k = 0; k < b->npred; k++)
            lead |= b->pred[k]->rgn != NULL;
        if (lead)
            return b;
    }
    return NULL;
}

static void unique_names(Fn *fn)
{
    for (int i = 0; i < fn->nrgn; i++)
        for (int k = 0; k < i; k++)
            if (!strcmp(fn->rgn[i]->name, fn->rgn[k]->name))
                fn->rgn[i]->name =
                    fmt("%s_%d", fn->rgn[i]->name, fn->rgn[i]->id);
}

void region(Fn *fn)
{
    for (int i = 0; i < fn->nblk; i++)
        if (fn->blk[i]->ii)
            pipelined_loop(fn, fn->blk[i]);
    for (Block *b; (b = next_leader(fn));)
        sequence(fn, b);
    unique_names(fn);
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        for (int k = 0; k < r->nblk; k++)
            for (int j = 0; j < r->blk[k]->nnode; j++) {
                Node *n = r->blk[k]->node[j];
                n->rgn = r;
                PUSH(r->node, r->nnode, n);
            }
    }
}
