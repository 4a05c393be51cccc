/* SPDX-License-Identifier: Apache-2.0 */
/* quant/export_config.c -- config.json beside the exported weights.
 *
 * A package holds angles a position, not the base they came from. The base is
 * that of the fastest two pairs, which no scaling touches; the angles are then
 * tried as they are, and with the two scalings Llama 3 was published with.
 */
#include "num/hadamard.h"
#include "quant/export.h"
#include "quant/work.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct scaling {
    double factor, low, high, seq;
};

static double scaled(double f, const struct scaling *s)
{
    double turns = s->seq * f / (2 * M_PI);
    double keep = (turns - s->low) / (s->high - s->low);
    keep = keep < 0 ? 0 : keep > 1 ? 1 : keep;
    return keep * f + (1 - keep) * f / s->factor;
}

/* Whether the angles are those of the base, scaled (NULL: not). */
static bool fits(const double *inv_freq, int head, double base,
                 const struct scaling *s)
{
    for (int i = 0; i < head / 2; i++) {
        double f = pow(base, -2.0 * i / head);
        f = s == NULL ? f : scaled(f, s);
        if (fabs(inv_freq[i] / f - 1) > 1e-5)
            return false;
    }
    return true;
}

static bool rope(const struct pkg *p, cJSON *o, struct fl_error *err)
{
    static const struct scaling known[] = {{32, 1, 4, 8192}, {8, 1, 4, 8192}};
    int head = p->model.shape.head;
    FL_FAIL_IF(p->inv_freq == NULL, err, FL_UNSUPPORTED, 0,
               "the package has no RoPE frequencies to export");
    double base = head < 4 ? 10000 : pow(p->inv_freq[1], -head / 2.0);
    double whole = rint(base); /* as configurations have it */
    base = fabs(whole / base - 1) < 1e-6 ? whole : base;
    cJSON_AddNumberToObject(o, "rope_theta", base);
    if (fits(p->inv_freq, head, base, NULL))
        return true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const struct scaling *s = &known[i];
        if (!fits(p->inv_freq, head, base, s))
            continue;
        cJSON *r = cJSON_AddObjectToObject(o, "rope_scaling");
        cJSON_AddStringToObject(r, "rope_type", "llama3");
        cJSON_AddNumberToObject(r, "factor", s->factor);
        cJSON_AddNumberToObject(r, "low_freq_factor", s->low);
        cJSON_AddNumberToObject(r, "high_freq_factor", s->high);
        cJSON_AddNumberToObject(r, "original_max_position_embeddings", s->seq);
        return true;
    }
    fl_fail(err, FL_UNSUPPORTED, 0,
            "the package's RoPE frequencies are scaled in a way config.json "
            "has no words for here");
    return false;
}

static bool write_config(const struct pkg *p, const char *path, bool bf16,
                         struct fl_error *err)
{
    const struct num_shape *s = &p->model.shape;
    cJSON *o = cJSON_CreateObject();
    cJSON *arch = cJSON_AddArrayToObject(o, "architectures");
    cJSON_AddItemToArray(arch, cJSON_CreateString("LlamaForCausalLM"));
    cJSON_AddStringToObject(o, "model_type", "llama");
    cJSON_AddStringToObject(o, "hidden_act", "silu");
    cJSON_AddStringToObject(o, "torch_dtype", bf16 ? "bfloat16" : "float32");
    cJSON_AddNumberToObject(o, "hidden_size", s->d);
    cJSON_AddNumberToObject(o, "intermediate_size", s->ffn);
    cJSON_AddNumberToObject(o, "num_hidden_layers", s->layers);
    cJSON_AddNumberToObject(o, "num_attention_heads", s->nq);
    cJSON_AddNumberToObject(o, "num_key_value_heads", s->nkv);
    cJSON_AddNumberToObject(o, "head_dim", s->head);
    cJSON_AddNumberToObject(o, "vocab_size", s->vocab);
    cJSON_AddNumberToObject(o, "max_position_embeddings", s->seq);
    cJSON_AddNumberToObject(o, "rms_norm_eps", s->eps);
    cJSON_AddBoolToObject(o, "tie_word_embeddings", false);
    cJSON_AddBoolToObject(o, "attention_bias", true);
    cJSON_AddBoolToObject(o, "mlp_bias", true);
    if (p->tok != NULL) {
        cJSON_AddNumberToObject(o, "bos_token_id", tok_bos(p->tok));
        cJSON *ends = cJSON_AddArrayToObject(o, "eos_token_id");
        for (int i = 0; i < p->end_count; i++)
            cJSON_AddItemToArray(ends, cJSON_CreateNumber(p->ends[i]));
    }
    bool ok = rope(p, o, err);
    char *text = ok ? cJSON_Print(o) : NULL;
    struct fl_out out;
    if (ok && text == NULL) {
        fl_fail(err, FL_NOMEM, 0, "out of memory");
        ok = false;
    }
    ok = ok && fl_out_open(&out, path, err);
    if (ok) {
        fprintf(out.f, "%s\n", text);
        ok = fl_out_commit(&out, err);
    }
    cJSON_free(text);
    cJSON_Delete(o);
    return ok;
}

bool quant_export(const struct pkg *p, const char *folder, bool bf16,
                  struct fl_error *err)
{
    size_t n = snprintf(NULL, 0, "%s/model.safetensors", folder) + 1U;
    char *path = malloc(n);
    FL_FAIL_IF(path == NULL, err, FL_NOMEM, 0, "out of memory");
    snprintf(path, n, "%s/config.json", folder);
    bool ok = write_config(p, path, bf16, err);
    snprintf(path, n, "%s/model.safetensors", folder);
    ok = ok && qt_export_weights(p, path, bf16, err);
    free(path);
    return ok;
}
