/* SPDX-License-Identifier: Apache-2.0 */
/* model/package_write.c -- writing a package: one walk lays the tensors out
 * and writes the header, a second writes the data and hashes it; then the
 * hash is put into its place in the header. */
#include "model/package.h"
#include "model/package_layout.h"
#include "model/tok_pack.h"
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { ALIGN = 64 };

struct writer {
    cJSON *json;
    FILE *f;
    XXH3_state_t *hash;
    uint64_t at; /* in the data */
    int pads;
};

uint64_t pkg_hash(const void *data, size_t n)
{
    return XXH3_64bits(data, n);
}

void pkg_hash_text(uint64_t hash, char text[17])
{
    snprintf(text, 17, "%016llx", (unsigned long long)hash);
}

bool pkg_hash_file(const char *path, char text[17], struct fl_error *err)
{
    struct fl_map m;
    FL_TRY(fl_map_open(&m, path, err));
    pkg_hash_text(pkg_hash(m.data, m.size), text);
    fl_map_close(&m);
    return true;
}

static void list(struct writer *w, const char *name, enum pkg_type type,
                 const uint64_t *dim, int ndim, uint64_t bytes)
{
    cJSON *t = cJSON_AddObjectToObject(w->json, name);
    cJSON_AddStringToObject(t, "dtype", pkg_dtype[type].name);
    cJSON *shape = cJSON_AddArrayToObject(t, "shape");
    for (int i = 0; i < ndim; i++)
        cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)dim[i]));
    cJSON *at = cJSON_AddArrayToObject(t, "data_offsets");
    cJSON_AddItemToArray(at, cJSON_CreateNumber((double)w->at));
    cJSON_AddItemToArray(at, cJSON_CreateNumber((double)(w->at + bytes)));
    w->at += bytes;
}

static void put(struct writer *w, const void *data, size_t n)
{
    fwrite(data, 1, n, w->f); /* a short write is found by the commit */
    XXH3_64bits_update(w->hash, data, n);
    w->at += n;
}

/* Visits in both passes: w->json lists, w->f writes. */
static bool tensor(void *state, const struct pkg_tensor *t,
                   struct fl_error *err)
{
    static const uint8_t zero[ALIGN];
    struct writer *w = state;
    if (*t->data == NULL)
        return true;
    uint64_t bytes = (uint64_t)pkg_dtype[t->type].size;
    int ndim = 0;
    while (ndim < 3 && t->dim[ndim] > 0)
        bytes *= t->dim[ndim++];
    uint64_t pad = -bytes % ALIGN;
    if (w->f != NULL) {
        put(w, *t->data, bytes);
        put(w, zero, pad);
        return true;
    }
    list(w, t->name, t->type, t->dim, ndim, bytes);
    if (pad > 0) {
        char name[24];
        snprintf(name, sizeof name, "pad.%d", w->pads++);
        list(w, name, PKG_U8, &pad, 1, pad);
    }
    return true;
}

static bool extras(struct writer *w, const struct num_qmodel *m,
                   const uint8_t *tok, size_t tok_size, const double *inv_freq)
{
    const void *data = inv_freq;
    struct pkg_tensor t = {
        "inv_freq", PKG_F64, {(uint64_t)m->shape.head / 2}, &data, 1};
    tensor(w, &t, NULL);
    data = tok;
    t = (struct pkg_tensor){"tokenizer", PKG_U8, {tok_size}, &data, 1};
    tensor(w, &t, NULL);
    for (int i = 0; i < m->shape.layers; i++) {
        char name[32];
        int32_t param[PKG_PARAMS];
        pkg_get_layer(m, i, param);
        data = param;
        snprintf(name, sizeof name, "layer.%d.params", i);
        t = (struct pkg_tensor){name, PKG_I32, {PKG_PARAMS}, &data, 0};
        tensor(w, &t, NULL);
    }
    return true;
}

static void number(cJSON *meta, const char *name, long long v)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", v);
    cJSON_AddStringToObject(meta, name, text);
}

static void string(cJSON *meta, const char *name, const char *v)
{
    cJSON_AddStringToObject(meta, name, v == NULL ? "" : v);
}

