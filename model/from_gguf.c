/* SPDX-License-Identifier: Apache-2.0 */
/* model/from_gguf.c -- a model from GGUF: keys to a shape, names to parts.
 *
 * Architecture llama stores q and k with adjacent rotary pairs already;
 * qwen2 pairs i with i + head/2.
 */
#include "model/source.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[MODEL_PART_COUNT] = {
    [MODEL_NORM_ATTN] = "blk.%d.attn_norm.weight",
    [MODEL_NORM_FFN] = "blk.%d.ffn_norm.weight",
    [MODEL_WQ] = "blk.%d.attn_q.weight",
    [MODEL_WK] = "blk.%d.attn_k.weight",
    [MODEL_WV] = "blk.%d.attn_v.weight",
    [MODEL_WO] = "blk.%d.attn_output.weight",
    [MODEL_GATE] = "blk.%d.ffn_gate.weight",
    [MODEL_UP] = "blk.%d.ffn_up.weight",
    [MODEL_DOWN] = "blk.%d.ffn_down.weight",
    [MODEL_BQ] = "blk.%d.attn_q.bias",
    [MODEL_BK] = "blk.%d.attn_k.bias",
    [MODEL_BV] = "blk.%d.attn_v.bias",
    [MODEL_EMBED] = "token_embd.weight",
    [MODEL_NORM_FINAL] = "output_norm.weight",
    [MODEL_HEAD] = "output.weight",
};

struct keys {
    const struct gguf *g;
    const char *arch;
    struct fl_error *err;
};

/* arch.name as a count; `otherwise` if absent, -1: it must be there. */
static bool count(const struct keys *k, const char *name, int otherwise,
                  int *to)
{
    char key[128];
    int64_t v = otherwise;
    snprintf(key, sizeof key, "%s.%s", k->arch, name);
    const struct gguf_key *found = gguf_find(k->g, key);
    FL_FAIL_IF(!found && otherwise < 0, k->err, FL_FORMAT, 0, "%s: no key %s",
               k->g->path, key);
    /* One number a layer is fine if they are all the same. */
    if (found && found->kind == GGUF_ARRAY && found->count > 0 &&
        found->item != GGUF_STRING && found->item != GGUF_ARRAY) {
        v = gguf_item_int(found, 0);
        for (uint64_t i = 1; i < found->count; i++)
            FL_FAIL_IF(gguf_item_int(found, i) != v, k->err, FL_UNSUPPORTED, 0,
                       "%s: %s differs between layers", k->g->path, key);
    } else if (found) {
        FL_TRY(gguf_int(k->g, key, &v, k->err));
    }
    FL_FAIL_IF(v < 0 || v > INT32_MAX, k->err, FL_RANGE, 0,
               "%s: %s is %" PRId64, k->g->path, key, v);
    *to = (int)v;
    return true;
}

static bool real(const struct keys *k, const char *name, double *to)
{
    char key[128];
    snprintf(key, sizeof key, "%s.%s", k->arch, name);
    return !gguf_find(k->g, key) || gguf_float(k->g, key, to, k->err);
}

static bool read_shape(struct model *m, const struct keys *k)
{
    struct num_shape *s = &m->shape;
    int value_head, turned;
    const struct gguf_tensor *embed =
        gguf_find_tensor(k->g, names[MODEL_EMBED]);
    FL_FAIL_IF(!embed, k->err, FL_FORMAT, 0, "%s: no tensor %s", m->path,
               names[MODEL_EMBED]);
    FL_FAIL_IF(embed->dim[1] > NUM_MAX_VOCAB, k->err, FL_RANGE, 0,
               "%s: a vocabulary of %" PRIu64, m->path, embed->dim[1]);
    s->vocab = (int)embed->dim[1];
    s->tied = !gguf_find_tensor(k->g, names[MODEL_HEAD]);
    s->qkv_bias = gguf_find_tensor(k->g, "blk.0.attn_q.bias") != NULL;
    FL_TRY(
        count(k, "block_count", -1, &s->layers) &&
        count(k, "embedding_length", -1, &s->d) &&
        count(k, "feed_forward_length", -1, &s->ffn) &&
        count(k, "attention.head_count", -1, &s->nq) &&
        count(k, "attention.head_count_kv", s->nq, &s->nkv) &&
        count(k, "attention.key_length", s->nq ? s->d / s->nq : 0, &s->head) &&
        count(k, "attention.value_length", s->head, &value_head) &&
        count(k, "rope.dimension_count", s->head, &turned) &&
        count(k, "context_length", -1, &s->seq));
    s->eps = 1e-5;
    FL_TRY(real(k, "attention.layer_norm_rms_epsilon", &s->eps));
    FL_FAIL_IF(value_head != s->head, k->err, FL_UNSUPPORTED, 0,
               "%s: heads of %d in keys and %d in values", m->path, s->head,
               value_head);
    FL_FAIL_IF(turned != s->head, k->err, FL_UNSUPPORTED, 0,
               "%s: RoPE turns %d of %d channels; all are needed", m->path,
               turned, s->head);
    return model_check_shape(m, k->err);
}

