/* SPDX-License-Identifier: Apache-2.0 */
/* model/package.c -- opening a package: the header's tensors by name, the
 * model bound to them, then model/package_check.c. */
#define _GNU_SOURCE /* memmem */
#include "model/package.h"
#include "model/package_check.h"
#include "model/package_layout.h"
#include "model/tok_pack.h"
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct num_scale) == 4, "scales are read in place");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "and so are numbers");

struct entry {
    const char *name;
    enum pkg_type type;
    uint64_t dim[3], at, bytes;
};

/* Everything that an open package owns besides its map. */
struct owned {
    cJSON *json;
    struct entry *entry; /* by name */
    size_t entries;
    struct num_qlayer *layer;
};

struct reader {
    struct pkg *p;
    struct owned *o;
    const cJSON *meta;
    const uint8_t *data;
    uint64_t size; /* of data */
    const char *name;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name,
                  ((const struct entry *)b)->name);
}

/* A JSON number that is a whole number below 2^53. */
static bool whole(const cJSON *j, uint64_t *v)
{
    if (!cJSON_IsNumber(j) || !(j->valuedouble >= 0) ||
        !(j->valuedouble < 9007199254740992.0))
        return false;
    *v = (uint64_t)j->valuedouble;
    return (double)*v == j->valuedouble;
}

static bool read_entry(struct reader *r, const cJSON *j, struct entry *e,
                       struct fl_error *err)
{
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(j, "dtype");
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(j, "shape");
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(j, "data_offsets");
    *e = (struct entry){.name = j->string};
    int type = 0;
    while (cJSON_IsString(dtype) && type < PKG_TYPES &&
           strcmp(dtype->valuestring, pkg_dtype[type].name) != 0)
        type++;
    FL_FAIL_IF(!cJSON_IsString(dtype) || type == PKG_TYPES, err, FL_FORMAT, 0,
               "%s: tensor '%.60s' has no type a package may have", r->name,
               j->string);
    e->type = (enum pkg_type)type;
    uint64_t want = (uint64_t)pkg_dtype[type].size, from, to;
    int ndim = cJSON_GetArraySize(shape);
    bool ok = cJSON_IsArray(shape) && ndim >= 1 && ndim <= 3;
    for (int i = 0; ok && i < ndim; i++) {
        ok = whole(cJSON_GetArrayItem(shape, i), &e->dim[i]) && e->dim[i] > 0 &&
             e->dim[i] <= r->size / want;
        want *= ok ? e->dim[i] : 1;
    }
    ok = ok && cJSON_IsArray(at) && cJSON_GetArraySize(at) == 2 &&
         whole(cJSON_GetArrayItem(at, 0), &from) &&
         whole(cJSON_GetArrayItem(at, 1), &to) && from <= to && to <= r->size &&
         to - from == want;
    FL_FAIL_IF(!ok, err, FL_FORMAT, 0,
               "%s: tensor '%.60s' does not fit its shape or the %llu bytes "
               "of data; is the file complete?",
               r->name, j->string, (unsigned long long)r->size);
    FL_FAIL_IF(from % 64 != 0 && strncmp(e->name, "pad.", 4) != 0, err,
               FL_FORMAT, from, "%s: tensor '%.60s' is not aligned", r->name,
               j->string);
    e->at = from;
    e->bytes = want;
    return true;
}

