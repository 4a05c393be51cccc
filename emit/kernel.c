/* SPDX-License-Identifier: Apache-2.0 */
/* emit/kernel.c -- from the names in fxc's report to a kernel. */
#include "emit/kernel.h"
#include "base/file.h"
#include "emit/plan.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "k_write_req_0" is stem "k_write", kind "_req", index "_0". */
static bool split(const char *name, const char *kind, char stem[EMIT_NAME],
                  char index[EMIT_NAME])
{
    size_t n = strlen(name), end = n;
    while (end > 0 && name[end - 1] >= '0' && name[end - 1] <= '9')
        end--;
    if (end == n || end == 0 || name[end - 1] != '_')
        end = n;
    else
        end--;
    size_t k = strlen(kind);
    if (end <= k || n >= EMIT_NAME || strncmp(name + end - k, kind, k) != 0)
        return false;
    memcpy(stem, name, end - k);
    stem[end - k] = 0;
    strcpy(index, name + end);
    return true;
}

static const cJSON *port_of(const cJSON *ports, const char *name)
{
    const cJSON *p;
    cJSON_ArrayForEach(p, ports)
    {
        const char *n = cJSON_GetStringValue(cJSON_GetObjectItem(p, "name"));
        if (n != 0 && strcmp(n, name) == 0)
            return p;
    }
    return 0;
}

static int width(const cJSON *port)
{
    const cJSON *w = cJSON_GetObjectItem(port, "width");
    return cJSON_IsNumber(w) ? w->valueint : 0;
}

static bool is_out(const cJSON *port)
{
    const char *dir = cJSON_GetStringValue(cJSON_GetObjectItem(port, "dir"));
    return dir != 0 && strcmp(dir, "out") == 0;
}

static struct emit_mem *mem_named(struct emit_kernel *k, const char *stem,
                                  const char *index)
{
    char name[2 * EMIT_NAME];
    snprintf(name, sizeof name, "%s%s", stem, index);
    for (int i = 0; i < k->mems; i++)
        if (strcmp(k->mem[i].name, name) == 0)
            return &k->mem[i];
    if (k->mems == EMIT_MEMS || strlen(name) >= EMIT_NAME)
        return 0;
    strcpy(k->mem[k->mems].name, name);
    return &k->mem[k->mems++];
}

static void put_name(char to[EMIT_NAME], const char *stem, const char *index)
{
    char name[3 * EMIT_NAME];
    snprintf(name, sizeof name, "%s%s", stem, index);
    name[EMIT_NAME - 1] = 0;
    strcpy(to, name);
}

/* The beat of a memory's AXI port: a word where that is one, else a power of
 * two that holds a word, up to 512 bits; at least 32. */
static int beat_of(int bytes)
{
    if (bytes == 128)
        return 1024;
    int beat = 4;
    while (beat < bytes && beat < 64)
        beat *= 2;
    return 8 * beat;
}

/* A request port: the memory it is for. */
static bool add_memory(struct emit_kernel *k, const cJSON *ports,
                       const char *req, struct fl_error *err)
{
    char stem[EMIT_NAME], index[EMIT_NAME], data[2 * EMIT_NAME],
        base[EMIT_NAME], none[EMIT_NAME], ack[2 * EMIT_NAME];
    split(req, "_req", stem, index);
    snprintf(data, sizeof data, "%s%s", stem, index);
    const cJSON *p = port_of(ports, data);
    FL_FAIL_IF(p == 0, err, FL_UNSUPPORTED, 0,
               "%s: requests %s have no data port %s", k->top, req, data);
    bool write = is_out(p);
    if (!split(stem, write ? "_write" : "_read", base, none))
        strcpy(base, stem);
    struct emit_mem *m = mem_named(k, base, index);
    FL_FAIL_IF(m == 0, err, FL_UNSUPPORTED, 0, "%s: more than %d memories",
               k->top, EMIT_MEMS);
    FL_FAIL_IF(m->bits != 0 && m->bits != width(p), err, FL_UNSUPPORTED, 0,
               "%s: %s is read and written in words of different sizes", k->top,
               m->name);
    m->bits = width(p);
    m->bytes = (m->bits + 7) / 8;
    m->beat = beat_of(m->bytes);
    put_name(write ? m->write : m->read, stem, index);
    put_name(write ? m->wreq : m->rreq, req, "");
    if (!write)
        return true;
    snprintf(ack, sizeof ack, "%s_ack%s", base, index);
    FL_FAIL_IF(port_of(ports, ack) == 0, err, FL_UNSUPPORTED, 0,
               "%s: %s is written and has no port %s", k->top, m->name, ack);
    put_name(m->ack, ack, "");
    FL_FAIL_IF(8 * m->bytes != m->beat, err, FL_UNSUPPORTED, 0,
               "%s: words of %d bytes cannot be written through AXI; build "
               "wants kp to be 4, 8, 16, 32, 64 or 128",
               k->top, m->bytes);
    return true;
}

