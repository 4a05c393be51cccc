/* SPDX-License-Identifier: Apache-2.0 */
/* quant/layer.c -- one layer: folded, rotated, quantised site by site, with
 * the calibration tokens carried through it. */
#include "golden/matmul.h"
#include "num/hadamard.h"
#include "quant/run.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* w (rows, d) times diag(gamma), then the basis of its input. */
static void fold(const struct run *r, float *w, const float *gamma, int rows)
{
    int d = r->s->d;
    for (int o = 0; o < rows; o++)
        for (int i = 0; i < d; i++)
            w[(size_t)o * (size_t)d + (size_t)i] *= gamma[i];
    qt_rotate_rows(&r->r1, w, (size_t)rows);
}

/* R2: the basis of one value head, in wv's rows and wo's columns. */
static bool rotate_values(struct run *r, int layer)
{
    const struct num_shape *s = r->s;
    size_t head = (size_t)s->head, d = (size_t)s->d;
    bool ok = true;
    for (int h = 0; ok && h < s->nkv; h++) {
        struct qt_rotation r2;
        uint64_t seed = ((uint64_t)r->o->seed << 32) +
                        (uint64_t)(1000 + layer * s->nkv + h);
        ok = qt_rotation_init(&r2, s->head, seed, !r->o->no_rotate);
        ok = ok && qt_rotate_columns(&r2, r->w.wv + (size_t)h * head * d, d);
        if (ok && r->w.bv != NULL)
            qt_rotate_rows(&r2, r->w.bv + (size_t)h * head, 1);
        int per = num_group_heads(s);
        for (int o = 0; ok && o < s->d; o++)
            qt_rotate_rows(&r2,
                           r->w.wo +
                               ((size_t)o * (size_t)s->nq + (size_t)(h * per)) *
                                   head,
                           (size_t)per);
        qt_rotation_free(&r2);
    }
    return ok;
}

/* R4: down reads H h / 2^k, so its rows become H w * 2^k / block. */
static void rotate_down(struct run *r)
{
    const struct num_shape *s = r->s;
    struct num_had had = num_had_split(s->ffn);
    int block = had.m * had.p;
    float f = (float)(ldexp(1, 2 * num_fht_shift(block)) / block);
#pragma omp parallel for schedule(static)
    for (int o = 0; o < s->d; o++) {
        float *row = r->w.down + (size_t)o * (size_t)s->ffn;
        gold_fht_fp32(row, s->ffn);
        for (int i = 0; i < s->ffn; i++)
            row[i] *= f;
    }
}

bool run_load_layer(struct run *r, int layer, struct fl_error *err)
{
    const struct num_shape *s = r->s;
    int dq = s->nq * s->head, dkv = s->nkv * s->head;
    FL_TRY(model_layer(r->model, layer, &r->w, err));
    fold(r, r->w.wq, r->w.norm_attn, dq);
    fold(r, r->w.wk, r->w.norm_attn, dkv);
    fold(r, r->w.wv, r->w.norm_attn, dkv);
    fold(r, r->w.gate, r->w.norm_ffn, s->ffn);
    fold(r, r->w.up, r->w.norm_ffn, s->ffn);
    bool ok = qt_rotate_columns(&r->r1, r->w.wo, (size_t)dq) &&
              qt_rotate_columns(&r->r1, r->w.down, (size_t)s->ffn) &&
              rotate_values(r, layer);
    if (ok && r->b.m.r4)
        rotate_down(r);
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    return ok;
}

static double largest(const float *x, size_t n, double max)
{
    float m = 0;
    for (size_t i = 0; i < n; i++)
        m = fabsf(x[i]) > m ? fabsf(x[i]) : m;
    return m > max ? m : max;
}

static size_t rows_at(const struct run *r, size_t first)
{
    return r->n - first < CHUNK ? r->n - first : CHUNK;
}

/* q, k, v of a path for all tokens, rotated by position. w, b: three each. */
static void project(struct run *r, struct input in, const float *const *w,
                    const float *const *b, int abits, struct qb_layer *seen)
{
    const struct num_shape *s = r->s;
    int dq = s->nq * s->head, dkv = s->nkv * s->head;
    float *out[3] = {r->qx, r->kx, r->vx};
    const int width[3] = {dq, dkv, dkv};
    for (size_t at = 0; at < r->n; at += CHUNK) {
        size_t rows = rows_at(r, at);
        run_fetch(r, in, at, rows, r->x);
        if (seen != NULL)
            run_code(r, r->x, rows, s->d, abits);
        for (int i = 0; i < 3; i++) {
            float *to = out[i] + at * (size_t)width[i];
            qt_apply(w[i], b[i], r->x, to, rows, s->d, width[i]);
            if (seen != NULL)
                seen->lin[NUM_Q + i].max = largest(to, rows * (size_t)width[i],
                                                   seen->lin[NUM_Q + i].max);
        }
    }
    struct qt_attention at = {.s = s, .length = r->length};
    at.inv_freq = model_inv_freq(r->model);
    qt_rope(&at, r->qx, r->n, s->nq);
    qt_rope(&at, r->kx, r->n, s->nkv);
}