static void metadata(cJSON *meta, const struct num_qmodel *m,
                     const struct tok *tok, const struct pkg_info *info)
{
    const struct num_shape *s = &m->shape;
    char eps[40], ends[PKG_ENDS * 12 + 1] = "";
    snprintf(eps, sizeof eps, "%.17g", s->eps);
    size_t at = 0;
    for (int id = 0, n = 0; tok && id < tok_count(tok) && n < PKG_ENDS; id++)
        if (tok_is_end(tok, id)) {
            at += (size_t)snprintf(ends + at, sizeof ends - at, "%s%d",
                                   n ? " " : "", id);
            n++;
        }
    string(meta, "format", "flexllm package");
    number(meta, "version", m->wide > 0 ? PKG_VERSION : 1);
    string(meta, "data_hash", "0000000000000000"); /* filled in last */
    string(meta, "scheme", info->scheme);
    string(meta, "recipe", info->recipe);
    string(meta, "model_hash", info->model_hash);
    string(meta, "calib_hash", info->calib_hash);
    string(meta, "maker", info->maker);
    string(meta, "ends", ends);
    string(meta, "eps", eps);
    number(meta, "layers", s->layers);
    number(meta, "d", s->d);
    number(meta, "ffn", s->ffn);
    number(meta, "nq", s->nq);
    number(meta, "nkv", s->nkv);
    number(meta, "head", s->head);
    number(meta, "vocab", s->vocab);
    number(meta, "model_seq", s->seq);
    number(meta, "tied", s->tied);
    number(meta, "qkv_bias", s->qkv_bias);
    number(meta, "seq", m->seq);
    if (m->wide > 0)
        number(meta, "wide", m->wide);
    number(meta, "kvbits", m->kvbits);
    number(meta, "r3", m->r3);
    number(meta, "r4", m->r4);
    number(meta, "res_frac", m->res_frac);
    number(meta, "eps_q", (long long)m->eps_q);
    number(meta, "sqrt_d_mant", m->sqrt_d.mant);
    number(meta, "sqrt_d_exp", m->sqrt_d.exp);
    number(meta, "head_abits", m->head_site.abits);
    number(meta, "head_clip", m->head_site.clip);
    number(meta, "head_wbits", m->head.wbits);
    number(meta, "head_group", m->head.group);
}

/* The header's text, spaces to a multiple of 64 with its length word; *hash:
 * where in the file the hash of the data stands. */
static char *header(cJSON *json, uint64_t *n, long *hash)
{
    static const char key[] = "\"data_hash\":\"";
    char *text = cJSON_PrintUnformatted(json);
    if (text == NULL)
        return NULL;
    size_t len = strlen(text), pad = -(len + 8) % ALIGN;
    char *out = malloc(len + pad + 1);
    if (out != NULL) {
        memcpy(out, text, len);
        memset(out + len, ' ', pad);
        out[len + pad] = 0;
        *n = len + pad;
        size_t before = 0; /* bytes before the key; it is always there */
        while (memcmp(out + before, key, sizeof key - 1) != 0)
            before++;
        *hash = (long)(8 + before + sizeof key - 1);
    }
    free(text);
    return out;
}

static bool write_all(struct writer *w, struct num_qmodel *m,
                      const struct tok *tok, const uint8_t *blob,
                      size_t blob_size, const double *inv_freq,
                      const struct pkg_info *info, struct fl_out *out,
                      struct fl_error *err)
{
    metadata(cJSON_AddObjectToObject(w->json, "__metadata__"), m, tok, info);
    extras(w, m, blob, blob_size, inv_freq);
    FL_TRY(pkg_walk(m, tensor, w, err));
    uint64_t n = 0;
    long at = 0;
    char *text = header(w->json, &n, &at);
    FL_FAIL_IF(text == NULL, err, FL_NOMEM, 0, "out of memory");
    fwrite(&n, sizeof n, 1, out->f);
    fwrite(text, 1, n, out->f);
    free(text);
    w->f = out->f;
    extras(w, m, blob, blob_size, inv_freq);
    FL_TRY(pkg_walk(m, tensor, w, err));
    char hash[17];
    pkg_hash_text(XXH3_64bits_digest(w->hash), hash);
    FL_FAIL_IF(fseek(out->f, at, SEEK_SET) != 0, err, FL_IO, 0,
               "%s: cannot seek; a package needs a regular file", out->path);
    fwrite(hash, 1, 16, out->f);
    return true;
}

bool pkg_write(const char *path, const struct num_qmodel *m,
               const struct tok *tok, const double *inv_freq,
               const struct pkg_info *info, struct fl_error *err)
{
    struct num_qmodel copy = *m; /* the walk wants it writable */
    struct writer w = {cJSON_CreateObject(), NULL, XXH3_createState(), 0, 0};
    struct fl_out out;
    uint8_t *blob = NULL;
    size_t blob_size = 0;
    bool ok = w.json != NULL && w.hash != NULL;
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    else
        XXH3_64bits_reset(w.hash);
    ok = ok && (tok == NULL || tok_pack(tok, &blob, &blob_size, err));
    ok = ok && fl_out_open(&out, path, err);
    if (ok &&
        write_all(&w, &copy, tok, blob, blob_size, inv_freq, info, &out, err)) {
        ok = fl_out_commit(&out, err);
    } else if (ok) {
        fl_out_abort(&out);
        ok = false;
    }
    free(blob);
    cJSON_Delete(w.json);
    XXH3_freeState(w.hash);
    return ok;
}
