/* SPDX-License-Identifier: Apache-2.0 */
/* emit_ctl.c -- who may move when: handshakes, pipelines, the state machine.
 *
 * A sequence has one state for each step. A pipelined loop has one state while
 * it starts iterations and, if something must be waited for, one while it
 * drains; behind them `v` bits, one for each step >= 1, say where iterations
 * are. An iteration leaves step s when its streams are ready and the next step
 * is free or becomes free:
 *
 *     fire_s = v_s & (~v_{s+1} | fire_{s+1}) & streams of step s
 *
 * so bubbles close up and a pipeline drains without further input. Behind its
 * last stream access a loop runs freely, fire_s = v_s, without enables; an array
 * that writes late does so from step 1 on, as step 0 waits for a credit. With an
 * interval above 1 step s may only fire in slot s mod ii, which keeps shared
 * ports apart, and needs the next step empty. A value that the next iteration
 * needs, but which comes in a later step, holds that iteration back (`wait`):
 * at full rate the schedule makes it come in time; after a stall it might not.
 *
 * valid of an output never looks at a ready. If a step has more to do than one
 * write, a flag remembers that the write is done.
 */
#include "fxc/all.h"

typedef struct Step {
    Region *r;
    int s;
    int npop, npush;
    Node **pop, **push;
} Step;

static const char *v_of(const Region *r, int s)
{
    return s ? fmt("%s_v%d", r->name, s) : fmt("%s_v0", r->name);
}

static const char *state_of(const Region *r, int s)
{
    return r->pipe ? fmt("S_%s", r->name) : fmt("S_%s_%d", r->name, s);
}

/* Nothing in steps lo .. hi; "" if there is nothing to ask. */
static void put_empty(Buf *b, const Region *r, int lo, int hi, int dist)
{
    if (hi >= r->nstep)
        hi = r->nstep - 1;
    if (hi < lo || hi - lo + 1 < dist)
        return;
    if (dist > 1)
        put(b, " & ($countones({");
    else
        put(b, " & ~(");
    for (int s = lo; s <= hi; s++)
        put(b, "%s%s", s > lo ? dist > 1 ? ", " : " | " : "", v_of(r, s));
    if (dist > 1)
        put(b, "}) < %d)", dist);
    else
        put(b, ")");
}

/* What a step of a pipeline has to wait for in the iterations before. */
static const char *waits(const Region *r, int s)
{
    Buf b = {0};
    put(&b, "%s", "");
    int far = 0;
    for (int i = 0; i < r->nnode; i++) {
        Node *n = r->node[i];
        if (n->op == Ophi && n->step == s && update_step(r, n) > s + far)
            far = update_step(r, n) - s;
    }
    if (s == 0 && r->stopstep > far)
        far = r->stopstep;
    for (int i = 0; i < r->nedge; i++) {
        Edge *e = &r->edge[i];
        if (e->dist == 1 && e->b->step == s && e->a->step - s > far)
            far = e->a->step - s;
    }
    if (far)
        put_empty(&b, r, s + 1, s + far, 1);
    for (int i = 0; i < r->nedge; i++) {
        Edge *e = &r->edge[i];
        if (e->dist > 1 && e->b->step == s && e->a->step - s > far)
            put_empty(&b, r, s + 1, e->a->step, e->dist);
    }
    return b.s;
}

static const char *wants(Node *n)
{
    return n->pred ? ref(n->pred, n->rgn, n->step, 1) : NULL;
}

/* Is a flag needed that the write is done while the step is not? */
static bool needs_flag(const Step *t)
{
    bool last = !t->r->pipe || (t->s == t->r->nstep - 1 && t->r->ii == 1);
    return t->npush > 1 || t->npop > 0 || !last;
}

static void put_pop_ok(Buf *b, Node *n)
{
    const char *p = wants(n);
    if (p)
        put(b, " & (~%s | %s_valid)", p, n->port->name);
    else
        put(b, " & %s_valid", n->port->name);
}

