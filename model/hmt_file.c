/* SPDX-License-Identifier: Apache-2.0 */
/* model/hmt_file.c -- reading and writing a memory file. */
#include "model/hmt.h"
#include "model/safetensors.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of the metadata: name, place, range. */
#define HMT_NUMBERS(X)                                                         \
    X("d", h->d, 1, NUM_MAX_DIM)                                               \
    X("layers", h->layers, 1, NUM_MAX_LAYERS)                                  \
    X("segment", h->segment, 1, HMT_MAX_SEGMENT)                               \
    X("sensory", h->sensory, 0, HMT_MAX_SEGMENT)                               \
    X("memories", h->memories, 0, HMT_MAX_MEMORIES)                            \
    X("seed", h->info.seed, 0, INT64_MAX)                                      \
    X("steps", h->info.steps, 0, INT64_MAX)

#define HMT_STRINGS(X)                                                         \
    X("maker", h->info.maker)                                                  \
    X("command", h->info.command)                                              \
    X("model", h->info.model)                                                  \
    X("model_hash", h->info.model_hash)                                        \
    X("text", h->info.text)                                                    \
    X("text_hash", h->info.text_hash)

static const char *string(const cJSON *meta, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(meta, name);
    return cJSON_IsString(v) ? v->valuestring : "";
}

static bool number(const cJSON *meta, const char *path, const char *name,
                   int64_t lo, int64_t hi, int64_t *to, struct fl_error *err)
{
    const char *text = string(meta, name);
    char *end;
    *to = strtoll(text, &end, 10);
    FL_FAIL_IF(*text == 0 || *end != 0 || *to < lo || *to > hi, err, FL_FORMAT,
               0, "%s: metadata '%s' is '%.30s', not a number of %lld to %lld",
               path, name, text, (long long)lo, (long long)hi);
    return true;
}

static bool read_meta(struct hmt *h, const cJSON *meta, const char *path,
                      struct fl_error *err)
{
    FL_FAIL_IF(strcmp(string(meta, "format"), "flexllm memory") != 0, err,
               FL_FORMAT, 0, "%s: not a memory file; flexllm train makes one",
               path);
    FL_FAIL_IF(strcmp(string(meta, "version"), "1") != 0, err, FL_UNSUPPORTED,
               0,
               "%s: version '%.20s' of the memory format, this program "
               "reads 1",
               path, string(meta, "version"));
    int64_t v;
#define READ(name, place, lo, hi)                                              \
    FL_TRY(number(meta, path, name, lo, hi, &v, err));                         \
    place = (__typeof__(place))v;
    HMT_NUMBERS(READ)
#undef READ
#define READ(name, place)                                                      \
    snprintf(place, sizeof place, "%s", string(meta, name));
    HMT_STRINGS(READ)
#undef READ
    char *end;
    h->scale = strtod(string(meta, "scale"), &end);
    FL_FAIL_IF(*end != 0 || !(h->scale > 0) || !isfinite(h->scale), err,
               FL_FORMAT, 0, "%s: metadata 'scale' is '%.30s', not above 0",
               path, string(meta, "scale"));
    FL_FAIL_IF(h->sensory > h->segment, err, FL_FORMAT, 0,
               "%s: %d sensory tokens of segments of %d", path, h->sensory,
               h->segment);
    return true;
}

/* A tensor's dimensions; cols 1 where it is a vector. */
static bool find(const struct st *s, const char *path, const char *name,
                 int ndim, const struct st_tensor **t, struct fl_error *err)
{
    *t = st_find(s, name);
    FL_FAIL_IF(*t == NULL, err, FL_FORMAT, 0, "%s: there is no tensor %s", path,
               name);
    FL_FAIL_IF((*t)->type < 0, err, FL_UNSUPPORTED, 0,
               "%s: tensor %s is not F32, F16 or BF16", path, name);
    FL_FAIL_IF((*t)->ndim != ndim || (*t)->dim[0] > NUM_MAX_DIM ||
                   (*t)->dim[1] > NUM_MAX_DIM,
               err, FL_FORMAT, 0, "%s: tensor %s has a wrong shape", path,
               name);
    return true;
}

