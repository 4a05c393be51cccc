/* SPDX-License-Identifier: Apache-2.0 */
/* emit.c -- the nodes of a module as SystemVerilog.
 *
 * A node is one wire, `add_12`, holding rw bits, signed if they are to be sign
 * extended. Used in a later step of a pipeline it is carried along in registers
 * add_12_q3, add_12_q4; used by another region, or later in a sequence, it is
 * held in add_12_r. Extensions and concatenations have no wire: they are
 * written where they are used. `fire` of a step is 1 in the cycle in which an
 * iteration leaves it; every register is written under some fire.
 */
#include "fxc/all.h"
#include <string.h>

int avail(const Node *n)
{
    return n->step + n->lat;
}

bool is_wire(const Node *n)
{
    return n->op == Ocat || n->op == Ozext || n->op == Osext;
}

static const char *own_name(const Node *n)
{
    if (n->op == Oarg)
        return n->name;
    return fmt("%s_%d", *n->name ? n->name : opinfo[n->op].name, n->id);
}

const char *name_of(const Node *n)
{
    return own_name(n->reg ? n->reg : n);
}

const char *fire(const Region *r, int step)
{
    if (r->host)
        return fmt("%s_leave", r->host->name);
    return fmt("%s_fire%d", r->name, step);
}

const char *where(Loc at)
{
    if (!at.file || !at.line)
        return "";
    const char *f = strrchr(at.file, '/');
    return fmt(" // %s:%d", f ? f + 1 : at.file, at.line);
}

/* What w bits of n are taken from: extensions are wires. */
Node *source_of(Node *n, int w)
{
    while ((n->op == Ozext || n->op == Osext) && w <= n->in[0]->w)
        n = n->in[0];
    return n;
}

/* The loop register that n updates, if it can serve as n's own. */
Node *shared_register(const Node *n)
{
    const Region *r = n->rgn;
    for (int i = 0; r->pipe && i < r->nnode; i++) {
        Node *p = r->node[i];
        if (p->op == Ophi && p->rw == n->rw &&
            source_of(update_of(r, p), p->rw) == n &&
            update_step(r, p) == avail(n))
            return p;
    }
    return NULL;
}

bool owns_held(const Node *n)
{
    return !(n->op == Ophi && !n->rgn->pipe) && !shared_register(n);
}

const char *held(const Node *n)
{
    const Node *p = n->op == Ophi && !n->rgn->pipe ? n : shared_register(n);
    if (!p)
        return fmt("%s_r", own_name(n));
    return p->sgn == n->sgn
               ? name_of(p)
               : fmt(n->sgn ? "$signed(%s)" : "$unsigned(%s)", name_of(p));
}

static const char *literal(const Node *n, int w)
{
    int words = (n->w + 63) / 64;
    if (w <= 32)
        return fmt(
            "%d'd%llu", w,
            (unsigned long long)(n->bits[0] & (~UINT64_C(0) >> (64 - w))));
    Buf b = {0};
    put(&b, "%d'h", w);
    int top = (w + 63) / 64 < words ? (w + 63) / 64 : words;
    for (int i = top - 1; i >= 0; i--) {
        uint64_t v = n->bits[i];
        if ((i + 1) * 64 > w)
            v &= ~UINT64_C(0) >> (64 - w % 64);
        put(&b, i == top - 1 ? "%llx" : "%016llx", (unsigned long long)v);
    }
    return b.s;
}

/* A constant, sign extended to w bits if it is signed. */
static const char *literal_ext(const Node *n, int w)
{
    if (w <= n->rw || !n->sgn)
        return literal(n, w);
    size_t words = (size_t)(w + 63) / 64;
    Node c = *n;
    c.bits = xalloc(words * sizeof *c.bits);
    c.w = w;
    for (int k = 0; k < w; k++) {
        int s = k < n->rw ? k : n->rw - 1;
        c.bits[k / 64] |= (n->bits[s / 64] >> s % 64 & 1) << k % 64;
    }
    return literal(&c, w);
}

static const char *cast(const char *x, bool id, int have, bool sgn, int w)
{
    if (have == w)
        return x;
    if (w > have && !id)
        return fmt("%d'(%s(%s))", w, sgn ? "$signed" : "$unsigned", x);
    return fmt("%d'(%s)", w, x);
}

