/* SPDX-License-Identifier: Apache-2.0 */
/* model/gguf.c -- reading GGUF. One cursor walks the header once; after that
 * keys and tensors are sorted by name, which finds duplicates and makes the
 * look-ups binary searches.
 */
#include "model/gguf.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_NESTING = 4,
    MAX_NAME = 1 << 16,
    MAX_ALIGNMENT = 1 << 20,
    DEFAULT_ALIGNMENT = 32,
    MIN_KEY_BYTES = 8 + 4 + 1, /* name length, type, value */
    MIN_TENSOR_BYTES = 8 + 4 + 8 + 4 + 8
};

struct cursor {
    const uint8_t *data;
    size_t size, at;
    const char *path;
    struct fl_error *err;
};

#define BAD(c, ...)                                                            \
    do {                                                                       \
        fl_fail((c)->err, FL_FORMAT, (c)->at, __VA_ARGS__);                    \
        return false;                                                          \
    } while (0)

static bool take(struct cursor *c, void *to, size_t n, const char *what)
{
    if (c->size - c->at < n)
        BAD(c, "%s: the file ends at byte %zu, inside %s; is it complete?",
            c->path, c->size, what);
    if (to)
        memcpy(to, c->data + c->at, n);
    c->at += n;
    return true;
}

static bool take_str(struct cursor *c, struct gguf_str *s, const char *what)
{
    uint64_t n = 0;
    FL_TRY(take(c, &n, 8, what));
    if (n > c->size - c->at)
        BAD(c, "%s: byte %zu: %s is said to be %" PRIu64 " bytes long", c->path,
            c->at, what, n);
    s->s = (const char *)c->data + c->at;
    s->n = (size_t)n;
    c->at += (size_t)n;
    return true;
}