static bool values(const struct st_tensor *t, const char *path, float *to,
                   struct fl_error *err)
{
    size_t n = (size_t)(t->dim[0] * t->dim[1]);
    FL_FAIL_IF(!dq_run((enum dq_type)t->type, t->data, to, n), err, FL_FORMAT,
               0, "%s: tensor %s has values that are not finite", path,
               t->name);
    for (size_t i = 0; i < n; i++)
        FL_FAIL_IF(!isfinite(to[i]), err, FL_FORMAT, 0,
                   "%s: tensor %s has values that are not finite", path,
                   t->name);
    return true;
}

static bool read_lora(struct hmt *h, const struct st *s, const char *path,
                      int layer, int part, struct fl_error *err)
{
    char name[2][40];
    for (int i = 0; i < 2; i++)
        snprintf(name[i], sizeof name[i], "layer.%d.%s.%c", layer,
                 hmt_part_name[part], "ab"[i]);
    const struct st_tensor *a, *b;
    if (st_find(s, name[0]) == NULL && st_find(s, name[1]) == NULL)
        return true;
    FL_TRY(find(s, path, name[0], 2, &a, err));
    FL_TRY(find(s, path, name[1], 2, &b, err));
    FL_FAIL_IF(a->dim[0] != b->dim[1] || a->dim[0] > HMT_MAX_RANK, err,
               FL_FORMAT, 0, "%s: %s and %s have different or absurd ranks",
               path, name[0], name[1]);
    struct hmt_lora *l = &h->lora[layer * HMT_PARTS + part];
    FL_TRY(
        hmt_lora_init(l, (int)a->dim[0], (int)a->dim[1], (int)b->dim[0], err));
    return values(a, path, l->a, err) && values(b, path, l->b, err);
}

static bool read_all(struct hmt *h, const struct st *s, const char *path,
                     struct fl_error *err)
{
    FL_FAIL_IF(s->maps != 1, err, FL_FORMAT, 0, "%s: not a memory file", path);
    uint64_t n; /* st_open has checked it against the file */
    memcpy(&n, s->map[0].data, 8);
    cJSON *root =
        cJSON_ParseWithLength((const char *)s->map[0].data + 8, (size_t)n);
    bool ok = read_meta(
        h, cJSON_GetObjectItemCaseSensitive(root, "__metadata__"), path, err);
    cJSON_Delete(root);
    const struct st_tensor *t, *wq, *wk;
    ok = ok && find(s, path, "t", 1, &t, err) &&
         find(s, path, "wq", 2, &wq, err) && find(s, path, "wk", 2, &wk, err);
    if (!ok)
        return false;
    uint64_t d = (uint64_t)h->d;
    FL_FAIL_IF(t->dim[0] != d || wq->dim[0] != d || wk->dim[0] != d ||
                   wq->dim[1] != wk->dim[1],
               err, FL_FORMAT, 0,
               "%s: t, wq and wk do not fit together and with d = %d", path,
               h->d);
    h->dm = (int)wq->dim[1];
    FL_TRY(hmt_init(h, err));
    ok = values(t, path, h->t, err) && values(wq, path, h->wq, err) &&
         values(wk, path, h->wk, err);
    for (int layer = 0; ok && layer < h->layers; layer++)
        for (int part = 0; ok && part < HMT_PARTS; part++)
            ok = read_lora(h, s, path, layer, part, err);
    return ok;
}

bool hmt_open(struct hmt *h, const char *path, struct fl_error *err)
{
    struct st s;
    *h = (struct hmt){0};
    FL_TRY(st_open(&s, path, err));
    bool ok = read_all(h, &s, path, err);
    st_close(&s);
    if (!ok)
        hmt_free(h);
    return ok;
}

/* Two walks: one lists the tensors in the header, one writes them. */
struct writer {
    cJSON *json;
    FILE *f;
    bool bf16;
    uint64_t at;
};

