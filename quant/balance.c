/* SPDX-License-Identifier: Apache-2.0 */
/* quant/balance.c -- gains between two linears that see each other channel by
 * channel: v and o (attention mixes positions, not channels), up and down
 * (what lies between is a product with silu(gate)). Multiplying row i of the
 * first by s[i] and column i of the second by 1 / s[i] changes no output.
 *
 * It does change what rounding costs. After a Hadamard rotation the errors of
 * codes are spread evenly over all channels, with a power that goes with the
 * whole energy of the row: sum E[i] s[i]^2 for a token, E the variances of
 * the channels, and sum w[i]^2 / s[i]^2 for the weights behind it, w the
 * norms of the columns. Back in the channels each error is weighted with the
 * other one's, so both cost, up to a constant,
 *
 *     (sum E[i] s[i]^2) (sum w[i]^2 / s[i]^2)
 *
 * which by Cauchy-Schwarz is least, (sum w[i] sqrt(E[i]))^2, where
 *
 *     s[i]^2 = w[i] / sqrt(E[i])
 *
 * Variances are taken of tokens scaled to length one, because codes have a
 * scale a token. The mean is taken out before, as the sites do.
 */
#include "quant/run.h"
#include <math.h>
#include <string.h>

enum { LIMIT = 8 }; /* s stays within 1/8 .. 8 of its geometric mean */

void qt_variance(const float *x, size_t n, int width, bool centred,
                 double *mean, double *var)
{
    size_t w = (size_t)width;
    if (centred)
        qt_mean(x, n, width, mean);
    else
        memset(mean, 0, w * sizeof *mean);
    memset(var, 0, w * sizeof *var);
    for (size_t t = 0; t < n; t++) {
        const float *row = x + t * w;
        double all = 1e-30;
        for (size_t i = 0; i < w; i++)
            all += (row[i] - mean[i]) * (row[i] - mean[i]);
        for (size_t i = 0; i < w; i++)
            var[i] += (row[i] - mean[i]) * (row[i] - mean[i]) / all;
    }
}

void qt_gains(const double *var, const double *norm2, int n, float *gain)
{
    double all = 0, middle = 0;
    for (int i = 0; i < n; i++)
        all += var[i] / n;
    for (int i = 0; i < n; i++) {
        double e = var[i] + 1e-3 * all + 1e-30, w = norm2[i] + 1e-30;
        double s = pow(w / e, 0.25);
        gain[i] = (float)s;
        middle += log(s) / n;
    }
    for (int i = 0; i < n; i++) {
        double s = gain[i] / exp(middle);
        gain[i] = (float)fmin(fmax(s, 1.0 / LIMIT), LIMIT);
    }
}

/* norm2[i] += squares of column i of w (rows, stride), i < n. */
static void columns(const float *w, int rows, size_t stride, int n,
                    double *norm2)
{
    for (int o = 0; o < rows; o++)
        for (int i = 0; i < n; i++) {
            double x = w[(size_t)o * stride + (size_t)i];
            norm2[i] += x * x;
        }
}

static void scale_columns(float *w, int rows, size_t stride, int n,
                          const float *gain)
{
    for (int o = 0; o < rows; o++)
        for (int i = 0; i < n; i++)
            w[(size_t)o * stride + (size_t)i] /= gain[i];
}

static void scale_rows(float *w, int rows, int din, const float *gain)
{
    for (int o = 0; o < rows; o++)
        for (int i = 0; i < din; i++)
            w[(size_t)o * (size_t)din + (size_t)i] *= gain[o];
}

void run_balance_ffn(struct run *r, const float *h, size_t n)
{
    const struct num_shape *s = r->s;
    double *var = r->sum, *norm2 = r->sum + s->ffn;
    float *gain = r->mean_q; /* free until the next site */
    qt_variance(h, n, s->ffn, !r->o->no_mean, norm2, var);
    memset(norm2, 0, (size_t)s->ffn * sizeof *norm2);
    columns(r->w.down, s->d, (size_t)s->ffn, s->ffn, norm2);
    qt_gains(var, norm2, s->ffn, gain);
    scale_rows(r->w.up, s->ffn, s->d, gain);
    if (r->w.bup != NULL)
        scale_rows(r->w.bup, s->ffn, 1, gain);
    scale_columns(r->w.down, s->d, (size_t)s->ffn, s->ffn, gain);
}

void run_balance_values(struct run *r, const float *a, size_t n)
{
    const struct num_shape *s = r->s;
    int dq = s->nq * s->head, dkv = s->nkv * s->head;
    int per = num_group_heads(s);
    double *wide = r->sum, *var = r->sum + dq;
    float *gain = r->mean_q;
    qt_variance(a, n, dq, !r->o->no_mean, var, wide);
    memset(var, 0, (size_t)dq * sizeof *var);
    columns(r->w.wo, s->d, (size_t)dq, dq, var);
    /* the query heads of a value head share its channels */
    for (int h = 0; h < s->nkv; h++)
        for (int i = 0; i < s->head; i++) {
            double e = 0, w = 0;
            for (int g = 0; g < per; g++) {
                e += wide[(h * per + g) * s->head + i];
                w += var[(h * per + g) * s->head + i];
            }
            wide[h * s->head + i] = e;
            var[h * s->head + i] = w;
        }
    qt_gains(wide, var, dkv, gain);
    scale_rows(r->w.wv, dkv, s->d, gain);
    if (r->w.bv != NULL)
        scale_rows(r->w.bv, dkv, 1, gain);
    for (int h = 0; h < s->nq; h++)
        scale_columns(r->w.wo + h * s->head, s->d, (size_t)dq, s->head,
                      gain + h / per * s->head);
}
