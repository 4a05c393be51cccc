/* SPDX-License-Identifier: Apache-2.0 */
#include "quant/export.h"
#include "num/convert.h"
#include "num/hadamard.h"
#include "quant/work.h"
#include <cblas.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    const struct num_qmodel *m;
    uint32_t turn; /* seed of the signs */
    bool rotated;
    bool bf16;
    FILE *f;
    cJSON *header;
    uint64_t at;   /* bytes of data written, or counted */
    bool counting; /* first pass: only the header */
    float *r1, *r4;
    struct fl_error *err;
};

static double unit(int n)
{
    struct num_had h = num_had_split(n);
    return 1 / sqrt(h.m * h.p);
}

/* w (rows, n) in the basis R x becomes w R, in the basis x. y may not be w. */
static void undo_input(const float *w, const float *r, float *y, int rows,
                       int n, int stride)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, n, n, 1, w,
                stride, r, n, 0, y, stride);
}

/* w (n, columns), whose results are R y, becomes R' w. */
static void undo_output(const float *w, const float *r, float *y, int n,
                        int columns)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, columns, n, 1, r, n,
                w, columns, 0, y, columns);
}

/* ---- the file -------------------------------------------------------- */

static void put_entry(struct job *j, const char *name, int rows, int cols)
{
    cJSON *o = cJSON_AddObjectToObject(j->header, name);
    cJSON *shape = cJSON_AddArrayToObject(o, "shape");
    cJSON *range = cJSON_AddArrayToObject(o, "data_offsets");
    uint64_t bytes = (uint64_t)rows * (uint64_t)cols * (j->bf16 ? 2 : 4);
    cJSON_AddStringToObject(o, "dtype", j->bf16 ? "BF16" : "F32");
    if (rows > 1)
        cJSON_AddItemToArray(shape, cJSON_CreateNumber(rows));
    cJSON_AddItemToArray(shape, cJSON_CreateNumber(cols));
    cJSON_AddItemToArray(range, cJSON_CreateNumber((double)j->at));
    j->at += bytes;
    cJSON_AddItemToArray(range, cJSON_CreateNumber((double)j->at));
}

static void put_values(struct job *j, const float *x, size_t n)
{
    if (!j->bf16) {
        fwrite(x, sizeof *x, n, j->f);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t u;
        memcpy(&u, &x[i], sizeof u);
        uint16_t h = (uint16_t)((u + 0x7FFF + (u >> 16 & 1)) >> 16);
        fwrite(&h, sizeof h, 1, j->f);
    }
}

/* x == NULL while counting. */
static void put(struct job *j, const char *name, const float *x, int rows,
                int cols)
{
    if (j->counting)
        put_entry(j, name, rows, cols);
    else
        put_values(j, x, (size_t)rows * (size_t)cols);
}

static bool out_of_memory(struct job *j)
{
    fl_fail(j->err, FL_NOMEM, 0, "out of memory");
    return false;
}

/* ---- tensors ------------------------------------------------------------- */

static float *real_rows(const struct num_qlinear *l)
{
    size_t in = (size_t)l->din;
    float *y = malloc((size_t)l->dout * in * sizeof *y);
    for (int o = 0; y != NULL && o < l->dout; o++) {
        float f = ldexpf(l->mant[o], l->exp[o]);
        for (int i = 0; i < l->din; i++) {
            int c = num_weight(l, o, i);
            size_t group = l->group == 0
                               ? 0
                               : (size_t)o * (size_t)(l->din / l->group) +
                                     (size_t)(i / l->group);
            int mul = l->group == 0 ? 1 : l->mul[group];
            y[(size_t)o * in + (size_t)i] = f * (float)(c * mul);
        }
    }
    return y;
}

