/* SPDX-License-Identifier: Apache-2.0 */
/* emit/vitis.c -- a kernel for Vitis HLS: the design in its C++ view between
 * the processes of emit/vitis/card.h. kernel/flexllm_STAGE.cpp is
 *
 *     design(...)            the ports struct filled, the design called, then
 *                            an end for every process that waits for requests
 *     flexllm_STAGE(...)     the dataflow region: feed, design, a reader and a
 *                            writer for each memory, keep
 *
 * and kernel/flexllm_STAGE.h lists the arguments for whoever calls it.
 */
#include "emit/parts.h"
#include <ctype.h>
#include <string.h>

/* A stream of the region: a port of the design; s_NAME in the source. */
struct port {
    const char *name;
    int bits, depth;
};
enum { PORTS = 5 * EMIT_MEMS + 4 };

static int ports_of(const struct emit_kernel *k, struct port *p)
{
    int n = 0;
    p[n++] = (struct port){"table", 32 * k->table, 2};
    p[n++] = (struct port){"ids", 32 * k->ids, 2};
    if (k->ends)
        p[n++] = (struct port){"ends", 256, 2};
    if (k->y)
        p[n++] = (struct port){"y", 32, 2};
    for (int i = 0; i < k->mems; i++) {
        const struct emit_mem *m = &k->mem[i];
        const struct port all[] = {{m->rreq, 64, 8},
                                   {m->read, m->bits, 64},
                                   {m->wreq, 64, 8},
                                   {m->write, m->bits, 64},
                                   {m->ack, 1, 8}};
        for (int j = 0; j < 5; j++)
            if (*all[j].name != 0)
                p[n++] = all[j];
    }
    return n;
}

/* "weights_req_0" is member weights_req[0]. */
static void put_member(struct emit_dir *d, const char *port)
{
    const char *end = port + strlen(port);
    while (isdigit((unsigned char)end[-1]))
        end--;
    if (*end != 0 && end[-1] == '_')
        emit_put(d, "p.%.*s[%s]", (int)(end - 1 - port), port, end);
    else
        emit_put(d, "p.%s", port);
}

static const char *scalar_type(const struct emit_scalar *s)
{
    return s->bits == 64 ? "uint64_t" : "uint32_t";
}

static void put_design(struct emit_dir *d, const struct emit_kernel *k,
                       const struct port *p, int n)
{
    const char *sep = "static void design(";
    for (int i = 0; i < n; i++, sep = ",\n    ")
        emit_put(d, "%shls::stream<ap_uint<%d>> &s_%s", sep, p[i].bits,
                 p[i].name);
    for (int i = 0; i < k->scalars; i++)
        emit_put(d, "%s%s %s", sep, scalar_type(&k->scalar[i]),
                 k->scalar[i].name);
    emit_put(d, ")\n{\n    struct %s_ports p;\n", k->top);
    for (int i = 0; i < k->drops; i++) {
        emit_put(d,
                 "    CARD_STREAM(%d, s_%s, 2) // not wanted on a card\n    ",
                 k->dropped[i].bits, k->dropped[i].name);
        put_member(d, k->dropped[i].name);
        emit_put(d, ".s = &s_%s;\n", k->dropped[i].name);
    }
    for (int i = 0; i < n; i++) {
        emit_put(d, "    ");
        put_member(d, p[i].name);
        emit_put(d, ".s = &s_%s;\n", p[i].name);
    }
    for (int i = 0; i < k->scalars; i++)
        emit_put(d, "    p.%s = %s;\n", k->scalar[i].name, k->scalar[i].name);
    emit_put(d, "    %s(&p);\n", k->top);
    for (int i = 0; i < k->mems; i++) {
        if (*k->mem[i].read != 0)
            emit_put(d, "    card_finish(s_%s);\n", k->mem[i].rreq);
        if (*k->mem[i].write != 0)
            emit_put(d, "    card_finish(s_%s);\n", k->mem[i].wreq);
    }
    if (k->y)
        emit_put(d, "    s_y.write(CARD_END);\n");
    for (int i = 0; i < k->drops; i++)
        emit_put(
            d, "    if (!s_%s.empty())\n        (void)s_%s.read(); // never\n",
            k->dropped[i].name, k->dropped[i].name);
    emit_put(d, "}\n\n");
}

