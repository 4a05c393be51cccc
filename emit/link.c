/* SPDX-License-Identifier: Apache-2.0 */
/* emit/link.c -- the link's configuration (which memory is in which channel),
 * one an image, and the Makefile that drives Vivado and v++. */
#include "emit/parts.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int index_of(const char *memory)
{
    const char *end = memory + strlen(memory);
    while (end > memory && end[-1] >= '0' && end[-1] <= '9')
        end--;
    return *end == 0 ? 0 : atoi(end);
}

static const char *dealt(const struct xpl_channels *c, int i)
{
    return c->n == 0 ? "" : c->name[i % c->n];
}

const char *emit_channel(const struct emit_design *e, int stage,
                         const char *memory)
{
    const struct xpl_design *x = e->x;
    int i = index_of(memory);
    const struct xpl_channels *c = strncmp(memory, "weights", 7) == 0
                                       ? (stage == 0 ? &x->prefill : &x->decode)
                                   : strncmp(memory, "k_", 2) == 0 ? &x->keys
                                   : strncmp(memory, "v_", 2) == 0 ? &x->values
                                   : strcmp(memory, "embed") == 0  ? &x->embed
                                   : strcmp(memory, "rope") == 0
                                       ? &x->rope
                                       : &x->side; /* mul, run, out, too */
    return dealt(c, i);
}

/* "hbm3" is HBM[3] to the linker. */
static void put_place(struct emit_dir *d, const struct emit_design *e,
                      const struct emit_kernel *k, const struct emit_arg *a)
{
    const char *channel = emit_channel(e, k->stage, a->memory);
    size_t n = strcspn(channel, "0123456789");
    emit_put(d, "sp=%s_1.%s:", k->name, a->name);
    for (size_t i = 0; i < n; i++)
        emit_put(d, "%c", toupper((unsigned char)channel[i]));
    emit_put(d, "[%d]\n", atoi(channel + n));
}

static void put_banks(struct emit_dir *d, const struct emit_design *e,
                      const struct emit_kernel *k)
{
    for (int i = 0; i < emit_args(k); i++) {
        struct emit_arg a = emit_arg(k, i);
        if (a.pointer)
            put_place(d, e, k, &a);
    }
}

/* Platforms and parts of the devices, as AMD names them; both can be set. */
static const struct {
    const char *device, *platform, *part;
} board[] = {
    {"u280", "xilinx_u280_gen3x16_xdma_1_202211_1", "xcu280-fsvh2892-2L-e"},
    {"u55c", "xilinx_u55c_gen3x16_xdma_3_202210_1", "xcu55c-fsvh2892-2L-e"},
    {"u50", "xilinx_u50_gen3x16_xdma_5_202210_1", "xcu50-fsvh2104-2-e"},
    {"u250", "xilinx_u250_gen3x16_xdma_4_1_202210_1", "xcu250-figd2104-2L-e"},
    {"v80", "", "xcv80-lsva4737-2MHP-e-S"},
    {"vck190", "xilinx_vck190_base_202310_1", "xcvc1902-vsva2197-2MP-e-S"},
    {"kv260", "", "xck26-sfvc784-2LV-c"},
    {"zcu102", "xilinx_zcu102_base_202310_1", "xczu9eg-ffvb1156-2-e"},
};

const char *emit_platform(const struct emit_design *e, int part)
{
    for (size_t i = 0; i < sizeof board / sizeof *board; i++)
        if (strcmp(board[i].device, e->x->dev.name) == 0)
            return part ? board[i].part : board[i].platform;
    return "";
}

double emit_mhz(const struct emit_design *e, int stage)
{
    return stage == 0 ? e->x->prefill_mhz : e->x->decode_mhz;
}

/* What lint need not say, and of which files. */
static void put_lint(struct emit_dir *d)
{
    static const char *const waiver[] = {
        "-rule DECLFILENAME",
        "-rule WIDTH -file \"*/llama_*.sv\"",
        "-rule WIDTHCONCAT -file \"*/llama_*.sv\"",
        "-rule UNUSED -file \"*/llama_*.sv\"",
        "-rule UNUSEDSIGNAL -file \"*/llama_*.sv\"",
        "-rule SYMRSVDWORD -file \"*/flexllm_*.sv\"",
    };
    emit_file(d, "lint.vlt");
    emit_put(d, "`verilator_config\n");
    for (size_t i = 0; i < sizeof waiver / sizeof *waiver; i++)
        emit_put(d, "lint_off %s\n", waiver[i]);
}

