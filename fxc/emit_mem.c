/* SPDX-License-Identifier: Apache-2.0 */
/* emit_mem.c -- memories: block RAM, registers, tables.
 *
 * A RAM bank is `buf_b0` with one write port and one registered read port,
 * `buf_b0_rd`, in the form every synthesiser knows. An array of registers has a
 * register for each element, `acc_b2_w5`. A table is a ROM for each
 * place that reads it.
 */
#include "fxc/all.h"

const char *element(const Mem *m, int bank, int64_t word)
{
    if (m->depth == 1)
        return fmt("%s_b%d", m->name, bank);
    return fmt("%s_b%d_w%lld", m->name, bank, (long long)word);
}

static const char *word_type(const Mem *m)
{
    return fmt("%s[%d:0] ", m->sgn ? "signed " : "", m->storew - 1);
}

static int address_bits(const Mem *m)
{
    int w = clog2(m->depth);
    return w ? w : 1;
}

static const char *address_text(Node *n)
{
    return ref(n->in[0], n->rgn, n->step, address_bits(n->mem));
}

static const char *when(Node *n)
{
    const char *f = fire(n->rgn, n->step);
    return n->pred ? fmt("%s & %s", f, ref(n->pred, n->rgn, n->step, 1)) : f;
}

/* A read of an array of registers: a multiplexer, or just a name. */
void emit_reg_load(Node *n, Buf *b)
{
    Mem *m = n->mem;
    uint64_t k;
    const char *id = name_of(n);
    const char *t = n->rw == 1 && !n->sgn
                        ? ""
                        : fmt("%s[%d:0] ", n->sgn ? "signed " : "", n->rw - 1);
    if (const_small(n->in[0], &k)) {
        const char *e = element(m, n->bank, (int64_t)k);
        put(b, "  wire %s%s = %s;%s\n", t, id,
            n->rw == m->storew ? e : fmt("%d'(%s)", n->rw, e), where(n->loc));
        return;
    }
    put(b, "  logic %s%s;%s\n  always_comb\n    case (%s)\n", t, id,
        where(n->loc), address_text(n));
    for (int64_t i = 0; i < m->depth; i++) {
        const char *e = element(m, n->bank, i);
        const char *x = n->rw == m->storew ? e : fmt("%d'(%s)", n->rw, e);
        if (i < m->depth - 1)
            put(b, "      %d'd%lld: %s = %s;\n", address_bits(m), (long long)i,
                id, x);
        else
            put(b, "      default: %s = %s;\n", id, x);
    }
    put(b, "    endcase\n");
}

static void emit_registers(Mem *m, Buf *decl, Buf *b)
{
    for (int k = 0; k < m->nbank; k++)
        for (int64_t i = 0; i < m->depth; i++)
            put(decl, "  logic %s%s;%s\n", word_type(m), element(m, k, i),
                k + i ? "" : where(m->loc));
    put(b, "  always_ff @(posedge clk) begin\n");
    for (int a = 0; a < m->nacc; a++) {
        Node *n = m->acc[a];
        uint64_t k;
        if (n->op != Ostore)
            continue;
        const char *v = ref(n->in[1], n->rgn, n->step, m->storew);
        if (const_small(n->in[0], &k)) {
            put(b, "    if (%s) %s <= %s;%s\n", when(n),
                element(m, n->bank, (int64_t)k), v, where(n->loc));
            continue;
        }
        put(b, "    if (%s)%s\n      case (%s)\n", when(n), where(n->loc),
            address_text(n));
        for (int64_t i = 0; i < m->depth; i++)
            put(b, "        %d'd%lld: %s <= %s;\n", address_bits(m),
                (long long)i, element(m, n->bank, i), v);
        put(b, "        default: ;\n      endcase\n");
    }
    put(b, "  end\n");
}

