/* SPDX-License-Identifier: Apache-2.0 */
/* model/from_hf.c -- a model from Hugging Face's config.json and tensors.
 * Rotary pairs are channels i and i + head/2 throughout.
 */
#include "model/source.h"
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[MODEL_PART_COUNT] = {
    [MODEL_NORM_ATTN] = "model.layers.%d.input_layernorm.weight",
    [MODEL_NORM_FFN] = "model.layers.%d.post_attention_layernorm.weight",
    [MODEL_WQ] = "model.layers.%d.self_attn.q_proj.weight",
    [MODEL_WK] = "model.layers.%d.self_attn.k_proj.weight",
    [MODEL_WV] = "model.layers.%d.self_attn.v_proj.weight",
    [MODEL_WO] = "model.layers.%d.self_attn.o_proj.weight",
    [MODEL_GATE] = "model.layers.%d.mlp.gate_proj.weight",
    [MODEL_UP] = "model.layers.%d.mlp.up_proj.weight",
    [MODEL_DOWN] = "model.layers.%d.mlp.down_proj.weight",
    [MODEL_BQ] = "model.layers.%d.self_attn.q_proj.bias",
    [MODEL_BK] = "model.layers.%d.self_attn.k_proj.bias",
    [MODEL_BV] = "model.layers.%d.self_attn.v_proj.bias",
    [MODEL_BO] = "model.layers.%d.self_attn.o_proj.bias",
    [MODEL_BGATE] = "model.layers.%d.mlp.gate_proj.bias",
    [MODEL_BUP] = "model.layers.%d.mlp.up_proj.bias",
    [MODEL_BDOWN] = "model.layers.%d.mlp.down_proj.bias",
    [MODEL_EMBED] = "model.embed_tokens.weight",
    [MODEL_NORM_FINAL] = "model.norm.weight",
    [MODEL_HEAD] = "lm_head.weight",
};

struct config {
    const char *path;
    const cJSON *root;
    struct fl_error *err;
};

static const cJSON *get(const cJSON *o, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);
    return cJSON_IsNull(v) ? NULL : v;
}

static const char *text_of(const cJSON *o, const char *name)
{
    const cJSON *v = get(o, name);
    return cJSON_IsString(v) ? v->valuestring : "";
}

/* A count; `otherwise` if absent, -1: it must be there. */
static bool count(const struct config *c, const char *name, int otherwise,
                  int *to)
{
    const cJSON *v = get(c->root, name);
    *to = otherwise;
    if (!v && otherwise >= 0)
        return true;
    FL_FAIL_IF(!cJSON_IsNumber(v) || !(v->valuedouble >= 0) ||
                   v->valuedouble > INT32_MAX ||
                   v->valuedouble != (int)v->valuedouble,
               c->err, FL_FORMAT, 0, "%s: %s is missing or not a count",
               c->path, name);
    *to = (int)v->valuedouble;
    return true;
}

static double real_of(const cJSON *o, const char *name, double otherwise)
{
    const cJSON *v = get(o, name);
    return cJSON_IsNumber(v) ? v->valuedouble : otherwise;
}

static bool read_shape(struct model *m, const struct config *c)
{
    struct num_shape *s = &m->shape;
    const char *type = text_of(c->root, "model_type");
    const char *act = text_of(c->root, "hidden_act");
    bool qwen2 = strcmp(type, "qwen2") == 0;
    FL_FAIL_IF(!qwen2 && strcmp(type, "llama") && strcmp(type, "mistral"),
               c->err, FL_UNSUPPORTED, 0,
               "%s: model_type '%.40s'; llama, mistral and qwen2 are "
               "supported",
               c->path, type);
    FL_FAIL_IF(*act && strcmp(act, "silu") != 0, c->err, FL_UNSUPPORTED, 0,
               "%s: hidden_act '%.40s'; silu is supported", c->path, act);
    int window;
    FL_TRY(count(c, "hidden_size", -1, &s->d) &&
           count(c, "intermediate_size", -1, &s->ffn) &&
           count(c, "num_hidden_layers", -1, &s->layers) &&
           count(c, "num_attention_heads", -1, &s->nq) &&
           count(c, "num_key_value_heads", s->nq, &s->nkv) &&
           count(c, "head_dim", s->nq ? s->d / s->nq : 0, &s->head) &&
           count(c, "vocab_size", -1, &s->vocab) &&
           count(c, "max_position_embeddings", 2048, &s->seq) &&
           count(c, "sliding_window", 0, &window) &&
           count(c, "bos_token_id", 0, &m->bos));
    if (!get(c->root, "bos_token_id"))
        m->bos = -1;
    const cJSON *eos = get(c->root, "eos_token_id");
    if (cJSON_IsArray(eos))
        eos = eos->child;
    if (cJSON_IsNumber(eos) && eos->valuedouble >= 0 &&
        eos->valuedouble < NUM_MAX_VOCAB)
        m->eos = (int)eos->valuedouble;
    /* Up to the window, attention with a window is plain attention. */
    const cJSON *use = get(c->root, "use_sliding_window");
    bool windowed = use ? cJSON_IsTrue(use) : !qwen2;
    if (windowed && window > 0 && window < s->seq)
        s->seq = window;
    s->eps = real_of(c->root, "rms_norm_eps", 1e-6);
    s->tied = cJSON_IsTrue(get(c->root, "tie_word_embeddings")) ||
              !st_find(&m->st, names[MODEL_HEAD]);
    s->qkv_bias =
        st_find(&m->st, "model.layers.0.self_attn.q_proj.bias") != NULL;
    return model_check_shape(m, c->err);
}

