/* SPDX-License-Identifier: Apache-2.0 */
/* quant/observe.c -- what a site sees on the calibration text, and a linear
 * rounded with it.
 *
 * With m the mean of the input and c the codes of (x - m) in real values:
 *
 *     target   y = W (x_t - m_t)  +  (b + W m_t)
 *     ours     y = W' c           +  b'       b' = b + W m_t - W' mean(c)
 *
 * x_t, m_t are the real model's where r->target, else the quantised one's.
 */
#include "quant/run.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

void run_fetch(const struct run *r, struct input in, size_t first, size_t rows,
               float *x)
{
    const float *from = in.from + first * (size_t)in.width;
    if (in.norm)
        qt_norm(from, x, rows, in.width, r->s->eps);
    else
        memcpy(x, from, rows * (size_t)in.width * sizeof *x);
}

static size_t chunk_at(const struct run *r, size_t first)
{
    return r->n - first < CHUNK ? r->n - first : CHUNK;
}

static void mean_of(struct run *r, struct input in, float *mean)
{
    double *all = r->sum, *part = r->sum + in.width;
    memset(all, 0, (size_t)in.width * sizeof *all);
    for (size_t at = 0; at < r->n; at += CHUNK) {
        size_t rows = chunk_at(r, at);
        run_fetch(r, in, at, rows, r->x);
        qt_mean(r->x, rows, in.width, part);
        for (int i = 0; i < in.width; i++)
            all[i] += part[i] * (double)rows;
    }
    for (int i = 0; i < in.width; i++)
        mean[i] = (float)(all[i] / (double)r->n);
}

void run_code(const struct run *r, float *x, size_t rows, int width, int abits)
{
    qt_site(x, rows, width, r->o->no_mean ? NULL : r->mean_q, abits,
            r->act_clip, abits == 4 ? r->wide : 0);
}

/* The clip of a u4 site with the least error of its codes, each token's error
 * as a share of its energy; on up to CHUNK tokens, spread over the text. */
static double choose_clip(struct run *r, struct input in)
{
    enum { PART = 64 };
    static const double clips[] = {1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7};
    size_t w = (size_t)in.width, parts = r->n / PART, n = 0;
    if (r->o->act_clip > 0)
        return r->o->act_clip;
    if (parts == 0)
        return 0.85;
    size_t take = parts < CHUNK / PART ? parts : CHUNK / PART;
    for (size_t i = 0; i < take; i++, n += PART)
        run_fetch(r, in, i * parts / take * PART, PART, r->x + n * w);
    qt_site(r->x, n, in.width, r->o->no_mean ? NULL : r->mean_q, 16, 1, 0);
    double best = 1, least = INFINITY;
    for (size_t k = 0; k < sizeof clips / sizeof *clips; k++) {
        memcpy(r->y, r->x, n * w * sizeof *r->y);
        qt_site(r->y, n, in.width, NULL, 4, clips[k], r->wide);
        double all = 0;
        for (size_t t = 0; t < n; t++) {
            double e = 0, x = 1e-30;
            for (size_t i = t * w; i < (t + 1) * w; i++) {
                e += (double)(r->y[i] - r->x[i]) * (r->y[i] - r->x[i]);
                x += (double)r->x[i] * r->x[i];
            }
            all += e / x;
        }
        if (all < least) {
            least = all;
            best = clips[k];
        }
    }
    return best;
}

void run_observe(struct run *r, struct input q, struct input t, int layer,
                 int site)
{
    int abits = run_abits(r, layer, site);
    r->wide = site == NUM_SITE_O || site == NUM_SITE_DOWN ? 0 : r->o->wide;
    size_t s = (size_t)q.width;
    double *all = r->sum, *part = r->sum + q.width;
    mean_of(r, q, r->mean_q);
    if (r->target)
        mean_of(r, t, r->mean_t);
    else
        memcpy(r->mean_t, r->mean_q, s * sizeof *r->mean_t);
    r->act_clip = abits == 4 ? choose_clip(r, q) : 1;
    memset(r->moment, 0, s * s * sizeof *r->moment);
    memset(r->cross, 0, s * s * sizeof *r->cross);
    memset(all, 0, s * sizeof *all);
    for (size_t at = 0; at < r->n; at += CHUNK) {
        size_t rows = chunk_at(r, at);
        run_fetch(r, q, at, rows, r->x);
        run_code(r, r->x, rows, q.width, abits);
        qt_mean(r->x, rows, q.width, part);
        for (int i = 0; i < q.width; i++)
            all[i] += part[i] * (double)rows;
        if (!r->o->rtn)
            qt_moment(r->moment, r->x, rows, q.width);
        if (r->target) {
            run_fetch(r, t, at, rows, r->y);
            if (!r->o->no_mean)
                qt_site(r->y, rows, q.width, r->mean_t, 16, 1, 0);
            qt_cross(r->cross, r->y, r->x, rows, q.width);
        }
    }
    for (int i = 0; i < q.width; i++)
        r->mean_coded[i] = (float)(all[i] / (double)r->n);
    r->in = q;
    r->in_abits = abits;
    run_report_site(r, layer, site);
}

