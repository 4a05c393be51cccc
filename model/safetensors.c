/* SPDX-License-Identifier: Apache-2.0 */
#include "model/safetensors.h"
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 100 << 20, MAX_FILES = 4096 };

static const struct {
    const char *name;
    unsigned bytes;
    int type;
} dtypes[] = {{"F32", 4, DQ_F32}, {"F16", 2, DQ_F16}, {"BF16", 2, DQ_BF16},
              {"F64", 8, -1},     {"I64", 8, -1},     {"U64", 8, -1},
              {"I32", 4, -1},     {"U32", 4, -1},     {"I16", 2, -1},
              {"U16", 2, -1},     {"I8", 1, -1},      {"U8", 1, -1},
              {"BOOL", 1, -1},    {"F8_E4M3", 1, -1}, {"F8_E5M2", 1, -1}};

static const cJSON *get(const cJSON *o, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(o, name);
}

/* A whole number below 2^53, which JSON's doubles hold exactly. */
static bool whole(const cJSON *v, uint64_t *to)
{
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0) ||
        v->valuedouble >= 0x1p53)
        return false;
    *to = (uint64_t)v->valuedouble;
    return (double)*to == v->valuedouble;
}

static bool add_tensor(struct st *s, const char *path, const cJSON *entry,
                       const uint8_t *data, uint64_t room, struct fl_error *err)
{
    struct st_tensor t = {.type = -1};
    const char *name = entry->string;
    const cJSON *dtype = get(entry, "dtype"), *v;
    const cJSON *offsets = get(entry, "data_offsets");
    uint64_t from, to, elems = 1;
    unsigned size = 0;
    for (size_t k = 0; k < sizeof dtypes / sizeof *dtypes; k++)
        if (cJSON_IsString(dtype) &&
            strcmp(dtype->valuestring, dtypes[k].name) == 0) {
            size = dtypes[k].bytes;
            t.type = dtypes[k].type;
        }
    FL_FAIL_IF(!size, err, FL_UNSUPPORTED, 0,
               "%s: tensor %.100s has element type '%.20s'", path, name,
               cJSON_IsString(dtype) ? dtype->valuestring : "");
    for (int k = 0; k < ST_DIMS; k++)
        t.dim[k] = 1;
    FL_FAIL_IF(!cJSON_IsArray(get(entry, "shape")), err, FL_FORMAT, 0,
               "%s: tensor %.100s has no shape", path, name);
    cJSON_ArrayForEach(v, get(entry, "shape"))
    {
        FL_FAIL_IF(
            t.ndim == ST_DIMS || !whole(v, &t.dim[t.ndim]) ||
                t.dim[t.ndim] == 0 || t.dim[t.ndim] > (UINT64_MAX >> 4) / elems,
            err, FL_FORMAT, 0, "%s: tensor %.100s has a bad shape", path, name);
        elems *= t.dim[t.ndim++];
    }
    FL_FAIL_IF(!cJSON_IsArray(offsets) || !offsets->child ||
                   !whole(offsets->child, &from) ||
                   !whole(offsets->child->next, &to) || from > to || to > room,
               err, FL_FORMAT, 0,
               "%s: tensor %.100s reaches past the end of the file; is it "
               "complete?",
               path, name);
    FL_FAIL_IF(to - from != elems * size, err, FL_FORMAT, 0,
               "%s: tensor %.100s has %" PRIu64 " bytes, its shape needs "
               "%" PRIu64,
               path, name, to - from, elems * size);
    t.data = data + from;
    t.bytes = to - from;
    if (s->tensors == s->room) {
        size_t more = s->room ? 2 * s->room : 256;
        void *grown = realloc(s->tensor, more * sizeof *s->tensor);
        FL_FAIL_IF(!grown, err, FL_NOMEM, 0, "%s: out of memory", path);
        s->tensor = grown;
        s->room = more;
    }
    t.name = strdup(name);
    FL_FAIL_IF(!t.name, err, FL_NOMEM, 0, "%s: out of memory", path);
    s->tensor[s->tensors++] = t;
    return true;
}

static int by_data(const void *a, const void *b)
{
    const uint8_t *x = ((const struct st_tensor *)a)->data;
    const uint8_t *y = ((const struct st_tensor *)b)->data;
    return (x > y) - (x < y);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct st_tensor *)a)->name,
                  ((const struct st_tensor *)b)->name);
}

static bool read_header(struct st *s, const char *path, const cJSON *root,
                        const uint8_t *data, uint64_t room,
                        struct fl_error *err)
{
    FL_FAIL_IF(!cJSON_IsObject(root), err, FL_FORMAT, 8,
               "%s: not a safetensors file: its header is not JSON", path);
    const cJSON *entry;
    size_t first = s->tensors;
    cJSON_ArrayForEach(entry, root)
    {
        if (strcmp(entry->string, "__metadata__") != 0)
            FL_TRY(add_tensor(s, path, entry, data, room, err));
    }
    size_t n = s->tensors - first;
    if (!n)
        return true; /* s->tensor may be NULL */
    struct st_tensor *t = s->tensor + first;
    qsort(t, n, sizeof *t, by_data);
    for (size_t k = 1; k < n; k++)
        FL_FAIL_IF(t[k].data < t[k - 1].data + t[k - 1].bytes, err, FL_FORMAT,
                   0, "%s: tensor %.100s overlaps tensor %.100s", path,
                   t[k].name, t[k - 1].name);
    return true;
}

