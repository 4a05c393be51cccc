/* SPDX-License-Identifier: Apache-2.0 */
/* quant/basis.c -- a basis of the residual stream whose first W channels hold
 * most of the energy of what the linears read.
 *
 *     C = sum over inputs of E[(x - m)(x - m)^T] / E[|x - m|^2]     (d, d)
 *     C = V^T diag(l) V,  l falling          rows of V: directions
 *     R1 = diag(A, B) V                      A (W, W), B (d - W, d - W)
 *
 * x are the normed inputs of q k v, gate up and the head in the real model on
 * some of the calibration text. A and B are Hadamard matrices with random signs
 * where one block has the order, else random orthogonal ones: they spread the
 * energy of each part evenly over its channels. Paper: ResQ (2412.14363).
 */
#include "num/hadamard.h"
#include "quant/run.h"
#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double gaussian(uint32_t *state)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) {
        *state = *state * 1664525u + 1013904223u;
        sum += *state / 4294967296.0;
    }
    return sum;
}

/* An orthogonal matrix (n, n) that spreads evenly. */
static float *spread(int n, uint32_t seed)
{
    struct num_had h = num_had_split(n);
    if (h.blocks == 1)
        return qt_rotation_matrix(n, true, seed, 1 / sqrt(n));
    size_t s = (size_t)n;
    float *a = malloc(s * s * sizeof *a), *tau = malloc(s * sizeof *tau);
    bool ok = a != NULL && tau != NULL;
    for (size_t i = 0; ok && i < s * s; i++)
        a[i] = (float)gaussian(&seed);
    ok = ok && LAPACKE_sgeqrf(LAPACK_ROW_MAJOR, n, n, a, n, tau) == 0 &&
         LAPACKE_sorgqr(LAPACK_ROW_MAJOR, n, n, n, a, n, tau) == 0;
    free(tau);
    if (!ok) {
        free(a);
        return NULL;
    }
    return a;
}

/* y (n, d) = a (n, n) v (n, d) */
static void mix(const float *a, const float *v, float *y, int n, int d)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, d, n, 1, a, n, v,
                d, 0, y, d);
}

static bool build(struct run *r, double *c, struct fl_error *err)
{
    int d = r->s->d, w = r->o->wide;
    size_t s = (size_t)d;
    double *l = malloc(s * sizeof *l);
    float *v = malloc(s * s * sizeof *v), *m = malloc(s * s * sizeof *m);
    float *room = malloc(QT_PART * s * sizeof *room);
    float *a = spread(w, r->turn), *b = spread(d - w, r->turn + 1);
    bool ok = l != NULL && v != NULL && m != NULL && a != NULL && b != NULL &&
              room != NULL &&
              LAPACKE_dsyevd(LAPACK_ROW_MAJOR, 'V', 'U', d, c, d, l) == 0;
    if (ok) {
        double all = 0, most = 0;
        for (int i = 0; i < d; i++) { /* columns of c, rising */
            all += l[i];
            most += i >= d - w ? l[i] : 0;
            for (int k = 0; k < d; k++)
                v[(size_t)(d - 1 - i) * s + (size_t)k] =
                    (float)c[(size_t)k * s + (size_t)i];
        }
        r->share_wide = most / all;
        mix(a, v, m, w, d);
        mix(b, v + (size_t)w * s, m + (size_t)w * s, d - w, d);
        r->r1 = (struct qt_rotation){.n = d, .matrix = m, .room = room};
    } else {
        free(m);
        free(room);
        fl_fail(err, FL_NOMEM, 0,
                "no basis for wide channels: out of memory, or the model's "
                "activations on the calibration text are not finite");
    }
    free(l);
    free(v);
    free(a);
    free(b);
    return ok;
}

bool run_basis(struct run *r, const int32_t *token, struct fl_error *err)
{
    enum { TOKENS = 8192 };
    const struct num_shape *s = r->s;
    size_t d = (size_t)s->d, length = (size_t)r->length;
    struct run part = *r;
    size_t n = (TOKENS + length - 1) / length * length;
    part.n = n < r->n ? n : r->n;
    part.b.m.r4 = 0;
    part.r1 = (struct qt_rotation){.n = s->d}; /* none yet */
    double *sum = calloc(d * d, sizeof *sum);
    bool ok = sum != NULL;
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    for (size_t t = 0; ok && t < part.n; t++)
        ok = model_read(r->model, MODEL_EMBED, 0, token[t], 1, r->t.r + t * d,
                        err);
    for (int i = 0; ok && i < s->layers; i++)
        ok = run_real_layer(&part, i, sum, err);
    if (ok)
        run_add_moment(&part, sum);
    ok = ok && build(r, sum, err);
    free(sum);
    return ok;
}