static uint16_t to_bf16(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, 4);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void tensor(struct writer *w, const char *name, const float *v, int rows,
                   int cols, int ndim)
{
    size_t n = (size_t)rows * (size_t)cols;
    for (size_t i = 0; w->f != NULL && i < n; i++) {
        uint16_t half = to_bf16(v[i]); /* short writes: see fl_out_commit */
        if (w->bf16)
            fwrite(&half, 2, 1, w->f);
        else
            fwrite(&v[i], 4, 1, w->f);
    }
    if (w->f != NULL)
        return;
    cJSON *t = cJSON_AddObjectToObject(w->json, name);
    cJSON_AddStringToObject(t, "dtype", w->bf16 ? "BF16" : "F32");
    cJSON *shape = cJSON_AddArrayToObject(t, "shape");
    if (ndim == 2)
        cJSON_AddItemToArray(shape, cJSON_CreateNumber(rows));
    cJSON_AddItemToArray(shape, cJSON_CreateNumber(cols));
    cJSON *at = cJSON_AddArrayToObject(t, "data_offsets");
    cJSON_AddItemToArray(at, cJSON_CreateNumber((double)w->at));
    w->at += n * (w->bf16 ? 2 : 4);
    cJSON_AddItemToArray(at, cJSON_CreateNumber((double)w->at));
}

static void tensors(struct writer *w, const struct hmt *h)
{
    tensor(w, "t", h->t, 1, h->d, 1);
    tensor(w, "wq", h->wq, h->d, h->dm, 2);
    tensor(w, "wk", h->wk, h->d, h->dm, 2);
    for (int i = 0; i < h->layers * HMT_PARTS; i++) {
        const struct hmt_lora *l = &h->lora[i];
        char name[40];
        for (int k = 0; l->rank > 0 && k < 2; k++) {
            snprintf(name, sizeof name, "layer.%d.%s.%c", i / HMT_PARTS,
                     hmt_part_name[i % HMT_PARTS], "ab"[k]);
            if (k == 0)
                tensor(w, name, l->a, l->rank, l->in, 2);
            else
                tensor(w, name, l->b, l->out, l->rank, 2);
        }
    }
}

static void write_meta(cJSON *meta, const struct hmt *h)
{
    char text[40];
    cJSON_AddStringToObject(meta, "format", "flexllm memory");
    cJSON_AddStringToObject(meta, "version", "1");
#define WRITE(name, place, lo, hi)                                             \
    snprintf(text, sizeof text, "%lld", (long long)place);                     \
    cJSON_AddStringToObject(meta, name, text);
    HMT_NUMBERS(WRITE)
#undef WRITE
#define WRITE(name, place) cJSON_AddStringToObject(meta, name, place);
    HMT_STRINGS(WRITE)
#undef WRITE
    snprintf(text, sizeof text, "%.17g", h->scale);
    cJSON_AddStringToObject(meta, "scale", text);
}

bool hmt_write(const char *path, const struct hmt *h, bool bf16,
               struct fl_error *err)
{
    struct writer w = {cJSON_CreateObject(), NULL, bf16, 0};
    struct fl_out out;
    write_meta(cJSON_AddObjectToObject(w.json, "__metadata__"), h);
    tensors(&w, h);
    char *text = cJSON_PrintUnformatted(w.json);
    cJSON_Delete(w.json);
    FL_FAIL_IF(text == NULL, err, FL_NOMEM, 0, "%s: out of memory", path);
    bool ok = fl_out_open(&out, path, err);
    if (ok) {
        static const char blank[] = "                                "
                                    "                                ";
        size_t len = strlen(text), pad = -(len + 8) % 64;
        uint64_t n = len + pad;
        fwrite(&n, sizeof n, 1, out.f);
        fwrite(text, 1, len, out.f);
        fwrite(blank, 1, pad, out.f);
        w.f = out.f;
        tensors(&w, h);
        ok = fl_out_commit(&out, err);
    }
    free(text);
    return ok;
}