static const char *cat_text(Node *n, const Region *r, int step)
{
    Buf b = {0};
    put(&b, "{");
    int lo = n->w;
    bool first = true;
    for (int i = n->nin - 1; i >= 0; i--) {
        lo -= n->in[i]->w;
        int k = n->rw - lo < n->in[i]->w ? n->rw - lo : n->in[i]->w;
        if (k <= 0)
            continue;
        put(&b, "%s%s", first ? "" : ", ", ref(n->in[i], r, step, k));
        first = false;
    }
    put(&b, "}");
    return b.s;
}

/* While the state machine leaves r: earlier values are held, not carried. */
const Region *leaving;

/* A value of r in the cycle in which r is left. */
static const char *at_exit(const Node *n, const Region *r)
{
    int step = r->pipe ? r->drain : r->nstep - 1;
    return avail(n) == step ? name_of(n) : held(n);
}

/* The name under which n is found in `step` of r, or by others (r NULL). */
static const char *found(const Node *n, const Region *r, int step)
{
    if (n->op == Oarg)
        return n->name;
    if (r && r->host) {
        if (n->rgn == r || n->rgn->host == r->host)
            return name_of(n);
        return n->rgn == r->host ? at_exit(n, n->rgn) : held(n);
    }
    if (n->rgn != r)
        return held(n);
    if (step <= avail(n))
        return name_of(n);
    return r->pipe && r != leaving ? fmt("%s_q%d", own_name(n), step) : held(n);
}

const char *ref(Node *n, const Region *r, int step, int w)
{
    if (n->op == Oconst)
        return literal_ext(n, w);
    if (n->op == Ozext || n->op == Osext) {
        Node *a = n->in[0];
        if (w <= a->w)
            return ref(a, r, step, w);
        /* Kept as a number that extends the same way? Else first to the width
         * of the C type, then on from there. */
        bool sgn = n->op == Osext;
        if (sgn ? a->sgn || a->rw < a->w : !a->sgn)
            return ref(a, r, step, w);
        return cast(ref(a, r, step, a->w), false, a->w, sgn, w);
    }
    if (n->op == Ocat)
        return cast(cat_text(n, r, step), false, n->rw, n->sgn, w);
    return cast(found(n, r, step), true, n->rw, n->sgn, w);
}

/* ---- operations ---- */

static const char *bit_test_text(const Node *n, const BitTest *t)
{
    int w = compare_width(n);
    const char *x = ref(t->x, n->rgn, n->step, w);
    const char *sign = fmt("|(%s >> %d)", x, w - 1);
    const char *s = sign;
    if (t->bound < 0)
        s = fmt("(%s & |(~%s >> %d))", sign, x, t->k);
    else if (t->bound > 0)
        s = fmt(t->sgn ? "(%s | ~|(%s >> %d))" : "%s~|(%s >> %d)",
                t->sgn ? sign : "", x, t->k);
    return t->inverted ? fmt("~(%s)", s) : s;
}

static const char *slice_text(Node *n, const Region *r)
{
    Node *a = n->in[0];
    int top = n->lo + n->rw;
    if (a->op == Oconst || is_wire(a) || top > a->rw)
        return fmt("%d'(%s >> %d)", n->rw, ref(a, r, n->step, top), n->lo);
    const char *x = ref(a, r, n->step, a->rw);
    if (n->lo == 0 && a->rw == n->rw)
        return x;
    if (*x == '$')
        return fmt("%d'(%s >> %d)", n->rw, x, n->lo);
    if (n->rw == 1)
        return fmt("%s[%d]", x, n->lo);
    return fmt("%s[%d:%d]", x, top - 1, n->lo);
}

static const char *multiply(Node *n, const Region *r)
{
    const char *s[2];
    bool sgn = n->in[0]->sgn || n->in[1]->sgn;
    for (int i = 0; i < 2; i++) {
        Node *a = n->in[i];
        int k = a->rw + (sgn && !a->sgn);
        if (k > n->rw)
            k = n->rw;
        const char *x = ref(a, r, n->step, k);
        s[i] = fmt("%d'(%s(%s))", n->rw, sgn ? "$signed" : "$unsigned", x);
    }
    return fmt("%s * %s", s[0], s[1]);
}