static bool read_header(struct reader *r, const uint8_t *file, size_t size,
                        struct fl_error *err)
{
    uint64_t n;
    FL_FAIL_IF(size < 16, err, FL_FORMAT, 0,
               "%s: %zu bytes are too few for a package", r->name, size);
    memcpy(&n, file, sizeof n);
    FL_FAIL_IF(file[8] != '{', err, FL_FORMAT, 8,
               "%s: not a package; 'flexllm quantize' makes one", r->name);
    FL_FAIL_IF(n > size - 8, err, FL_FORMAT, 0,
               "%s: the file ends inside its header; is it complete?", r->name);
    FL_FAIL_IF((n + 8) % 64 != 0, err, FL_FORMAT, 0,
               "%s: not a package (its data is not aligned); 'flexllm "
               "quantize' makes one",
               r->name);
    r->data = file + 8 + n;
    r->size = size - 8 - n;
    r->o->json = cJSON_ParseWithLength((const char *)file + 8, n);
    r->meta = cJSON_GetObjectItemCaseSensitive(r->o->json, "__metadata__");
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(r->meta, "format");
    FL_FAIL_IF(!cJSON_IsString(format) ||
                   strcmp(format->valuestring, "flexllm package") != 0,
               err, FL_FORMAT, 8,
               "%s: not a package; 'flexllm quantize' makes one", r->name);
    size_t count = 0;
    const cJSON *j;
    cJSON_ArrayForEach(j, r->o->json) count++;
    r->o->entry = calloc(count, sizeof *r->o->entry);
    FL_FAIL_IF(r->o->entry == NULL, err, FL_NOMEM, 0, "%s: out of memory",
               r->name);
    cJSON_ArrayForEach(j, r->o->json) if (j != r->meta)
        FL_TRY(read_entry(r, j, &r->o->entry[r->o->entries++], err));
    qsort(r->o->entry, r->o->entries, sizeof *r->o->entry, by_name);
    for (size_t i = 1; i < r->o->entries; i++)
        FL_FAIL_IF(by_name(&r->o->entry[i - 1], &r->o->entry[i]) == 0, err,
                   FL_FORMAT, 0, "%s: two tensors are called '%.60s'", r->name,
                   r->o->entry[i].name);
    return true;
}

static const struct entry *find(const struct reader *r, const char *name)
{
    struct entry key = {.name = name};
    return r->o->entries == 0
               ? NULL
               : bsearch(&key, r->o->entry, r->o->entries, sizeof key, by_name);
}

/* Binds a tensor that must have exactly the type and shape of t. */
static bool bind(void *state, const struct pkg_tensor *t, struct fl_error *err)
{
    const struct reader *r = state;
    const struct entry *e = find(r, t->name);
    *t->data = NULL;
    if (e == NULL && t->optional)
        return true;
    FL_FAIL_IF(e == NULL, err, FL_FORMAT, 0, "%s: tensor '%s' is missing",
               r->name, t->name);
    FL_FAIL_IF(e->type != t->type || memcmp(e->dim, t->dim, sizeof e->dim) != 0,
               err, FL_FORMAT, e->at,
               "%s: tensor '%s' is %s (%llu, %llu, %llu), not %s (%llu, %llu, "
               "%llu)",
               r->name, t->name, pkg_dtype[e->type].name,
               (unsigned long long)e->dim[0], (unsigned long long)e->dim[1],
               (unsigned long long)e->dim[2], pkg_dtype[t->type].name,
               (unsigned long long)t->dim[0], (unsigned long long)t->dim[1],
               (unsigned long long)t->dim[2]);
    *t->data = r->data + e->at;
    return true;
}

static const char *string(const struct reader *r, const char *key)
{
    const cJSON *j = cJSON_GetObjectItemCaseSensitive(r->meta, key);
    return cJSON_IsString(j) ? j->valuestring : NULL;
}

/* A whole number lo..hi in the metadata. */
static bool integer(const struct reader *r, const char *key, long long lo,
                    long long hi, long long *v, struct fl_error *err)
{
    const char *s = string(r, key);
    char *end = NULL;
    long long x = s == NULL ? 0 : strtoll(s, &end, 10);
    FL_FAIL_IF(s == NULL || end == s || *end != 0 || x < lo || x > hi, err,
               FL_FORMAT, 0,
               "%s: '%s' in the header is '%.40s', not a number from %lld to "
               "%lld",
               r->name, key, s == NULL ? "missing" : s, lo, hi);
    *v = x;
    return true;
}