static void emit_step(Step *t, Buf *decl, Buf *b, Buf *clk)
{
    Region *r = t->r;
    int s = t->s;
    const char *here =
        r->pipe ? v_of(r, s) : fmt("(state == %s)", state_of(r, s));
    const char *wait = r->pipe && s < r->freefrom ? waits(r, s) : "";
    put(decl, "  wire %s;\n", fire(r, s));
    for (int i = 0; i < t->npush; i++) {
        Node *n = t->push[i];
        const char *id = name_of(n), *p = wants(n);
        put(b, "  wire %s_valid = %s%s", id, here, wait);
        if (p)
            put(b, " & %s", p);
        if (n == r->credit) {
            put(b, ";%s\n", where(n->loc));
            continue;
        }
        for (int k = 0; k < t->npop; k++)
            if (t->pop[k]->id < n->id)
                put_pop_ok(b, t->pop[k]);
        if (needs_flag(t)) {
            put(decl, "  logic %s_done;\n", id);
            put(b, " & ~%s_done", id);
            put(clk,
                "    if (rst | %s) %s_done <= 1'b0;\n"
                "    else if (%s_valid & %s_ready) %s_done <= 1'b1;\n",
                fire(r, s), id, id, n->port->name, id);
        }
        put(b, ";%s\n", where(n->loc));
    }
    put(b, "  assign %s = %s%s", fire(r, s), here, wait);
    if (r->pipe && r->ii > 1)
        put(b, " & (%s_slot == %d'd%d)", r->name, clog2(r->ii), s % r->ii);
    if (r->pipe && s < r->nstep - 1 && s + 1 < r->freefrom) {
        if (r->ii == 1)
            put(b, " & (~%s | %s)", v_of(r, s + 1), fire(r, s + 1));
        else
            put(b, " & ~%s", v_of(r, s + 1));
    }
    if (r->credit && s == 0)
        put(b, " & %s_credit", r->name);
    for (int i = 0; i < t->npop; i++)
        put_pop_ok(b, t->pop[i]);
    for (int i = 0; i < t->npush; i++) {
        Node *n = t->push[i];
        const char *p = wants(n);
        if (n == r->credit)
            continue;
        put(b, " & (%s%s%s%s%s_ready)",
            needs_flag(t) ? fmt("%s_done | ", name_of(n)) : "", p ? "~" : "",
            p ? p : "", p ? " | " : "", n->port->name);
    }
    put(b, ";\n");
    if (r->pipe && s >= r->freefrom)
        put(clk, "    %s <= ~rst & %s;\n", v_of(r, s), fire(r, s - 1));
    else if (r->pipe && s > 0)
        put(clk,
            "    if (rst) %s <= 1'b0;\n    else if (%s) %s <= 1'b1;\n"
            "    else if (%s) %s <= 1'b0;\n",
            v_of(r, s), fire(r, s - 1), v_of(r, s), fire(r, s), v_of(r, s));
}

static void put_residue(Buf *b, const Region *r, int slot, bool blocked)
{
    bool first = true;
    for (int s = 0; s < r->nstep; s++)
        if ((s % r->ii == slot) == blocked) {
            if (blocked)
                put(b, "%s(%s & ~%s)", first ? "" : " | ", v_of(r, s),
                    fire(r, s));
            else
                put(b, "%s%s", first ? "" : " | ", v_of(r, s));
            first = false;
        }
    if (first)
        put(b, "1'b0");
}

/* The slot goes round while iterations are in flight. Where the only ones
 * there are all wait in this slot, it waits with them: nobody else could use
 * the others, and they need not wait for a whole round. */
static void emit_slot(const Region *r, Buf *decl, Buf *b, Buf *clk)
{
    const char *id = r->name;
    int w = clog2(r->ii);
    put(decl, "  logic [%d:0] %s_slot;\n  logic %s_hold;\n", w - 1, id, id);
    put(b, "  always_comb\n    case (%s_slot)\n", id);
    for (int q = 0; q < r->ii; q++) {
        put(b, "      %d'd%d: %s_hold = (", w, q, id);
        put_residue(b, r, q, true);
        put(b, ") & ~(");
        put_residue(b, r, q, false);
        put(b, ");\n");
    }
    put(b, "      default: %s_hold = 1'b0;\n    endcase\n", id);
    put(clk, "    if (rst | ~(%s", v_of(r, 0));
    for (int s = 1; s < r->nstep; s++)
        put(clk, " | %s", v_of(r, s));
    put(clk, ")) %s_slot <= %d'd0;\n    else if (~%s_hold)\n", id, w, id);
    put(clk, "      %s_slot <= %s_slot == %d'd%d ? %d'd0 : %s_slot + %d'd1;\n",
        id, id, w, r->ii - 1, w, id, w);
}

static void emit_steps(Region *r, Buf *decl, Buf *b, Buf *clk)
{
    if (r->pipe) {
        put(decl, "  wire %s = state == %s;\n", v_of(r, 0), state_of(r, 0));
        for (int s = 1; s < r->nstep; s++)
            put(decl, "  logic %s;\n", v_of(r, s));
        if (r->ii > 1)
            emit_slot(r, decl, b, clk);
    }
    put(decl, "  wire %s_leave;\n", r->name);
    if (r->pipe && r->drain > r->stopstep) {
        put(b, "  assign %s_leave = (state == S_%s_drain) & %s", r->name,
            r->name, fire(r, r->drain));
        put_empty(b, r, 1, r->drain - 1, 1);
        put(b, ";\n");
    } else if (r->pipe) {
        put(b, "  assign %s_leave = %s & %s;\n", r->name, fire(r, r->stopstep),
            ref(r->stop, r, r->stopstep, 1));
    } else {
        put(b, "  assign %s_leave = %s;\n", r->name, fire(r, r->nstep - 1));
    }
    for (int s = r->nstep - 1; s >= 0; s--) {
        Step t = {.r = r, .s = s};
        for (int i = 0; i < r->nnode; i++) {
            Node *n = r->node[i];
            if (n->step == s && n->op == Opop)
                PUSH(t.pop, t.npop, n);
            if (n->step == s && n->op == Opush)
                PUSH(t.push, t.npush, n);
        }
        emit_step(&t, decl, b, clk);
    }
}

