/* SPDX-License-Identifier: Apache-2.0 */
#include "model/hmt.h"
#include <stdlib.h>
#include <string.h>

const char *const hmt_part_name[HMT_PARTS] = {"wq",   "wk", "wv",  "wo",
                                              "gate", "up", "down"};

static bool floats(float **to, int rows, int cols, struct fl_error *err)
{
    *to = calloc((size_t)rows * (size_t)cols, sizeof **to);
    FL_FAIL_IF(*to == NULL, err, FL_NOMEM, 0,
               "out of memory for a matrix of %d x %d", rows, cols);
    return true;
}

bool hmt_init(struct hmt *h, struct fl_error *err)
{
    h->t = h->wq = h->wk = NULL;
    h->lora = calloc((size_t)h->layers * HMT_PARTS, sizeof *h->lora);
    bool ok = floats(&h->t, 1, h->d, err) && floats(&h->wq, h->d, h->dm, err) &&
              floats(&h->wk, h->d, h->dm, err);
    if (ok && h->lora == NULL) {
        fl_fail(err, FL_NOMEM, 0, "out of memory");
        ok = false;
    }
    if (!ok)
        hmt_free(h);
    return ok;
}

bool hmt_lora_init(struct hmt_lora *l, int rank, int in, int out,
                   struct fl_error *err)
{
    *l = (struct hmt_lora){.rank = rank, .in = in, .out = out};
    return floats(&l->a, rank, in, err) && floats(&l->b, out, rank, err);
}

void hmt_free(struct hmt *h)
{
    for (int i = 0; h->lora != NULL && i < h->layers * HMT_PARTS; i++) {
        free(h->lora[i].a);
        free(h->lora[i].b);
    }
    free(h->lora);
    free(h->t);
    free(h->wq);
    free(h->wk);
    *h = (struct hmt){0};
}

bool hmt_fits(const struct hmt *h, const struct num_shape *s, const char *path,
              struct fl_error *err)
{
    FL_FAIL_IF(h->d != s->d || h->layers != s->layers, err, FL_UNSUPPORTED, 0,
               "%s: made for a model of width %d and %d layers, this one has "
               "%d and %d; give the model it was trained with (%.100s)",
               path, h->d, h->layers, s->d, s->layers, h->info.model);
    int q = s->nq * s->head, kv = s->nkv * s->head;
    const int dim[HMT_PARTS][2] = {
        {s->d, q},      {s->d, kv},     {s->d, kv},    {q, s->d},
        {s->d, s->ffn}, {s->d, s->ffn}, {s->ffn, s->d}};
    for (int i = 0; i < h->layers * HMT_PARTS; i++) {
        const struct hmt_lora *l = &h->lora[i];
        const int *want = dim[i % HMT_PARTS];
        FL_FAIL_IF(l->rank > 0 && (l->in != want[0] || l->out != want[1]), err,
                   FL_UNSUPPORTED, 0,
                   "%s: layer.%d.%s is for a matrix of %d x %d, the model's is "
                   "%d x %d; give the model it was trained with",
                   path, i / HMT_PARTS, hmt_part_name[i % HMT_PARTS], l->out,
                   l->in, want[1], want[0]);
    }
    return true;
}

/* w (out, in) += b a */
static void merge(const struct hmt_lora *l, float *w)
{
    for (int o = 0; l->rank > 0 && o < l->out; o++)
        for (int r = 0; r < l->rank; r++) {
            float b = l->b[(size_t)o * (size_t)l->rank + (size_t)r];
            const float *a = l->a + (size_t)r * (size_t)l->in;
            float *row = w + (size_t)o * (size_t)l->in;
            for (int i = 0; i < l->in; i++)
                row[i] += b * a[i];
        }
}

void hmt_merge_layer(const struct hmt *h, int layer, struct num_flayer *l)
{
    float *w[HMT_PARTS] = {l->wq, l->wk, l->wv, l->wo, l->gate, l->up, l->down};
    for (int p = 0; p < HMT_PARTS; p++)
        merge(&h->lora[layer * HMT_PARTS + p], w[p]);
}

void hmt_merge(const struct hmt *h, struct num_fmodel *m)
{
    for (int layer = 0; layer < h->layers; layer++)
        hmt_merge_layer(h, layer, &m->layer[layer]);
}