/* The process of a port of several buffers: upper bits of the address choose
 * one. */
static void put_parts(struct emit_dir *d, const struct emit_kernel *k,
                      const struct emit_mem *m, bool write)
{
    emit_put(d, "static void %s_%s(", m->name, write ? "write" : "read");
    for (int i = 0; i < m->parts; i++)
        emit_put(d, "%sap_uint<%d> *m%d,\n    ", write ? "" : "const ", m->beat,
                 i);
    emit_put(
        d,
        "hls::stream<ap_uint<64>> &req, hls::stream<ap_uint<%d>> &data%s)"
        "\n{\n"
        "    for (ap_uint<64> r = req.read(); card_length(r) != CARD_END;"
        "\n         r = req.read()) {\n"
        "        uint32_t at = card_address(r) & 0x%xu, n = card_length(r);"
        "\n        switch (card_address(r) >> %d) {\n",
        m->bits, write ? ",\n    hls::stream<ap_uint<1>> &ack" : "",
        (1u << k->part_bits) - 1, k->part_bits);
    for (int i = 0; i < m->parts; i++) {
        if (i + 1 < m->parts)
            emit_put(d, "        case %d:\n", i);
        else
            emit_put(d, "        default:\n");
        emit_put(d, "            card_%s(m%d, at, n, data);\n%s",
                 write ? "store" : "fetch", i,
                 i + 1 < m->parts ? "            break;\n" : "        }\n");
    }
    if (write)
        emit_put(d, "        if (n > 0)\n            ack.write(1);\n");
    emit_put(d, "    }\n}\n\n");
}

static void put_pragmas(struct emit_dir *d, const struct emit_kernel *k)
{
    for (int i = 0; i < emit_args(k); i++) {
        struct emit_arg a = emit_arg(k, i);
        if (a.pointer)
            emit_put(d,
                     "#pragma HLS interface m_axi port = %s offset = slave "
                     "bundle = %s\n",
                     a.name, a.port);
        emit_put(d,
                 "#pragma HLS interface s_axilite port = %s bundle = control\n",
                 a.name);
    }
    emit_put(d, "#pragma HLS interface s_axilite port = return bundle = "
                "control\n");
}

/* The pointers of a memory's reads or writes, behind each other. */
static void put_pointers(struct emit_dir *d, const struct emit_kernel *k,
                         const struct emit_mem *m, int write)
{
    for (int i = 0; i < emit_args(k); i++) {
        struct emit_arg a = emit_arg(k, i);
        if (a.pointer && a.write == write && strcmp(a.port, m->name) == 0)
            emit_put(d, "%s, ", a.name);
    }
}

static void put_memory(struct emit_dir *d, const struct emit_kernel *k,
                       const struct emit_mem *m)
{
    const char *of = m->parts > 1 ? m->name : "card";
    if (*m->read != 0) {
        emit_put(d, "    CARD_TASK(%s_read, ", of);
        put_pointers(d, k, m, 0);
        emit_put(d, "s_%s, s_%s);\n", m->rreq, m->read);
    }
    if (*m->write != 0) {
        emit_put(d, "    CARD_TASK(%s_write, ", of);
        put_pointers(d, k, m, 1);
        emit_put(d, "s_%s, s_%s, s_%s);\n", m->wreq, m->write, m->ack);
    }
}

static void put_kernel(struct emit_dir *d, const struct emit_kernel *k,
                       const struct port *p, int n)
{
    emit_put(d, "extern \"C\" void %s(", k->name);
    for (int i = 0; i < emit_args(k); i++) {
        struct emit_arg a = emit_arg(k, i);
        const char *sep = i == 0 ? "" : ",\n    ";
        if (a.pointer)
            emit_put(d, "%s%sap_uint<%d> *%s", sep, a.write ? "" : "const ",
                     a.beat, a.name);
        else
            emit_put(d, "%suint%d_t %s", sep, a.bits, a.name);
    }
    emit_put(d, ")\n{\n");
    put_pragmas(d, k);
    emit_put(d, "    FX_DATAFLOW;\n");
    for (int i = 0; i < n; i++)
        emit_put(d, "    CARD_STREAM(%d, s_%s, %d)\n", p[i].bits, p[i].name,
                 p[i].depth);
    emit_put(d,
             "    CARD_TASK(card_feed%s, run, steps, %s, s_table, %ss_ids);\n",
             k->ends ? "_ends" : "", k->ends ? "given" : "groups",
             k->ends ? "s_ends, " : "");
    emit_put(d, "    CARD_TASK(design");
    for (int i = 0; i < n; i++)
        emit_put(d, ", s_%s", p[i].name);
    for (int i = 0; i < k->scalars; i++)
        emit_put(d, ", %s", k->scalar[i].name);
    emit_put(d, ");\n");
    for (int i = 0; i < k->mems; i++)
        put_memory(d, k, &k->mem[i]);
    emit_put(d, k->y ? "    CARD_TASK(card_keep, out, s_y);\n"
                     : "    CARD_TASK(card_none, out);\n");
    emit_put(d, "}\n");
}