/* The FIFO of a write with credits: an iteration takes one when it begins, and
 * gives it back when its word has left the FIFO, or when it had none. */
static void emit_credit(const Region *r, Buf *decl, Buf *b, Buf *clk)
{
    const Port *p = r->credit->port;
    const char *y = p->name;
    int w = clog2(r->room + 1);
    put(decl, "  wire [%d:0] %s_in_data;\n  wire %s_in_valid, %s_in_ready;\n",
        p->w - 1, y, y, y);
    put(decl, "  logic [%d:0] %s_room;\n", w - 1, y);
    put(decl, "  wire %s_credit = %s_room != %d'd0;\n", r->name, y, w);
    put(b,
        "  fx_fifo #(.W(%d), .DEPTH(%d)) %s_fifo (\n    .clk(clk), .rst(rst), "
        ".i_data(%s_in_data), .i_valid(%s_in_valid),\n    "
        ".i_ready(%s_in_ready), "
        ".o_data(%s_data), .o_valid(%s_valid), .o_ready(%s_ready));\n",
        p->w, r->room, y, y, y, y, y, y, y);
    put(clk, "    if (rst) %s_room <= %d'd%d;\n    else %s_room <= %s_room", y,
        w, r->room, y, y);
    put(clk,
        " - %d'(%s) + %d'(%s_valid & %s_ready) + %d'(%s & ~%s_in_valid);\n", w,
        fire(r, 0), w, y, y, w, v_of(r, r->credit->step), y);
}

/* The loop whose credits the words of this stream need. */
static const Region *credited(const Port *p)
{
    return p->out && p->nop == 1 && p->op[0]->rgn->credit == p->op[0]
               ? p->op[0]->rgn
               : NULL;
}

static void emit_port(Port *p, Buf *b)
{
    Buf any = {0}, data = {0};
    for (int i = 0; i < p->nop; i++) {
        Node *n = p->op[i];
        const char *sep = i ? " | " : "";
        if (!p->out) {
            const char *c = wants(n);
            put(&any, "%s(%s%s%s)", sep, fire(n->rgn, n->step), c ? " & " : "",
                c ? c : "");
            continue;
        }
        put(&any, "%s%s_valid", sep, name_of(n));
        if (i < p->nop - 1)
            put(&data, "%s_valid ? ", name_of(n));
        put(&data, "%s%s", ref(n->in[0], n->rgn, n->step, p->w),
            i < p->nop - 1 ? " : " : "");
    }
    const char *in = credited(p) ? "_in" : "";
    put(b, "  assign %s%s_%s = %s;\n", p->name, in, p->out ? "valid" : "ready",
        any.s ? any.s : "1'b0");
    if (p->out)
        put(b, "  assign %s%s_data = %s;\n", p->name, in,
            data.s ? data.s : fmt("%d'd0", p->w));
}

/* ---- the state machine ---- */

/* Control enters r from block `from`; the values are those of `at`, step s. */
static void enter(Region *to, Block *from, Region *at, int s, Buf *b,
                  const char *indent)
{
    put(b, "%sstate <= %s;\n", indent, state_of(to, 0));
    for (int i = 0; i < to->nnode; i++) {
        Node *p = to->node[i];
        for (int k = 0; p->op == Ophi && k < p->nin; k++)
            if (p->from[k] == from && !p->in[k]->undef && !stays(p, k))
                put(b, "%s%s <= %s;\n", indent, name_of(p),
                    ref(p->in[k], at, s, p->rw));
    }
}

static void leave(Region *r, Region *at, int s, Buf *b, const char *indent)
{
    for (int i = 0; i < r->nexit; i++) {
        Exit *e = &r->exit[i];
        const char *in = r->nexit > 1 ? fmt("%s  ", indent) : indent;
        if (e->cond)
            put(b, "%s%sif (%s) begin\n", indent, i ? "end else " : "",
                ref(e->cond, at, s, 1));
        else if (i)
            put(b, "%send else begin\n", indent);
        if (e->to && e->to->rgn->host)
            leave(e->to->rgn, e->to->rgn, 0, b, in);
        else if (e->to)
            enter(e->to->rgn, e->from, at, s, b, in);
        else
            put(b, "%sstate <= S_finish;\n", in);
    }
    if (r->nexit > 1)
        put(b, "%send\n", indent);
}

