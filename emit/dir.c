/* SPDX-License-Identifier: Apache-2.0 */
/* emit/dir.c -- temporary directory, files in it, rename. */
#define _XOPEN_SOURCE 700
#include "emit/dir.h"
#include "base/file.h"
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

__attribute__((format(printf, 1, 2))) static char *text(const char *fmt, ...)
{
    char *s = 0;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(0, 0, fmt, args);
    va_end(args);
    s = n < 0 ? 0 : malloc((size_t)n + 1);
    if (s == 0)
        return 0;
    va_start(args, fmt);
    vsnprintf(s, (size_t)n + 1, fmt, args);
    va_end(args);
    return s;
}

static int remove_one(const char *path, const struct stat *st, int kind,
                      struct FTW *ftw)
{
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void fail(struct emit_dir *d, const char *name, const char *what)
{
    if (!d->failed)
        fl_fail(d->err, FL_IO, 0, "%s/%s: %s", d->path, name, what);
    d->failed = true;
}

static void close_file(struct emit_dir *d)
{
    if (d->f == 0)
        return;
    bool bad = ferror(d->f) != 0;
    bad = fclose(d->f) != 0 || bad;
    d->f = 0;
    if (bad)
        fail(d, "", "the write failed; is the disk full?");
}

/* True where `path` is nothing, an empty directory, or, by force, one of
 * ours. */
static bool may_take(const char *path, bool force, struct fl_error *err)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        FL_FAIL_IF(errno != ENOENT, err, FL_IO, 0, "%s: %s", path,
                   strerror(errno));
        return true;
    }
    FL_FAIL_IF(!S_ISDIR(st.st_mode), err, FL_IO, 0,
               "%s is a file; -o wants a directory", path);
    char *mark = text("%s/%s", path, EMIT_MARK);
    bool ours = mark != 0 && access(mark, F_OK) == 0;
    free(mark);
    DIR *dir = opendir(path);
    FL_FAIL_IF(dir == 0, err, FL_IO, 0, "%s: %s", path, strerror(errno));
    int things = 0;
    for (struct dirent *e; (e = readdir(dir)) != 0;)
        things += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(dir);
    FL_FAIL_IF(things > 0 && !ours, err, FL_IO, 0,
               "%s is not empty, and not from flexllm build: name another "
               "directory, or remove it yourself",
               path);
    FL_FAIL_IF(things > 0 && !force, err, FL_IO, 0,
               "%s is not empty: --force replaces what an earlier build wrote",
               path);
    return true;
}

bool emit_dir_open(struct emit_dir *d, const char *path, const char *root,
                   bool force, struct fl_error *err)
{
    *d = (struct emit_dir){.root = root, .err = err};
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    FL_FAIL_IF(n == 0, err, FL_IO, 0, "the directory has no name");
    d->path = text("%.*s", (int)n, path);
    d->temp = text("%.*s.%ld.tmp", (int)n, path, (long)getpid());
    bool ok = d->path != 0 && d->temp != 0;
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    ok = ok && may_take(d->path, force, err);
    if (ok && mkdir(d->temp, 0755) != 0) {
        fl_fail(err, FL_IO, 0, "%s: %s", d->temp, strerror(errno));
        ok = false;
    }
    if (!ok) {
        free(d->path);
        free(d->temp);
        *d = (struct emit_dir){0};
        return false;
    }
    emit_file(d, EMIT_MARK);
    emit_put(d, "flexllm build wrote this directory; --force replaces it.\n");
    return true;
}

bool emit_dir_commit(struct emit_dir *d)
{
    close_file(d);
    if (d->failed) {
        emit_dir_abort(d);
        return false;
    }
    char *old = text("%s.old", d->temp);
    bool had = old != 0 && rename(d->path, old) == 0;
    bool ok = old != 0 && rename(d->temp, d->path) == 0;
    if (!ok) {
        fl_fail(d->err, FL_IO, 0, "%s: %s", d->path, strerror(errno));
        if (had && rename(old, d->path) != 0)
            fl_fail(d->err, FL_IO, 0, "%s: %s; what was there before is now %s",
                    d->path, strerror(errno), old);
        emit_dir_abort(d);
    } else {
        if (had)
            remove_tree(old);
        free(d->path);
        free(d->temp);
    }
    free(old);
    return ok;
}

void emit_dir_abort(struct emit_dir *d)
{
    close_file(d);
    if (d->temp != 0)
        remove_tree(d->temp);
    free(d->path);
    free(d->temp);
    d->path = d->temp = 0;
}

char *emit_path(struct emit_dir *d, const char *name)
{
    char *path = text("%s/%s", d->temp, name);
    if (path == 0)
        fail(d, name, "out of memory");
    return path;
}

static FILE *open_under(struct emit_dir *d, const char *name)
{
    char *path = emit_path(d, name);
    if (path == 0)
        return 0;
    for (char *p = path + strlen(d->temp) + 1; *p != 0; p++)
        if (*p == '/') {
            *p = 0;
            if (mkdir(path, 0755) != 0 && errno != EEXIST)
                fail(d, name, strerror(errno));
            *p = '/';
        }
    FILE *f = fopen(path, "wb");
    if (f == 0)
        fail(d, name, strerror(errno));
    free(path);
    return f;
}

void emit_file(struct emit_dir *d, const char *name)
{
    close_file(d);
    d->f = open_under(d, name);
    d->files += d->f != 0;
}

void emit_put(struct emit_dir *d, const char *fmt, ...)
{
    if (d->f == 0)
        return;
    va_list args;
    va_start(args, fmt);
    vfprintf(d->f, fmt, args);
    va_end(args);
}

void emit_copy(struct emit_dir *d, const char *from, const char *to)
{
    char *path = text("%s/%s", d->root, from);
    struct fl_map map;
    struct fl_error err;
    if (path == 0 || !fl_map_open(&map, path, &err)) {
        fail(d, to, path == 0 ? "out of memory" : err.msg);
    } else {
        emit_file(d, to);
        if (d->f != 0 && map.size > 0)
            fwrite(map.data, 1, map.size, d->f);
        close_file(d);
        fl_map_close(&map);
    }
    free(path);
}

static void copy_named(struct emit_dir *d, const char *from, const char *to,
                       const char *name)
{
    char *a = text("%s/%s", from, name), *b = text("%s/%s", to, name);
    if (a != 0 && b != 0)
        emit_copy(d, a, b);
    else
        fail(d, to, "out of memory");
    free(a);
    free(b);
}

void emit_copy_some(struct emit_dir *d, const char *from, const char *to,
                    const char *const name[])
{
    for (int i = 0; name[i] != 0; i++)
        copy_named(d, from, to, name[i]);
}

void emit_copy_all(struct emit_dir *d, const char *from, const char *to,
                   const char *const *ends)
{
    char *path = text("%s/%s", d->root, from);
    struct dirent **list = 0;
    int n = path == 0 ? -1 : scandir(path, &list, 0, alphasort);
    if (n < 0)
        fail(d, from,
             "the project's sources are not where this program was "
             "built; name them with --source");
    for (int i = 0; i < n; i++) {
        const char *name = list[i]->d_name;
        for (const char *const *end = ends; *end != 0; end++) {
            size_t have = strlen(name), want = strlen(*end);
            if (have > want && strcmp(name + have - want, *end) == 0)
                copy_named(d, from, to, name);
        }
        free(list[i]);
    }
    free(list);
    free(path);
}
