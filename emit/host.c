/* SPDX-License-Identifier: Apache-2.0 */
/* emit/host.c -- the host program's directory: the project's own sources
 * (emit/host, designs, model, num, base), the tables of these kernels, and a
 * Makefile that links it with OpenCL or with the kernels in Verilator. */
#include "emit/parts.h"
#include <string.h>

static void put_table(struct emit_dir *d, const struct emit_kernel *k)
{
    const char *stage = k->stage == 0 ? "prefill" : "decode";
    emit_put(d, "static const struct kernel_arg %s[] = {\n", stage);
    for (int i = 0; i < emit_args(k); i++) {
        struct emit_arg a = emit_arg(k, i);
        emit_put(d, "    {\"%s\", %d, %d, 0x%03x},\n", a.memory, a.pointer,
                 a.bits, a.at);
    }
    emit_put(d, "};\n\n");
}

static void put_kernels(struct emit_dir *d, const struct emit_design *e,
                        const struct emit_kernel k[2])
{
    const struct num_shape *s = &e->room.shape;
    emit_file(d, "host/kernels.c");
    emit_put(d, "/* kernels.c -- written by flexllm build. */\n"
                "#include \"emit/host/kernels.h\"\n\n"
                "/* name, pointer, bits, register */\n");
    put_table(d, &k[0]);
    put_table(d, &k[1]);
    emit_put(d,
             "const struct kernel_info kernel_info[2] = {\n"
             "    {\"%s\", prefill, %d},\n"
             "    {\"%s\", decode, %d},\n"
             "};\n\n",
             k[0].name, emit_args(&k[0]), k[1].name, emit_args(&k[1]));
    emit_put(d, "const char *const kernel_config = \"");
    struct dsn_config c = e->config;
    for (int i = 0; dsn_config_name(i) != 0; i++)
        emit_put(d, "%s%s=%d", i == 0 ? "" : ",", dsn_config_name(i),
                 *dsn_config_at(&c, i));
    emit_put(d, "\";\n\n");
    emit_put(
        d,
        "const struct dsn_room kernel_room = {\n"
        "    .shape = {.layers = %d, .d = %d, .ffn = %d, .nq = %d,\n"
        "              .nkv = %d, .head = %d, .vocab = %d, .seq = %d},\n"
        "    .r3 = %d, .r4 = %d, .group = %d, .cap = %d, .wide = %d,\n"
        "};\n\n"
        "const int kernel_part_bits = %d;\n\n"
        "const int kernel_images = %d;\n"
        "const char *const kernel_image[2] = {\"build/flexllm%s.xclbin\",\n"
        "    \"build/flexllm%s.xclbin\"};\n",
        s->layers, s->d, s->ffn, s->nq, s->nkv, s->head, s->vocab, s->seq,
        e->room.r3, e->room.r4, e->room.group, e->room.cap, e->room.wide,
        k[0].part_bits, e->x->images, e->x->images == 1 ? "" : "_prefill",
        e->x->images == 1 ? "" : "_decode");
}

static void put_ports(struct emit_dir *d, const struct emit_kernel *k)
{
    emit_put(d, "#define %s_PORTS(READ, WRITE) READ(host, 32) WRITE(host, 32)",
             k->stage == 0 ? "PREFILL" : "DECODE");
    for (int i = 0; i < k->mems; i++) {
        const struct emit_mem *m = &k->mem[i];
        if (*m->read != 0)
            emit_put(d, " \\\n    READ(%s, %d)", m->name, m->beat);
        if (*m->write != 0)
            emit_put(d, " \\\n    WRITE(%s, %d)", m->name, m->beat);
    }
    emit_put(d, "\n");
}

/* Verilator's own make rules compile all of a model at once: four times as fast
 * as in pieces. */