static bool read_rope(struct model *m, const struct config *c)
{
    /* Newer files say rope_parameters and put the base into it. */
    const cJSON *scaling = get(c->root, "rope_parameters");
    double base =
        real_of(c->root, "rope_theta", real_of(scaling, "rope_theta", 10000));
    if (!scaling)
        scaling = get(c->root, "rope_scaling");
    FL_TRY(model_rope(m, base, NULL, c->err));
    const char *type = text_of(scaling, "rope_type");
    if (!*type)
        type = text_of(scaling, "type");
    double factor = real_of(scaling, "factor", 1);
    if (!*type || strcmp(type, "default") == 0)
        return true;
    if (strcmp(type, "linear") == 0)
        return model_rope_linear(m, factor, c->err);
    FL_FAIL_IF(strcmp(type, "llama3") != 0, c->err, FL_UNSUPPORTED, 0,
               "%s: RoPE scaling '%.40s'; linear and llama3 are supported",
               c->path, type);
    struct model_rope3 r = {
        factor, real_of(scaling, "low_freq_factor", 0),
        real_of(scaling, "high_freq_factor", 0),
        real_of(scaling, "original_max_position_embeddings", 0)};
    return model_rope_llama3(m, &r, c->err);
}

/* Biases of o, gate, up and down are there if layer 0 has them. */
static bool wanted(const struct model *m, enum model_part part)
{
    char name[96];
    snprintf(name, sizeof name, names[part], 0);
    return part < MODEL_BQ    ? true
           : part <= MODEL_BV ? m->shape.qkv_bias
                              : st_find(&m->st, name) != NULL;
}

static bool set(struct model *m, enum model_part part, int layer,
                struct fl_error *err)
{
    char name[96];
    /* The format comes from the table above. */
    snprintf(name, sizeof name, names[part], layer);
    const struct st_tensor *t = st_find(&m->st, name);
    FL_FAIL_IF(!t, err, FL_FORMAT, 0, "%s: no tensor %s", m->path, name);
    FL_FAIL_IF(t->type < 0, err, FL_UNSUPPORTED, 0,
               "%s: tensor %s is not F32, F16 or BF16", m->path, name);
    uint64_t cols = t->ndim ? t->dim[t->ndim - 1] : 1, rows = 1;
    for (int k = 0; k + 1 < t->ndim; k++)
        rows *= t->dim[k];
    struct model_tensor mine = {t->name, (int)strlen(t->name),
                                (enum dq_type)t->type, t->data};
    return model_set(m, part, layer, mine, rows, cols, err);
}

static bool read_all(struct model *m, const struct config *c)
{
    FL_FAIL_IF(!c->root, c->err, FL_FORMAT, 0, "%s: not valid JSON", c->path);
    m->halves = true;
    snprintf(m->format, sizeof m->format, "safetensors");
    snprintf(m->name, sizeof m->name, "%.100s",
             text_of(c->root, "_name_or_path"));
    FL_TRY(read_shape(m, c) && model_room(m, c->err));
    for (int l = 0; l < m->shape.layers; l++)
        for (int p = 0; p < MODEL_LAYER_PARTS; p++)
            if (wanted(m, (enum model_part)p))
                FL_TRY(set(m, (enum model_part)p, l, c->err));
    for (int p = MODEL_EMBED; p < MODEL_PART_COUNT; p++)
        if (p != MODEL_HEAD || !m->shape.tied)
            FL_TRY(set(m, (enum model_part)p, 0, c->err));
    return read_rope(m, c);
}

bool model_from_hf(struct model *m, const char *config, struct fl_error *err)
{
    struct fl_map map;
    FL_TRY(fl_map_open(&map, config, err));
    cJSON *root = cJSON_ParseWithLength((const char *)map.data, map.size);
    struct config c = {config, root, err};
    bool ok = read_all(m, &c);
    cJSON_Delete(root);
    fl_map_close(&map);
    return ok;
}
