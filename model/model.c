/* SPDX-License-Identifier: Apache-2.0 */
/* model/model.c -- opening a checkpoint and reading its parts. */
#include "model/source.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool model_check_shape(const struct model *m, struct fl_error *err)
{
    const struct num_shape *s = &m->shape;
    const struct {
        const char *what;
        int v, low, high;
    } range[] = {
        {"layers", s->layers, 1, NUM_MAX_LAYERS},
        {"hidden size", s->d, 1, NUM_MAX_DIM},
        {"feed-forward size", s->ffn, 1, NUM_MAX_DIM},
        {"query heads", s->nq, 1, NUM_MAX_DIM / 2},
        {"key/value heads", s->nkv, 1, s->nq},
        {"head size", s->head, 2, NUM_MAX_HEAD},
        {"vocabulary", s->vocab, 1, NUM_MAX_VOCAB},
        {"context", s->seq, 1, NUM_MAX_SEQ},
    };
    for (size_t k = 0; k < sizeof range / sizeof *range; k++)
        FL_FAIL_IF(range[k].v < range[k].low || range[k].v > range[k].high, err,
                   FL_RANGE, 0, "%s: %s is %d, outside %d..%d", m->path,
                   range[k].what, range[k].v, range[k].low, range[k].high);
    FL_FAIL_IF(s->head % 2 || s->nq % s->nkv || s->nq * s->head > NUM_MAX_DIM,
               err, FL_RANGE, 0,
               "%s: %d query heads, %d key/value heads of size %d do not fit "
               "together",
               m->path, s->nq, s->nkv, s->head);
    FL_FAIL_IF(!(s->eps >= 0 && s->eps < 1), err, FL_RANGE, 0,
               "%s: RMSNorm's epsilon is %g", m->path, s->eps);
    return true;
}

bool model_room(struct model *m, struct fl_error *err)
{
    size_t n = (size_t)m->shape.layers * MODEL_LAYER_PARTS +
               (MODEL_PART_COUNT - MODEL_LAYER_PARTS);
    m->tensor = calloc(n, sizeof *m->tensor);
    FL_FAIL_IF(!m->tensor, err, FL_NOMEM, 0, "%s: out of memory", m->path);
    return true;
}

struct model_tensor *model_at(const struct model *m, enum model_part part,
                              int layer)
{
    size_t layers = (size_t)m->shape.layers * MODEL_LAYER_PARTS;
    if (part == MODEL_HEAD && m->shape.tied)
        part = MODEL_EMBED;
    return part < MODEL_LAYER_PARTS
               ? &m->tensor[(size_t)layer * MODEL_LAYER_PARTS + part]
               : &m->tensor[layers + part - MODEL_LAYER_PARTS];
}

void model_dims(const struct model *m, enum model_part part, int *rows,
                int *cols)
{
    const struct num_shape *s = &m->shape;
    int d = s->d, ffn = s->ffn, vocab = s->vocab;
    int q = s->nq * s->head, kv = s->nkv * s->head;
    const int dims[][2] = {
#define MODEL_PART_DIMS(part, rows, cols) {rows, cols},
        MODEL_PARTS(MODEL_PART_DIMS)
#undef MODEL_PART_DIMS
    };
    *rows = dims[part][0];
    *cols = dims[part][1];
}

bool model_set(struct model *m, enum model_part part, int layer,
               struct model_tensor t, uint64_t rows, uint64_t cols,
               struct fl_error *err)
{
    int r, c;
    model_dims(m, part, &r, &c);
    FL_FAIL_IF(rows != (uint64_t)r || cols != (uint64_t)c, err, FL_FORMAT, 0,
               "%s: tensor %.*s is (%" PRIu64 ", %" PRIu64 "), want (%d, %d)",
               m->path, t.name_len, t.name, rows, cols, r, c);
    *model_at(m, part, layer) = t;
    return true;
}

/* ---- opening ---- */

/* The directory of path (`whole`: path itself), a slash, and name. */
static char *beside(const char *path, bool whole, const char *name)
{
    const char *slash = strrchr(path, '/');
    size_t dir = whole ? strlen(path) : slash ? (size_t)(slash - path) : 0;
    char *to = malloc(dir + strlen(name) + 3);
    if (!to)
        return NULL;
    if (!whole && !slash)
        strcpy(to, name);
    else
        sprintf(to, "%.*s/%s", (int)dir, path, name);
    return to;
}

/* path with its ending `from` replaced by `to`; NULL if it has another. */
static char *stem_with(const char *path, const char *from, const char *to)
{
    size_t n = strlen(path), tail = strlen(from);
    if (n < tail || strcmp(path + n - tail, from) != 0)
        return NULL;
    char *s = malloc(n + strlen(to) + 1);
    if (s)
        sprintf(s, "%.*s%s", (int)(n - tail), path, to);
    return s;
}

static bool readable(const char *path)
{
    struct fl_map m;
    bool ok = path && fl_map_open(&m, path, NULL);
    if (ok)
        fl_map_close(&m);
    return ok;
}

/* The first file there is among those that may hold the tokenizer. */
static void find_tokenizer(struct model *m, bool directory)
{
    char sized[32];
    snprintf(sized, sizeof sized, "tok%d.bin", m->shape.vocab);
    char *tries[] = {stem_with(m->path, ".safetensors", ".tokenizer.json"),
                     beside(m->path, directory, "tokenizer.json"),
                     beside(m->path, directory, "tokenizer.model"),
                     beside(m->path, directory, sized),
                     beside(m->path, directory, "tokenizer.bin")};
    enum { N = sizeof tries / sizeof *tries };
    struct fl_error why = {0};
    int k = 0;
    while (k < N && !readable(tries[k]))
        k++;
    if (k == N)
        snprintf(m->tok_why, sizeof m->tok_why,
                 "%s: no tokenizer beside it (tokenizer.json, "
                 "tokenizer.model, %s or tokenizer.bin)",
                 m->path, sized);
    else if (!tok_open(&m->tok, tries[k], &why))
        snprintf(m->tok_why, sizeof m->tok_why, "%s", why.msg);
    else
        tok_default_ends(m->tok, m->bos, m->eos);
    for (k = 0; k < N; k++)
        free(tries[k]);
}

