/* SPDX-License-Identifier: Apache-2.0 */
/* emit_top.c -- a dataflow function: instances, FIFOs and wires.
 *
 * All tasks start with the function and it is done when all are. A FIFO is
 * rtl/fx_fifo.sv with the depth of the C declaration.
 */
#include "fxc/all.h"

static void connect(Buf *b, const Wire *w)
{
    const char *p = w->port->name, *o;
    const char *side = w->port->out ? "i" : "o";
    static const char *sig[] = {"data", "valid", "ready"};
    for (int i = 0; i < 3; i++) {
        o = w->outer ? fmt("%s_%s", w->outer->name, sig[i])
                     : fmt("%s_%s_%s", w->fifo->name, side, sig[i]);
        put(b, ",\n    .%s_%s(%s)", p, sig[i], o);
    }
}

static const char *scalar_text(Node *n, int w);

static const char *binary(Node *n, int w)
{
    return fmt("(%s %s %s)", scalar_text(n->in[0], w), opinfo[n->op].text,
               scalar_text(n->in[1], w));
}

/* An expression of constants and scalars, w bits wide. */
static const char *scalar_text(Node *n, int w)
{
    n = node_real(n);
    switch (n->op) {
    case Oconst:
        return fmt("%d'd%llu", w,
                   (unsigned long long)(n->bits[0] & (~UINT64_C(0) >>
                                                      (w < 64 ? 64 - w : 0))));
    case Oarg:
        return w == n->w ? n->name : fmt("%d'(%s)", w, n->name);
    case Oadd:
    case Osub:
    case Omul:
    case Oand:
    case Oor:
    case Oxor:
        return w == n->w ? binary(n, w) : fmt("%d'(%s)", w, binary(n, n->w));
    case Oshl:
    case Olshr:
        return fmt("%d'(%s)", w, binary(n, n->w));
    case Ozext:
        return fmt("%d'($unsigned(%s))", w, scalar_text(n->in[0], n->in[0]->w));
    case Osext:
        return fmt("%d'($signed(%s))", w, scalar_text(n->in[0], n->in[0]->w));
    case Oslice:
        if (n->lo == 0)
            return fmt("%d'(%s)", w, scalar_text(n->in[0], n->in[0]->w));
        break;
    case Oeq:
    case One:
    case Oult:
    case Oule:
        return fmt("%d'%s", w, binary(n, n->in[0]->w));
    case Oslt:
    case Osle:
        return fmt("%d'($signed(%s) %s $signed(%s))", w,
                   scalar_text(n->in[0], n->in[0]->w), opinfo[n->op].text,
                   scalar_text(n->in[1], n->in[1]->w));
    case Oselect:
        return fmt("(%s ? %s : %s)", scalar_text(n->in[0], 1),
                   scalar_text(n->in[1], w), scalar_text(n->in[2], w));
    default:
        break;
    }
    reject(n->loc, "compute it in the task, or on the host",
           "a scalar of a task needs more than simple arithmetic (%s)",
           opinfo[n->op].name);
}

static void emit_fifo(Fifo *q, Buf *b)
{
    put(b, "  // %s -> %s%s\n", q->writer->name, q->reader->name,
        where(q->loc));
    for (int i = 0; i < 2; i++)
        put(b, "  wire [%d:0] %s_%c_data;\n  wire %s_%c_valid, %s_%c_ready;\n",
            q->w - 1, q->name, "io"[i], q -> name, "io"[i], q -> name, "io"[i]);
    put(b,
        "  fx_fifo #(.W(%d), .DEPTH(%lld)) q_%s (\n"
        "    .clk(clk), .rst(rst)",
        q->w, (long long)q->depth, q->name);
    for (int i = 0; i < 2; i++)
        put(b,
            ",\n    .%c_data(%s_%c_data), .%c_valid(%s_%c_valid), "
            ".%c_ready(%s_%c_ready)",
            "io"[i], q -> name, "io"[i], "io"[i], q -> name, "io"[i], "io"[i],
            q -> name, "io"[i]);
    put(b, ");\n\n");
}

void emit_top(Fn *fn, Buf *b)
{
    emit_head(fn, b);
    for (int i = 0; i < fn->nfifo; i++)
        emit_fifo(fn->fifo[i], b);
    for (int i = 0; i < fn->ninst; i++) {
        Inst *in = fn->inst[i];
        put(b, "  wire %s_done, %s_idle;\n", in->name, in->name);
        put(b,
            "  %s %s (%s\n    .clk(clk), .rst(rst), .start(start & idle),\n"
            "    .done(%s_done), .idle(%s_idle)",
            in->fn->name, in->name, where(in->loc), in->name, in->name);
        for (int k = 0; k < in->nwire; k++) {
            Wire *w = &in->wire[k];
            if (w->port)
                connect(b, w);
            else
                put(b, ",\n    .%s(%s)", w->scal->name,
                    scalar_text(w->value, w->scal->w));
        }
        put(b, ");\n\n");
    }
    put(b, "  logic running;\n  wire all_idle = 1'b1");
    for (int i = 0; i < fn->ninst; i++)
        put(b, " & (%s_idle | %s_done)", fn->inst[i]->name, fn->inst[i]->name);
    put(b, ";\n  assign idle = ~running;\n"
           "  assign done = running & all_idle;\n"
           "  always_ff @(posedge clk)\n"
           "    if (rst) running <= 1'b0;\n"
           "    else if (start & idle) running <= 1'b1;\n"
           "    else if (done) running <= 1'b0;\n"
           "endmodule\n\n");
}
