/* SPDX-License-Identifier: Apache-2.0 */
/* model/source.h -- inside a model: what the readers of file formats fill.
 * For model.c, rope.c and the from_*.c files only.
 *
 * A reader fills shape, then calls model_check_shape and model_room, then
 * model_set for each tensor, then one of the model_rope_* functions.
 */
#ifndef MODEL_SOURCE_H
#define MODEL_SOURCE_H
#include "model/gguf.h"
#include "model/model.h"
#include "model/safetensors.h"

struct model_tensor {
    const char *name; /* not terminated; NULL: the file does not have it */
    int name_len;
    enum dq_type type;
    const uint8_t *data;
};

struct model {
    char *path;
    char format[32], name[128];
    struct num_shape shape;
    bool halves; /* the file pairs channel i with i + head/2 */
    double *inv_freq;
    struct model_tensor *tensor; /* (layers * MODEL_LAYER_PARTS, then 3) */
    struct tok *tok;
    char tok_why[512];
    int bos, eos;      /* what a config.json says; -1 nothing */
    struct fl_map map; /* llama2.c */
    struct gguf gguf;
    struct st st;
};

/* Ranges of num/shape.h, and that heads fit together. */
bool model_check_shape(const struct model *m, struct fl_error *err);
bool model_room(struct model *m, struct fl_error *err);
struct model_tensor *model_at(const struct model *m, enum model_part part,
                              int layer);
/* Checks (rows, cols) of the tensor called name, then keeps it. */
bool model_set(struct model *m, enum model_part part, int layer,
               struct model_tensor t, uint64_t rows, uint64_t cols,
               struct fl_error *err);

/* inv_freq[i] = base^(-2i/head), then divided by factor[i] if there is one. */
bool model_rope(struct model *m, double base, const float *factor,
                struct fl_error *err);
/* All divided by one factor ("linear" scaling). */
bool model_rope_linear(struct model *m, double factor, struct fl_error *err);

/* Llama 3's scaling: wavelengths up to `seq / high` stay, those from
 * `seq / low` on are divided by factor, between them it goes over smoothly. */
struct model_rope3 {
    double factor, low, high, seq;
};
bool model_rope_llama3(struct model *m, const struct model_rope3 *r,
                       struct fl_error *err);

/* Readers. Each takes an open model with m->path; what it opened is closed
 * by model_close. */
bool model_from_gguf(struct model *m, struct fl_error *err);
bool model_from_bin(struct model *m, struct fl_error *err);
/* `config` is the path of config.json; m->st is open. */
bool model_from_hf(struct model *m, const char *config, struct fl_error *err);

#endif