static void put_simulate(struct emit_dir *d)
{
    emit_put(
        d, "VL = $(shell verilator --getenv VERILATOR_ROOT)/include\n"
           "VFLAGS = -Wno-fatal -Wno-lint -Wno-style\n"
           "CXXFLAGS ?= -O1\n"
           "RUNTIME = obj/verilated.o obj/verilated_threads.o\n"
           ".PHONY: simulate clean\n"
           "simulate: flexllm_sim\n\n"
           "obj/%%/done: ../%%/*.sv ../rtl/*.sv\n"
           "\t@mkdir -p obj\n"
           "\tverilator --cc -O3 --assert $(VFLAGS) --prefix V$* --Mdir obj/$* "
           "\\\n"
           "\t    --top-module flexllm_$* ../rtl/*.sv ../$*/*.sv\n"
           "\t$(MAKE) -s -C obj/$* -f V$*.mk VM_PARALLEL_BUILDS=0 \\\n"
           "\t    CXX=$(CXX) OPT_SLOW=-O0 OPT_FAST=\"$(CXXFLAGS) -w\" "
           "V$*__ALL.a\n"
           "\ttouch $@\n\n"
           "obj/%%.o: $(VL)/%%.cpp\n"
           "\t@mkdir -p obj\n"
           "\t$(CXX) $(CXXFLAGS) -w -I$(VL) -I$(VL)/vltstd -c -o $@ $<\n\n"
           "obj/card_sim.o: src/emit/host/card_sim.cpp sim_ports.h "
           "obj/prefill/done \\\n"
           "    obj/decode/done\n"
           "\t$(CXX) $(CXXFLAGS) -std=c++17 -Wall -isystem $(VL) \\\n"
           "\t    -isystem $(VL)/vltstd -Isrc -I. -isystem obj/prefill \\\n"
           "\t    -isystem obj/decode -c -o $@ $<\n\n"
           "flexllm_sim: $(OBJ) obj/card_sim.o $(RUNTIME)\n"
           "\t$(CXX) -o $@ $(OBJ) obj/card_sim.o "
           "obj/prefill/Vprefill__ALL.a \\\n"
           "\t    obj/decode/Vdecode__ALL.a $(RUNTIME) $(LIBS) "
           "-lpthread\n\n");
}

static void put_make(struct emit_dir *d, enum emit_target target)
{
    emit_file(d, "host/Makefile");
    emit_put(d,
             "# The host program: a C compiler, cJSON, PCRE2, xxHash, OpenCL.\n"
             "# `make` for a card%s\n"
             "CFLAGS ?= -O2\n"
             "ALL = -std=gnu17 -Wall -Isrc -I.\n"
             "SRC = $(wildcard src/base/*.c src/model/*.c src/designs/*.c \\\n"
             "    src/engine/*.c src/emit/host/main.c src/emit/host/device.c) "
             "kernels.c\n"
             "OBJ = $(SRC:%%.c=obj/%%.o)\n"
             "LIBS = -lcjson -lpcre2-8 -lxxhash -lm\n\n"
             "flexllm_card: $(OBJ) obj/src/emit/host/card_opencl.o\n"
             "\t$(CC) -o $@ $^ $(LIBS) -lOpenCL\n\n"
             "obj/%%.o: %%.c\n"
             "\t@mkdir -p $(@D)\n"
             "\t$(CC) $(CFLAGS) $(ALL) -c -o $@ $<\n\n",
             target == EMIT_SV
                 ? ", `make simulate` for the kernels in Verilator"
                 : "");
    if (target == EMIT_SV)
        put_simulate(d);
    emit_put(d, "clean:\n\trm -rf obj flexllm_card flexllm_sim\n");
}

void emit_host(struct emit_dir *d, const struct emit_design *e,
               const struct emit_kernel k[2], enum emit_target target)
{
    static const char *const code[] = {".c", ".h", 0}, *const head[] = {".h",
                                                                        0};
    static const char *const designs[] = {
        "config.c",  "config.h", "defs.c",  "defs.h",  "host.h",
        "hls.c",     "hls.h",    "image.c", "image.h", "scalars.c",
        "scalars.h", "step.h",   0};
    static const char *const model[] = {"package.c",
                                        "package_check.c",
                                        "package_layout.c",
                                        "package_write.c",
                                        "tok_decode.c",
                                        "tok_encode.c",
                                        "tok_merge.c",
                                        "tok_pack.c",
                                        "tok_split.c",
                                        "tok_vocab.c",
                                        0};
    static const char *const engine[] = {"engine.h", "sample.c", 0};
    emit_copy_all(d, "base", "host/src/base", code);
    emit_copy_all(d, "num", "host/src/num", head);
    emit_copy_all(d, "model", "host/src/model", head);
    emit_copy_some(d, "model", "host/src/model", model);
    emit_copy_some(d, "engine", "host/src/engine", engine);
    emit_copy_some(d, "designs", "host/src/designs", designs);
    emit_copy_all(d, "emit/host", "host/src/emit/host", code);
    put_kernels(d, e, k);
    put_make(d, target);
    if (target != EMIT_SV)
        return;
    emit_copy(d, "emit/host/card_sim.cpp", "host/src/emit/host/card_sim.cpp");
    emit_file(d, "host/sim_ports.h");
    emit_put(d, "/* sim_ports.h -- written by flexllm build: the AXI ports of "
                "the kernels and the\n * bits of their beats. */\n");
    put_ports(d, &k[0]);
    put_ports(d, &k[1]);
}
