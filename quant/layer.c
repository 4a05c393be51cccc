/* SPDX-License-Identifier: Apache-2.0 */
/* quant/layer.c -- one layer: folded, rotated, quantised site by site, with
 * the calibration tokens carried through it. */
#include "golden/matmul.h"
#include "quant/run.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* R3 on n heads. */
static void rotate_heads(float *x, size_t n, int head)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++)
        gold_fht_fp32(x + i * (size_t)head, head);
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
    if (seen != NULL && r->b.m.r3) {
        rotate_heads(r->qx, r->n * (size_t)s->nq, s->head);
        rotate_heads(r->kx, r->n * (size_t)s->nkv, s->head);
    }
}

static bool attend(struct run *r, float *a, struct qb_layer *seen,
                   struct fl_error *err)
{
    const struct num_shape *s = r->s;
    struct qt_attention at = {.s = s, .length = r->length};
    if (seen != NULL) {
        at.codes = true;
        at.score = (float)qb_score(&r->b.m);
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

/* The run as if it had only its first sequences: a sample to take statistics
 * of before a layer is rounded. No R4. */
static struct run sample(const struct run *r)
{
    enum { TOKENS = 4096 };
    struct run part = *r;
    size_t length = (size_t)r->length;
    size_t n = (TOKENS + length - 1) / length * length;
    part.n = n < r->n ? n : r->n;
    part.b.m.r4 = 0;
    return part;
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
    l->site[site].abits = run_abits(r, layer, site);
    l->site[site].wide = l->site[site].abits == 4 ? r->wide : 0;
    l->site[site].clip = (uint32_t)lrint(65536 * r->act_clip);
    seen->mean[site] =
        r->o->no_mean ? NULL : qb_copy(&r->b, r->mean_q, (size_t)din[first]);
    FL_FAIL_IF(!r->o->no_mean && seen->mean[site] == NULL, err, FL_NOMEM, 0,
               "out of memory");
    for (int i = 0; i < count; i++) {
        int k = first + i;
        FL_TRY(run_round(r, w[i], own[i], &l->lin[k], din[k], dout[k],
                         run_wbits(r, layer, k), &real[i], &seen->lin[k].bias,
                         err));
        run_report_linear(r, layer, k, w[i], own[i], real[i], seen->lin[k].bias,
                          dout[k]);
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
    if (!r->o->no_balance) {
        struct run part = sample(r);
        project(&part, in_q, w, own, 16, NULL);
        FL_TRY(attend(&part, r->q.a, NULL, err));
        run_balance_values(r, r->q.a, part.n);
    }
    if (!run_rotate_values(r, layer)) {
        fl_fail(err, FL_NOMEM, 0, "out of memory");
        return false;
    }
    run_observe(r, in_q, in_t, layer, NUM_SITE_ATTN);
    FL_TRY(round_site(r, layer, NUM_Q, 3, w, own, NUM_SITE_ATTN, real, err));
    if (r->target) {
        project(r, in_t, w, own, 16, NULL);
        FL_TRY(attend(r, r->t.a, NULL, err));
    }
    const float *wq[3] = {real[0], real[1], real[2]};
    const float *bq[3] = {seen->lin[NUM_Q].bias, seen->lin[NUM_K].bias,
                          seen->lin[NUM_V].bias};
    project(r, in_q, wq, bq, run_abits(r, layer, NUM_SITE_ATTN), seen);
    FL_TRY(attend(r, r->q.a, seen, err));

    int dq = s->nq * s->head;
    const float *wo[1] = {r->w.wo}, *own_o[1] = {r->w.bo};
    in_q = (struct input){r->q.a, dq, false};
    in_t = (struct input){r->t.a, dq, false};
    run_observe(r, in_q, in_t, layer, NUM_SITE_O);
    FL_TRY(
        round_site(r, layer, NUM_O, 1, wo, own_o, NUM_SITE_O, real + 3, err));
    if (r->target)
        add(r, r->t.r, in_t, r->w.wo, r->w.bo, 16, false);
    add(r, r->q.r, in_q, real[3], seen->lin[NUM_O].bias,
        run_abits(r, layer, NUM_SITE_O), true);
    return true;
}

static bool feed_forward(struct run *r, int layer, float **real,
                         struct fl_error *err)
{
    const struct num_shape *s = r->s;
    struct qb_layer *seen = &r->b.layer[layer];
    struct input in_q = {r->q.r, s->d, true}, in_t = {r->t.r, s->d, true};
    const float *w[2] = {r->w.gate, r->w.up};
    const float *own[2] = {r->w.bgate, r->w.bup};
    if (!r->o->no_balance) {
        struct run part = sample(r);
        hidden(&part, &part.q, w, own, 16, NULL);
        run_balance_ffn(r, r->q.h, part.n);
    }
    run_rotate_down(r);
    run_observe(r, in_q, in_t, layer, NUM_SITE_FFN);
    FL_TRY(round_site(r, layer, NUM_GATE, 2, w, own, NUM_SITE_FFN, real, err));
    if (r->target)
        hidden(r, &r->t, w, own, 16, NULL);
    const float *wq[2] = {real[0], real[1]};
    const float *bq[2] = {seen->lin[NUM_GATE].bias, seen->lin[NUM_UP].bias};
    hidden(r, &r->q, wq, bq, run_abits(r, layer, NUM_SITE_FFN), seen);

    const float *down[1] = {r->w.down}, *own_d[1] = {r->w.bdown};
    in_q = (struct input){r->q.h, s->ffn, false};
    in_t = (struct input){r->t.h, s->ffn, false};
    run_observe(r, in_q, in_t, layer, NUM_SITE_DOWN);
    FL_TRY(round_site(r, layer, NUM_DOWN, 1, down, own_d, NUM_SITE_DOWN,
                      real + 2, err));
    if (r->target)
        add(r, r->t.r, in_t, r->w.down, r->w.bdown, 16, false);
    add(r, r->q.r, in_q, real[2], seen->lin[NUM_DOWN].bias,
        run_abits(r, layer, NUM_SITE_DOWN), true);
    return true;
}

bool run_real_layer(struct run *r, int layer, double *sum, struct fl_error *err)
{
    const struct num_shape *s = r->s;
    struct input norm = {r->t.r, s->d, true};
    FL_TRY(run_load_layer(r, layer, err));
    const float *w[3] = {r->w.wq, r->w.wk, r->w.wv};
    const float *b[3] = {r->w.bq, r->w.bk, r->w.bv};
    const float *gu[2] = {r->w.gate, r->w.up}, *bgu[2] = {r->w.bgate, r->w.bup};
    run_add_moment(r, sum);
    project(r, norm, w, b, 16, NULL);
    bool ok = attend(r, r->t.a, NULL, err);
    if (ok) {
        add(r, r->t.r, (struct input){r->t.a, s->nq * s->head, false}, r->w.wo,
            r->w.bo, 16, false);
        run_add_moment(r, sum);
        hidden(r, &r->t, gu, bgu, 16, NULL);
        add(r, r->t.r, (struct input){r->t.h, s->ffn, false}, r->w.down,
            r->w.bdown, 16, false);
    }
    model_layer_free(&r->w);
    return ok;
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
