/* SPDX-License-Identifier: Apache-2.0 */
/* emit/top.c -- the SystemVerilog of a kernel: the design, an AXI4 port for
 * each memory, one for the host's streams, AXI4-Lite registers.
 *
 *     s_axi_control -> fx_axi_ctrl -> scalars, base addresses, start
 *     m_axi_host  <-> fx_axi_run   -> table, ends, ids; <- y
 *     m_axi_NAME  <-> fx_axi_read  -> fx_axi_words -> NAME
 *                     fx_axi_write <- place <- NAME_write, NAME_write_req
 */
#include "emit/parts.h"
#include <string.h>

/* The AXI signals a master has: name, direction as the kernel sees it, bits
 * (0: address, -1: data, -2: strobes). */
static const struct {
    const char *name;
    int out, bits, write;
} axi[] = {
    {"araddr", 1, 0, 0},  {"arlen", 1, 8, 0},   {"arsize", 1, 3, 0},
    {"arburst", 1, 2, 0}, {"arvalid", 1, 1, 0}, {"arready", 0, 1, 0},
    {"rdata", 0, -1, 0},  {"rresp", 0, 2, 0},   {"rlast", 0, 1, 0},
    {"rvalid", 0, 1, 0},  {"rready", 1, 1, 0},  {"awaddr", 1, 0, 1},
    {"awlen", 1, 8, 1},   {"awsize", 1, 3, 1},  {"awburst", 1, 2, 1},
    {"awvalid", 1, 1, 1}, {"awready", 0, 1, 1}, {"wdata", 1, -1, 1},
    {"wstrb", 1, -2, 1},  {"wlast", 1, 1, 1},   {"wvalid", 1, 1, 1},
    {"wready", 0, 1, 1},  {"bresp", 0, 2, 1},   {"bvalid", 0, 1, 1},
    {"bready", 1, 1, 1},
};
enum { SIGNALS = sizeof axi / sizeof *axi };

static void put_master(struct emit_dir *d, const char *name, int beat, int read,
                       int write)
{
    for (int i = 0; i < SIGNALS; i++) {
        int bits = axi[i].bits == 0    ? 64
                   : axi[i].bits == -1 ? beat
                   : axi[i].bits == -2 ? beat / 8
                                       : axi[i].bits;
        char range[32] = "";
        if (!(axi[i].write ? write : read))
            continue;
        if (bits > 1)
            snprintf(range, sizeof range, "[%d:0] ", bits - 1);
        emit_put(d, "    %s wire %sm_axi_%s_%s,\n",
                 axi[i].out ? "output" : "input ", range, name, axi[i].name);
    }
}

static void put_pins(struct emit_dir *d, const char *name, int write)
{
    const char *sep = "";
    for (int i = 0; i < SIGNALS; i++)
        if (axi[i].write == write || write == 2) {
            emit_put(d, "%s        .m_%s(m_axi_%s_%s)", sep, axi[i].name, name,
                     axi[i].name);
            sep = ",\n";
        }
    emit_put(d, "\n    );\n");
}

/* The register file's one slave. */
static void put_slave(struct emit_dir *d)
{
    static const struct {
        const char *name, *range;
        int out;
    } slave[] = {
        {"awaddr", "[11:0] ", 0}, {"awvalid", "", 0},
        {"awready", "", 1},       {"wdata", "[31:0] ", 0},
        {"wstrb", "[3:0] ", 0},   {"wvalid", "", 0},
        {"wready", "", 1},        {"bresp", "[1:0] ", 1},
        {"bvalid", "", 1},        {"bready", "", 0},
        {"araddr", "[11:0] ", 0}, {"arvalid", "", 0},
        {"arready", "", 1},       {"rdata", "[31:0] ", 1},
        {"rresp", "[1:0] ", 1},   {"rvalid", "", 1},
        {"rready", "", 0},
    };
    for (size_t i = 0; i < sizeof slave / sizeof *slave; i++)
        emit_put(d, "    %s wire %ss_axi_control_%s,\n",
                 slave[i].out ? "output" : "input ", slave[i].range,
                 slave[i].name);
}