static bool add_stream(struct emit_kernel *k, const cJSON *port,
                       const char *name, struct fl_error *err)
{
    char stem[EMIT_NAME], index[EMIT_NAME];
    for (int i = 0; i < k->mems; i++)
        if (strcmp(name, k->mem[i].read) == 0 ||
            strcmp(name, k->mem[i].write) == 0 ||
            strcmp(name, k->mem[i].ack) == 0)
            return true;
    if (split(name, "_req", stem, index))
        return true;
    if (strcmp(name, "table") == 0)
        k->table = width(port) / 32;
    else if (strcmp(name, "ids") == 0)
        k->ids = width(port) / 32;
    else if (strcmp(name, "ends") == 0 && width(port) == 256)
        k->ends = 1;
    else if (strcmp(name, "y") == 0 && width(port) == 32)
        k->y = 1;
    else if (is_out(port) && k->drops < EMIT_DROPS) {
        k->dropped[k->drops].bits = width(port);
        put_name(k->dropped[k->drops++].name, name, "");
    } else
        FL_FAIL_IF(true, err, FL_UNSUPPORTED, 0,
                   "%s: no kernel knows what to feed to port %s", k->top, name);
    return true;
}

static bool read_top(struct emit_kernel *k, const cJSON *json,
                     struct fl_error *err)
{
    const cJSON *top =
        cJSON_GetArrayItem(cJSON_GetObjectItem(json, "modules"), 0);
    const cJSON *ports = cJSON_GetObjectItem(top, "ports"), *p;
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(top, "name"));
    FL_FAIL_IF(name == 0 || strlen(name) >= EMIT_NAME || ports == 0, err,
               FL_FORMAT, 0, "fxc's report has no top");
    strcpy(k->top, name);
    cJSON_ArrayForEach(p, ports)
    {
        char stem[EMIT_NAME], index[EMIT_NAME];
        const char *n = cJSON_GetStringValue(cJSON_GetObjectItem(p, "name"));
        if (n != 0 && split(n, "_req", stem, index))
            FL_TRY(add_memory(k, ports, n, err));
    }
    cJSON_ArrayForEach(p, ports)
    {
        const char *n = cJSON_GetStringValue(cJSON_GetObjectItem(p, "name"));
        if (n != 0)
            FL_TRY(add_stream(k, p, n, err));
    }
    cJSON_ArrayForEach(p, cJSON_GetObjectItem(top, "scalars"))
    {
        const char *n = cJSON_GetStringValue(cJSON_GetObjectItem(p, "name"));
        FL_FAIL_IF(n == 0 || strlen(n) >= EMIT_NAME ||
                       k->scalars == EMIT_SCALARS,
                   err, FL_UNSUPPORTED, 0, "%s: too many scalars", k->top);
        strcpy(k->scalar[k->scalars].name, n);
        k->scalar[k->scalars++].bits = width(p) > 32 ? 64 : 32;
    }
    FL_FAIL_IF(k->table == 0 || k->ids == 0, err, FL_UNSUPPORTED, 0,
               "%s has no ports table and ids", k->top);
    return true;
}

/* Prefill's port of the cache has all stripes behind it. */
static bool stripe_memories(struct emit_kernel *k, uint64_t words,
                            struct fl_error *err)
{
    int stripes = k->stripes;
    for (int i = 0; i < k->mems; i++)
        k->mem[i].parts = 1;
    if (k->stage != 0 || stripes == 1)
        return true;
    while ((UINT64_C(1) << k->part_bits) < words)
        k->part_bits++;
    FL_FAIL_IF(((uint64_t)(unsigned)stripes << k->part_bits) > UINT32_MAX, err,
               FL_RANGE, 0,
               "%d stripes of the cache of %llu words each: prefill counts to "
               "2^32; raise kp or take fewer positions",
               stripes, (unsigned long long)words);
    for (int i = 0; i < k->mems; i++)
        if (strcmp(k->mem[i].name, "k_0") == 0 ||
            strcmp(k->mem[i].name, "v_0") == 0)
            k->mem[i].parts = stripes;
    return true;
}