static bool read_shape(struct reader *r, struct fl_error *err)
{
    struct num_qmodel *m = &r->p->model;
    struct num_shape *s = &m->shape;
    long long v, mant, exp, eps_q, clip;
    const struct {
        const char *key;
        long long lo, hi;
        int *to;
    } field[] = {{"layers", 1, NUM_MAX_LAYERS, &s->layers},
                 {"d", 1, NUM_MAX_DIM, &s->d},
                 {"ffn", 1, NUM_MAX_DIM, &s->ffn},
                 {"nq", 1, NUM_MAX_DIM, &s->nq},
                 {"nkv", 1, NUM_MAX_DIM, &s->nkv},
                 {"head", 2, NUM_MAX_HEAD, &s->head},
                 {"vocab", 1, NUM_MAX_VOCAB, &s->vocab},
                 {"model_seq", 1, NUM_MAX_SEQ, &s->seq},
                 {"tied", 0, 1, &s->tied},
                 {"qkv_bias", 0, 1, &s->qkv_bias},
                 {"seq", 1, NUM_MAX_SEQ, &m->seq},
                 {"kvbits", 8, 8, &m->kvbits},
                 {"r3", 0, 1, &m->r3},
                 {"r4", 0, 1, &m->r4},
                 {"res_frac", 0, 30, &m->res_frac},
                 {"head_abits", 4, 8, &m->head_site.abits},
                 {"head_wbits", 4, 8, &m->head.wbits},
                 {"head_group", 0, NUM_MAX_DIM, &m->head.group}};
    long long version;
    FL_TRY(integer(r, "version", 1, PKG_VERSION, &version, err));
    for (size_t i = 0; i < sizeof field / sizeof *field; i++) {
        FL_TRY(integer(r, field[i].key, field[i].lo, field[i].hi, &v, err));
        *field[i].to = (int)v;
    }
    if (version > 1) {
        FL_TRY(integer(r, "wide", 0, s->d - 1, &v, err));
        m->wide = (int)v;
    }
    FL_TRY(integer(r, "eps_q", 0, INT64_MAX, &eps_q, err) &&
           integer(r, "sqrt_d_mant", 32768, 65535, &mant, err) &&
           integer(r, "sqrt_d_exp", -16, 16, &exp, err) &&
           integer(r, "head_clip", 1, 65536, &clip, err));
    const char *eps = string(r, "eps");
    char *end = NULL;
    s->eps = eps == NULL ? 0 : strtod(eps, &end);
    FL_FAIL_IF(eps == NULL || end == eps || !(s->eps >= 0 && s->eps < 1), err,
               FL_FORMAT, 0, "%s: 'eps' in the header is not a number 0..1",
               r->name);
    m->eps_q = (uint64_t)eps_q;
    m->sqrt_d = (struct num_scale){(uint16_t)mant, (int16_t)exp};
    m->head_site.clip = (uint32_t)clip;
    m->head_site.frac = NUM_NORM_FRAC;
    m->head_site.wide = m->head_site.abits == 4 ? m->wide : 0;
    m->head.wide = m->head.wbits == 4 && m->head.group == 0 ? m->wide : 0;
    m->head.din = s->d;
    m->head.dout = s->vocab;
    m->head.obits = NUM_ACT_BITS;
    m->head.frac = NUM_LOGIT_FRAC;
    FL_FAIL_IF(s->nq % s->nkv != 0 || s->head % 2 != 0 ||
                   (long long)s->nq * s->head > NUM_MAX_DIM,
               err, FL_FORMAT, 0,
               "%s: %d query heads, %d key heads of %d channels: no such "
               "model",
               r->name, s->nq, s->nkv, s->head);
    return pkg_check_format(m->head_site.abits, m->head.wbits, m->head.group,
                            s->d, r->name, "the head", err);
}

static bool read_layers(struct reader *r, struct fl_error *err)
{
    struct num_qmodel *m = &r->p->model;
    r->o->layer = calloc((size_t)m->shape.layers, sizeof *r->o->layer);
    FL_FAIL_IF(r->o->layer == NULL, err, FL_NOMEM, 0, "%s: out of memory",
               r->name);
    m->layer = r->o->layer;
    for (int i = 0; i < m->shape.layers; i++) {
        char name[32];
        const void *data;
        int32_t param[PKG_PARAMS];
        snprintf(name, sizeof name, "layer.%d.params", i);
        struct pkg_tensor t = {name, PKG_I32, {PKG_PARAMS}, &data, 0};
        FL_TRY(bind(r, &t, err));
        memcpy(param, data, sizeof param);
        FL_TRY(pkg_check_params(&m->shape, i, param, r->name, err));
        pkg_set_layer(m, i, param);
    }
    return true;
}

