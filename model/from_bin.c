/* SPDX-License-Identifier: Apache-2.0 */
/* model/from_bin.c -- llama2.c checkpoints, the first ("legacy") version.
 *
 *   i32 d, ffn, layers, nq, nkv, vocab (negative: the head is untied), seq
 *   f32 embed (vocab, d) | norm_attn (layer, d) | wq wk wv wo (layer, ..)
 *       | norm_ffn (layer, d) | gate down up (layer, ..) | norm_final (d)
 *       | two unused RoPE tables (seq, head/2) | head (vocab, d) if untied
 *
 * Rotary pairs are adjacent channels. RoPE base and eps are not in the file:
 * 10000 and 1e-5.
 */
#include "model/source.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 28, AK42 = 0x616b3432 };

static const struct {
    enum model_part part;
    const char *name;
} order[] = {{MODEL_EMBED, "embed"},
             {MODEL_NORM_ATTN, "norm_attn"},
             {MODEL_WQ, "wq"},
             {MODEL_WK, "wk"},
             {MODEL_WV, "wv"},
             {MODEL_WO, "wo"},
             {MODEL_NORM_FFN, "norm_ffn"},
             {MODEL_GATE, "w1"},
             {MODEL_DOWN, "w2"},
             {MODEL_UP, "w3"},
             {MODEL_NORM_FINAL, "norm_final"}};

static uint64_t size_of(const struct model *m, enum model_part part)
{
    int rows, cols;
    model_dims(m, part, &rows, &cols);
    return 4ull * (uint64_t)rows * (uint64_t)cols;
}

static bool set(struct model *m, enum model_part part, int layer,
                const char *name, const uint8_t *data, struct fl_error *err)
{
    int rows, cols;
    model_dims(m, part, &rows, &cols);
    struct model_tensor t = {name, (int)strlen(name), DQ_F32, data};
    return model_set(m, part, layer, t, (uint64_t)rows, (uint64_t)cols, err);
}

bool model_from_bin(struct model *m, struct fl_error *err)
{
    int32_t h[7];
    FL_TRY(fl_map_open(&m->map, m->path, err));
    const uint8_t *data = m->map.data;
    FL_FAIL_IF(m->map.size < HEADER, err, FL_FORMAT, 0,
               "%s: neither GGUF nor safetensors, and too short for "
               "llama2.c",
               m->path);
    memcpy(h, data, sizeof h);
    FL_FAIL_IF(h[0] == AK42, err, FL_UNSUPPORTED, 0,
               "%s: llama2.c version %d; export it with version 0", m->path,
               h[1]);
    struct num_shape *s = &m->shape;
    *s = (struct num_shape){.d = h[0],
                            .ffn = h[1],
                            .layers = h[2],
                            .nq = h[3],
                            .nkv = h[4],
                            .seq = h[6],
                            .eps = 1e-5};
    s->tied = h[5] > 0;
    s->vocab = h[5] == INT32_MIN ? 0 : abs(h[5]);
    s->head = s->nq > 0 ? s->d / s->nq : 0;
    struct fl_error why = {0};
    FL_FAIL_IF(!model_check_shape(m, &why), err, FL_FORMAT, 0,
               "%s: not GGUF, safetensors or llama2.c", m->path);
    snprintf(m->format, sizeof m->format, "llama2.c");
    FL_TRY(model_room(m, err));
    enum { N = sizeof order / sizeof *order };
    uint64_t want = HEADER,
             tables = 4ull * (uint64_t)s->seq * (uint64_t)s->head;
    for (int k = 0; k < N; k++)
        want += size_of(m, order[k].part) *
                (uint64_t)(order[k].part < MODEL_LAYER_PARTS ? s->layers : 1);
    want += tables + (s->tied ? 0 : size_of(m, MODEL_HEAD));
    FL_FAIL_IF(m->map.size != want, err, FL_FORMAT, 0,
               "%s: %zu bytes, but a llama2.c model of d %d, ffn %d, %d "
               "layers and %d tokens has %" PRIu64,
               m->path, m->map.size, s->d, s->ffn, s->layers, s->vocab, want);
    const uint8_t *at = data + HEADER;
    for (int k = 0; k < N; k++) {
        bool layered = order[k].part < MODEL_LAYER_PARTS;
        for (int l = 0; l < (layered ? s->layers : 1); l++) {
            FL_TRY(set(m, order[k].part, l, order[k].name, at, err));
            at += size_of(m, order[k].part);
        }
    }
    at += tables;
    if (!s->tied)
        FL_TRY(set(m, MODEL_HEAD, 0, "head", at, err));
    return model_rope(m, 10000, NULL, err);
}