static bool read_rope(struct model *m, const struct keys *k)
{
    double base = 10000, factor = 1;
    char key[128];
    struct gguf_str type = {"", 0};
    FL_TRY(real(k, "rope.freq_base", &base) &&
           real(k, "rope.scaling.factor", &factor));
    snprintf(key, sizeof key, "%s.rope.scaling.type", k->arch);
    if (gguf_find(k->g, key))
        FL_TRY(gguf_string(k->g, key, &type, k->err));
    const struct gguf_tensor *t = gguf_find_tensor(k->g, "rope_freqs.weight");
    float scale[NUM_MAX_HEAD / 2];
    if (t) {
        int pairs = m->shape.head / 2;
        FL_FAIL_IF(
            t->ndim != 1 || t->dim[0] != (uint64_t)pairs || t->type != DQ_F32,
            k->err, FL_FORMAT, 0,
            "%s: tensor rope_freqs.weight is not F32 of (%d)", m->path, pairs);
        FL_FAIL_IF(!dq_run(t->type, t->data, scale, (size_t)pairs), k->err,
                   FL_FORMAT, 0,
                   "%s: tensor rope_freqs.weight holds a value that is not "
                   "finite",
                   m->path);
    }
    FL_TRY(model_rope(m, base, t ? scale : NULL, k->err));
    if (type.n == 6 && memcmp(type.s, "linear", 6) == 0)
        return model_rope_linear(m, factor, k->err);
    FL_FAIL_IF(type.n && !(type.n == 4 && memcmp(type.s, "none", 4) == 0),
               k->err, FL_UNSUPPORTED, 0,
               "%s: RoPE scaling '%.*s'; none, linear and rope_freqs.weight "
               "are supported",
               m->path, type.n < 40 ? (int)type.n : 40, type.s);
    return true;
}

static bool set(struct model *m, enum model_part part, int layer,
                struct fl_error *err)
{
    char name[64];
    /* The format comes from the table above. */
    snprintf(name, sizeof name, names[part], layer);
    const struct gguf_tensor *t = gguf_find_tensor(&m->gguf, name);
    FL_FAIL_IF(!t, err, FL_FORMAT, 0, "%s: no tensor %s", m->path, name);
    struct model_tensor mine = {t->name.s, (int)t->name.n, t->type, t->data};
    return model_set(m, part, layer, mine, t->dim[1] * t->dim[2] * t->dim[3],
                     t->dim[0], err);
}

bool model_from_gguf(struct model *m, struct fl_error *err)
{
    FL_TRY(gguf_open(&m->gguf, m->path, err));
    const struct gguf *g = &m->gguf;
    struct gguf_str arch = {"", 0}, name = {"", 0};
    FL_FAIL_IF(!gguf_find(g, "general.architecture"), err, FL_FORMAT, 0,
               "%s: no key general.architecture", m->path);
    FL_TRY(gguf_string(g, "general.architecture", &arch, err));
    bool llama = arch.n == 5 && memcmp(arch.s, "llama", 5) == 0;
    bool qwen2 = arch.n == 5 && memcmp(arch.s, "qwen2", 5) == 0;
    FL_FAIL_IF(!llama && !qwen2, err, FL_UNSUPPORTED, 0,
               "%s: architecture '%.*s'; llama and qwen2 are supported",
               m->path, arch.n < 40 ? (int)arch.n : 40, arch.s);
    m->halves = qwen2;
    snprintf(m->format, sizeof m->format, "GGUF %d", g->version);
    if (gguf_find(g, "general.name") &&
        gguf_string(g, "general.name", &name, NULL))
        snprintf(m->name, sizeof m->name, "%.*s",
                 name.n < 100 ? (int)name.n : 100, name.s);
    struct keys k = {g, llama ? "llama" : "qwen2", err};
    FL_TRY(read_shape(m, &k) && model_room(m, err));
    for (int l = 0; l < m->shape.layers; l++)
        for (int p = 0; p < MODEL_LAYER_PARTS; p++)
            if (p < MODEL_BQ || (p <= MODEL_BV && m->shape.qkv_bias))
                FL_TRY(set(m, (enum model_part)p, l, err));
    for (int p = MODEL_EMBED; p < MODEL_PART_COUNT; p++)
        if (p != MODEL_HEAD || !m->shape.tied)
            FL_TRY(set(m, (enum model_part)p, 0, err));
    FL_FAIL_IF(gguf_find_tensor(g, "blk.0.ffn_gate_inp.weight") ||
                   gguf_find_tensor(g, "blk.0.attn_output.bias") ||
                   gguf_find_tensor(g, "blk.0.attn_q_norm.weight"),
               err, FL_UNSUPPORTED, 0,
               "%s: experts, an output bias or norms of q and k are not "
               "supported",
               m->path);
    FL_TRY(read_rope(m, &k));
    struct fl_error why = {0};
    if (!tok_from_gguf(&m->tok, g, &why))
        snprintf(m->tok_why, sizeof m->tok_why, "%s", why.msg);
    return true;
}
