/* SPDX-License-Identifier: Apache-2.0 */
/* quant/quant.c -- the whole of a quantisation: calibration tokens through
 * the embedding, the layers one by one, the head, the package. */
#include "model/package.h"
#include "quant/mix.h"
#include "quant/run.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool quant_defaults(struct quant_options *o, const char *scheme,
                    struct fl_error *err)
{
    static const char *const known[] = {"w4a8kv8", "w4a4kv8", "w8a8kv8"};
    *o = (struct quant_options){.calib_sequences = 32,
                                .calib_length = 512,
                                .damp = 0.01,
                                .sweeps = 4,
                                .seed = 1};
    for (int i = 0; i < 3; i++)
        if (strcmp(scheme, known[i]) == 0)
            o->scheme = known[i];
    FL_FAIL_IF(o->scheme == NULL, err, FL_RANGE, 0,
               "no scheme '%.40s'; there are w4a8kv8, w4a4kv8 and w8a8kv8",
               scheme);
    if (strcmp(o->scheme, "w8a8kv8") == 0)
        o->rtn = 1;
    return true;
}

void run_progress(const struct run *r, double share, const char *what)
{
    if (r->o->progress != NULL)
        r->o->progress(r->o->progress_state, r->share + r->part * share, what);
}

static bool check(const struct quant_options *o, struct fl_error *err)
{
    FL_FAIL_IF(o->calib_sequences < 1 || o->calib_sequences > 1 << 16 ||
                   o->calib_length < 8 || o->calib_length > 8192 ||
                   (int64_t)o->calib_sequences * o->calib_length > 1 << 24,
               err, FL_RANGE, 0,
               "%d calibration sequences of %d tokens; a sequence has 8 to "
               "8192, all together at most 2^24",
               o->calib_sequences, o->calib_length);
    FL_FAIL_IF(!(o->damp > 0 && o->damp <= 1), err, FL_RANGE, 0,
               "a damping of %g; it lies above 0 and up to 1", o->damp);
    FL_FAIL_IF(!(o->act_clip >= 0 && o->act_clip <= 1), err, FL_RANGE, 0,
               "an activation clip of %g; it lies between 0 and 1",
               o->act_clip);
    FL_FAIL_IF(!(o->asym >= 0 && o->asym <= 1), err, FL_RANGE, 0,
               "a share of %g towards the unquantised model; it lies between "
               "0 and 1",
               o->asym);
    FL_FAIL_IF(o->sweeps < 0 || o->sweeps > 100, err, FL_RANGE, 0,
               "%d sweeps; there can be 0 to 100", o->sweeps);
    FL_FAIL_IF(o->wide < 0 || o->wide % 8 != 0, err, FL_RANGE, 0,
               "%d wide channels; they come in eights", o->wide);
    FL_FAIL_IF(o->wide > 0 && (o->no_rotate || o->group > 0), err, FL_RANGE, 0,
               "wide channels need rotations and rows without groups");
    FL_FAIL_IF(o->group < 0 || (o->group > 0 && o->group < 8), err, FL_RANGE, 0,
               "groups of %d weights; at least 8 share a multiplier", o->group);
    return true;
}

static bool check_model(const struct quant_options *o,
                        const struct num_shape *s, const char *path,
                        struct fl_error *err)
{
    for (int i = 0; i < o->mix.n; i++)
        FL_FAIL_IF(o->mix.pick[i].layer >= s->layers, err, FL_RANGE, 0,
                   "%s has %d layers; the mix of bits names layer %d", path,
                   s->layers, o->mix.pick[i].layer);
    FL_FAIL_IF(o->wide >= s->d, err, FL_RANGE, 0,
               "%d wide channels of the %d that %s has", o->wide, s->d, path);
    return true;
}

