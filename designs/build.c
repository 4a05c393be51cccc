/* SPDX-License-Identifier: Apache-2.0 */
/* designs/build.c -- hash, look into the cache, compile, load. The object is
 * written under a temporary name and renamed, so that two programs that build
 * the same design do not disturb each other. */
#include "designs/build.h"
#include "base/file.h"
#include "base/progress.h"
#include "designs/defs.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { PATH_BYTES = 4096, ARGS = 64, ARG_BYTES = 256 };

struct command {
    char arg[ARGS][ARG_BYTES + PATH_BYTES];
    char *argv[ARGS + 1];
    int n;
};

__attribute__((format(printf, 2, 3))) static void
command_add(struct command *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(c->arg[c->n], sizeof c->arg[0], fmt, args);
    va_end(args);
    c->argv[c->n] = c->arg[c->n];
    c->n++;
}

/* ---- hash: FNV-1a, 64 bits ---------------------------------------------- */

static void hash_bytes(uint64_t *h, const void *data, size_t n)
{
    const unsigned char *b = data;
    for (size_t i = 0; i < n; i++)
        *h = (*h ^ b[i]) * 0x100000001B3ull;
}

static int is_source(const struct dirent *d)
{
    const char *dot = strrchr(d->d_name, '.');
    return dot != 0 && (strcmp(dot, ".c") == 0 || strcmp(dot, ".h") == 0);
}

static bool hash_folder(uint64_t *h, const char *root, const char *folder,
                        struct fl_error *err)
{
    char path[2 * PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", root, folder);
    struct dirent **list;
    int n = scandir(path, &list, is_source, alphasort);
    FL_FAIL_IF(n < 0, err, FL_IO, 0,
               "%s: %s; the hls engine needs the sources of the designs", path,
               strerror(errno));
    bool ok = true;
    for (int i = 0; i < n; i++) {
        struct fl_map map;
        snprintf(path, sizeof path, "%s/%s/%s", root, folder, list[i]->d_name);
        ok = ok && fl_map_open(&map, path, err);
        if (ok) {
            hash_bytes(h, list[i]->d_name, strlen(list[i]->d_name) + 1);
            hash_bytes(h, map.data, map.size);
            fl_map_close(&map);
        }
        free(list[i]);
    }
    free(list);
    return ok;
}

static bool hash_sources(uint64_t *h, const char *root, struct fl_error *err)
{
    static const char *const folder[] = {"base", "num", "fx", "sim", "designs"};
    for (size_t i = 0; i < sizeof folder / sizeof *folder; i++)
        FL_TRY(hash_folder(h, root, folder[i], err));
    return true;
}

/* ---- the command -------------------------------------------------------- */

static void command_make(struct command *c, int stage,
                         const struct hls_options *o,
                         const struct dsn_config *p, const struct num_qmodel *m,
                         int cap, const char *root)
{
    static const char *const flag[] = {"-std=gnu23", "-O3",     "-march=native",
                                       "-fPIC",      "-shared", "-w",
                                       "-DNDEBUG"};
    command_add(c, "%s", o->compiler != 0 ? o->compiler : "clang-19");
    for (size_t i = 0; i < sizeof flag / sizeof *flag; i++)
        command_add(c, "%s", flag[i]);
    command_add(c, "-I%s", root);
    if (o->timed || o->elide)
        command_add(c, "-DFX_VIEW_TIMED");
    if (o->elide)
        command_add(c, "-DFX_ELIDE");
    if (o->hmt != 0) {
        command_add(c, "-DDSN_HMT");
        command_add(c, "-DMAX_DM=%d", o->hmt->dm);
        command_add(c, "-DMAX_MEMORIES=%d",
                    o->hmt->memories > 0 ? o->hmt->memories : 1);
    }
    const struct dsn_room room = dsn_room_of(m, cap);
    struct dsn_def def[DSN_DEFS];
    dsn_defs(def, stage, p, &room);
    for (size_t i = 0; i < sizeof def / sizeof *def; i++)
        command_add(c, "-D%s=%d", def[i].name, def[i].value);
    command_add(c, "%s/designs/host.c", root);
    command_add(c, "%s/designs/scalars.c", root);
    command_add(c, "%s/sim/sim.c", root);
    command_add(c, "%s/sim/words.c", root);
    command_add(c, "%s/sim/context.c", root);
    command_add(c, "%s/sim/memory.c", root);
    command_add(c, "%s/sim/timing.c", root);
    command_add(c, "%s/base/file.c", root);
    command_add(c, "%s/base/error.c", root);
}

/* Runs it; what it printed first is the message when it fails. */
static bool command_run(struct command *c, const char *log,
                        struct fl_error *err)
{
    posix_spawn_file_actions_t fa;
    posix_spawn_file_actions_init(&fa);
    posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&fa, 1, log, O_WRONLY | O_CREAT | O_TRUNC,
                                     0600);
    posix_spawn_file_actions_adddup2(&fa, 1, 2);
    pid_t pid;
    c->argv[c->n] = 0;
    int rc = posix_spawnp(&pid, c->argv[0], &fa, 0, c->argv, environ);
    posix_spawn_file_actions_destroy(&fa);
    FL_FAIL_IF(rc != 0, err, FL_IO, 0,
               "%s: %s; the hls engine compiles its designs: install clang 19 "
               "(scripts/setup.sh) or name a compiler",
               c->argv[0], strerror(rc));
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    char line[256] = "";
    FILE *f = fopen(log, "r");
    while (f != 0 && fgets(line, sizeof line, f) != 0 &&
           strstr(line, "error") == 0)
        ;
    if (f != 0)
        fclose(f);
    line[strcspn(line, "\n")] = 0;
    fl_fail(err, FL_UNSUPPORTED, 0, "%s could not compile the design: %s",
            c->argv[0], line);
    return false;
}