static const char *expression(Node *n)
{
    const Region *r = n->rgn;
    int s = n->step, w = n->rw;
    const char *text = opinfo[n->op].text;
    switch (n->op) {
    case Oslice:
        return slice_text(n, r);
    case Oselect:
        return fmt("%s ? %s : %s", ref(n->in[0], r, s, 1),
                   ref(n->in[1], r, s, w), ref(n->in[2], r, s, w));
    case Omul:
        return multiply(n, r);
    case Oxor:
        if (w == 1 && is_const(n->in[1], 1))
            return fmt("~%s", ref(n->in[0], r, s, 1));
        break;
    case Oshl:
        return fmt("%s << %s", ref(n->in[0], r, s, w),
                   ref(n->in[1], r, s, n->in[1]->rw));
    case Olshr:
    case Oashr: {
        Node *a = n->in[0];
        int k = a->rw > w ? a->rw : w;
        if (n->op == Olshr && a->sgn)
            k = a->w; /* zeros come in above all its bits */
        const char *x = ref(a, r, s, k);
        x = n->op == Oashr && (a->sgn || a->rw == a->w)
                ? fmt("$signed(%s) >>> %s", x,
                      ref(n->in[1], r, s, n->in[1]->rw))
                : fmt("%s >> %s", x, ref(n->in[1], r, s, n->in[1]->rw));
        return k == w ? x : fmt("%d'(%s)", w, x);
    }
    case Opop:
        return cast(fmt("%s_data", n->port->name), true, n->port->w, false, w);
    default:
        break;
    }
    BitTest bt;
    if (bit_test(n, &bt))
        return bit_test_text(n, &bt);
    if (opinfo[n->op].class == Ccmp) {
        int k = compare_width(n);
        bool sgn = n->op == Oslt || n->op == Osle;
        bool equal = n->op == Oeq || n->op == One;
        const char *as = equal ? "" : sgn ? "$signed" : "$unsigned";
        Buf b = {0};
        put(&b, "%s(%s) %s ", as, ref(n->in[0], r, s, k), text);
        put(&b, "%s(%s)", as, ref(n->in[1], r, s, k));
        return b.s;
    }
    return fmt("%s %s %s", ref(n->in[0], r, s, w), text,
               ref(n->in[1], r, s, w));
}

static const char *type_of(const Node *n)
{
    if (n->rw == 1 && !n->sgn)
        return "";
    return fmt("%s[%d:0] ", n->sgn ? "signed " : "", n->rw - 1);
}

/* A register of step s written when s - 1 fires. Where nothing stalls it may
 * take anything while no iteration comes: nobody looks. */
static const char *enable(const Region *r, int s)
{
    return r->pipe && s >= r->freefrom ? "" : fmt("if (%s) ", fire(r, s - 1));
}

static void emit_node(Node *n, Buf *decl, Buf *body, Buf *clocked)
{
    const char *id = name_of(n), *t = type_of(n), *at = where(n->loc);
    if (is_wire(n) || n->op == Opush || n->op == Ostore)
        return;
    if (n->op == Ophi) {
        if (n->reg == n)
            put(decl, "  logic %s%s;%s\n", t, id, at);
    } else if (n->op == Oload && n->mem->kind == Mram) {
        put(body, "  wire %s%s = %s_b%d_rd;%s\n", t, id, n->mem->name, n->bank,
            at);
    } else if (n->op == Oload && n->mem->kind == Mreg) {
        emit_reg_load(n, body);
    } else if (n->op == Oload) {
        const char *x = fmt("%s_%d_table[%s]", n->mem->name, n->id,
                            ref(n->in[0], n->rgn, n->step, n->in[0]->w));
        put(decl, "  logic %s%s;\n", t, id);
        if (n->lat)
            put(clocked, "    %s%s <= %s;%s\n", enable(n->rgn, avail(n)), id, x,
                at);
        else
            put(body, "  assign %s = %s;%s\n", id, x, at);
    } else if (n->unit && !n->rgn->pipe) {
        put(body, "  wire %s%s = %d'(shared%d_q);%s\n", t, id, n->rw,
            n->unit->id, at);
    } else if (n->lat) {
        put(decl, "  logic %s%s;\n", t, id);
        put(clocked, "    %s%s <= %s;%s\n", enable(n->rgn, avail(n)), id,
            n->unit ? fmt("%d'(shared%d)", n->rw, n->unit->id) : expression(n),
            at);
    } else {
        put(body, "  wire %s%s = %s;%s\n", t, id, expression(n), at);
    }
}

