/* SPDX-License-Identifier: Apache-2.0 */
/* emit/build.c -- puts a directory together: fxc for both designs, then the
 * files around them. */
#define _XOPEN_SOURCE 700
#include "emit/emit.h"
#include "base/progress.h"
#include "emit/parts.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { TEXT = 4096, ARGS = DSN_DEFS + 16 };
static const char *const stage_name[] = {"prefill", "decode"};

/* ---- fxc ----------------------------------------------------------------- */

/* The line of a log that says why: the first with "error", else the first. */
static void reason(const char *log, char *line, size_t size)
{
    char next[256];
    FILE *f = fopen(log, "r");
    snprintf(line, size, "it says nothing");
    for (int n = 0; f != 0 && fgets(next, sizeof next, f) != 0; n++) {
        next[strcspn(next, "\n")] = 0;
        bool error = strstr(next, "error") != 0;
        if (n == 0 || error)
            snprintf(line, size, "%s", next);
        if (error)
            break;
    }
    if (f != 0)
        fclose(f);
}

/* Starts argv, both outputs into `log`; SIGINT ends it where `stop` says so. */
static int start(pid_t *pid, char *const *argv, const char *log, bool stop)
{
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t attr;
    sigset_t set;
    sigemptyset(&set);
    if (stop)
        sigaddset(&set, SIGINT);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigdefault(&attr, &set);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&fa, 1, log, O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
    posix_spawn_file_actions_adddup2(&fa, 1, 2);
    int rc = posix_spawnp(pid, argv[0], &fa, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&fa);
    posix_spawnattr_destroy(&attr);
    return rc;
}

/* Runs argv. False: it cannot be run, or fails. As system() does, this process
 * leaves an interrupt to the child, and lives on to tidy up. */
static bool run(char *const *argv, const char *log, const char *what,
                struct fl_error *err)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
    pid_t pid;
    sigaction(SIGINT, &ignore, &old);
    int rc = start(&pid, argv, log, old.sa_handler != SIG_IGN);
    int status = 0;
    while (rc == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    sigaction(SIGINT, &old, 0);
    FL_FAIL_IF(rc != 0, err, FL_IO, 0,
               "%s: %s; build it (cmake target fxc) or name it with --fxc",
               argv[0], strerror(rc));
    FL_FAIL_IF(WIFSIGNALED(status), err, FL_UNSUPPORTED, 0,
               "fxc on the %s design: ended by signal %d (%s)", what,
               WTERMSIG(status), strsignal(WTERMSIG(status)));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    char line[300];
    reason(log, line, sizeof line);
    fl_fail(err, FL_UNSUPPORTED, 0, "fxc on the %s design: %s", what, line);
    return false;
}

/* Words of a stripe of the cache, of a model that fills the room. */
static uint64_t stripe_words(const struct emit_design *e)
{
    const struct num_shape *s = &e->room.shape;
    const struct dsn_config *c = &e->config;
    uint64_t cap = (uint64_t)((e->room.cap + c->tp - 1) / c->tp * c->tp);
    return (uint64_t)s->layers * (uint64_t)((s->nkv + c->hp - 1) / c->hp) *
           cap * (uint64_t)(s->head / c->kp);
}

struct command {
    char arg[ARGS][TEXT], *argv[ARGS + 1];
    int n;
};

__attribute__((format(printf, 2, 3))) static void add(struct command *c,
                                                      const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(c->arg[c->n], TEXT, fmt, args);
    va_end(args);
    c->argv[c->n] = c->arg[c->n];
    c->argv[++c->n] = 0;
}

/* fxc on one of the designs, into STAGE/llama_STAGE.sv, with its report in
 * STAGE/fxc.json. */
static bool compile(struct emit_dir *d, const struct emit_design *e, int stage,
                    const struct emit_options *o, struct emit_kernel *k)
{
    const char *name = stage_name[stage];
    char log[TEXT], report[TEXT];
    struct dsn_def def[DSN_DEFS];
    struct command *c = calloc(1, sizeof *c);
    FL_FAIL_IF(c == 0, d->err, FL_NOMEM, 0, "out of memory");
    snprintf(log, sizeof log, "%s/fxc.log", d->temp);
    snprintf(report, sizeof report, "%s/%s/fxc.json", d->temp, name);
    add(c, "%s", o->fxc);
    add(c, "%s/designs/llama_%s.c", d->root, name);
    add(c, "--top");
    add(c, "llama_%s", name);
    add(c, "-o");
    add(c, "%s/%s/llama_%s.sv", d->temp, name, name);
    add(c, "--report");
    add(c, "%s", report);
    add(c, "--target");
    add(c, "%s", strcmp(e->x->dev.family, "ecp5") == 0 ? "ecp5" : "xcup");
    add(c, "--period");
    add(c, "%.3f", 1000 / emit_mhz(e, stage));
    dsn_defs(def, stage, &e->config, &e->room);
    for (int i = 0; i < DSN_DEFS; i++)
        add(c, "-D%s=%d", def[i].name, def[i].value);
    add(c, "-I%s", d->root);
    bool ok = run(c->argv, log, name, d->err);
    free(c);
    remove(log);
    return ok && emit_kernel_make(k, &e->config, &e->room, stripe_words(e),
                                  report, d->err);
}

