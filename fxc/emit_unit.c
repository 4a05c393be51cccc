/* SPDX-License-Identifier: Apache-2.0 */
/* emit_unit.c -- shared multipliers as SystemVerilog.
 *
 * shared0_a and shared0_b choose the operands by state, or by slot of a loop;
 * shared0 is the product. In sequences all its uses have one register,
 * shared0_q, good for the step after the product's, which is the only one in
 * which a product is read: later ones read mul_12_r. In a loop an iteration
 * may be held up in that step, and every use has a register of its own.
 */
#include "fxc/all.h"

static const char *turn(const Node *n)
{
    const Region *r = n->rgn;
    return r->pipe ? fmt("%s_slot == %d'd%d", r->name, clog2(r->ii),
                         n->step % r->ii)
                   : fmt("state == S_%s_%d", r->name, n->step);
}

static void put_operand(const Unit *u, int k, int w, Buf *body)
{
    put(body, "  wire signed [%d:0] shared%d_%c =\n", w - 1, u->id, "ab"[k]);
    for (int i = 0; i < u->nuse; i++) {
        Node *n = u->use[i], *a = n->in[k];
        int have = a->rw < n->rw ? a->rw : n->rw;
        const char *x = fmt("%d'(%s(%s))", w, a->sgn ? "$signed" : "$unsigned",
                            ref(a, n->rgn, n->step, have));
        if (i < u->nuse - 1)
            put(body, "    %s ? %s :%s\n", turn(n), x, where(n->loc));
        else
            put(body, "    %s;%s\n", x, where(n->loc));
    }
}

void emit_unit(Unit *u, Buf *decl, Buf *body, Buf *clocked)
{
    put_operand(u, 0, u->a, body);
    put_operand(u, 1, u->b, body);
    put(body,
        "  wire signed [%d:0] shared%d = %d'(shared%d_a) * %d'(shared%d_b);\n",
        u->w - 1, u->id, u->w, u->id, u->w, u->id);
    if (u->use[0]->rgn->pipe)
        return;
    put(decl, "  logic [%d:0] shared%d_q;\n", u->w - 1, u->id);
    put(clocked, "    if (");
    for (int i = 0; i < u->nuse; i++)
        put(clocked, "%s%s", i ? " | " : "",
            fire(u->use[i]->rgn, u->use[i]->step));
    put(clocked, ")\n      shared%d_q <= shared%d;\n", u->id, u->id);
}