/* Bytes of a fixed-size value; 0 for strings, arrays and unknown kinds. */
static size_t kind_bytes(uint32_t kind)
{
    static const uint8_t bytes[GGUF_KINDS] = {
        [GGUF_U8] = 1,  [GGUF_I8] = 1,  [GGUF_U16] = 2, [GGUF_I16] = 2,
        [GGUF_U32] = 4, [GGUF_I32] = 4, [GGUF_F32] = 4, [GGUF_BOOL] = 1,
        [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8};
    return kind < GGUF_KINDS ? bytes[kind] : 0;
}

static bool skip_items(struct cursor *c, uint32_t kind, uint64_t count,
                       int depth);

static bool take_array_head(struct cursor *c, uint32_t *item, uint64_t *count)
{
    FL_TRY(take(c, item, 4, "an array") && take(c, count, 8, "an array"));
    if (*item >= GGUF_KINDS)
        BAD(c, "%s: byte %zu: unknown value type %u", c->path, c->at, *item);
    return true;
}

static bool skip_items(struct cursor *c, uint32_t kind, uint64_t count,
                       int depth)
{
    size_t fixed = kind_bytes(kind);
    size_t least = fixed ? fixed : kind == GGUF_STRING ? 8 : 12;
    if (count > (c->size - c->at) / least)
        BAD(c, "%s: byte %zu: an array of %" PRIu64 " items does not fit",
            c->path, c->at, count);
    if (fixed)
        return take(c, NULL, (size_t)count * fixed, "an array");
    for (uint64_t i = 0; i < count; i++) {
        struct gguf_str s;
        uint32_t item;
        uint64_t n;
        if (kind == GGUF_STRING) {
            FL_TRY(take_str(c, &s, "a string"));
            continue;
        }
        if (depth >= MAX_NESTING)
            BAD(c, "%s: byte %zu: arrays nested more than %d deep", c->path,
                c->at, MAX_NESTING);
        FL_TRY(take_array_head(c, &item, &n) &&
               skip_items(c, item, n, depth + 1));
    }
    return true;
}

static bool take_key(struct cursor *c, struct gguf_key *k)
{
    uint32_t kind, item = 0;
    FL_TRY(take_str(c, &k->name, "a key"));
    if (k->name.n == 0 || k->name.n > MAX_NAME)
        BAD(c, "%s: byte %zu: a key of %zu bytes", c->path, c->at, k->name.n);
    FL_TRY(take(c, &kind, 4, "a key"));
    if (kind >= GGUF_KINDS)
        BAD(c, "%s: byte %zu: unknown value type %u", c->path, c->at, kind);
    k->count = 1;
    if (kind == GGUF_ARRAY)
        FL_TRY(take_array_head(c, &item, &k->count));
    k->kind = (enum gguf_kind)kind;
    k->item = (enum gguf_kind)item;
    k->data = c->data + c->at;
    return skip_items(c, kind == GGUF_ARRAY ? item : kind, k->count, 1);
}

static bool take_tensor(struct cursor *c, struct gguf_tensor *t)
{
    uint32_t ndim, type;
    FL_TRY(take_str(c, &t->name, "a tensor name"));
    if (t->name.n == 0 || t->name.n > MAX_NAME)
        BAD(c, "%s: byte %zu: a tensor name of %zu bytes", c->path, c->at,
            t->name.n);
    int len = t->name.n < 100 ? (int)t->name.n : 100;
    const char *name = t->name.s;
    FL_TRY(take(c, &ndim, 4, "a tensor's description"));
    if (ndim < 1 || ndim > GGUF_DIMS)
        BAD(c, "%s: tensor %.*s has %u dimensions, 1 to %d are possible",
            c->path, len, name, ndim, GGUF_DIMS);
    t->ndim = (int)ndim;
    uint64_t elems = 1;
    for (uint32_t k = 0; k < GGUF_DIMS; k++) {
        t->dim[k] = 1;
        if (k < ndim)
            FL_TRY(take(c, &t->dim[k], 8, "a tensor's dimensions"));
        if (t->dim[k] == 0 || t->dim[k] > INT64_MAX / elems)
            BAD(c, "%s: tensor %.*s: dimension %u is %" PRIu64, c->path, len,
                name, k, t->dim[k]);
        elems *= t->dim[k];
    }
    FL_TRY(take(c, &type, 4, "a tensor's type") &&
           take(c, &t->at, 8, "a tensor's offset"));
    const struct dq_info *info = dq_info(type);
    if (!info) {
        fl_fail(c->err, FL_UNSUPPORTED, c->at,
                "%s: tensor %.*s has type %u; supported: F32 F16 BF16 Q4_0 "
                "Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K",
                c->path, len, name, type);
        return false;
    }
    if (t->dim[0] % info->block)
        BAD(c,
            "%s: tensor %.*s: rows of %" PRIu64 " do not divide into "
            "blocks of %u (%s)",
            c->path, len, name, t->dim[0], info->block, info->name);
    t->type = (enum dq_type)type;
    uint64_t blocks = elems / info->block;
    if (blocks > INT64_MAX / info->bytes)
        BAD(c, "%s: tensor %.*s is too large", c->path, len, name);
    t->bytes = blocks * info->bytes;
    return true;
}

static int str_cmp(struct gguf_str a, struct gguf_str b)
{
    int order = memcmp(a.s, b.s, a.n < b.n ? a.n : b.n);
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

static int by_key(const void *a, const void *b)
{
    return str_cmp(((const struct gguf_key *)a)->name,
                   ((const struct gguf_key *)b)->name);
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(((const struct gguf_tensor *)a)->name,
                   ((const struct gguf_tensor *)b)->name);
}

static int by_offset(const void *a, const void *b)
{
    uint64_t x = ((const struct gguf_tensor *)a)->at;
    uint64_t y = ((const struct gguf_tensor *)b)->at;
    return (x > y) - (x < y);
}

/* Places the tensors behind the header; leaves them sorted by name. */
static bool place_tensors(struct gguf *g, struct cursor *c)
{
    uint64_t base = ((uint64_t)c->at + g->alignment - 1) & ~(g->alignment - 1);
    uint64_t room = base < c->size ? c->size - base : 0;
    qsort(g->tensor, g->tensors, sizeof *g->tensor, by_offset);
    uint64_t used = 0;
    for (size_t k = 0; k < g->tensors; k++) {
        struct gguf_tensor *t = &g->tensor[k];
        int len = t->name.n < 100 ? (int)t->name.n : 100;
        if (t->at % g->alignment)
            BAD(c,
                "%s: tensor %.*s is at offset %" PRIu64
                ", not a multiple of %" PRIu64,
                c->path, len, t->name.s, t->at, g->alignment);
        if (t->at > room || t->bytes > room - t->at)
            BAD(c,
                "%s: tensor %.*s reaches past the end of the file "
                "(offset %" PRIu64 ", %" PRIu64 " bytes, %" PRIu64
                " there); is the file complete?",
                c->path, len, t->name.s, t->at, t->bytes, room);
        if (t->at < used)
            BAD(c, "%s: tensor %.*s overlaps tensor %.*s", c->path, len,
                t->name.s,
                g->tensor[k - 1].name.n < 100 ? (int)g->tensor[k - 1].name.n
                                              : 100,
                g->tensor[k - 1].name.s);
        used = t->at + t->bytes;
        t->data = c->data + base + t->at;
    }
    qsort(g->tensor, g->tensors, sizeof *g->tensor, by_name);
    for (size_t k = 1; k < g->tensors; k++)
        if (by_name(&g->tensor[k - 1], &g->tensor[k]) == 0)
            BAD(c, "%s: tensor %.*s is there twice", c->path,
                g->tensor[k].name.n < 100 ? (int)g->tensor[k].name.n : 100,
                g->tensor[k].name.s);
    return true;
}

static bool read_keys(struct gguf *g, struct cursor *c)
{
    for (size_t k = 0; k < g->keys; k++)
        FL_TRY(take_key(c, &g->key[k]));
    qsort(g->key, g->keys, sizeof *g->key, by_key);
    for (size_t k = 1; k < g->keys; k++)
        if (by_key(&g->key[k - 1], &g->key[k]) == 0)
            BAD(c, "%s: key %.*s is there twice", c->path,
                g->key[k].name.n < 100 ? (int)g->key[k].name.n : 100,
                g->key[k].name.s);
    int64_t alignment = DEFAULT_ALIGNMENT;
    if (gguf_find(g, "general.alignment"))
        FL_TRY(gguf_int(g, "general.alignment", &alignment, c->err));
    if (alignment < 1 || alignment > MAX_ALIGNMENT ||
        (alignment & (alignment - 1)))
        BAD(c,
            "%s: general.alignment is %" PRId64 ", not a power of two up "
            "to %d",
            c->path, alignment, MAX_ALIGNMENT);
    g->alignment = (uint64_t)alignment;
    return true;
}

static bool read_all(struct gguf *g, struct cursor *c)
{
    uint32_t magic = 0, version = 0;
    uint64_t tensors = 0, keys = 0;
    FL_TRY(take(c, &magic, 4, "the header"));
    if (magic != 0x46554747u)
        BAD(c, "%s: not a GGUF file", c->path);
    FL_TRY(take(c, &version, 4, "the header"));
    FL_FAIL_IF(version == 1 || (version & 0xffff) == 0, c->err, FL_UNSUPPORTED,
               4,
               "%s: GGUF version %u%s; versions 2 and 3 "
               "are read: convert the file again",
               c->path, version == 1 ? 1 : version >> 24,
               version == 1 ? "" : ", big-endian");
    if (version != 2 && version != 3)
        BAD(c, "%s: GGUF version %u; versions 2 and 3 are read", c->path,
            version);
    g->version = (int)version;
    FL_TRY(take(c, &tensors, 8, "the header") &&
           take(c, &keys, 8, "the header"));
    uint64_t left = c->size - c->at;
    if (keys > left / MIN_KEY_BYTES || tensors > left / MIN_TENSOR_BYTES)
        BAD(c,
            "%s: %" PRIu64 " keys and %" PRIu64 " tensors do not fit in "
            "%zu bytes",
            c->path, keys, tensors, c->size);
    g->key = calloc((size_t)keys + 1, sizeof *g->key);
    g->tensor = calloc((size_t)tensors + 1, sizeof *g->tensor);
    FL_FAIL_IF(!g->key || !g->tensor, c->err, FL_NOMEM, 0, "%s: out of memory",
               c->path);
    g->keys = (size_t)keys;
    FL_TRY(read_keys(g, c));
    g->tensors = (size_t)tensors;
    for (size_t k = 0; k < g->tensors; k++)
        FL_TRY(take_tensor(c, &g->tensor[k]));
    return place_tensors(g, c);
}

bool gguf_parse(struct gguf *g, const uint8_t *data, size_t size,
                const char *name, struct fl_error *err)
{
    *g = (struct gguf){.path = strdup(name)};
    struct cursor c = {data, size, 0, g->path, err};
    FL_FAIL_IF(!g->path, err, FL_NOMEM, 0, "%s: out of memory", name);
    if (read_all(g, &c))
        return true;
    gguf_close(g);
    return false;
}

bool gguf_open(struct gguf *g, const char *path, struct fl_error *err)
{
    struct fl_map map;
    *g = (struct gguf){0};
    FL_TRY(fl_map_open(&map, path, err));
    if (!gguf_parse(g, map.data, map.size, path, err)) {
        fl_map_close(&map);
        return false;
    }
    g->map = map;
    return true;
}

void gguf_close(struct gguf *g)
{
    free(g->key);
    free(g->tensor);
    free(g->path);
    if (g->map.data)
        fl_map_close(&g->map);
    *g = (struct gguf){0};
}