/* What the file says, into an empty kernel. */
static bool read_report(struct emit_kernel *k, const char *report,
                        struct fl_error *err)
{
    struct fl_map map;
    FL_TRY(fl_map_open(&map, report, err));
    cJSON *json = cJSON_ParseWithLength((const char *)map.data, map.size);
    fl_map_close(&map);
    FL_FAIL_IF(json == 0, err, FL_FORMAT, 0, "%s: not JSON", report);
    bool ok = read_top(k, json, err);
    cJSON_Delete(json);
    return ok;
}

static bool has_scalar(const struct emit_kernel *k, const struct emit_scalar *s)
{
    for (int i = 0; i < k->scalars; i++)
        if (strcmp(k->scalar[i].name, s->name) == 0)
            return k->scalar[i].bits == s->bits;
    return false;
}

/* The same ports and scalars: nothing here is in an order that matters but the
 * memories, which both list as the design does. */
static bool same(const struct emit_kernel *a, const struct emit_kernel *b)
{
    bool ok = strcmp(a->top, b->top) == 0 && a->mems == b->mems &&
              a->scalars == b->scalars && a->drops == b->drops &&
              a->table == b->table && a->ids == b->ids && a->ends == b->ends &&
              a->y == b->y;
    for (int i = 0; ok && i < a->mems; i++)
        ok = memcmp(&a->mem[i], &b->mem[i], sizeof a->mem[i]) == 0;
    for (int i = 0; ok && i < a->scalars; i++)
        ok = has_scalar(b, &a->scalar[i]);
    return ok;
}

bool emit_kernel_make(struct emit_kernel *k, const struct dsn_config *c,
                      const struct dsn_room *room, uint64_t stripe_words,
                      const char *report, struct fl_error *err)
{
    strcpy(k->name, k->stage == 0 ? "flexllm_prefill" : "flexllm_decode");
    cJSON *plan = emit_plan(k->stage, c, room);
    bool ok = read_top(k, plan, err);
    cJSON_Delete(plan);
    struct emit_kernel *made = calloc(1, sizeof *made);
    FL_FAIL_IF(made == 0, err, FL_NOMEM, 0, "out of memory");
    ok = ok && (report == 0 || read_report(made, report, err));
    if (ok && report != 0 && !same(k, made)) {
        fl_fail(err, FL_UNSUPPORTED, 0,
                "%s: the ports are not those of %s; is this fxc of the same "
                "sources?",
                report, k->top);
        ok = false;
    }
    free(made);
    return ok && stripe_memories(k, stripe_words, err);
}

/* Pointers of a memory: a part each, and one more each for its writes where
 * they want one. */
static int pointers_of(const struct emit_kernel *k, const struct emit_mem *m)
{
    return m->parts * (k->split && *m->read != 0 && *m->write != 0 ? 2 : 1);
}

static int pointers(const struct emit_kernel *k)
{
    int n = 2; /* run, out */
    for (int i = 0; i < k->mems; i++)
        n += pointers_of(k, &k->mem[i]);
    return n;
}

int emit_args(const struct emit_kernel *k)
{
    return pointers(k) + k->scalars;
}

static void pointer(struct emit_arg *a, const struct emit_kernel *k, int i)
{
    const struct emit_mem *m = k->mem;
    strcpy(a->name, i == 0 ? "run" : "out");
    strcpy(a->memory, a->name);
    strcpy(a->port, "host");
    a->beat = 32;
    a->write = i == 1;
    if (i < 2)
        return;
    i -= 2;
    for (; i >= pointers_of(k, m); m++)
        i -= pointers_of(k, m);
    strcpy(a->port, m->name);
    strcpy(a->memory, m->name);
    if (m->parts > 1) /* k_0 is k_0, k_1 ... */
        snprintf(a->memory, sizeof a->memory, "%c_%d", m->name[0],
                 i % m->parts);
    a->beat = m->beat;
    a->write = *m->read == 0 || i >= m->parts;
    snprintf(a->name, sizeof a->name, "%.40s%s", a->memory,
             i >= m->parts ? "_w" : "");
}

struct emit_arg emit_arg(const struct emit_kernel *k, int i)
{
    int first = pointers(k);
    struct emit_arg a = {.pointer = i < first, .bits = 64, .at = 16};
    for (int j = 0; j < i; j++)
        a.at += j < first || k->scalar[j - first].bits == 64 ? 12 : 8;
    if (a.pointer) {
        pointer(&a, k, i);
    } else {
        strcpy(a.name, k->scalar[i - first].name);
        strcpy(a.memory, a.name);
        strcpy(a.port, "control");
        a.bits = k->scalar[i - first].bits;
    }
    return a;
}