/* The sources that are copied or compiled. */
static bool sources(const char *root, struct fl_error *err)
{
    static const char *const file[] = {"designs/llama_decode.c",
                                       "designs/llama_prefill.c",
                                       "fx/fx.h",
                                       "rtl/fx_fifo.sv",
                                       "emit/sv/fx_axi_run.sv",
                                       "emit/host/main.c"};
    char path[TEXT];
    for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
        snprintf(path, sizeof path, "%s/%s", root, file[i]);
        FL_FAIL_IF(access(path, R_OK) != 0, err, FL_IO, 0,
                   "%s: %s; build needs the project's sources: name them with "
                   "--source",
                   path, strerror(errno));
    }
    return true;
}

/* ---- the files ----------------------------------------------------------- */

static const char *const sv[] = {".sv", 0}, *const h[] = {".h", 0};

static void put_stage(struct emit_dir *d, const struct emit_kernel *k)
{
    char name[TEXT];
    const char *stage = stage_name[k->stage];
    snprintf(name, sizeof name, "%s/%s.sv", stage, k->name);
    emit_file(d, name);
    emit_top(d, k);
    snprintf(name, sizeof name, "%s/kernel.xml", stage);
    emit_file(d, name);
    emit_kernel_xml(d, k);
    snprintf(name, sizeof name, "%s/registers.tcl", stage);
    emit_file(d, name);
    emit_registers_tcl(d, k);
}

static void put_sv(struct emit_dir *d, const struct emit_design *e,
                   const struct emit_kernel k[2])
{
    emit_copy_all(d, "rtl", "rtl", sv);
    emit_copy_all(d, "emit/sv", "rtl", sv);
    for (int s = 0; s < 2; s++)
        put_stage(d, &k[s]);
    emit_file(d, "vivado/package.tcl");
    emit_package_tcl(d, e);
    emit_xdc(d, e);
}

static void put_vitis(struct emit_dir *d, const struct emit_design *e,
                      const struct emit_kernel k[2])
{
    emit_copy_all(d, "fx", "kernel/fx", h);
    emit_copy_all(d, "num", "kernel/num", h);
    static const char *const design[] = {"each.h",         "step.h",
                                         "llama.h",        "llama_body.h",
                                         "llama_cache.h",  "llama_heads.h",
                                         "llama_path.h",   "llama_prefill.c",
                                         "llama_decode.c", 0};
    emit_copy_some(d, "designs", "kernel/designs", design);
    emit_copy(d, "emit/vitis/card.h", "kernel/emit/vitis/card.h");
    for (int s = 0; s < 2; s++)
        emit_vitis_kernel(d, e, &k[s]);
}

static bool put_all(struct emit_dir *d, const struct emit_design *e,
                    enum emit_target target, const struct emit_options *o,
                    struct emit_kernel *k)
{
    for (int s = 0; s < 2; s++) {
        k[s] = (struct emit_kernel){
            .stage = s, .stripes = e->config.hp, .split = target == EMIT_VITIS};
        if (target == EMIT_VITIS) {
            FL_TRY(emit_kernel_make(&k[s], &e->config, &e->room,
                                    stripe_words(e), 0, d->err));
            continue;
        }
        emit_file(d, s == 0 ? "prefill/fxc.json" : "decode/fxc.json");
        if (o->stage != 0)
            o->stage(o->user, s);
        FL_TRY(!d->failed && compile(d, e, s, o, &k[s]));
    }
    if (target == EMIT_VITIS)
        put_vitis(d, e, k);
    else
        put_sv(d, e, k);
    emit_link(d, e, k, target);
    emit_host(d, e, k, target);
    emit_file(d, "README.md");
    emit_readme(d, e, k, target);
    return !d->failed;
}

/* ---- a directory --------------------------------------------------------- */

static void count(struct emit_summary *sum, const struct emit_design *e,
                  const struct emit_kernel *k)
{
    unsigned char used[XPL_BANKS] = {0};
    int s = k->stage, args = emit_args(k), bank;
    sum->kernel[s].ports = k->mems + 1;
    sum->kernel[s].args = args;
    sum->kernel[s].scalars = k->scalars;
    for (int i = 0; i < args; i++)
        if (emit_arg(k, i).pointer &&
            (bank = xpl_device_bank(
                 &e->x->dev, emit_channel(e, s, emit_arg(k, i).memory))) >= 0)
            used[bank] = 1;
    for (int b = 0; b < XPL_BANKS; b++)
        sum->kernel[s].channels += used[b];
}

bool emit_build(const struct emit_design *e, enum emit_target target,
                const struct emit_options *o, const char *path,
                struct emit_summary *sum, struct fl_error *err)
{
    *sum = (struct emit_summary){0};
    struct emit_kernel *k = calloc(2, sizeof *k);
    struct emit_dir d;
    FL_FAIL_IF(k == 0, err, FL_NOMEM, 0, "out of memory");
    double start = fl_now();
    const char *root = o->source_dir != 0 ? o->source_dir : EMIT_SOURCE_DIR;
    bool ok =
        sources(root, err) && emit_dir_open(&d, path, root, o->force, err);
    if (ok && !put_all(&d, e, target, o, k)) {
        emit_dir_abort(&d);
        ok = false;
    }
    for (int s = 0; ok && s < 2; s++)
        count(sum, e, &k[s]);
    sum->files = ok ? d.files : 0;
    ok = ok && emit_dir_commit(&d);
    sum->seconds = fl_now() - start;
    free(k);
    return ok;
}