void run_add_moment(struct run *r, double *sum)
{
    struct input in = {r->t.r, r->s->d, true};
    size_t s = (size_t)in.width;
    double trace = 0;
    mean_of(r, in, r->mean_t);
    memset(r->moment, 0, s * s * sizeof *r->moment);
    for (size_t at = 0; at < r->n; at += CHUNK) {
        size_t rows = chunk_at(r, at);
        run_fetch(r, in, at, rows, r->x);
        qt_site(r->x, rows, in.width, r->o->no_mean ? NULL : r->mean_t, 16, 1,
                0);
        qt_moment(r->moment, r->x, rows, in.width);
    }
    for (size_t i = 0; i < s; i++)
        trace += r->moment[i * s + i];
    for (size_t i = 0; i < s * s; i++)
        sum[i] += r->moment[i] / (trace + 1e-30);
}

static double dot(const float *w, const float *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)w[i] * x[i];
    return sum;
}

/* Rows first .. first + rows, small enough to have several copies of. */
static bool round_rows(struct run *r, const struct qt_rounding *how,
                       struct num_qlinear *q, float *real, int first, int rows,
                       struct fl_error *err)
{
    size_t all = (size_t)rows * (size_t)q->din;
    int groups = how->group > 0 ? q->din / how->group : 1;
    struct qt_linear l = {
        .din = q->din, .dout = rows, .wide = q->wide, .w = real};
    l.code = malloc(all);
    l.scale = malloc((size_t)rows * sizeof *l.scale);
    l.mul = how->group > 0 ? malloc((size_t)rows * (size_t)groups) : NULL;
    bool ok = l.code && l.scale && (how->group == 0 || l.mul);
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    if (ok && r->target && how->gptq)
        ok = qt_retarget(real, rows, q->din, r->moment, r->cross, r->o->asym,
                         how->damp, err);
    ok = ok && qt_round(&l, how->gptq ? r->moment : NULL, how, err);
    if (ok)
        qb_put(q, first, &l);
    free(l.code);
    free(l.scale);
    free(l.mul);
    return ok;
}

bool run_round(struct run *r, const float *w, const float *own,
               struct num_qlinear *q, int din, int dout, int wbits,
               float **real, float **bias, struct fl_error *err)
{
    enum { ROWS = 8192 };
    const struct quant_options *o = r->o;
    int group = o->group > 0 && din % o->group == 0 ? o->group : 0;
    struct qt_rounding how = {wbits,   group,   !o->no_clip,
                              !o->rtn, o->damp, o->sweeps};
    size_t all = (size_t)dout * (size_t)din;
    *real = malloc(all * sizeof **real);
    *bias = own != NULL || !o->no_mean
                ? qb_take(&r->b, (size_t)dout, sizeof **bias)
                : NULL;
    int wide = wbits == 4 ? r->wide : 0;
    bool ok = *real != NULL &&
              qb_linear(&r->b, q, din, dout, wbits, group, wide) &&
              (*bias != NULL || (own == NULL && o->no_mean));
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    if (ok)
        memcpy(*real, w, all * sizeof **real);
    for (int first = 0; ok && first < dout; first += ROWS) {
        int rows = dout - first < ROWS ? dout - first : ROWS;
        ok = round_rows(r, &how, q, *real + (size_t)first * (size_t)din, first,
                        rows, err);
    }
    for (int i = 0; ok && *bias != NULL && i < dout; i++) {
        size_t at = (size_t)i * (size_t)din;
        double b = own == NULL ? 0 : own[i];
        if (!o->no_mean)
            b += dot(w + at, r->mean_t, din) -
                 dot(*real + at, r->mean_coded, din);
        (*bias)[i] = (float)b;
    }
    if (!ok) {
        free(*real);
        *real = NULL;
    }
    return ok;
}