static bool open_one(struct st *s, const char *path, struct fl_error *err)
{
    FL_FAIL_IF(s->maps == MAX_FILES, err, FL_RANGE, 0, "%s: more than %d files",
               path, MAX_FILES);
    void *grown = realloc(s->map, ((size_t)s->maps + 1) * sizeof *s->map);
    FL_FAIL_IF(!grown, err, FL_NOMEM, 0, "%s: out of memory", path);
    s->map = grown;
    FL_TRY(fl_map_open(&s->map[s->maps], path, err));
    struct fl_map m = s->map[s->maps++];
    uint64_t n = 0;
    if (m.size >= 8)
        memcpy(&n, m.data, 8);
    FL_FAIL_IF(m.size < 8 || n > m.size - 8 || n > MAX_HEADER, err, FL_FORMAT,
               0,
               "%s: not a safetensors file, or not complete: a header of "
               "%" PRIu64 " bytes in %zu",
               path, n, m.size);
    cJSON *root = cJSON_ParseWithLength((const char *)m.data + 8, (size_t)n);
    bool ok = read_header(s, path, root, m.data + 8 + n, m.size - 8 - n, err);
    cJSON_Delete(root);
    return ok;
}

/* Files of the index, in the order they appear; each is opened once. */
static bool open_index(struct st *s, const char *path, const cJSON *root,
                       struct fl_error *err)
{
    const cJSON *map = get(root, "weight_map"), *v, *u;
    FL_FAIL_IF(!cJSON_IsObject(map), err, FL_FORMAT, 0, "%s: no weight_map",
               path);
    const char *slash = strrchr(path, '/');
    size_t dir = slash ? (size_t)(slash - path) + 1 : 0;
    const char *seen[MAX_FILES];
    int files = 0;
    cJSON_ArrayForEach(v, map)
    {
        FL_FAIL_IF(!cJSON_IsString(v) || strchr(v->valuestring, '/'), err,
                   FL_FORMAT, 0, "%s: %.100s has no file name", path,
                   v->string);
        int k = 0;
        while (k < files && strcmp(seen[k], v->valuestring) != 0)
            k++;
        if (k < files)
            continue;
        FL_FAIL_IF(files == MAX_FILES, err, FL_RANGE, 0,
                   "%s: more than %d files", path, MAX_FILES);
        seen[files++] = v->valuestring;
        size_t n = strlen(v->valuestring);
        char *file = malloc(dir + n + 1);
        FL_FAIL_IF(!file, err, FL_NOMEM, 0, "%s: out of memory", path);
        memcpy(file, path, dir);
        memcpy(file + dir, v->valuestring, n + 1);
        bool ok = open_one(s, file, err);
        free(file);
        FL_TRY(ok);
    }
    if (s->tensors)
        qsort(s->tensor, s->tensors, sizeof *s->tensor, by_name);
    cJSON_ArrayForEach(u, map)
    {
        FL_FAIL_IF(!st_find(s, u->string), err, FL_FORMAT, 0,
                   "%s: tensor %.100s is not in %.100s", path, u->string,
                   u->valuestring);
    }
    return true;
}

static bool open_all(struct st *s, const char *path, struct fl_error *err)
{
    size_t n = strlen(path);
    if (n < 5 || strcmp(path + n - 5, ".json") != 0)
        return open_one(s, path, err);
    struct fl_map m;
    FL_TRY(fl_map_open(&m, path, err));
    cJSON *root = cJSON_ParseWithLength((const char *)m.data, m.size);
    bool ok = open_index(s, path, root, err);
    cJSON_Delete(root);
    fl_map_close(&m);
    return ok;
}

bool st_open(struct st *s, const char *path, struct fl_error *err)
{
    *s = (struct st){0};
    bool ok = open_all(s, path, err);
    if (ok && s->tensors)
        qsort(s->tensor, s->tensors, sizeof *s->tensor, by_name);
    for (size_t k = 1; ok && k < s->tensors; k++)
        if (by_name(&s->tensor[k - 1], &s->tensor[k]) == 0) {
            fl_fail(err, FL_FORMAT, 0, "%s: tensor %.100s is there twice", path,
                    s->tensor[k].name);
            ok = false;
        }
    if (!ok)
        st_close(s);
    return ok;
}

void st_close(struct st *s)
{
    for (int k = 0; k < s->maps; k++)
        fl_map_close(&s->map[k]);
    for (size_t k = 0; k < s->tensors; k++)
        free(s->tensor[k].name);
    free(s->map);
    free(s->tensor);
    *s = (struct st){0};
}

const struct st_tensor *st_find(const struct st *s, const char *name)
{
    size_t low = 0, high = s->tensors;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(name, s->tensor[mid].name);
        if (order == 0)
            return &s->tensor[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}