/* ---- cache -------------------------------------------------------------- */

static bool cache_folder(char *out, size_t n, const struct hls_options *o,
                         struct fl_error *err)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (o->cache_dir != 0)
        snprintf(out, n, "%s", o->cache_dir);
    else if (xdg != 0 && *xdg != 0)
        snprintf(out, n, "%s/flexllm", xdg);
    else
        snprintf(out, n, "%s/.cache/flexllm", home != 0 ? home : "");
    for (char *p = out + 1;; p++)
        if (*p == '/' || *p == 0) {
            char was = *p;
            *p = 0;
            int rc = mkdir(out, 0755);
            FL_FAIL_IF(rc != 0 && errno != EEXIST, err, FL_IO, 0,
                       "%s: %s; the hls engine keeps compiled designs there "
                       "(XDG_CACHE_HOME names another place)",
                       out, strerror(errno));
            *p = was;
            if (was == 0)
                return true;
        }
}

static int is_design(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return n > 7 && strncmp(d->d_name, "hls-", 4) == 0 &&
           strcmp(d->d_name + n - 3, ".so") == 0;
}

/* Removes the design that was compiled longest ago while there are too many:
 * every change of a source makes a new one. */
static void cache_prune(const char *dir)
{
    enum { KEEP = 64 };
    struct dirent **list;
    char path[PATH_BYTES + 256], oldest[PATH_BYTES + 256] = "";
    int n = scandir(dir, &list, is_design, 0);
    time_t first = 0;
    for (int i = 0; i < n; i++) {
        struct stat st;
        snprintf(path, sizeof path, "%s/%.200s", dir, list[i]->d_name);
        if (stat(path, &st) == 0 && (*oldest == 0 || st.st_mtime < first)) {
            first = st.st_mtime;
            memcpy(oldest, path, sizeof oldest);
        }
        free(list[i]);
    }
    if (n >= 0)
        free(list);
    if (n > KEEP)
        remove(oldest);
}

static void *load(const char *path, struct fl_error *err)
{
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (so == 0)
        fl_fail(err, FL_IO, 0, "%s: %s; remove it and try again", path,
                dlerror());
    return so;
}

void *dsn_build(int stage, const struct hls_options *o,
                const struct dsn_config *p, const struct num_qmodel *m, int cap,
                struct fl_error *err)
{
    const char *root = o->source_dir != 0 ? o->source_dir : DSN_SOURCE_DIR;
    struct command *c = calloc(1, sizeof *c);
    if (c == 0) {
        fl_fail(err, FL_NOMEM, 0, "out of memory");
        return 0;
    }
    char dir[PATH_BYTES], so[PATH_BYTES + 64], tmp[PATH_BYTES + 128],
        log[PATH_BYTES + 128];
    void *handle = 0;
    uint64_t h = 0xCBF29CE484222325ull;
    command_make(c, stage, o, p, m, cap, root);
    bool ok =
        hash_sources(&h, root, err) && cache_folder(dir, sizeof dir, o, err);
    for (int i = 0; i < c->n; i++)
        hash_bytes(&h, c->arg[i], strlen(c->arg[i]) + 1);
    if (ok) {
        snprintf(so, sizeof so, "%s/hls-%016llx.so", dir,
                 (unsigned long long)h);
        snprintf(tmp, sizeof tmp, "%s.%ld.tmp", so, (long)getpid());
        snprintf(log, sizeof log, "%s.%ld.log", so, (long)getpid());
        if (access(so, R_OK) != 0) {
            struct fl_progress bar;
            fl_progress_start(&bar,
                              stage == DSN_PREFILL
                                  ? "compiling the prefill design"
                                  : "compiling the decode design",
                              1);
            fl_progress_set(&bar, 0, 0);
            command_add(c, "-o");
            command_add(c, "%s", tmp);
            command_add(c, "-l:libboost_context.a");
            ok = command_run(c, log, err);
            fl_progress_end(&bar);
            remove(log);
            if (ok && rename(tmp, so) != 0) {
                fl_fail(err, FL_IO, 0, "%s: %s", so, strerror(errno));
                ok = false;
            }
            if (!ok)
                remove(tmp);
            cache_prune(dir);
        }
        if (ok)
            handle = load(so, err);
    }
    free(c);
    return handle;
}
