/* SPDX-License-Identifier: Apache-2.0 */
/* model/load.c -- weights of a checkpoint as fp32: rows, layers, all of it. */
#include "model/source.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Where the file has channel c of a head: pairs (2i, 2i+1) here are
 * (i, i + head/2) there. */
static int file_channel(int c, int head)
{
    return c / 2 + c % 2 * (head / 2);
}

static bool turned(const struct model *m, enum model_part part)
{
    return m->halves && (part == MODEL_WQ || part == MODEL_WK ||
                         part == MODEL_BQ || part == MODEL_BK);
}

static bool not_finite(const struct model *m, const struct model_tensor *t,
                       int row, struct fl_error *err)
{
    fl_fail(err, FL_FORMAT, (uint64_t)row,
            "%s: tensor %.*s, row %d, holds a value that is not finite; is "
            "the file damaged?",
            m->path, t->name_len, t->name, row);
    return false;
}

static bool permute_vector(const struct model *m, float *v, int n,
                           struct fl_error *err)
{
    int head = m->shape.head;
    float *copy = malloc((size_t)n * sizeof *copy);
    FL_FAIL_IF(!copy, err, FL_NOMEM, 0, "%s: out of memory", m->path);
    memcpy(copy, v, (size_t)n * sizeof *copy);
    for (int r = 0; r < n; r++)
        v[r] = copy[r / head * head + file_channel(r % head, head)];
    free(copy);
    return true;
}

bool model_read(const struct model *m, enum model_part part, int layer,
                int first, int rows, float *to, struct fl_error *err)
{
    const struct model_tensor *t = model_at(m, part, layer);
    const struct dq_info *info = dq_info(t->type);
    int all, cols, head = m->shape.head;
    model_dims(m, part, &all, &cols);
    assert(t->name && first >= 0 && rows >= 0 && rows <= all - first);
    size_t stride = (size_t)cols / info->block * info->bytes;
    bool turn = turned(m, part);
    for (int k = 0; k < rows; k++) {
        int row = first + k;
        if (turn && all > 1)
            row = row / head * head + file_channel(row % head, head);
        if (!dq_run(t->type, t->data + (size_t)row * stride,
                    to + (size_t)k * (size_t)cols, (size_t)cols))
            return not_finite(m, t, row, err);
    }
    return !(turn && all == 1) || permute_vector(m, to, cols, err);
}

/* A whole part, allocated; NULL on failure. */
static float *whole(const struct model *m, enum model_part part, int layer,
                    struct fl_error *err)
{
    int rows, cols;
    model_dims(m, part, &rows, &cols);
    float *to = malloc((size_t)rows * (size_t)cols * sizeof *to);
    if (!to)
        fl_fail(err, FL_NOMEM, 0, "%s: out of memory for %d x %d weights",
                m->path, rows, cols);
    else if (!model_read(m, part, layer, 0, rows, to, err)) {
        free(to);
        to = NULL;
    }
    return to;
}

/* The members of a layer in the order of the parts. */
enum { MEMBERS = MODEL_LAYER_PARTS };

static void members(struct num_flayer *l, float **to[MEMBERS])
{
    float **all[MEMBERS] = {[MODEL_NORM_ATTN] = &l->norm_attn,
                            [MODEL_NORM_FFN] = &l->norm_ffn,
                            [MODEL_WQ] = &l->wq,
                            [MODEL_WK] = &l->wk,
                            [MODEL_WV] = &l->wv,
                            [MODEL_WO] = &l->wo,
                            [MODEL_GATE] = &l->gate,
                            [MODEL_UP] = &l->up,
                            [MODEL_DOWN] = &l->down,
                            [MODEL_BQ] = &l->bq,
                            [MODEL_BK] = &l->bk,
                            [MODEL_BV] = &l->bv,
                            [MODEL_BO] = &l->bo,
                            [MODEL_BGATE] = &l->bgate,
                            [MODEL_BUP] = &l->bup,
                            [MODEL_BDOWN] = &l->bdown};
    memcpy(to, all, sizeof all);
}

bool model_layer(const struct model *m, int layer, struct num_flayer *l,
                 struct fl_error *err)
{
    float **to[MEMBERS];
    *l = (struct num_flayer){0};
    members(l, to);
    for (int p = 0; p < MEMBERS; p++) {
        if (!model_has(m, (enum model_part)p))
            continue;
        *to[p] = whole(m, (enum model_part)p, layer, err);
        if (!*to[p]) {
            model_layer_free(l);
            return false;
        }
    }
    return true;
}

void model_layer_free(struct num_flayer *l)
{
    float **to[MEMBERS];
    members(l, to);
    for (int p = 0; p < MEMBERS; p++)
        free(*to[p]);
    *l = (struct num_flayer){0};
}

static bool load_all(const struct model *m, struct num_fmodel *w,
                     struct fl_error *err)
{
    size_t pairs = (size_t)m->shape.head / 2;
    w->layer = calloc((size_t)m->shape.layers, sizeof *w->layer);
    w->inv_freq = malloc(pairs * sizeof *w->inv_freq);
    FL_FAIL_IF(!w->layer || !w->inv_freq, err, FL_NOMEM, 0, "%s: out of memory",
               m->path);
    memcpy(w->inv_freq, m->inv_freq, pairs * sizeof *w->inv_freq);
    for (int l = 0; l < m->shape.layers; l++)
        FL_TRY(model_layer(m, l, &w->layer[l], err));
    w->embed = whole(m, MODEL_EMBED, 0, err);
    FL_TRY(w->embed != NULL);
    w->norm_final = whole(m, MODEL_NORM_FINAL, 0, err);
    FL_TRY(w->norm_final != NULL);
    w->head = m->shape.tied ? w->embed : whole(m, MODEL_HEAD, 0, err);
    return w->head != NULL;
}

bool model_load(const struct model *m, struct num_fmodel *w,
                struct fl_error *err)
{
    *w = (struct num_fmodel){.shape = m->shape};
    if (load_all(m, w, err))
        return true;
    model_unload(w);
    return false;
}

void model_unload(struct num_fmodel *w)
{
    for (int l = 0; w->layer && l < w->shape.layers; l++)
        model_layer_free(&w->layer[l]);
    if (w->head != w->embed)
        free(w->head);
    free(w->layer);
    free(w->embed);
    free(w->norm_final);
    free(w->inv_freq);
    *w = (struct num_fmodel){0};
}
