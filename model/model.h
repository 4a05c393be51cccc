/* SPDX-License-Identifier: Apache-2.0 */
/* model/model.h -- a checkpoint of any kind behind one interface.
 *
 *     struct model *m;
 *     struct num_fmodel w;
 *     if (model_open(&m, "SmolLM2.gguf", &err) && model_load(m, &w, &err))
 *         ...
 *     model_unload(&w);
 *     model_close(m);
 *
 * What a path is, is decided by its content:
 *
 *   GGUF          architectures llama and qwen2
 *   safetensors   X.safetensors with X.config.json or config.json beside it
 *   a directory   config.json and model.safetensors, or its sharded index;
 *                 model_type llama, mistral or qwen2
 *   llama2.c      .bin of the first version ("legacy")
 *
 * Weights come out in fp32, whole or a layer or some rows at a time, in the
 * order num/fmodel.h describes: rotary pairs are adjacent channels, so rows
 * of q and k (and their biases) are permuted here where the file pairs
 * channel i with i + head/2. A model is never held in fp32 unless
 * model_load asks for it.
 *
 * Opening checks every shape against every tensor; reading finds weights
 * that are not finite. Both say which tensor.
 *
 * threads  model_read, model_layer and model_load may run at the same time
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H
#include "base/error.h"
#include "model/tokenizer.h"
#include "num/fmodel.h"

/* part, rows, columns; q = nq head, kv = nkv head. Vectors are one row. */
#define MODEL_PARTS(X)                                                         \
    X(NORM_ATTN, 1, d)                                                         \
    X(NORM_FFN, 1, d)                                                          \
    X(WQ, q, d)                                                                \
    X(WK, kv, d)                                                               \
    X(WV, kv, d)                                                               \
    X(WO, d, q)                                                                \
    X(GATE, ffn, d)                                                            \
    X(UP, ffn, d)                                                              \
    X(DOWN, d, ffn)                                                            \
    X(BQ, 1, q)                                                                \
    X(BK, 1, kv)                                                               \
    X(BV, 1, kv)                                                               \
    X(BO, 1, d)                                                                \
    X(BGATE, 1, ffn)                                                           \
    X(BUP, 1, ffn)                                                             \
    X(BDOWN, 1, d)                                                             \
    X(EMBED, vocab, d)                                                         \
    X(NORM_FINAL, 1, d)                                                        \
    X(HEAD, vocab, d)

enum model_part {
#define MODEL_PART_ENUM(part, rows, cols) MODEL_##part,
    MODEL_PARTS(MODEL_PART_ENUM)
#undef MODEL_PART_ENUM
        MODEL_PART_COUNT,
    MODEL_LAYER_PARTS = MODEL_EMBED /* the parts each layer has */
};

struct model;

bool model_open(struct model **m, const char *path, struct fl_error *err);
void model_close(struct model *m);

const struct num_shape *model_shape(const struct model *m);
/* (h/2) radians a position, with the file's RoPE base and scaling. */
const double *model_inv_freq(const struct model *m);
/* NULL where the model has no usable tokenizer; model_tok_why says why. It
 * never has more tokens than the embedding has rows. */
const struct tok *model_tok(const struct model *m);
const char *model_tok_why(const struct model *m);
const char *model_path(const struct model *m);
const char *model_format(const struct model *m); /* "GGUF 3" and the like */
const char *model_name(const struct model *m);   /* "" if the file has none */

/* Dimensions of a part. A tied head has those of the embedding. */
void model_dims(const struct model *m, enum model_part part, int *rows,
                int *cols);
/* Whether the file has it: biases and an untied head may be missing. */
bool model_has(const struct model *m, enum model_part part);
/* "Q4_1"; NULL where the file does not have it. layer 0 for the last three. */
const char *model_type(const struct model *m, enum model_part part, int layer);
/* Bytes the file takes for all weights, and how many weights there are. */
uint64_t model_bytes(const struct model *m);
uint64_t model_weights(const struct model *m);

/* Rows first .. first + rows of a part to to[rows][cols]. Vectors are read
 * whole (rows = 1). A tied head reads the embedding. The part must be there
 * (model_has) and the rows in range. */
bool model_read(const struct model *m, enum model_part part, int layer,
                int first, int rows, float *to, struct fl_error *err);

/* One layer, allocated; biases NULL where there are none. On failure *l
 * holds nothing. */
bool model_layer(const struct model *m, int layer, struct num_flayer *l,
                 struct fl_error *err);
void model_layer_free(struct num_flayer *l);

/* Everything, allocated; w->head == w->embed where tied. Safe to unload a
 * zeroed or failed one. */
bool model_load(const struct model *m, struct num_fmodel *w,
                struct fl_error *err);
void model_unload(struct num_fmodel *w);

#endif