static void put_control(struct emit_dir *d, const struct emit_kernel *k)
{
    static const char *const pin[] = {
        "awaddr",  "awvalid", "awready", "wdata",  "wstrb",  "wvalid",
        "wready",  "bresp",   "bvalid",  "bready", "araddr", "arvalid",
        "arready", "rdata",   "rresp",   "rvalid", "rready",
    };
    int n = emit_args(k);
    emit_put(d,
             "    // ---- registers ----\n"
             "    wire start, done;\n"
             "    /* verilator lint_off UNUSEDSIGNAL */\n"
             "    wire [%d:0] args; // 64 bits each, whatever they are\n"
             "    /* verilator lint_on UNUSEDSIGNAL */\n"
             "    fx_axi_ctrl #(.ADDR_W(12), .ARGS(%d), .WIDE(%d'b",
             64 * n - 1, n, n);
    for (int i = n - 1; i >= 0; i--)
        emit_put(d, "%d", emit_arg(k, i).bits == 64);
    emit_put(d, ")) u_ctrl (\n        .clk, .rst, .irq(interrupt), .start, "
                ".done, .args");
    for (size_t i = 0; i < sizeof pin / sizeof *pin; i++)
        emit_put(d, ",\n        .s_%s(s_axi_control_%s)", pin[i], pin[i]);
    emit_put(d, "\n    );\n");
    for (int i = 0; i < n; i++) {
        struct emit_arg a = emit_arg(k, i);
        emit_put(d, "    wire [%d:0] a_%s = args[%d +: %d];\n", a.bits - 1,
                 a.name, 64 * i, a.bits);
    }
}

static void put_stream(struct emit_dir *d, const char *name, int bits)
{
    emit_put(d, "    wire [%d:0] %s_data;\n    wire %s_valid, %s_ready;\n",
             bits - 1, name, name, name);
}

/* Address and request of a memory: `way` is the request port's name. Behind a
 * port of several buffers the upper bits of a word's address choose one. */
static void put_base(struct emit_dir *d, const struct emit_kernel *k,
                     const struct emit_mem *m, const char *way)
{
    if (m->parts == 1) {
        emit_put(d,
                 "    wire [63:0] %s_base = a_%s;\n"
                 "    wire [31:0] %s_word = %s_data[31:0];\n",
                 way, m->name, way, way);
        return;
    }
    int low = k->part_bits, bits = 32 - __builtin_clz((unsigned)m->parts - 1);
    emit_put(d, "    wire [%d:0] %s_bases = {", 64 * m->parts - 1, way);
    for (int i = m->parts - 1; i >= 0; i--)
        emit_put(d, "a_%c_%d%s", m->name[0], i, i > 0 ? ", " : "};\n");
    emit_put(d,
             "    wire [63:0] %s_base = %s_bases[{%s_data[%d +: %d], 6'd0} +: "
             "64];\n"
             "    wire [31:0] %s_word = 32'(%s_data[%d:0]);\n",
             way, way, way, low, bits, way, way, low - 1);
    if (low + bits < 32)
        emit_put(d, "    wire unused_%s = &{1'b0, %s_data[31:%d]};\n", way, way,
                 low + bits);
}

static void put_read(struct emit_dir *d, const struct emit_kernel *k,
                     const struct emit_mem *m)
{
    const char *n = m->name;
    int burst = 4096 / (m->beat / 8) < 64 ? 4096 / (m->beat / 8) : 64;
    put_stream(d, m->rreq, 64);
    put_stream(d, m->read, m->bits);
    put_base(d, k, m, m->rreq);
    emit_put(d,
             "    wire [95:0] %s_rq_data;\n"
             "    wire %s_rq_valid, %s_rq_ready;\n"
             "    wire [%d:0] %s_in_data;\n"
             "    wire %s_in_valid, %s_in_ready;\n"
             "    wire %s_words_busy, %s_read_busy, %s_read_error;\n",
             n, n, n, m->beat - 1, n, n, n, n, n, n);
    emit_put(d,
             "    fx_axi_words #(\n"
             "        .WORD_W(%d), .BYTES(%d), .ADDR_W(64), .DATA_W(%d)\n"
             "    ) u_%s_words (\n"
             "        .clk, .rst, .base(%s_base),\n"
             "        .req_data({%s_data[63:32], %s_word}),\n"
             "        .req_valid(%s_valid), .req_ready(%s_ready),\n"
             "        .o_data(%s_data), .o_valid(%s_valid), "
             ".o_ready(%s_ready),\n",
             m->bits, m->bytes, m->beat, n, m->rreq, m->rreq, m->rreq, m->rreq,
             m->rreq, m->read, m->read, m->read);
    emit_put(d,
             "        .r_data(%s_rq_data), .r_valid(%s_rq_valid),\n"
             "        .r_ready(%s_rq_ready), .i_data(%s_in_data),\n"
             "        .i_valid(%s_in_valid), .i_ready(%s_in_ready),\n"
             "        .busy(%s_words_busy)\n    );\n",
             n, n, n, n, n, n, n);
    emit_put(d,
             "    fx_axi_read #(\n"
             "        .DATA_W(%d), .MAX_BURST(%d), .OUTSTANDING(8), "
             ".ROOM(%d)\n"
             "    ) u_%s_read (\n"
             "        .clk, .rst, .req_data(%s_rq_data),\n"
             "        .req_valid(%s_rq_valid), .req_ready(%s_rq_ready),\n"
             "        .o_data(%s_in_data), .o_valid(%s_in_valid),\n"
             "        .o_ready(%s_in_ready), .busy(%s_read_busy),\n"
             "        .error(%s_read_error),\n",
             m->beat, burst, 4 * burst, n, n, n, n, n, n, n, n, n);
    put_pins(d, n, 0);
}

