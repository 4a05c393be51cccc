/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool fl_map_open(struct fl_map *m, const char *path, struct fl_error *err)
{
    *m = (struct fl_map){(const uint8_t *)"", 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    FL_FAIL_IF(fd < 0, err, FL_IO, 0, "%s: cannot open: %s", path,
               strerror(errno));
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        fl_fail(err, FL_IO, 0, "%s: not a regular file", path);
        return false;
    }
    if (st.st_size > 0) {
        void *p =
            mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) {
            fl_fail(err, FL_IO, 0, "%s: cannot map: %s", path,
                    strerror(errno));
            close(fd);
            return false;
        }
        m->data = p;
        m->size = (size_t)st.st_size;
    }
    close(fd);
    return true;
}

void fl_map_close(struct fl_map *m)
{
    if (m->size)
        munmap((void *)(uintptr_t)m->data, m->size);
    *m = (struct fl_map){(const uint8_t *)"", 0};
}

bool fl_out_open(struct fl_out *o, const char *path, struct fl_error *err)
{
    *o = (struct fl_out){0};
    size_t n = strlen(path);
    o->path = malloc(n + 1);
    o->temp = malloc(n + 12);
    if (!o->path || !o->temp) {
        fl_out_abort(o);
        fl_fail(err, FL_NOMEM, 0, "%s: out of memory", path);
        return false;
    }
    memcpy(o->path, path, n + 1);
    memcpy(o->temp, path, n);
    memcpy(o->temp + n, ".tmp.XXXXXX", 12);
    int fd = mkstemp(o->temp);
    if (fd >= 0) {
        mode_t mask = umask(0);
        umask(mask);
        fchmod(fd, 0666 & ~mask);
        o->f = fdopen(fd, "wb");
    }
    if (!o->f) {
        fl_fail(err, FL_IO, 0, "%s: cannot write: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        else
            o->temp[0] = 0;
        fl_out_abort(o);
        return false;
    }
    return true;
}

bool fl_out_commit(struct fl_out *o, struct fl_error *err)
{
    errno = 0;
    bool ok = fflush(o->f) == 0 && !ferror(o->f) && fsync(fileno(o->f)) == 0;
    int why = errno;
    if (fclose(o->f) != 0 && ok) {
        ok = false;
        why = errno;
    }
    o->f = NULL;
    if (ok && rename(o->temp, o->path) != 0) {
        ok = false;
        why = errno;
    }
    if (ok)
        o->temp[0] = 0; /* nothing left to remove */
    else
        fl_fail(err, FL_IO, 0, "%s: cannot write: %s", o->path,
                why ? strerror(why) : "short write");
    fl_out_abort(o);
    return ok;
}

void fl_out_abort(struct fl_out *o)
{
    if (o->f)
        fclose(o->f);
    if (o->temp && o->temp[0])
        unlink(o->temp);
    free(o->temp);
    free(o->path);
    *o = (struct fl_out){0};
}
