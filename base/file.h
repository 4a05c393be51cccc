/* SPDX-License-Identifier: Apache-2.0 */
/* base/file.h -- files: read-only maps, and writes that lose nothing. */
#ifndef BASE_FILE_H
#define BASE_FILE_H
#include "base/error.h"
#include <stddef.h>
#include <stdio.h>

/* A whole file, mapped read-only. An empty file maps as size 0, data "". */
struct fl_map {
    const uint8_t *data;
    size_t size;
};

bool fl_map_open(struct fl_map *m, const char *path, struct fl_error *err);
void fl_map_close(struct fl_map *m);

/* A file written under a temporary name beside its target. fl_out_commit
 * flushes, syncs and renames it into place; fl_out_abort removes it. Until
 * the commit the old file, if any, is untouched. A short write is kept as a
 * flag and reported by the commit, so callers may skip checking fwrite. */
struct fl_out {
    FILE *f;
    char *path;
    char *temp;
};

bool fl_out_open(struct fl_out *o, const char *path, struct fl_error *err);
bool fl_out_commit(struct fl_out *o, struct fl_error *err);
void fl_out_abort(struct fl_out *o);

#endif