static void put_write(struct emit_dir *d, const struct emit_kernel *k,
                      const struct emit_mem *m)
{
    const char *n = m->name;
    int burst = 4096 / (m->beat / 8) < 64 ? 4096 / (m->beat / 8) : 64;
    put_stream(d, m->wreq, 64);
    put_stream(d, m->write, m->bits);
    put_stream(d, m->ack, 1);
    put_base(d, k, m, m->wreq);
    emit_put(d,
             "    wire %s_write_busy, %s_write_error;\n"
             "    wire [63:0] %s_place = %s_base + (64'(%s_word) << %d);\n"
             "    fx_axi_write #(\n"
             "        .DATA_W(%d), .MAX_BURST(%d), .OUTSTANDING(8)\n"
             "    ) u_%s_write (\n"
             "        .clk, .rst, .req_data({%s_data[63:32], %s_place}),\n"
             "        .req_valid(%s_valid), .req_ready(%s_ready),\n",
             n, n, n, m->wreq, m->wreq, __builtin_ctz((unsigned)m->bytes),
             m->beat, burst, n, m->wreq, n, m->wreq, m->wreq);
    emit_put(d,
             "        .i_data(%s_data), .i_valid(%s_valid), "
             ".i_ready(%s_ready),\n"
             "        .ack_data(%s_data), .ack_valid(%s_valid),\n"
             "        .ack_ready(%s_ready), .busy(%s_write_busy),\n"
             "        .error(%s_write_error),\n",
             m->write, m->write, m->write, m->ack, m->ack, m->ack, n, n);
    put_pins(d, n, 1);
}

static const char *count_of(const struct emit_kernel *k)
{
    for (int i = 0; i < k->scalars; i++)
        if (strcmp(k->scalar[i].name, "given") == 0)
            return "given";
    return "groups";
}

static void put_any(struct emit_dir *d, const struct emit_kernel *k,
                    const char *what, int words)
{
    emit_put(d, "    wire any_%s = 1'b0", what);
    for (int i = 0; i < k->mems; i++) {
        const struct emit_mem *m = &k->mem[i];
        if (*m->read != 0 && words)
            emit_put(d, "\n        || %s_words_busy", m->name);
        if (*m->read != 0)
            emit_put(d, "\n        || %s_read_%s", m->name, what);
        if (*m->write != 0)
            emit_put(d, "\n        || %s_write_%s", m->name, what);
    }
    emit_put(d, ";\n");
}

