/* SPDX-License-Identifier: Apache-2.0 */
/* emit/dir.h -- a directory that appears whole or not at all. Errors stick:
 * callers may write on and look at the commit's answer. */
#ifndef EMIT_DIR_H
#define EMIT_DIR_H
#include "base/error.h"
#include <stdio.h>

/* Written into every directory; one that has it may be replaced by force. */
#define EMIT_MARK ".flexllm-build"

struct emit_dir {
    char *path, *temp;    /* where it will be, where it is now */
    const char *root;     /* the project's sources */
    struct fl_error *err; /* filled once, by whatever fails first */
    bool failed;
    int files; /* begun so far */
    FILE *f;   /* the open one */
};

/* False: the place is taken, or cannot be written. `force`: what an earlier
 * build wrote is no obstacle. */
bool emit_dir_open(struct emit_dir *d, const char *path, const char *root,
                   bool force, struct fl_error *err);
bool emit_dir_commit(struct emit_dir *d);
void emit_dir_abort(struct emit_dir *d);

/* Begins the file `name` ("rtl/top.sv"; folders are made); emit_put writes to
 * it. The next emit_file or the commit closes it. */
void emit_file(struct emit_dir *d, const char *name);
__attribute__((format(printf, 2, 3))) void emit_put(struct emit_dir *d,
                                                    const char *fmt, ...);

/* Copies root/from to `to`. */
void emit_copy(struct emit_dir *d, const char *from, const char *to);
/* The files of folder `from` with these names, the last 0, into folder `to`. */
void emit_copy_some(struct emit_dir *d, const char *from, const char *to,
                    const char *const name[]);
/* Copies the files of root/from whose names end in one of `ends` (NULL-ended)
 * to the folder `to`. */
void emit_copy_all(struct emit_dir *d, const char *from, const char *to,
                   const char *const *ends);

/* The real path of `name` now, to be freed; NULL where memory is short. */
char *emit_path(struct emit_dir *d, const char *name);

#endif
