/* SPDX-License-Identifier: Apache-2.0 */
/* model/gguf_get.c -- looking things up in an open GGUF file. */
#include "model/gguf.h"
#include <string.h>

static int name_cmp(const char *name, size_t n, struct gguf_str s)
{
    int order = memcmp(name, s.s, n < s.n ? n : s.n);
    return order ? order : (n > s.n) - (n < s.n);
}

const struct gguf_key *gguf_find(const struct gguf *g, const char *name)
{
    size_t low = 0, high = g->keys, n = strlen(name);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = name_cmp(name, n, g->key[mid].name);
        if (order == 0)
            return &g->key[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

const struct gguf_tensor *gguf_find_tensor(const struct gguf *g,
                                           const char *name)
{
    size_t low = 0, high = g->tensors, n = strlen(name);
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = name_cmp(name, n, g->tensor[mid].name);
        if (order == 0)
            return &g->tensor[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

#define READ(type, data, i)                                                    \
    ({                                                                         \
        type v_;                                                               \
        memcpy(&v_, (data) + (size_t)(i) * sizeof v_, sizeof v_);              \
        v_;                                                                    \
    })

int64_t gguf_item_int(const struct gguf_key *k, uint64_t i)
{
    switch (k->kind == GGUF_ARRAY ? k->item : k->kind) {
    case GGUF_U8:
    case GGUF_BOOL:
        return k->data[i];
    case GGUF_I8:
        return READ(int8_t, k->data, i);
    case GGUF_U16:
        return READ(uint16_t, k->data, i);
    case GGUF_I16:
        return READ(int16_t, k->data, i);
    case GGUF_U32:
        return READ(uint32_t, k->data, i);
    case GGUF_I32:
        return READ(int32_t, k->data, i);
    case GGUF_U64:
    case GGUF_I64:
        return READ(int64_t, k->data, i);
    default:
        return 0;
    }
}

double gguf_item_float(const struct gguf_key *k, uint64_t i)
{
    switch (k->kind == GGUF_ARRAY ? k->item : k->kind) {
    case GGUF_F32:
        return READ(float, k->data, i);
    case GGUF_F64:
        return READ(double, k->data, i);
    default:
        return (double)gguf_item_int(k, i);
    }
}

struct gguf_str gguf_item_next(const struct gguf_key *k, size_t *at)
{
    uint64_t n = READ(uint64_t, k->data + *at, 0);
    struct gguf_str s = {(const char *)k->data + *at + 8, (size_t)n};
    *at += 8 + s.n;
    return s;
}

static bool wrong_kind(const struct gguf *g, const char *name, const char *want,
                       struct fl_error *err)
{
    fl_fail(err, FL_FORMAT, 0, "%s: key %s is not %s", g->path, name, want);
    return false;
}

bool gguf_int(const struct gguf *g, const char *name, int64_t *v,
              struct fl_error *err)
{
    const struct gguf_key *k = gguf_find(g, name);
    if (!k)
        return false;
    if (k->kind == GGUF_F32 || k->kind == GGUF_F64 || k->kind == GGUF_BOOL ||
        k->kind == GGUF_STRING || k->kind == GGUF_ARRAY)
        return wrong_kind(g, name, "a whole number", err);
    int64_t got = gguf_item_int(k, 0);
    if (k->kind == GGUF_U64 && got < 0)
        return wrong_kind(g, name, "a number below 2^63", err);
    *v = got;
    return true;
}

bool gguf_float(const struct gguf *g, const char *name, double *v,
                struct fl_error *err)
{
    const struct gguf_key *k = gguf_find(g, name);
    if (!k)
        return false;
    if (k->kind != GGUF_F32 && k->kind != GGUF_F64)
        return wrong_kind(g, name, "a floating-point number", err);
    *v = gguf_item_float(k, 0);
    return true;
}

bool gguf_bool(const struct gguf *g, const char *name, bool *v,
               struct fl_error *err)
{
    const struct gguf_key *k = gguf_find(g, name);
    if (!k)
        return false;
    if (k->kind != GGUF_BOOL)
        return wrong_kind(g, name, "true or false", err);
    *v = k->data[0] != 0;
    return true;
}

bool gguf_string(const struct gguf *g, const char *name, struct gguf_str *v,
                 struct fl_error *err)
{
    const struct gguf_key *k = gguf_find(g, name);
    if (!k)
        return false;
    if (k->kind != GGUF_STRING)
        return wrong_kind(g, name, "a string", err);
    size_t at = 0;
    *v = gguf_item_next(k, &at);
    return true;
}