/* The registers that carry n along. */
static void emit_carry(Fn *fn, Node *n, Buf *decl, Buf *clocked)
{
    if (is_wire(n) || n->op == Opush || n->op == Ostore)
        return;
    const Region *r = n->rgn;
    const char *id = own_name(n), *t = type_of(n);
    int a = avail(n);
    if ((n->ext || (!r->pipe && n->last > a)) && owns_held(n)) {
        put(decl, "  logic %s%s_r;\n", t, id);
        put(clocked, "    if (%s) %s_r <= %s;\n", fire(r, a), id, name_of(n));
    }
    for (int s = a + 1; r->pipe && s <= n->last; s++) {
        fn->pipebits += n->rw;
        fn->ctlbits += n->data ? 0 : n->rw;
        put(decl, "  logic %s%s_q%d;\n", t, id, s);
        put(clocked, "    %s%s_q%d <= %s;\n", enable(r, s), id, s,
            s == a + 1 ? name_of(n) : fmt("%s_q%d", id, s - 1));
    }
}

/* A user's name that stands in the output as it is. */
static void check_name(Fn *fn, const char *name)
{
    if (is_word(name))
        reject(fn->loc, "give it another name",
               "'%s' of '%s' is a word of SystemVerilog or of fxc", name,
               fn->name);
}

void emit_head(Fn *fn, Buf *b)
{
    check_name(fn, fn->name);
    for (int i = 0; i < fn->nscalar; i++)
        check_name(fn, fn->scalar[i]->name);
    put(b,
        "module %s (\n  input wire clk,\n  input wire rst,\n"
        "  input wire start,\n  output wire done,\n  output wire idle",
        fn->name);
    for (int i = 0; i < fn->nscalar; i++)
        put(b, ",\n  input wire [%d:0] %s", fn->scalar[i]->w - 1,
            fn->scalar[i]->name);
    for (int i = 0; i < fn->nport; i++) {
        Port *p = fn->port[i];
        const char *d = p->out ? "output" : "input";
        put(b,
            ",\n  %s wire [%d:0] %s_data,\n  %s wire %s_valid,\n"
            "  %s wire %s_ready",
            d, p->w - 1, p->name, d, p->name, p->out ? "input" : "output",
            p->name);
    }
    put(b, "\n);\n");
}

void emit_module(Fn *fn, Buf *b)
{
    Buf decl = {0}, body = {0}, clocked = {0}, mem = {0}, ctl = {0};
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        for (int k = 0; k < r->nnode; k++) {
            emit_node(r->node[k], &decl, &body, &clocked);
            emit_carry(fn, r->node[k], &decl, &clocked);
        }
    }
    for (int i = 0; i < fn->nunit; i++)
        emit_unit(fn->unit[i], &decl, &body, &clocked);
    for (int i = 0; i < fn->nmem; i++)
        emit_mem(fn, fn->mem[i], &decl, &mem);
    emit_control(fn, &decl, &ctl);
    put(b, "/* verilator lint_off UNUSED */\n");
    emit_head(fn, b);
    put(b, "%s", decl.s ? decl.s : "");
    put(b, "\n  // values\n%s", body.s ? body.s : "");
    put(b, "\n  // control\n%s", ctl.s);
    if (mem.s)
        put(b, "\n  // memories\n%s", mem.s);
    if (clocked.s)
        put(b,
            "\n  // registers of the values\n"
            "  always_ff @(posedge clk) begin\n%s  end\n",
            clocked.s);
    put(b, "endmodule\n/* verilator lint_on UNUSED */\n\n");
}