static void emit_bank(Mem *m, int bank, Buf *decl, Buf *b)
{
    const char *id = fmt("%s_b%d", m->name, bank);
    Buf re = {0}, ra = {0}, we = {0}, wa = {0}, wd = {0};
    Node *last[2] = {NULL, NULL};
    for (int a = 0; a < m->nacc; a++)
        if (m->acc[a]->bank == bank)
            last[m->acc[a]->op == Ostore] = m->acc[a];
    for (int a = 0; a < m->nacc; a++) {
        Node *n = m->acc[a];
        if (n->bank != bank)
            continue;
        bool st = n->op == Ostore;
        bool end = n == last[st];
        const char *sel = end ? "" : fmt("%s ? ", fire(n->rgn, n->step));
        const char *sep = end ? "" : " : ";
        put(st ? &we : &re, "%s(%s)", (st ? we.s : re.s) ? " | " : "",
            st ? when(n) : fire(n->rgn, n->step));
        put(st ? &wa : &ra, "%s%s%s", sel, address_text(n), sep);
        if (st)
            put(&wd, "%s%s%s", sel, ref(n->in[1], n->rgn, n->step, m->storew),
                sep);
    }
    put(decl, "  (* ram_style = \"block\" *) logic %s%s [0:%lld];%s\n",
        word_type(m), id, (long long)m->depth - 1, where(m->loc));
    put(decl, "  logic %s%s_rd;\n", word_type(m), id);
    if (we.s)
        put(b,
            "  wire %s_we = %s;\n  wire [%d:0] %s_wa = %s;\n"
            "  wire [%d:0] %s_wd = %s;\n",
            id, we.s, address_bits(m) - 1, id, wa.s, m->storew - 1, id, wd.s);
    if (re.s)
        put(b, "  wire %s_re = %s;\n  wire [%d:0] %s_ra = %s;\n", id, re.s,
            address_bits(m) - 1, id, ra.s);
    put(b, "  always_ff @(posedge clk) begin\n");
    if (we.s)
        put(b, "    if (%s_we) %s[%s_wa] <= %s_wd;\n", id, id, id, id);
    if (re.s)
        put(b, "    if (%s_re) %s_rd <= %s[%s_ra];\n", id, id, id, id);
    put(b, "  end\n");
}

/* FX_NODEP: no iteration reads what an earlier one has still to write. Both
 * count iterations; a store finds out if a younger one has read its word. */
static void emit_vouch(Region *r, Mem *m, int bank, Buf *decl, Buf *b)
{
    const char *id = fmt("%s_b%d_%s", m->name, bank, r->name);
    put(decl, "`ifndef SYNTHESIS\n  int %s_reads [0:%lld];\n", id,
        (long long)m->depth - 1);
    put(b,
        "`ifndef SYNTHESIS // FX_NODEP(%s)\n"
        "  always_ff @(posedge clk) if (!rst) begin\n",
        m->name);
    for (int a = 0; a < m->nacc; a++) {
        Node *n = m->acc[a];
        if (n->rgn != r || n->bank != bank)
            continue;
        put(decl, "  int %s_n%d = 0;\n", id, n->id);
        put(b, "    if (%s) %s_n%d <= %s_n%d + 1;\n", fire(r, n->step), id,
            n->id, id, n->id);
        if (n->op == Oload)
            put(b, "    if (%s) %s_reads[%s] <= %s_n%d + 1;\n", when(n), id,
                address_text(n), id, n->id);
        else
            put(b,
                "    if ((%s) && %s_reads[%s] > %s_n%d + 1)\n"
                "      $fatal(1, \"FX_NODEP(%s) is not true\");\n",
                when(n), id, address_text(n), id, n->id, m->name);
    }
    for (int a = 0; a < m->nacc; a++)
        for (int k = 0; k < m->nacc; k++) {
            Node *w = m->acc[a], *l = m->acc[k];
            if (w->rgn != r || l->rgn != r || w->bank != bank ||
                l->bank != bank || w->op != Ostore || l->op != Oload)
                continue;
            /* in one cycle the load sees the old word */
            put(b,
                "    if ((%s) && (%s) && %s == %s && %s_n%d != %s_n%d)\n"
                "      $fatal(1, \"FX_NODEP(%s) is not true\");\n",
                when(w), when(l), address_text(w), address_text(l), id, l->id,
                id, w->id, m->name);
        }
    put(decl, "`endif\n");
    put(b, "  end\n`endif\n");
}

static void emit_table(Mem *m, Buf *decl, Buf *b)
{
    for (int a = 0; a < m->nacc; a++) {
        Node *n = m->acc[a];
        const char *id = fmt("%s_%d_table", m->name, n->id);
        put(decl, "  logic %s%s [0:%lld];\n", word_type(m), id,
            (long long)(m->depth << clog2(1)) - 1);
        put(b, "  initial begin\n");
        for (int64_t i = 0; i < m->depth; i++)
            put(b, "    %s[%lld] = %d'h%llx;\n", id, (long long)i, m->storew,
                (unsigned long long)(m->init[i + n->bank * m->depth] &
                                     (~UINT64_C(0) >> (64 - m->storew))));
        put(b, "  end\n");
    }
}

void emit_mem(Fn *fn, Mem *m, Buf *decl, Buf *b)
{
    if (!m->nacc)
        return;
    if (m->kind == Mreg)
        emit_registers(m, decl, b);
    else if (m->kind == Mrom)
        emit_table(m, decl, b);
    for (int k = 0; k < m->nbank; k++) {
        if (m->kind == Mram)
            emit_bank(m, k, decl, b);
        for (int i = 0; i < fn->nrgn; i++)
            if (vouched(fn->rgn[i], m))
                emit_vouch(fn->rgn[i], m, k, decl, b);
    }
}