static bool read_extras(struct reader *r, struct fl_error *err)
{
    struct pkg *p = r->p;
    const void *inv;
    struct pkg_tensor t = {
        "inv_freq", PKG_F64, {(uint64_t)p->model.shape.head / 2}, &inv, 1};
    FL_TRY(bind(r, &t, err));
    p->inv_freq = (double *)(uintptr_t)inv; /* num_fmodel wants it so */
    const struct entry *e = find(r, "tokenizer");
    if (e != NULL)
        FL_TRY(tok_unpack(&p->tok, r->data + e->at, e->bytes, r->name, err));
    FL_FAIL_IF(p->tok != NULL && tok_count(p->tok) > p->model.shape.vocab, err,
               FL_FORMAT, 0, "%s: %d tokens, but %d rows in the embedding",
               r->name, tok_count(p->tok), p->model.shape.vocab);
    const char *s = string(r, "ends");
    for (char *end; s != NULL && *s != 0; s = end) {
        long id = strtol(s, &end, 10);
        FL_FAIL_IF(end == s || id < 0 || id >= p->model.shape.vocab ||
                       p->end_count == PKG_ENDS,
                   err, FL_FORMAT, 0,
                   "%s: 'ends' in the header is not a list of at most %d "
                   "tokens",
                   r->name, PKG_ENDS);
        p->ends[p->end_count++] = (int)id;
    }
    const char **text[] = {&p->info.scheme, &p->info.recipe,
                           &p->info.model_hash, &p->info.calib_hash,
                           &p->info.maker};
    const char *key[] = {"scheme", "recipe", "model_hash", "calib_hash",
                         "maker"};
    for (int i = 0; i < 5; i++) {
        *text[i] = string(r, key[i]);
        *text[i] = *text[i] == NULL ? "" : *text[i];
    }
    return true;
}

static bool read_all(struct reader *r, const uint8_t *file, size_t size,
                     struct fl_error *err)
{
    char hash[17];
    FL_TRY(read_header(r, file, size, err));
    FL_TRY(read_shape(r, err));
    r->p->data_hash = pkg_hash(r->data, r->size);
    pkg_hash_text(r->p->data_hash, hash);
    const char *want = string(r, "data_hash");
    FL_FAIL_IF(want == NULL || strcmp(want, hash) != 0, err, FL_FORMAT, 0,
               "%s: the data does not have the hash its header states; the "
               "file is damaged: make it again",
               r->name);
    FL_TRY(read_layers(r, err));
    FL_TRY(pkg_walk(&r->p->model, bind, r, err));
    FL_TRY(pkg_check_model(&r->p->model, r->name, err));
    return read_extras(r, err);
}

bool pkg_parse(struct pkg *p, const uint8_t *data, size_t size,
               const char *name, struct fl_error *err)
{
    *p = (struct pkg){0};
    struct owned *o = calloc(1, sizeof *o);
    FL_FAIL_IF(o == NULL, err, FL_NOMEM, 0, "%s: out of memory", name);
    p->own = o;
    struct reader r = {p, o, NULL, NULL, 0, name};
    if (read_all(&r, data, size, err))
        return true;
    pkg_close(p);
    return false;
}

bool pkg_open(struct pkg *p, const char *path, struct fl_error *err)
{
    struct fl_map map;
    *p = (struct pkg){0};
    FL_TRY(fl_map_open(&map, path, err));
    if (!pkg_parse(p, map.data, map.size, path, err)) {
        fl_map_close(&map);
        return false;
    }
    p->map = map;
    return true;
}

void pkg_close(struct pkg *p)
{
    struct owned *o = p->own;
    if (o != NULL) {
        cJSON_Delete(o->json);
        free(o->entry);
        free(o->layer);
        free(o);
    }
    tok_free(p->tok);
    if (p->map.data != NULL)
        fl_map_close(&p->map);
    *p = (struct pkg){0};
}

bool pkg_is(const char *path)
{
    struct fl_map m;
    static const char key[] = "\"format\":\"flexllm package\"";
    if (!fl_map_open(&m, path, NULL))
        return false;
    size_t n = m.size < 4096 ? m.size : 4096;
    bool is = n > 9 && m.data[8] == '{' &&
              memmem(m.data, n, key, sizeof key - 1) != NULL;
    fl_map_close(&m);
    return is;
}