static void put_run(struct emit_dir *d, const struct emit_kernel *k)
{
    put_stream(d, "table", 32 * k->table);
    put_stream(d, "ends", 256);
    put_stream(d, "ids", 32 * k->ids);
    put_stream(d, "y", 32);
    put_any(d, k, "busy", 1);
    put_any(d, k, "error", 0);
    if (!k->ends)
        emit_put(d, "    assign ends_ready = 1'b0;\n"
                    "    wire unused_ends = &{1'b0, ends_data, ends_valid};\n");
    if (!k->y)
        emit_put(d, "    assign y_valid = 1'b0;\n"
                    "    assign y_data = 32'd0;\n"
                    "    wire unused_y = &{1'b0, y_ready};\n");
    emit_put(d,
             "    wire design_start, design_done;\n"
             "    fx_axi_run #(\n"
             "        .TABLE(%d), .IDS(%d), .ENDS(%d)\n"
             "    ) u_run (\n"
             "        .clk, .rst, .start, .done, .design_start, "
             ".design_done,\n"
             "        .busy(any_busy), .error(any_error), .run(a_run),\n"
             "        .out(a_out), .steps(a_steps), .id_beats(a_%s),\n"
             "        .table_data, .table_valid, .table_ready,\n"
             "        .ends_data, .ends_valid, .ends_ready,\n"
             "        .ids_data, .ids_valid, .ids_ready,\n"
             "        .y_data, .y_valid, .y_ready,\n",
             k->table, k->ids, k->ends, count_of(k));
    put_pins(d, "host", 2);
}

static void put_port(struct emit_dir *d, const char *name)
{
    emit_put(d, ",\n        .%s_data, .%s_valid, .%s_ready", name, name, name);
}

static void put_design(struct emit_dir *d, const struct emit_kernel *k)
{
    emit_put(d, "    // ---- the design ----\n");
    for (int i = 0; i < k->drops; i++)
        emit_put(d,
                 "    /* verilator lint_off UNUSED */\n"
                 "    wire %s_valid; // not wanted on a card\n"
                 "    /* verilator lint_on UNUSED */\n",
                 k->dropped[i].name);
    emit_put(d,
             "    %s u_design (\n        .clk, .rst, .start(design_start), "
             ".done(design_done),\n"
             "        /* verilator lint_off PINCONNECTEMPTY */\n"
             "        .idle()",
             k->top);
    for (int i = 0; i < k->drops; i++)
        emit_put(d, ", .%s_data()", k->dropped[i].name);
    emit_put(d, "\n        /* verilator lint_on PINCONNECTEMPTY */");
    for (int i = 0; i < k->drops; i++)
        emit_put(d, ",\n        .%s_valid, .%s_ready(1'b1)", k->dropped[i].name,
                 k->dropped[i].name);
    for (int i = 0; i < k->scalars; i++)
        emit_put(d, ",\n        .%s(a_%s)", k->scalar[i].name,
                 k->scalar[i].name);
    put_port(d, "table");
    put_port(d, "ids");
    if (k->ends)
        put_port(d, "ends");
    if (k->y)
        put_port(d, "y");
    for (int i = 0; i < k->mems; i++) {
        const struct emit_mem *m = &k->mem[i];
        const char *const port[] = {m->rreq, m->read, m->wreq, m->write,
                                    m->ack};
        for (int p = 0; p < 5; p++)
            if (*port[p] != 0)
                put_port(d, port[p]);
    }
    emit_put(d, "\n    );\nendmodule\n`default_nettype wire\n");
}

void emit_top(struct emit_dir *d, const struct emit_kernel *k)
{
    emit_put(d,
             "// %s -- written by flexllm build: %s behind AXI4.\n"
             "`default_nettype none\n"
             "module %s (\n"
             "    input  wire ap_clk,\n"
             "    input  wire ap_rst_n,\n",
             k->name, k->top, k->name);
    put_master(d, "host", 32, 1, 1);
    for (int i = 0; i < k->mems; i++)
        put_master(d, k->mem[i].name, k->mem[i].beat, *k->mem[i].read != 0,
                   *k->mem[i].write != 0);
    put_slave(d);
    emit_put(d, "    output wire interrupt\n);\n"
                "    wire clk = ap_clk;\n"
                "    logic rst;  // registered: it goes everywhere\n"
                "    always_ff @(posedge clk)\n"
                "        rst <= !ap_rst_n;\n\n");
    put_control(d, k);
    emit_put(d, "\n    // ---- memories ----\n");
    for (int i = 0; i < k->mems; i++) {
        if (*k->mem[i].read != 0)
            put_read(d, k, &k->mem[i]);
        if (*k->mem[i].write != 0)
            put_write(d, k, &k->mem[i]);
    }
    emit_put(d, "\n    // ---- the host's streams ----\n");
    put_run(d, k);
    put_design(d, k);
}