static bool reserve(struct run *r, struct fl_error *err)
{
    const struct num_shape *s = r->s;
    size_t d = (size_t)s->d, f = (size_t)s->ffn;
    size_t dq = (size_t)s->nq * (size_t)s->head;
    size_t dkv = (size_t)s->nkv * (size_t)s->head;
    size_t wide = d > f ? d : f;
    wide = wide > dq ? wide : dq;
    size_t n = r->n;
    r->widest = (int)wide;
    struct path *paths[2] = {&r->q, &r->t};
    bool ok = true;
    for (int i = 0; i < (r->target || r->o->wide > 0 ? 2 : 1); i++) {
        paths[i]->r = malloc(n * d * sizeof(float));
        paths[i]->a = malloc(n * dq * sizeof(float));
        paths[i]->h = malloc(n * f * sizeof(float));
        ok = ok && paths[i]->r && paths[i]->a && paths[i]->h;
    }
    r->x = malloc(CHUNK * wide * sizeof(float));
    r->y = malloc(CHUNK * wide * sizeof(float));
    r->qx = malloc(n * dq * sizeof(float));
    r->kx = malloc(n * dkv * sizeof(float));
    r->vx = malloc(n * dkv * sizeof(float));
    r->sum = malloc(2 * wide * sizeof(double));
    r->moment = malloc(wide * wide * sizeof(float));
    r->cross = malloc(wide * wide * sizeof(float));
    r->mean_q = malloc(wide * sizeof(float));
    r->mean_t = malloc(wide * sizeof(float));
    r->mean_coded = malloc(wide * sizeof(float));
    ok = ok && r->x && r->y && r->qx && r->kx && r->vx && r->sum && r->moment &&
         r->cross && r->mean_q && r->mean_t && r->mean_coded;
    FL_FAIL_IF(!ok, err, FL_NOMEM, 0,
               "out of memory for %zu calibration tokens; take fewer", n);
    return true;
}

static void release(struct run *r)
{
    void *p[] = {r->q.r,    r->q.a,       r->q.h,    r->t.r,   r->t.a,
                 r->t.h,    r->x,         r->y,      r->qx,    r->kx,
                 r->vx,     r->sum,       r->moment, r->cross, r->mean_q,
                 r->mean_t, r->mean_coded};
    for (size_t i = 0; i < sizeof p / sizeof *p; i++)
        free(p[i]);
    qt_rotation_free(&r->r1);
    qb_free(&r->b);
}

/* The embedding, i8, and the calibration tokens' residual streams. */
static bool embed(struct run *r, const int32_t *token, struct fl_error *err)
{
    const struct num_shape *s = r->s;
    size_t d = (size_t)s->d;
    for (int first = 0; first < s->vocab; first += CHUNK) {
        int rows = s->vocab - first < CHUNK ? s->vocab - first : CHUNK;
        FL_TRY(model_read(r->model, MODEL_EMBED, 0, first, rows, r->x, err));
        qt_rotate_rows(&r->r1, r->x, (size_t)rows);
        for (int i = 0; i < rows; i++)
            qb_embed(&r->b, first + i, r->x + (size_t)i * d);
        for (size_t t = 0; r->target && t < r->n; t++)
            if (token[t] >= first && token[t] < first + rows)
                memcpy(r->t.r + t * d, r->x + (size_t)(token[t] - first) * d,
                       d * sizeof(float));
    }
    for (size_t t = 0; t < r->n; t++) {
        const int8_t *code = r->b.m.embed + (size_t)token[t] * d;
        float scale =
            ldexpf(r->b.m.embed_mant[token[t]], r->b.m.embed_exp[token[t]]);
        for (size_t i = 0; i < d; i++)
            r->q.r[t * d + i] = code[i] * scale;
    }
    return true;
}

/* How it was made, as one line of JSON: enough to make it again. */
static char *recipe(const struct run *r)
{
    const struct quant_options *o = r->o;
    char text[640];
    snprintf(text, sizeof text,
             "{\"method\":\"%s\",\"rotate\":%d,\"r3\":%d,\"r4\":%d,"
             "\"mean\":%d,\"balance\":%d,\"clip\":%d,\"group\":%d,"
             "\"act_clip\":%.4g,\"damp\":%.4g,\"asym\":%.4g,\"sweeps\":%d,"
             "\"seed\":%u,\"seeds\":%d,\"turn\":%u,\"sequences\":%zu,"
             "\"length\":%d,\"head_bits\":%d,\"abits\":[%d,%d,%d,%d,%d],"
             "\"loss\":%.5f,\"mix\":[]}",
             o->rtn ? "rtn" : "gptq", !o->no_rotate, r->b.m.r3, r->b.m.r4,
             !o->no_mean, !o->no_balance, !o->no_clip, o->group, o->act_clip,
             o->damp, o->asym, o->sweeps, o->seed, o->seeds, r->turn,
             r->n / (size_t)r->length, r->length, o->head_wbits, o->abits[0],
             o->abits[1], o->abits[2], o->abits[3], o->abits[4], r->loss);
    cJSON *root = cJSON_Parse(text);
    if (root != NULL)
        cJSON_ReplaceItemInObjectCaseSensitive(root, "mix",
                                               quant_mix_json(&o->mix));
    if (root != NULL && o->wide > 0) {
        cJSON_AddNumberToObject(root, "wide_channels", o->wide);
        cJSON_AddNumberToObject(root, "wide_energy",
                                rint(1e4 * r->share_wide) / 1e4);
    }
    if (root != NULL && r->hmt != NULL)
        cJSON_AddStringToObject(root, "hmt", r->hmt_hash);
    char *line = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    return line;
}