/* b - W m, (dout). */
static float *real_bias(const struct num_qlinear *l, const struct num_qsite *s,
                        const float *w)
{
    float *b = malloc((size_t)l->dout * sizeof *b);
    for (int o = 0; b != NULL && o < l->dout; o++) {
        double sum = l->bias == NULL ? 0 : ldexp(l->bias[o], -l->frac);
        for (int i = 0; s->mean != NULL && i < l->din; i++)
            sum -= (double)w[(size_t)o * (size_t)l->din + (size_t)i] *
                   ldexp(s->mean[i], -s->frac);
        b[o] = (float)sum;
    }
    return b;
}

/* Rows of q and k go back to pairs (i, i + head/2). */
static void unpair(const float *x, float *y, int rows, int cols, int head)
{
    for (int r = 0; r < rows; r++) {
        int c = r % head, to = r / head * head + c / 2 + c % 2 * (head / 2);
        memcpy(y + (size_t)to * (size_t)cols, x + (size_t)r * (size_t)cols,
               (size_t)cols * sizeof *y);
    }
}

/* R2 of value head h out of v's rows, or out of o's columns. */
static bool undo_values(struct job *j, int layer, enum num_linear which,
                        float *w, float *bias)
{
    const struct num_shape *s = &j->m->shape;
    int head = s->head, dq = s->nq * head, per = num_group_heads(s);
    bool v = which == NUM_V;
    int width = v ? s->d : dq;
    float *y = malloc((size_t)width * (size_t)(v ? head : s->d) * sizeof *y);
    bool ok = y != NULL;
    for (int h = 0; ok && h < s->nkv; h++) {
        uint64_t seed =
            ((uint64_t)j->turn << 32) + (uint64_t)(1000 + layer * s->nkv + h);
        float *r = qt_rotation_matrix(head, true, seed, unit(head));
        ok = r != NULL;
        if (ok && v) {
            float *rows = w + (size_t)h * (size_t)head * (size_t)s->d;
            undo_output(rows, r, y, head, s->d);
            memcpy(rows, y, (size_t)head * (size_t)s->d * sizeof *y);
            undo_output(bias + h * head, r, y, head, 1);
            memcpy(bias + h * head, y, (size_t)head * sizeof *y);
        }
        for (int g = 0; ok && !v && g < per; g++) {
            float *columns = w + (h * per + g) * head;
            undo_input(columns, r, y, s->d, head, dq);
            for (int o = 0; o < s->d; o++)
                memcpy(columns + (size_t)o * (size_t)dq,
                       y + (size_t)o * (size_t)dq, (size_t)head * sizeof *y);
        }
        free(r);
    }
    free(y);
    return ok;
}

/* All rotations of a linear undone, in place of *w and *bias. */
static bool undo(struct job *j, int layer, enum num_linear which,
                 const struct num_qlinear *l, float **w, float **bias)
{
    const struct num_shape *s = &j->m->shape;
    bool residual = which == NUM_O || which == NUM_DOWN;
    size_t all = (size_t)l->din * (size_t)l->dout;
    float *y = malloc((all + (size_t)l->dout) * sizeof *y);
    bool ok = y != NULL;
    if (ok && j->rotated && !residual) {
        undo_input(*w, j->r1, y, l->dout, l->din, l->din);
        memcpy(*w, y, all * sizeof *y);
    }
    if (ok && which == NUM_DOWN && j->m->r4) {
        undo_input(*w, j->r4, y, l->dout, l->din, l->din);
        memcpy(*w, y, all * sizeof *y);
    }
    if (ok && j->rotated && residual) {
        undo_output(*w, j->r1, y, l->dout, l->din);
        memcpy(*w, y, all * sizeof *y);
        undo_output(*bias, j->r1, y, l->dout, 1);
        memcpy(*bias, y, (size_t)l->dout * sizeof *y);
    }
    if (ok && j->rotated && (which == NUM_V || which == NUM_O))
        ok = undo_values(j, layer, which, *w, *bias);
    if (ok && (which == NUM_Q || which == NUM_K)) {
        unpair(*w, y, l->dout, l->din, s->head);
        memcpy(*w, y, all * sizeof *y);
        unpair(*bias, y, l->dout, 1, s->head);
        memcpy(*bias, y, (size_t)l->dout * sizeof *y);
    }
    free(y);
    return ok;
}