/* Control leaves in the cycle in which the last iteration leaves step `drain`,
 * the first one that can disturb nothing any more. */
static void emit_loop_states(Region *r, Buf *b)
{
    const char *stop = ref(r->stop, r, r->stopstep, 1);
    if (r->drain > r->stopstep)
        put(b,
            "      %s:%s\n        if (%s & %s) state <= S_%s_drain;\n"
            "      S_%s_drain:\n",
            state_of(r, 0), where(r->loc), fire(r, r->stopstep), stop, r->name,
            r->name);
    else
        put(b, "      %s:%s\n", state_of(r, 0), where(r->loc));
    put(b, "        if (%s_leave) begin\n", r->name);
    leaving = r;
    leave(r, r, r->drain, b, "          ");
    leaving = NULL;
    put(b, "        end\n");
}

static void emit_states(Fn *fn, Buf *decl, Buf *b)
{
    int n = 2;
    Buf names = {0};
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        if (r->host)
            continue;
        for (int s = 0; s < (r->pipe ? 1 : r->nstep); s++)
            put(&names, ", %s = %d", state_of(r, s), n++);
        if (r->pipe && r->drain > r->stopstep)
            put(&names, ", S_%s_drain = %d", r->name, n++);
    }
    fn->nstate = n;
    int w = clog2(n);
    put(decl,
        "  localparam bit [%d:0] S_idle = 0, S_finish = 1%s;\n"
        "  logic [%d:0] state;\n",
        w - 1, names.s ? names.s : "", w - 1);
    put(b, "    case (state)\n      S_idle:\n        if (start) begin\n");
    Region *first = fn->blk[0]->rgn;
    if (first->host)
        leave(first, first, 0, b, "          ");
    else
        enter(first, NULL, NULL, 0, b, "          ");
    put(b, "        end\n");
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        if (r->host)
            continue;
        if (r->pipe) {
            emit_loop_states(r, b);
            continue;
        }
        for (int s = 0; s < r->nstep; s++) {
            put(b, "      %s:\n        if (%s) begin\n", state_of(r, s),
                fire(r, s));
            if (s < r->nstep - 1)
                put(b, "          state <= %s;\n", state_of(r, s + 1));
            else
                leave(r, r, s, b, "          ");
            put(b, "        end\n");
        }
    }
    put(b, "      S_finish:\n        if (done) state <= S_idle;\n"
           "      default: ;\n    endcase\n");
}

static void emit_updates(Region *r, Buf *b)
{
    for (int i = 0; i < r->nnode && r->pipe; i++) {
        Node *p = r->node[i];
        if (p->op != Ophi)
            continue;
        int u = update_step(r, p);
        Node *x = update_of(r, p);
        if (x != p)
            put(b, "    if (%s) %s <= %s;\n", fire(r, u), name_of(p),
                ref(x, r, u, p->rw));
    }
}

void emit_control(Fn *fn, Buf *decl, Buf *b)
{
    Buf clk = {0}, fsm = {0}, top = {0};
    emit_states(fn, &top, &fsm);
    if (fn->start)
        put(&top, "  wire start_leave = idle & start;\n");
    for (int i = 0; i < fn->nrgn; i++)
        if (!fn->rgn[i]->host)
            emit_steps(fn->rgn[i], &top, b, &clk);
    for (int i = 0; i < fn->nport; i++)
        emit_port(fn->port[i], b);
    for (int i = 0; i < fn->nrgn; i++)
        if (fn->rgn[i]->credit)
            emit_credit(fn->rgn[i], &top, b, &clk);
    put(b, "  assign idle = state == S_idle;\n"
           "  assign done = (state == S_finish)");
    for (int i = 0; i < fn->nrgn; i++)
        for (int s = 1; fn->rgn[i]->pipe && s < fn->rgn[i]->nstep; s++)
            put(b, " & ~%s", v_of(fn->rgn[i], s));
    for (int i = 0; i < fn->nport; i++)
        if (credited(fn->port[i]))
            put(b, " & ~%s_valid", fn->port[i]->name);
    put(b, ";\n\n  always_ff @(posedge clk) begin\n%s", clk.s ? clk.s : "");
    for (int i = 0; i < fn->nrgn; i++)
        emit_updates(fn->rgn[i], b);
    put(b, "%s    if (rst) state <= S_idle;\n  end\n", fsm.s);
    put(&top, "%s", decl->s ? decl->s : "");
    *decl = top;
}