static bool write(struct run *r, const char *out, struct fl_error *err)
{
    char model_hash[17];
    char *text = recipe(r);
    FL_FAIL_IF(text == NULL, err, FL_NOMEM, 0, "out of memory");
    if (!pkg_hash_file(model_path(r->model), model_hash, NULL))
        model_hash[0] = 0; /* a directory */
    struct pkg_info info = {r->o->scheme, text, model_hash, r->calib_hash,
                            "flexllm 0.1.0"};
    bool ok = pkg_write(out, &r->b.m, model_tok(r->model),
                        model_inv_freq(r->model), &info, err);
    free(text);
    return ok;
}

/* All of it with the signs of r->turn. */
static bool work(struct run *r, const int32_t *token, struct fl_error *err)
{
    const struct num_shape *s = r->s;
    int seq = r->o->seq > 0 ? r->o->seq : s->seq < 8192 ? s->seq : 8192;
    FL_TRY(reserve(r, err));
    FL_TRY(qb_init(&r->b, s, seq, model_inv_freq(r->model), err));
    r->b.m.r3 = r->o->r3;
    r->b.m.r4 = !r->o->no_rotate && !r->o->no_r4;
    r->b.m.wide = r->o->wide;
    if (r->o->wide > 0)
        FL_TRY(run_basis(r, token, err));
    else
        FL_FAIL_IF(!qt_rotation_init(&r->r1, s->d, r->turn, !r->o->no_rotate),
                   err, FL_NOMEM, 0, "out of memory");
    int8_t *turn = qb_take(&r->b, (size_t)s->d, 1);
    FL_FAIL_IF(turn == NULL, err, FL_NOMEM, 0, "out of memory");
    for (int i = 0; r->r1.sign != NULL && i < s->d; i++)
        turn[i] = (int8_t)r->r1.sign[i];
    r->b.m.basis = r->r1.matrix;
    r->b.m.turn = r->r1.matrix != NULL ? NULL : turn;
    FL_TRY(embed(r, token, err));
    for (int i = 0; i < s->layers; i++)
        FL_TRY(run_layer(r, i, err));
    FL_TRY(run_head(r, token, err));
    FL_FAIL_IF(!qb_finish(&r->b), err, FL_NOMEM, 0, "out of memory");
    return true;
}

/* One quantisation for each seed; `out` holds the best so far. */
static bool turns(struct run *first, const char *out, const int32_t *token,
                  struct quant_result *result, struct fl_error *err)
{
    int n = first->o->seeds > 1 ? first->o->seeds : 1;
    for (int i = 0; i < n; i++) {
        struct run r = *first;
        r.turn = r.o->seed + (uint32_t)i;
        r.share = (double)i / n;
        r.part = 1.0 / n;
        bool ok = work(&r, token, err);
        if (ok && (i == 0 || r.loss < result->loss)) {
            ok = write(&r, out, err);
            *result = (struct quant_result){r.loss, r.turn};
        }
        release(&r);
        FL_TRY(ok);
    }
    return true;
}

bool quant_run(const struct quant_options *o, const char *path, const char *out,
               struct fl_error *err)
{
    struct model *m = NULL;
    struct run r = {.o = o};
    struct quant_result best = {0};
    int32_t *token = NULL;
    int sequences = 0;
    FL_TRY(check(o, err));
    FL_TRY(model_open(&m, path, err));
    bool ok = model_tok(m) != NULL;
    if (!ok)
        fl_fail(err, FL_UNSUPPORTED, 0,
                "%s: no tokenizer to read calibration text with: %s", path,
                model_tok_why(m));
    r.model = m;
    r.s = model_shape(m);
    ok = ok && check_model(o, r.s, path, err) &&
         qt_calibration(o, model_tok(m), &token, &sequences, r.calib_hash, err);
    struct hmt hmt = {0};
    if (ok && o->hmt != NULL) {
        r.hmt = &hmt;
        ok = hmt_open(&hmt, o->hmt, err) && hmt_fits(&hmt, r.s, o->hmt, err) &&
             pkg_hash_file(o->hmt, r.hmt_hash, err);
    }
    r.length = o->calib_length;
    r.n = (size_t)sequences * (size_t)r.length;
    r.target = o->asym > 0 && !o->rtn;
    ok = ok && turns(&r, out, token, &best, err);
    if (ok && o->result != NULL)
        *o->result = best;
    hmt_free(&hmt);
    free(token);
    model_close(m);
    return ok;
}