static bool open_directory(struct model *m, struct fl_error *err)
{
    char *config = beside(m->path, true, "config.json");
    char *one = beside(m->path, true, "model.safetensors");
    char *many = beside(m->path, true, "model.safetensors.index.json");
    bool ok = false;
    if (!config || !one || !many)
        fl_fail(err, FL_NOMEM, 0, "%s: out of memory", m->path);
    else
        ok = st_open(&m->st, readable(one) || !readable(many) ? one : many,
                     err) &&
             model_from_hf(m, config, err);
    free(config);
    free(one);
    free(many);
    if (ok)
        find_tokenizer(m, true);
    return ok;
}

static bool open_safetensors(struct model *m, struct fl_error *err)
{
    char *config = stem_with(m->path, ".safetensors", ".config.json");
    if (!readable(config)) {
        free(config);
        config = beside(m->path, false, "config.json");
    }
    FL_FAIL_IF(!config, err, FL_NOMEM, 0, "%s: out of memory", m->path);
    bool ok = st_open(&m->st, m->path, err) && model_from_hf(m, config, err);
    free(config);
    if (ok)
        find_tokenizer(m, false);
    return ok;
}

static bool open_any(struct model *m, struct fl_error *err)
{
    struct fl_map map;
    char *config = beside(m->path, true, "config.json");
    bool directory = readable(config);
    free(config);
    if (directory)
        return open_directory(m, err);
    struct stat st;
    FL_FAIL_IF(stat(m->path, &st) == 0 && S_ISDIR(st.st_mode), err, FL_FORMAT,
               0, "%s: a directory without config.json", m->path);
    FL_TRY(fl_map_open(&map, m->path, err));
    uint64_t header = UINT64_MAX;
    if (map.size >= 9)
        memcpy(&header, map.data, 8);
    bool gguf = map.size >= 4 && memcmp(map.data, "GGUF", 4) == 0;
    bool tensors =
        map.size >= 9 && header <= map.size - 8 && map.data[8] == '{';
    fl_map_close(&map);
    if (gguf)
        return model_from_gguf(m, err);
    if (tensors)
        return open_safetensors(m, err);
    FL_TRY(model_from_bin(m, err));
    find_tokenizer(m, false);
    return true;
}

bool model_open(struct model **out, const char *path, struct fl_error *err)
{
    struct model *m = *out = calloc(1, sizeof *m);
    if (m)
        m->path = strdup(path);
    if (!m || !m->path) {
        free(m);
        *out = NULL;
        fl_fail(err, FL_NOMEM, 0, "%s: out of memory", path);
        return false;
    }
    m->bos = m->eos = -1;
    if (!open_any(m, err)) {
        model_close(m);
        *out = NULL;
        return false;
    }
    if (m->tok && tok_count(m->tok) > m->shape.vocab) {
        snprintf(m->tok_why, sizeof m->tok_why,
                 "%s: the tokenizer has %d tokens, the embedding %d rows", path,
                 tok_count(m->tok), m->shape.vocab);
        tok_free(m->tok);
        m->tok = NULL;
    }
    return true;
}

void model_close(struct model *m)
{
    if (!m)
        return;
    tok_free(m->tok);
    gguf_close(&m->gguf);
    st_close(&m->st);
    if (m->map.data)
        fl_map_close(&m->map);
    free(m->tensor);
    free(m->inv_freq);
    free(m->path);
    free(m);
}

/* ---- what it is ---- */

const struct num_shape *model_shape(const struct model *m)
{
    return &m->shape;
}

const double *model_inv_freq(const struct model *m)
{
    return m->inv_freq;
}

const struct tok *model_tok(const struct model *m)
{
    return m->tok;
}

const char *model_tok_why(const struct model *m)
{
    return m->tok_why;
}

const char *model_path(const struct model *m)
{
    return m->path;
}

const char *model_format(const struct model *m)
{
    return m->format;
}

const char *model_name(const struct model *m)
{
    return m->name;
}

bool model_has(const struct model *m, enum model_part part)
{
    return !(part == MODEL_HEAD && m->shape.tied) &&
           model_at(m, part, 0)->name != NULL;
}

const char *model_type(const struct model *m, enum model_part part, int layer)
{
    return model_has(m, part) ? dq_info(model_at(m, part, layer)->type)->name
                              : NULL;
}

/* Calls for every tensor of the file; sums weights, or bytes. */
static uint64_t total(const struct model *m, bool bytes)
{
    uint64_t sum = 0;
    for (int p = 0; p < MODEL_PART_COUNT; p++) {
        enum model_part part = (enum model_part)p;
        int rows, cols;
        model_dims(m, part, &rows, &cols);
        for (int l = 0; l < (p < MODEL_LAYER_PARTS ? m->shape.layers : 1);
             l++) {
            if (!model_has(m, part))
                continue;
            const struct dq_info *info = dq_info(model_at(m, part, l)->type);
            uint64_t n = (uint64_t)rows * (uint64_t)cols;
            sum += bytes ? n / info->block * info->bytes : n;
        }
    }
    return sum;
}

uint64_t model_bytes(const struct model *m)
{
    return total(m, true);
}

uint64_t model_weights(const struct model *m)
{
    return total(m, false);
}
