/* SPDX-License-Identifier: Apache-2.0 */
/* emit/readme.c -- README.md of a written directory: what is in it, what can
 * be done with it here and now, what only a vendor's tools can do. */
#include "emit/parts.h"
#include <string.h>

static void put_about(struct emit_dir *d, const struct emit_design *e)
{
    const struct num_shape *s = &e->room.shape;
    struct dsn_config c = e->config;
    emit_put(d,
             "# %s: a Llama accelerator for %s\n\n"
             "Written by `flexllm build`; --force replaces it.\n\n"
             "Room for %d layers, d %d, ffn %d, %d query and %d key/value "
             "heads of %d,\n%d positions. Parallelism `",
             e->x->name, e->x->dev.title, s->layers, s->d, s->ffn, s->nq,
             s->nkv, s->head, e->room.cap);
    for (int i = 0; dsn_config_name(i) != 0; i++)
        emit_put(d, "%s%s=%d", i == 0 ? "" : ",", dsn_config_name(i),
                 *dsn_config_at(&c, i));
    emit_put(d,
             "`. Wanted clocks: prefill %.1f MHz,\ndecode %.1f MHz. Both "
             "kernels share one card memory: prefill leaves the keys and\n"
             "values where decode reads them.\n\n",
             emit_mhz(e, 0), emit_mhz(e, 1));
}

/* The channels of a memory's buffers, those of the design's placement. */
static void put_channels(struct emit_dir *d, const struct emit_design *e,
                         const struct emit_kernel *k, const char *port)
{
    const char *sep = "";
    for (int i = 0; i < emit_args(k); i++) {
        struct emit_arg a = emit_arg(k, i);
        if (!a.pointer || strcmp(a.port, port) != 0 ||
            strcmp(a.name, a.memory) != 0)
            continue;
        emit_put(d, "%s%s", sep, emit_channel(e, k->stage, a.memory));
        sep = ", ";
    }
}

static void put_ports(struct emit_dir *d, const struct emit_design *e,
                      const struct emit_kernel *k)
{
    emit_put(d,
             "### %s: %d AXI4 ports\n\n"
             "| port | bits | word | access | channels |\n"
             "|---|---|---|---|---|\n"
             "| m_axi_host | 32 | 4 bytes | read, write | %s |\n",
             k->name, k->mems + 1, emit_channel(e, k->stage, "run"));
    for (int i = 0; i < k->mems; i++) {
        const struct emit_mem *m = &k->mem[i];
        emit_put(d, "| m_axi_%s | %d | %d byte%s | %s%s%s | ", m->name, m->beat,
                 m->bytes, m->bytes == 1 ? "" : "s",
                 *m->read != 0 ? "read" : "",
                 *m->read != 0 && *m->write != 0 ? ", " : "",
                 *m->write != 0 ? "write" : "");
        put_channels(d, e, k, m->name);
        emit_put(d, " |\n");
    }
    emit_put(d, "\n");
}

/* What both targets leave to a vendor's tools. */
static void put_vendor(struct emit_dir *d)
{
    emit_put(
        d,
        "| `*.cfg`, `Makefile` | `make images` | v++, the board's "
        "platform |\n"
        "| `host/flexllm_card` | `host/flexllm_card MODEL.fxq -p TEXT` | XRT, "
        "the card |\n\n"
        "**None of this has been run with a vendor's tools**: the files follow "
        "the vendor's\ndocuments. `make PLATFORM=... PART=...` names another "
        "platform. Whether a platform\ntakes as many AXI ports as are listed "
        "below is for its documents to say.\n");
}

static void put_sv(struct emit_dir *d)
{
    emit_put(
        d,
        "## What is here\n\n"
        "| path | what |\n|---|---|\n"
        "| `rtl/` | FIFOs, memories, AXI engines, control registers |\n"
        "| `prefill/`, `decode/` | the design as fxc made it, the kernel "
        "around it, `kernel.xml`, fxc's report |\n"
        "| `vivado/` | Tcl that packages a kernel for XRT, clock "
        "constraints |\n"
        "| `*.cfg`, `Makefile` | channels, clocks, the link |\n"
        "| `host/` | the host program and its sources |\n\n"
        "## What works without a vendor's tools\n\n"
        "    make lint                      # Verilator, -Wall\n"
        "    make simulate                  # both kernels in Verilator\n"
        "    host/flexllm_sim MODEL.fxq --ids 1,2,3 -n 8\n"
        "    make host                      # the program for a card\n\n"
        "`flexllm_sim` is the host program with the kernels' SystemVerilog in "
        "the place of a\ncard: it sets the registers, serves the AXI "
        "memories, and prints the tokens. It is\nslow; use a small model.\n\n"
        "`lint.vlt` names what lint keeps to itself: implicit widths and wires "
        "nobody reads in\nfxc's files, file names, and the port name "
        "`interrupt`.\n\n"
        "## What only a vendor's tools can do\n\n"
        "| file | what for | needs |\n|---|---|---|\n"
        "| `vivado/package.tcl`, `*/registers.tcl`, `*/kernel.xml` | `make "
        "build/flexllm_prefill.xo build/flexllm_decode.xo` | Vivado |\n"
        "| `vivado/clock_*.xdc` | clocks, out of context | Vivado |\n");
    put_vendor(d);
    emit_put(d, "Whether the wanted clocks are reached is not known before "
                "placement and routing.\n\n");
}

static void put_vitis(struct emit_dir *d)
{
    emit_put(
        d, "## What is here\n\n"
           "| path | what |\n|---|---|\n"
           "| `kernel/` | the designs in their C++14 view (`-DFX_VIEW_VITIS`), "
           "with AXI around them |\n"
           "| `hls_prefill.cfg`, `hls_decode.cfg` | what v++ compiles them "
           "with |\n"
           "| `*.cfg`, `Makefile` | channels, clocks, the link |\n"
           "| `host/` | the host program and its sources |\n\n"
           "## What works without a vendor's tools\n\n"
           "    make host\n\n"
           "and compiling `kernel/*.cpp` as C++14 against the open `ap_int.h` "
           "(flexllm's tests\ndo, and run it with a thread a task).\n\n"
           "## What only a vendor's tools can do\n\n"
           "| file | what for | needs |\n|---|---|---|\n"
           "| `kernel/*.cpp`, `hls_*.cfg` | `make build/flexllm_prefill.xo "
           "build/flexllm_decode.xo` | Vitis HLS |\n");
    put_vendor(d);
    emit_put(
        d,
        "The tasks of a design pass streams in circles (a token that is drawn "
        "is the next\none's input), so Vitis HLS must keep the tasks of a "
        "dataflow region running side\nby side; its C simulation runs them "
        "one after the other and cannot run these.\nThe acknowledgement of a "
        "write must wait for the memory's answer: look at the\nschedule of "
        "card_write. `--target sv` has neither question.\n\n");
}

void emit_readme(struct emit_dir *d, const struct emit_design *e,
                 const struct emit_kernel k[2], enum emit_target target)
{
    put_about(d, e);
    if (target == EMIT_VITIS)
        put_vitis(d);
    else
        put_sv(d);
    emit_put(d, "## Ports\n\n");
    for (int s = 0; s < 2; s++)
        put_ports(d, e, &k[s]);
    if (*emit_platform(e, 0) == 0)
        emit_put(d, "No XRT platform is known for this device: name one with "
                    "PLATFORM=, or connect the\nkernels' AXI ports in a block "
                    "design of your own.\n");
}