static void put_images(struct emit_dir *d, int images)
{
    if (images == 1)
        emit_put(d, "IMAGES = build/flexllm.xclbin\n\n"
                    "build/flexllm.xclbin: build/flexllm_prefill.xo "
                    "build/flexllm_decode.xo kernel.cfg\n");
    else
        emit_put(d, "IMAGES = build/flexllm_prefill.xclbin "
                    "build/flexllm_decode.xclbin\n\n"
                    "build/flexllm_%%.xclbin: build/flexllm_%%.xo %%.cfg\n");
    emit_put(d, "\t$(VPP) --link --target hw --platform $(PLATFORM) \\\n"
                "\t    --config $(filter %%.cfg,$^) -o $@ $(filter "
                "%%.xo,$^)\n\n");
}

static void put_make(struct emit_dir *d, const struct emit_design *e,
                     enum emit_target target)
{
    emit_file(d, "Makefile");
    emit_put(d,
             "# The kernels, the card's image%s, the host. README.md says what "
             "needs which tool.\n"
             "PLATFORM ?= %s\n"
             "PART ?= %s\n"
             "VIVADO ?= vivado\n"
             "VPP ?= v++\n"
             ".PHONY: all images host clean\n"
             "all: images host\n\n"
             "host:\n\t$(MAKE) -C host\n\n",
             e->x->images == 1 ? "" : "s", emit_platform(e, 0),
             emit_platform(e, 1));
    put_images(d, e->x->images);
    emit_put(d, "images: $(IMAGES)\n\n");
    if (target == EMIT_SV)
        emit_put(d, "build/flexllm_%%.xo: vivado/package.tcl %%/kernel.xml\n"
                    "\tmkdir -p build\n"
                    "\t$(VIVADO) -mode batch -source vivado/package.tcl \\\n"
                    "\t    -tclargs $* $(PART)\n\n"
                    "# Without any vendor's tools:\n"
                    ".PHONY: lint simulate\n"
                    "lint:\n"
                    "\tfor s in prefill decode; do verilator --lint-only "
                    "-Wall lint.vlt \\\n"
                    "\t    --top-module flexllm_$$s rtl/*.sv $$s/*.sv || "
                    "exit 1; done\n"
                    "simulate:\n\t$(MAKE) -C host simulate\n");
    else
        emit_put(d, "build/flexllm_%%.xo: kernel/flexllm_%%.cpp hls_%%.cfg\n"
                    "\tmkdir -p build\n"
                    "\t$(VPP) --compile --mode hls \\\n"
                    "\t    $(if $(PLATFORM),--platform $(PLATFORM),--part "
                    "$(PART)) \\\n"
                    "\t    --config hls_$*.cfg --work_dir build/$*\n"
                    "\tcp build/$*/flexllm_$*.xo $@\n");
    emit_put(d, "\nclean:\n\trm -rf build\n\t$(MAKE) -C host clean\n");
}

/* The link of the stages from..to - 1. */
static void put_config(struct emit_dir *d, const struct emit_design *e,
                       const struct emit_kernel k[2], int from, int to)
{
    emit_put(d,
             "# %s on %s: kernel%s, where the memories are, clock.\n"
             "[connectivity]\n",
             e->x->name, e->x->dev.title, to - from > 1 ? "s" : "");
    for (int s = from; s < to; s++)
        emit_put(d, "nk=%s:1:%s_1\n", k[s].name, k[s].name);
    for (int s = from; s < to; s++)
        put_banks(d, e, &k[s]);
    emit_put(d, "\n[clock]\n");
    for (int s = from; s < to; s++)
        emit_put(d, "freqHz=%.0f:%s_1.ap_clk\n", emit_mhz(e, s) * 1e6,
                 k[s].name);
}

void emit_link(struct emit_dir *d, const struct emit_design *e,
               const struct emit_kernel k[2], enum emit_target target)
{
    if (e->x->images == 1) {
        emit_file(d, "kernel.cfg");
        put_config(d, e, k, 0, 2);
    } else {
        emit_file(d, "prefill.cfg");
        put_config(d, e, k, 0, 1);
        emit_file(d, "decode.cfg");
        put_config(d, e, k, 1, 2);
    }
    put_make(d, e, target);
    if (target == EMIT_SV)
        put_lint(d);
}
