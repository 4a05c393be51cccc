/* SPDX-License-Identifier: Apache-2.0 */
/* flexllm build -- a design file becomes a directory for hardware tools. */
#include "cli/commands.h"
#include "cli/source.h"
#include "base/progress.h"
#include "designs/plan.h"
#include "emit/emit.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *out, *target, *package, *source, *fxc;
    int64_t ctx;
    bool force, json;
} opt;

/* fxc lies beside flexllm; else it is looked for in PATH. */
static const char *find_fxc(char *path, size_t size)
{
    char self[3072];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash = n > 0 ? (self[n] = 0, strrchr(self, '/')) : NULL;
    if (slash) {
        snprintf(path, size, "%.*s/fxc", (int)(slash - self), self);
        if (access(path, X_OK) == 0)
            return path;
    }
    return "fxc";
}

/* Room for the package's model, or for the model the design names. */
static struct emit_design design_of(const struct xpl_design *x)
{
    struct fl_error err = {0};
    struct emit_design e = {.x = x, .config = x->config};
    int cap = opt.ctx > 0 ? (int)opt.ctx : x->prompt + x->generate;
    struct dsn_plan plan = {0};
    struct pkg pkg;
    if (opt.package ? !pkg_open(&pkg, opt.package, &err)
                    : !dsn_plan_make(&plan, &x->shape, x->scheme, &err))
        cli_die_error(&err);
    const struct num_qmodel *m = opt.package ? &pkg.model : &plan.model;
    int most = opt.package ? m->seq : m->shape.seq;
    if (cap > most)
        cli_die("%d positions wanted, the model has %d: give fewer with --ctx",
                cap, most);
    if (!dsn_config_check(&e.config, m, &err))
        cli_die_error(&err);
    e.room = dsn_room_of(m, cap);
    if (opt.package)
        pkg_close(&pkg);
    else
        dsn_plan_free(&plan);
    return e;
}

static void show_stage(void *user, int stage)
{
    struct fl_progress *bar = user;
    if (stage == 0)
        fl_progress_start(bar, "compiling with fxc", 2);
    bar->drawn = 0; /* no matter how fast */
    fl_progress_set(bar, (uint64_t)stage, stage == 0 ? "prefill" : "decode");
}

static void print_json(const struct xpl_design *x, const struct emit_summary *s)
{
    static const char *const name[] = {"prefill", "decode"};
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "directory", opt.out);
    cJSON_AddStringToObject(o, "target", opt.target);
    cJSON_AddStringToObject(o, "design", x->name);
    cJSON_AddStringToObject(o, "device", x->device);
    cJSON_AddNumberToObject(o, "files", s->files);
    cJSON_AddNumberToObject(o, "seconds", s->seconds);
    for (int i = 0; i < 2; i++) {
        cJSON *k = cJSON_AddObjectToObject(o, name[i]);
        cJSON_AddNumberToObject(k, "axi_ports", s->kernel[i].ports);
        cJSON_AddNumberToObject(k, "arguments", s->kernel[i].args);
        cJSON_AddNumberToObject(k, "scalars", s->kernel[i].scalars);
        cJSON_AddNumberToObject(k, "channels", s->kernel[i].channels);
        cJSON_AddNumberToObject(k, "mhz",
                                i == 0 ? x->prefill_mhz : x->decode_mhz);
    }
    cli_json_print(o);
}

