/* SPDX-License-Identifier: Apache-2.0 */
/* explore/shape.c -- reads designs/models/NAME.json. */
#include "explore/shape.h"
#include "explore/json.h"

static bool shape_read(struct num_shape *s, const cJSON *root, const char *path,
                       struct fl_error *err)
{
    const struct {
        const char *key;
        int hi;
        int *to;
    } f[] = {
        {"layers", NUM_MAX_LAYERS, &s->layers},
        {"d", NUM_MAX_DIM, &s->d},
        {"ffn", NUM_MAX_DIM, &s->ffn},
        {"nq", NUM_MAX_DIM, &s->nq},
        {"nkv", NUM_MAX_DIM, &s->nkv},
        {"head", NUM_MAX_HEAD, &s->head},
        {"vocab", NUM_MAX_VOCAB, &s->vocab},
        {"seq", NUM_MAX_SEQ, &s->seq},
    };
    for (size_t i = 0; i < sizeof f / sizeof *f; i++)
        FL_TRY(xpl_json_int(root, path, f[i].key, 1, f[i].hi, f[i].to, err));
    FL_TRY(xpl_json_bool(root, path, "tied", &s->tied, err));
    FL_TRY(xpl_json_bool(root, path, "qkv_bias", &s->qkv_bias, err));
    FL_FAIL_IF(s->head % 2 != 0, err, FL_RANGE, 0,
               "%s: \"head\" is %d, must be even", path, s->head);
    FL_FAIL_IF(s->nq % s->nkv != 0, err, FL_RANGE, 0,
               "%s: \"nkv\" %d must divide \"nq\" %d", path, s->nkv, s->nq);
    FL_FAIL_IF(s->nq > NUM_MAX_DIM / s->head, err, FL_RANGE, 0,
               "%s: \"nq\" times \"head\" is more than %d", path, NUM_MAX_DIM);
    return true;
}

bool xpl_shape_load(struct num_shape *s, const char *name, struct fl_error *err)
{
    char path[4096];
    *s = (struct num_shape){0};
    FL_TRY(xpl_json_path(path, sizeof path, "models", name, err));
    cJSON *root = xpl_json_open(path, err);
    bool ok = root != 0 && shape_read(s, root, path, err);
    cJSON_Delete(root);
    return ok;
}

double xpl_shape_layer_weights(const struct num_shape *s)
{
    double q = (double)s->nq * s->head, kv = (double)s->nkv * s->head;
    return s->layers * (s->d * (2 * q + 2 * kv) + 3.0 * (double)s->d * s->ffn);
}

double xpl_shape_head_weights(const struct num_shape *s)
{
    return (double)s->d * s->vocab;
}
