/* SPDX-License-Identifier: Apache-2.0 */
/* quant/gptq.c -- codes that make (w - q) H (w - q)^T small.
 *
 * GPTQ: columns in the order of falling H[i][i]; the error of each is spread
 * over those still open by the Cholesky factor of the inverse of H (damped).
 * Then sweeps of coordinate descent: with G = (w - q) H, moving code i of a
 * row to the nearest integer of code + G[i] / (step H[i][i]) lowers the error
 * most; a sweep visits all columns, and the row's scale is set anew to the
 * least-squares one between sweeps. Rows are independent: threads share them.
 */
#include "golden/matmul.h"
#include "num/convert.h"
#include "quant/work.h"
#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 16 }; /* rows that pass over the factor together */

static inline float nearest(float x)
{
    return (x + 12582912.0f) - 12582912.0f;
}

static inline float code_of(float x, int wbits)
{
    float lo = wbits == 4 ? -8 : -127, hi = wbits == 4 ? 7 : 127;
    return nearest(x < lo ? lo : x > hi ? hi : x);
}

static inline int bits_of(const struct qt_linear *l,
                          const struct qt_rounding *o, int i)
{
    return i < l->wide ? 8 : o->wbits;
}

/* y -= a * x */
static GOLD_CLONES void axpy(float *y, float a, const float *x, int n)
{
    for (int i = 0; i < n; i++)
        y[i] -= a * x[i];
}

static double damping(const float *h, int n, double damp)
{
    double mean = 0;
    for (int i = 0; i < n; i++)
        mean += h[(size_t)i * (size_t)n + (size_t)i] / n;
    return mean > 0 ? damp * mean : 1;
}

/* u (n, n): upper, inverse of (H permuted, damped) = u^T u. */
static bool factor(const float *h, const int *perm, int n, double damp,
                   float *u, struct fl_error *err)
{
    size_t s = (size_t)n;
    double *a = malloc(s * s * sizeof *a);
    FL_FAIL_IF(a == NULL, err, FL_NOMEM, 0, "out of memory");
    double more = damping(h, n, damp);
    int bad = 1;
    for (int attempt = 0; bad != 0 && attempt < 6; attempt++, more *= 10) {
        for (size_t i = 0; i < s; i++)
            for (size_t j = 0; j < s; j++)
                a[i * s + j] = h[(size_t)perm[i] * s + (size_t)perm[j]] +
                               (i == j ? more : 0);
        bad = LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', n, a, n);
        bad = bad ? bad : LAPACKE_dpotri(LAPACK_ROW_MAJOR, 'L', n, a, n);
        for (size_t i = 0; i < s; i++)
            for (size_t j = i + 1; j < s; j++)
                a[i * s + j] = a[j * s + i];
        bad = bad ? bad : LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'U', n, a, n);
    }
    for (size_t i = 0; i < s * s; i++)
        u[i] = (float)a[i];
    free(a);
    FL_FAIL_IF(bad != 0, err, FL_RANGE, 0,
               "the second moments of a linear's input are not positive "
               "definite; give more calibration text or a larger --damp");
    return true;
}

struct order {
    float key;
    int i;
};

static int by_key(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    return x->key != y->key ? (x->key < y->key) - (x->key > y->key)
                            : x->i - y->i;
}

static bool gptq(struct qt_linear *l, const float *h,
                 const struct qt_rounding *o, struct fl_error *err)
{
    int n = l->din;
    size_t s = (size_t)n;
    float *u = malloc(s * s * sizeof *u);
    float *rows = malloc(s * (size_t)l->dout * sizeof *rows);
    int *perm = malloc(s * sizeof *perm);
    struct order *order = malloc(s * sizeof *order);
    bool ok = u != NULL && rows != NULL && perm != NULL && order != NULL;
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    for (int i = 0; ok && i < n; i++)
        order[i] = (struct order){h[(size_t)i * s + (size_t)i], i};
    if (ok)
        qsort(order, s, sizeof *order, by_key);
    for (int i = 0; ok && i < n; i++)
        perm[i] = order[i].i;
    ok = ok && factor(h, perm, n, o->damp, u, err);
    if (ok) {
#pragma omp parallel for schedule(dynamic)
        for (int from = 0; from < l->dout; from += ROWS) {
            int to = from + ROWS < l->dout ? from + ROWS : l->dout;
            for (int r = from; r < to; r++)
                for (int i = 0; i < n; i++)
                    rows[(size_t)r * s + (size_t)i] =
                        l->w[(size_t)r * s + (size_t)perm[i]];
            for (int i = 0; i < n; i++)
                for (int r = from; r < to; r++) {
                    float *w = rows + (size_t)r * s;
                    float step = qt_step(l, o->group, r, perm[i]);
                    float c = code_of(w[i] / step, bits_of(l, o, perm[i]));
                    float e = (w[i] - c * step) / u[(size_t)i * s + (size_t)i];
                    l->code[(size_t)r * s + (size_t)perm[i]] = (int8_t)c;
                    axpy(w + i + 1, e, u + (size_t)i * s + i + 1, n - i - 1);
                }
        }
    }
    free(u);
    free(rows);
    free(perm);
    free(order);
    return ok;
}

/* One row's sweep: g = (w - q) H is kept up to date. */
static void sweep_row(struct qt_linear *l, const float *h, int r, float *g,
                      const struct qt_rounding *o)
{
    size_t s = (size_t)l->din;
    int8_t *code = l->code + (size_t)r * s;
    for (int i = 0; i < l->din; i++) {
        float step = qt_step(l, o->group, r, i);
        float own = h[(size_t)i * s + (size_t)i] * step;
        if (own <= 0)
            continue;
        float c = code_of(code[i] + g[i] / own, bits_of(l, o, i));
        float moved = c - code[i];
        if (moved == 0)
            continue;
        code[i] = (int8_t)c;
        axpy(g, moved * step, h + (size_t)i * s, l->din);
    }
}