static bool put_linear(struct job *j, int layer, enum num_linear which,
                       const struct num_qlinear *l, const struct num_qsite *at)
{
    static const char *const names[NUM_LINEARS] = {
        "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
        "self_attn.o_proj", "mlp.gate_proj",    "mlp.up_proj",
        "mlp.down_proj"};
    char name[96], bias_name[96];
    snprintf(name, sizeof name, "model.layers.%d.%s.weight", layer,
             names[which]);
    snprintf(bias_name, sizeof bias_name, "model.layers.%d.%s.bias", layer,
             names[which]);
    float *w = NULL, *b = NULL;
    if (!j->counting) {
        w = real_rows(l);
        b = w == NULL ? NULL : real_bias(l, at, w);
        if (b == NULL || !undo(j, layer, which, l, &w, &b)) {
            free(w);
            free(b);
            return out_of_memory(j);
        }
    }
    put(j, name, w, l->dout, l->din);
    put(j, bias_name, b, 1, l->dout);
    free(w);
    free(b);
    return true;
}

/* Rows in the rotated basis, back in their own, 1,024 at a time. */
static bool put_table(struct job *j, const char *name, float *w, int rows)
{
    enum { PART = 1024 };
    int d = j->m->shape.d;
    if (j->counting) {
        put_entry(j, name, rows, d);
        return true;
    }
    float *y = malloc((size_t)PART * (size_t)d * sizeof *y);
    if (y == NULL)
        return out_of_memory(j);
    for (int first = 0; first < rows; first += PART) {
        int n = rows - first < PART ? rows - first : PART;
        float *x = w + (size_t)first * (size_t)d;
        if (j->rotated)
            undo_input(x, j->r1, y, n, d, d);
        put_values(j, j->rotated ? y : x, (size_t)n * (size_t)d);
    }
    free(y);
    return true;
}

static bool put_embedding(struct job *j)
{
    const struct num_qmodel *m = j->m;
    size_t d = (size_t)m->shape.d, v = (size_t)m->shape.vocab;
    float *w = j->counting ? NULL : malloc(v * d * sizeof *w);
    if (w == NULL && !j->counting)
        return out_of_memory(j);
    for (size_t t = 0; w != NULL && t < v; t++)
        for (size_t i = 0; i < d; i++)
            w[t * d + i] =
                m->embed[t * d + i] * ldexpf(m->embed_mant[t], m->embed_exp[t]);
    bool ok = put_table(j, "model.embed_tokens.weight", w, m->shape.vocab);
    free(w);
    return ok;
}

static bool put_head(struct job *j)
{
    const struct num_qlinear *l = &j->m->head;
    const struct num_qsite *s = &j->m->head_site;
    float *w = NULL, *b = NULL;
    double length = 0;
    if (!j->counting) {
        w = real_rows(l);
        b = w == NULL ? NULL : real_bias(l, s, w);
        if (b == NULL) {
            free(w);
            return out_of_memory(j);
        }
    }
    for (int i = 0; s->mean != NULL && i < l->din; i++)
        length += ldexp(s->mean[i], -s->frac) * ldexp(s->mean[i], -s->frac);
    for (int o = 0; w != NULL && length > 0 && o < l->dout; o++)
        for (int i = 0; i < l->din; i++)
            w[(size_t)o * (size_t)l->din + (size_t)i] +=
                (float)(b[o] * ldexp(s->mean[i], -s->frac) / length);
    bool ok = put_table(j, "lm_head.weight", w, l->dout);
    free(w);
    free(b);
    return ok;
}