static int build_run(int argc, char **argv)
{
    opt.target = "sv";
    const struct cli_opt opts[] = {
        {"out", 'o', CLI_TEXT, "DIR", "the directory to write", &opt.out, 0, 0},
        {"target", 't', CLI_TEXT, "T", "sv or vitis (sv)", &opt.target, 0, 0},
        {"force", 0, CLI_FLAG, NULL,
         "replace DIR, if an earlier build wrote it", &opt.force, 0, 0},
        {"model", 'm', CLI_TEXT, "PKG",
         "make room for this package instead of the design's model",
         &opt.package, 0, 0},
        {"ctx", 0, CLI_INT, "N",
         "positions to make room for (the design's prompt and answer)",
         &opt.ctx, 1, NUM_MAX_SEQ},
        {"fxc", 0, CLI_TEXT, "PATH",
         "the compiler (beside flexllm, then in PATH)", &opt.fxc, 0, 0},
        {"source", 0, CLI_TEXT, "DIR",
         "the project's sources (where they were when flexllm was built)",
         &opt.source, 0, 0},
        {"json", 0, CLI_FLAG, NULL,
         "print one JSON object: directory, target, design, device, files, "
         "seconds, and of each kernel axi_ports, arguments, scalars, channels, "
         "mhz",
         &opt.json, 0, 0},
    };
    const char *word[1];
    cli_parse(&cli_build, opts, sizeof opts / sizeof *opts, argc, argv, word, 1,
              1);
    if (!opt.out)
        cli_usage(&cli_build, "name the directory to write with -o");
    bool vitis = strcmp(opt.target, "vitis") == 0;
    if (!vitis && strcmp(opt.target, "sv") != 0)
        cli_usage(&cli_build, "there is no target '%s'; know sv and vitis",
                  opt.target);
    struct fl_error err = {0};
    char path[4096];
    struct xpl_design *x = calloc(1, sizeof *x);
    if (!x)
        cli_die("out of memory");
    if (!xpl_design_load(x, word[0], &err))
        cli_die_error(&err);
    struct emit_design e = design_of(x);
    struct fl_progress bar = {0};
    struct emit_options o = {.source_dir = opt.source,
                             .fxc = opt.fxc ? opt.fxc
                                            : find_fxc(path, sizeof path),
                             .force = opt.force,
                             .stage = opt.json ? NULL : show_stage,
                             .user = &bar};
    struct emit_summary s;
    bool ok =
        emit_build(&e, vitis ? EMIT_VITIS : EMIT_SV, &o, opt.out, &s, &err);
    fl_progress_end(&bar);
    if (!ok)
        cli_die_error(&err);
    if (opt.json)
        print_json(x, &s);
    else
        printf("%s: %s for %s, %d files in %.1f s; its README.md says what "
               "can be done with it here and what needs a vendor's tools\n",
               opt.out, x->name, x->dev.title, s.files, s.seconds);
    free(x);
    return cli_flush();
}

const struct cli_command cli_build = {
    .name = "build",
    .synopsis = "DESIGN.json -o DIR [--target sv|vitis] [options]",
    .summary = "writes a design out for hardware tools",
    .description =
        "Writes a directory from a design file (docs/explorer.md): two XRT "
        "kernels,\nflexllm_prefill and flexllm_decode, and the host program "
        "that runs a package\non them.\n\n"
        "  sv      SystemVerilog of both designs by fxc, behind AXI4 and the "
        "registers\n"
        "          of ap_ctrl_hs; clock constraints, Tcl for Vivado, "
        "kernel.xml, link\n"
        "          configuration, Makefiles, host. Verilator checks and runs "
        "it "
        "as it\n          is: make lint, make simulate.\n"
        "  vitis   the designs as C++ for Vitis HLS, the same link "
        "configuration and\n          host.\n\n"
        "DIR appears whole or not at all. One that is not empty is refused; "
        "--force\nreplaces it if an earlier build wrote it. What in it needs a "
        "vendor's tools\nhas not been run with them: DIR/README.md says which "
        "files. Needs clang-19\n(fxc), and the project's sources.",
    .examples =
        "  flexllm build designs/llama32_1b-u280-one.json -o u280\n"
        "  flexllm build my.json -t vitis -o hls --force --json\n"
        "  flexllm build tiny.json -m tiny.fxq --ctx 64 -o tiny && make -C "
        "tiny simulate",
    .run = build_run,
};