static void reals(const struct qt_linear *l, int group, float *q)
{
#pragma omp parallel for schedule(static)
    for (int r = 0; r < l->dout; r++)
        for (int i = 0; i < l->din; i++) {
            size_t at = (size_t)r * (size_t)l->din + (size_t)i;
            q[at] = l->code[at] * qt_step(l, group, r, i);
        }
}

/* The scale that fits row r's codes best, w H q / q H q, and g moved to it:
 * with wh = w H known, q H = wh - g needs no product. */
static void refit_row(struct qt_linear *l, int group, int r, const float *wh,
                      float *g)
{
    size_t s = (size_t)l->din;
    double wq = 0, qq = 0;
    for (size_t i = 0; i < s; i++) {
        size_t at = (size_t)r * s + i;
        double qh = (double)wh[i] - g[i];
        wq += l->w[at] * qh;
        qq += l->code[at] * qt_step(l, group, r, (int)i) * qh;
    }
    if (!(wq > 0 && qq > 0))
        return;
    float before = l->scale[r];
    l->scale[r] = (float)num_scale_real(num_scale_of(before * wq / qq));
    float ratio = l->scale[r] / before;
    for (size_t i = 0; i < s; i++)
        g[i] = wh[i] - ratio * (wh[i] - g[i]);
}

static bool descend(struct qt_linear *l, const float *h,
                    const struct qt_rounding *o, struct fl_error *err)
{
    int n = l->din;
    size_t s = (size_t)n, all = s * (size_t)l->dout;
    float *q = malloc(all * sizeof *q);     /* w - q */
    float *g = malloc(all * sizeof *g);     /* (w - q) H */
    float *wh = malloc(all * sizeof *wh);   /* w H */
    float *hd = malloc(s * s * sizeof *hd); /* H, damped */
    bool ok = q != NULL && g != NULL && wh != NULL && hd != NULL;
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    if (ok) {
        memcpy(hd, h, s * s * sizeof *hd);
        float more = (float)damping(h, n, o->damp);
        for (size_t i = 0; i < s; i++)
            hd[i * s + i] += more;
        reals(l, o->group, q);
        for (size_t i = 0; i < all; i++)
            q[i] = l->w[i] - q[i];
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, l->dout, n, n, 1,
                    q, n, hd, n, 0, g, n);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, l->dout, n, n, 1,
                    l->w, n, hd, n, 0, wh, n);
#pragma omp parallel for schedule(dynamic, ROWS)
        for (int r = 0; r < l->dout; r++)
            for (int k = 0; k < o->sweeps; k++) {
                float *row = g + (size_t)r * s;
                refit_row(l, o->group, r, wh + (size_t)r * s, row);
                sweep_row(l, hd, r, row, o);
            }
    }
    free(q);
    free(g);
    free(wh);
    free(hd);
    return ok;
}

bool qt_round(struct qt_linear *l, const float *h, const struct qt_rounding *o,
              struct fl_error *err)
{
    size_t s = (size_t)l->din;
    float *weight = h == NULL ? NULL : malloc(s * sizeof *weight);
    FL_FAIL_IF(h != NULL && weight == NULL, err, FL_NOMEM, 0, "out of memory");
    for (size_t i = 0; h != NULL && i < s; i++)
        weight[i] = h[i * s + i];
    qt_scales(l, weight, o->wbits, o->group, o->clip);
    free(weight);
    if (o->gptq && h != NULL) {
        FL_TRY(gptq(l, h, o, err));
        if (o->sweeps > 0)
            FL_TRY(descend(l, h, o, err));
    } else {
#pragma omp parallel for schedule(static)
        for (int r = 0; r < l->dout; r++)
            for (int i = 0; i < l->din; i++) {
                size_t at = (size_t)r * s + (size_t)i;
                l->code[at] = (int8_t)code_of(
                    l->w[at] / qt_step(l, o->group, r, i), bits_of(l, o, i));
            }
    }
    reals(l, o->group, l->w);
    return true;
}

bool qt_retarget(float *w, int dout, int din, const float *h, const float *c,
                 double share, double damp, struct fl_error *err)
{
    size_t s = (size_t)din, all = s * (size_t)dout;
    double *a = malloc(s * s * sizeof *a);
    double *b = malloc(s * s * sizeof *b);
    float *m = malloc(s * s * sizeof *m), *d = malloc(all * sizeof *d);
    bool ok = a != NULL && b != NULL && m != NULL && d != NULL;
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    if (ok) {
        /* m^T = (H + damping)^-1 (C - H)^T */
        double more = damping(h, din, damp);
        for (size_t i = 0; i < s; i++)
            for (size_t j = 0; j < s; j++) {
                a[i * s + j] = h[i * s + j] + (i == j ? more : 0);
                b[j * s + i] = (double)c[i * s + j] - h[i * s + j];
            }
        ok =
            LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', din, din, a, din, b, din) == 0;
        if (!ok)
            fl_fail(err, FL_RANGE, 0,
                    "the second moments of a linear's input are not positive "
                    "definite; give more calibration text");
    }
    if (ok) {
        for (size_t i = 0; i < s; i++)
            for (size_t j = 0; j < s; j++)
                m[i * s + j] = (float)(share * b[j * s + i]);
        memcpy(d, w, all * sizeof *d);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, dout, din, din,
                    1, d, din, m, din, 1, w, din);
    }
    free(a);
    free(b);
    free(m);
    free(d);
    return ok;
}