static bool put_all(struct job *j)
{
    static const int site_of[NUM_LINEARS] = {
        NUM_SITE_ATTN, NUM_SITE_ATTN, NUM_SITE_ATTN, NUM_SITE_O,
        NUM_SITE_FFN,  NUM_SITE_FFN,  NUM_SITE_DOWN};
    static const char *const norm[2] = {
        "model.layers.%d.input_layernorm.weight",
        "model.layers.%d.post_attention_layernorm.weight"};
    const struct num_qmodel *m = j->m;
    char name[96];
    float *ones = malloc((size_t)m->shape.d * sizeof *ones);
    bool ok = ones != NULL ? true : out_of_memory(j);
    for (int i = 0; ok && i < m->shape.d; i++)
        ones[i] = 1;
    ok = ok && put_embedding(j);
    for (int l = 0; ok && l < m->shape.layers; l++) {
        for (int i = 0; i < 2; i++) {
            snprintf(name, sizeof name, norm[i], l);
            put(j, name, ones, 1, m->shape.d);
        }
        for (int i = 0; ok && i < NUM_LINEARS; i++)
            ok = put_linear(j, l, (enum num_linear)i, &m->layer[l].lin[i],
                            &m->layer[l].site[site_of[i]]);
    }
    if (ok)
        put(j, "model.norm.weight", ones, 1, m->shape.d);
    free(ones);
    return ok && put_head(j);
}

static float *residual_basis(const struct num_qmodel *m, uint32_t turn)
{
    size_t d = (size_t)m->shape.d;
    if (m->basis == NULL)
        return qt_rotation_matrix(m->shape.d, true, turn, unit(m->shape.d));
    float *r = malloc(d * d * sizeof *r);
    if (r != NULL)
        memcpy(r, m->basis, d * d * sizeof *r);
    return r;
}

bool qt_export_weights(const struct pkg *p, const char *path, bool bf16,
                       struct fl_error *err)
{
    const struct num_qmodel *m = &p->model;
    struct job j = {.m = m, .bf16 = bf16, .err = err};
    cJSON *recipe = cJSON_Parse(p->info.recipe);
    const cJSON *on = cJSON_GetObjectItemCaseSensitive(recipe, "rotate");
    const cJSON *turn = cJSON_GetObjectItemCaseSensitive(recipe, "turn");
    if (!cJSON_IsNumber(turn)) /* packages made before there was a choice */
        turn = cJSON_GetObjectItemCaseSensitive(recipe, "seed");
    bool ok = cJSON_IsNumber(on) && cJSON_IsNumber(turn);
    j.rotated = ok && cJSON_GetNumberValue(on) != 0;
    j.turn = ok ? (uint32_t)cJSON_GetNumberValue(turn) : 0;
    cJSON_Delete(recipe);
    FL_FAIL_IF(!ok, err, FL_UNSUPPORTED, 0,
               "the package's recipe does not say how it was rotated; make it "
               "with flexllm quantize");
    struct fl_out out;
    FL_TRY(fl_out_open(&out, path, err));
    struct num_had h = num_had_split(m->shape.ffn);
    j.f = out.f;
    j.header = cJSON_CreateObject();
    j.counting = true;
    ok = put_all(&j);
    char *text = ok ? cJSON_PrintUnformatted(j.header) : NULL;
    j.r1 = j.rotated ? residual_basis(m, j.turn) : NULL;
    j.r4 = m->r4 ? qt_rotation_matrix(m->shape.ffn, false, 0,
                                      ldexp(1, -num_fht_shift(h.m * h.p)))
                 : NULL;
    if (ok && (text == NULL || (j.rotated && !j.r1) || (m->r4 && !j.r4)))
        ok = out_of_memory(&j);
    if (ok) {
        uint64_t n = (strlen(text) + 7) / 8 * 8;
        fwrite(&n, sizeof n, 1, j.f);
        fprintf(j.f, "%-*s", (int)n, text);
        j.counting = false;
        ok = put_all(&j);
    }
    cJSON_free(text);
    cJSON_Delete(j.header);
    free(j.r1);
    free(j.r4);
    if (ok)
        return fl_out_commit(&out, err);
    fl_out_abort(&out);
    return false;
}