static void put_source(struct emit_dir *d, const struct emit_design *e,
                       const struct emit_kernel *k)
{
    struct port p[PORTS];
    struct dsn_def def[DSN_DEFS];
    int n = ports_of(k, p);
    emit_put(d,
             "// %s.cpp -- written by flexllm build: %s behind AXI4, for Vitis "
             "HLS.\n"
             "#define FX_VIEW_VITIS\n"
             "#include <ap_int.h>\n#include <hls_stream.h>\n"
             "#include \"emit/vitis/card.h\"\n",
             k->name, k->top);
    dsn_defs(def, k->stage, &e->config, &e->room);
    for (int i = 0; i < DSN_DEFS; i++)
        emit_put(d, "#define %s %d\n", def[i].name, def[i].value);
    emit_put(d,
             "#include \"designs/%s.c\"\n"
             "#include \"%s.h\"\n\n",
             k->top, k->name);
    for (int i = 0; i < k->mems; i++)
        for (int w = 0; w < 2 && k->mem[i].parts > 1; w++)
            put_parts(d, k, &k->mem[i], w == 1);
    put_design(d, k, p, n);
    put_kernel(d, k, p, n);
}

static void put_header(struct emit_dir *d, const struct emit_kernel *k)
{
    char upper[EMIT_NAME];
    for (int i = 0; (upper[i] = (char)toupper((unsigned char)k->name[i])) != 0;)
        i++;
    emit_put(d,
             "/* %s.h -- written by flexllm build: the arguments by number,\n"
             " * IN and OUT(number, name, bits) for pointers, INT(...). */\n"
             "#define %s_ARGS(IN, OUT, INT)",
             k->name, upper);
    for (int i = 0; i < emit_args(k); i++) {
        struct emit_arg a = emit_arg(k, i);
        emit_put(d, "%s \\\n    %s(%d, %s, %d)", i == 0 ? "" : ",",
                 !a.pointer ? "INT"
                 : a.write  ? "OUT"
                            : "IN",
                 i, a.name, a.pointer ? a.beat : a.bits);
    }
    emit_put(d,
             "\nextern \"C\" void %s(\n"
             "    %s_ARGS(CARD_IN, CARD_OUT, CARD_INT));\n",
             k->name, upper);
}

static void put_config(struct emit_dir *d, const struct emit_design *e,
                       const struct emit_kernel *k)
{
    emit_put(d,
             "# v++ --compile --mode hls --platform ... --config hls_%s.cfg\n"
             "[hls]\n"
             "flow_target=vitis\n"
             "package.output.format=xo\n"
             "package.output.file=%s.xo\n"
             "syn.file=kernel/%s.cpp\n"
             "syn.cflags=-std=c++14 -Ikernel\n"
             "syn.top=%s\n"
             "clock=%.3fns\n",
             k->stage == 0 ? "prefill" : "decode", k->name, k->name, k->name,
             1000 / emit_mhz(e, k->stage));
}

void emit_vitis_kernel(struct emit_dir *d, const struct emit_design *e,
                       const struct emit_kernel *k)
{
    static const char *const file[2][3] = {
        {"kernel/flexllm_prefill.cpp", "kernel/flexllm_prefill.h",
         "hls_prefill.cfg"},
        {"kernel/flexllm_decode.cpp", "kernel/flexllm_decode.h",
         "hls_decode.cfg"}};
    emit_file(d, file[k->stage][0]);
    put_source(d, e, k);
    emit_file(d, file[k->stage][1]);
    put_header(d, k);
    emit_file(d, file[k->stage][2]);
    put_config(d, e, k);
}