static bool attend(struct run *r, float *a, struct qb_layer *seen,
                   struct fl_error *err)
{
    const struct num_shape *s = r->s;
    struct qt_attention at = {.s = s, .length = r->length};
    if (seen != NULL) {
        at.codes = true;
        at.q_max = seen->q_max;
        at.k_max = seen->k_max;
        at.v_max = seen->v_max;
        qt_head_max(r->qx, r->n, s->nq, s->head, at.q_max);
        qt_head_max(r->kx, r->n, s->nkv, s->head, at.k_max);
        qt_head_max(r->vx, r->n, s->nkv, s->head, at.v_max);
    }
    FL_FAIL_IF(!qt_attend(&at, r->qx, r->kx, r->vx, a, r->n), err, FL_NOMEM, 0,
               "out of memory");
    if (seen != NULL)
        seen->a_max = largest(a, r->n * (size_t)(s->nq * s->head), 0);
    return true;
}

/* residual += w x + b, for all tokens of a path. */
static void add(struct run *r, float *residual, struct input in, const float *w,
                const float *b, int abits, bool coded)
{
    size_t d = (size_t)r->s->d;
    for (size_t at = 0; at < r->n; at += CHUNK) {
        size_t rows = rows_at(r, at);
        run_fetch(r, in, at, rows, r->x);
        if (coded)
            run_code(r, r->x, rows, in.width, abits);
        qt_apply(w, b, r->x, r->y, rows, in.width, r->s->d);
        float *to = residual + at * d;
        for (size_t i = 0; i < rows * d; i++)
            to[i] += r->y[i];
    }
    if (coded)
        r->b.r_max = largest(residual, r->n * d, r->b.r_max);
}

/* h of a path for all tokens. w, b: gate and up. */
static void hidden(struct run *r, struct path *p, const float *const *w,
                   const float *const *b, int abits, struct qb_layer *seen)
{
    const struct num_shape *s = r->s;
    size_t f = (size_t)s->ffn;
    struct input in = {p->r, s->d, true};
    for (size_t at = 0; at < r->n; at += CHUNK) {
        size_t rows = rows_at(r, at);
        float *h = p->h + at * f;
        run_fetch(r, in, at, rows, r->x);
        if (seen != NULL)
            run_code(r, r->x, rows, s->d, abits);
        qt_apply(w[0], b[0], r->x, r->y, rows, s->d, s->ffn);
        qt_apply(w[1], b[1], r->x, h, rows, s->d, s->ffn);
        if (seen != NULL) {
            struct qb_linear *g = &seen->lin[NUM_GATE], *u = &seen->lin[NUM_UP];
            g->max = largest(r->y, rows * f, g->max);
            u->max = largest(h, rows * f, u->max);
        }
        qt_silu_mul(r->y, h, rows * f);
        if (seen != NULL)
            seen->h_max = largest(h, rows * f, seen->h_max);
        if (r->b.m.r4) {
#pragma omp parallel for schedule(static)
            for (size_t t = 0; t < rows; t++)
                gold_fht_fp32(h + t * f, s->ffn);
        }
        if (seen != NULL)
            seen->h_max = largest(h, rows * f, seen->h_max);
    }
}

/* Rounds up to three linears of one site. */
static bool round_site(struct run *r, int layer, int first, int count,
                       const float *const *w, const float *const *own, int site,
                       float **real, struct fl_error *err)
{
    const struct num_shape *s = r->s;
    struct qb_layer *seen = &r->b.layer[layer];
    struct num_qlayer *l = &r->b.m.layer[layer];
    int dq = s->nq * s->head, dkv = s->nkv * s->head;
    const int din[NUM_LINEARS] = {s->d, s->d, s->d, dq, s->d, s->d, s->ffn};
    const int dout[NUM_LINEARS] = {dq, dkv, dkv, s->d, s->ffn, s->ffn, s->d};
    l->site[site].abits = r->abits[site];
    l->site[site].clip =
        r->abits[site] == 4 ? (uint32_t)lrint(65536 * r->o->act_clip) : 65536;
    seen->mean[site] =
        r->o->no_mean ? NULL : qb_copy(&r->b, r->mean_q, (size_t)din[first]);
    FL_FAIL_IF(!r->o->no_mean && seen->mean[site] == NULL, err, FL_NOMEM, 0,
               "out of memory");
    for (int i = 0; i < count; i++) {
        int k = first + i;
        FL_TRY(run_round(r, w[i], own[i], &l->lin[k], din[k], dout[k], r->wbits,
                         &real[i], &seen->lin[k].bias, err));
    }
    return true;
}

static bool attention(struct run *r, int layer, float **real,
                      struct fl_error *err)
{
    const struct num_shape *s = r->s;
    struct qb_layer *seen = &r->b.layer[layer];
    struct input in_q = {r->q.r, s->d, true}, in_t = {r->t.r, s->d, true};
    const float *w[3] = {r->w.wq, r->w.wk, r->w.wv};
    const float *own[3] = {r->w.bq, r->w.bk, r->w.bv};
    seen->q_max = qb_take(&r->b, (size_t)s->nq, sizeof(float));
    seen->k_max = qb_take(&r->b, (size_t)s->nkv, sizeof(float));
    seen->v_max = qb_take(&r->b, (size_t)s->nkv, sizeof(float));
    FL_FAIL_IF(!seen->q_max || !seen->k_max || !seen->v_max, err, FL_NOMEM, 0,
               "out of memory");
    run_observe(r, in_q, in_t, r->abits[0]);
    FL_TRY(round_site(r, layer, NUM_Q, 3, w, own, NUM_SITE_ATTN, real, err));
    if (r->target) {
        project(r, in_t, w, own, 16, NULL);
        FL_TRY(attend(r, r->t.a, NULL, err));
    }
    const float *wq[3] = {real[0], real[1], real[2]};
    const float *bq[3] = {seen->lin[NUM_Q].bias, seen->lin[NUM_K].bias,
                          seen->lin[NUM_V].bias};
    project(r, in_q, wq, bq, r->abits[0], seen);
    FL_TRY(attend(r, r->q.a, seen, err));

    int dq = s->nq * s->head;
    const float *wo[1] = {r->w.wo}, *none[1] = {NULL};
    in_q = (struct input){r->q.a, dq, false};
    in_t = (struct input){r->t.a, dq, false};
    run_observe(r, in_q, in_t, r->abits[1]);
    FL_TRY(round_site(r, layer, NUM_O, 1, wo, none, NUM_SITE_O, real + 3, err));
    if (r->target)
        add(r, r->t.r, in_t, r->w.wo, NULL, 16, false);
    add(r, r->q.r, in_q, real[3], seen->lin[NUM_O].bias, r->abits[1], true);
    return true;
}

static bool feed_forward(struct run *r, int layer, float **real,
                         struct fl_error *err)
{
    const struct num_shape *s = r->s;
    struct qb_layer *seen = &r->b.layer[layer];
    struct input in_q = {r->q.r, s->d, true}, in_t = {r->t.r, s->d, true};
    const float *w[2] = {r->w.gate, r->w.up}, *none[2] = {NULL, NULL};
    run_observe(r, in_q, in_t, r->abits[2]);
    FL_TRY(round_site(r, layer, NUM_GATE, 2, w, none, NUM_SITE_FFN, real, err));
    if (r->target)
        hidden(r, &r->t, w, none, 16, NULL);
    const float *wq[2] = {real[0], real[1]};
    const float *bq[2] = {seen->lin[NUM_GATE].bias, seen->lin[NUM_UP].bias};
    hidden(r, &r->q, wq, bq, r->abits[2], seen);

    const float *down[1] = {r->w.down};
    in_q = (struct input){r->q.h, s->ffn, false};
    in_t = (struct input){r->t.h, s->ffn, false};
    run_observe(r, in_q, in_t, r->abits[3]);
    FL_TRY(round_site(r, layer, NUM_DOWN, 1, down, none, NUM_SITE_DOWN,
                      real + 2, err));
    if (r->target)
        add(r, r->t.r, in_t, r->w.down, NULL, 16, false);
    add(r, r->q.r, in_q, real[2], seen->lin[NUM_DOWN].bias, r->abits[3], true);
    return true;
}

bool run_layer(struct run *r, int layer, struct fl_error *err)
{
    float *real[NUM_LINEARS] = {0};
    FL_TRY(run_load_layer(r, layer, err));
    bool ok = attention(r, layer, real, err);
    if (ok)
        run_progress(r, (layer + 0.4) / (r->s->layers + 1.0), "quantising");
    ok = ok && feed_forward(r, layer, real + 4, err);
    if (ok)
        run_progress(r, (layer + 1.0) / (r->s->layers + 1.0), "quantising");
    for (int i = 0; i < NUM_LINEARS; i++)
        free(real[i]);
    model_layer_free(&r->w);
    return ok;
}
