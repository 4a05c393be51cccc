/* SPDX-License-Identifier: Apache-2.0 */
#include "train/ops.h"
#include "golden/matmul.h"
#include <string.h>

void op_exp(real *x, int n)
{
#ifdef TRAIN_DOUBLE
    for (int i = 0; i < n; i++)
        x[i] = exp(x[i]);
#else
    gold_exp_fp32(x, n);
#endif
}

void op_rmsnorm(const real *x, const real *gamma, int n, int d, double eps,
                real *y, real *inv)
{
    for (int t = 0; t < n; t++, x += d, y += d) {
        double sum = 0;
        for (int i = 0; i < d; i++)
            sum += (double)x[i] * x[i];
        real f = (real)(1 / sqrt(sum / d + eps));
        inv[t] = f;
        for (int i = 0; i < d; i++)
            y[i] = x[i] * f * gamma[i];
    }
}

void op_rmsnorm_back(const real *x, const real *gamma, const real *inv,
                     const real *dy, int n, int d, real *dx, real *dgamma)
{
    for (int t = 0; t < n; t++, x += d, dy += d, dx += d) {
        real f = inv[t];
        double sum = 0;
        for (int i = 0; i < d; i++)
            sum += (double)x[i] * gamma[i] * dy[i];
        real c = (real)(sum / d) * f * f * f;
        for (int i = 0; i < d; i++)
            dx[i] += f * gamma[i] * dy[i] - c * x[i];
        if (dgamma != NULL)
            for (int i = 0; i < d; i++)
                dgamma[i] += x[i] * f * dy[i];
    }
}

static void rotate(real *x, int n, int heads, int head, const real *turn,
                   real sign)
{
    for (int t = 0; t < n; t++, turn += head)
        for (int h = 0; h < heads; h++, x += head)
            for (int i = 0; i < head; i += 2) {
                real a = x[i], b = x[i + 1];
                real c = turn[i], s = sign * turn[i + 1];
                x[i] = a * c - b * s;
                x[i + 1] = a * s + b * c;
            }
}

void op_rope(real *x, int n, int heads, int head, const real *turn)
{
    rotate(x, n, heads, head, turn, 1);
}

void op_rope_back(real *dx, int n, int heads, int head, const real *turn)
{
    rotate(dx, n, heads, head, turn, -1);
}

/* Row t of a block keeps its first t + 1 values; the rest becomes 0. */
static void softmax(real *p, int own, int width)
{
    real max = p[0];
    for (int i = 1; i < own; i++)
        max = p[i] > max ? p[i] : max;
    for (int i = 0; i < own; i++)
        p[i] -= max;
    op_exp(p, own);
    real sum = 0;
    for (int i = 0; i < own; i++)
        sum += p[i];
    for (int i = 0; i < own; i++)
        p[i] /= sum;
    memset(p + own, 0, (size_t)(width - own) * sizeof *p);
}

void op_attention(const struct num_shape *s, const real *q, const real *k,
                  const real *v, int n, real *p, real *y)
{
    int h = s->head, ldq = s->nq * h, ldk = s->nkv * h;
    real scale = 1 / REAL_SQRT((real)h);
    for (int j = 0; j < s->nq; j++, p += (size_t)n * (size_t)n) {
        const real *kj = k + j / num_group_heads(s) * h;
        const real *vj = v + j / num_group_heads(s) * h;
        for (int t = 0; t < n; t += OP_ROWS) {
            int m = n - t < OP_ROWS ? n - t : OP_ROWS;
            real *rows = p + (size_t)t * (size_t)n;
            size_t at = (size_t)t * (size_t)ldq + (size_t)(j * h);
            real_abt(m, t + m, h, scale, q + at, ldq, kj, ldk, 0, rows, n);
            for (int i = 0; i < m; i++)
                softmax(rows + (size_t)i * (size_t)n, t + i + 1, t + m);
            real_ab(m, h, t + m, 1, rows, n, vj, ldk, 0, y + at, ldq);
        }
    }
}

void op_attention_back(const struct num_shape *s, const real *q, const real *k,
                       const real *v, const real *p, const real *dy, int n,
                       real *dq, real *dk, real *dv, real *work)
{
    int h = s->head, ldq = s->nq * h, ldk = s->nkv * h;
    real scale = 1 / REAL_SQRT((real)h);
    memset(dk, 0, (size_t)n * (size_t)ldk * sizeof *dk);
    memset(dv, 0, (size_t)n * (size_t)ldk * sizeof *dv);
    for (int j = 0; j < s->nq; j++, p += (size_t)n * (size_t)n) {
        int kv = j / num_group_heads(s) * h;
        for (int t = 0; t < n; t += OP_ROWS) {
            int m = n - t < OP_ROWS ? n - t : OP_ROWS, w = t + m;
            const real *rows = p + (size_t)t * (size_t)n;
            size_t at = (size_t)t * (size_t)ldq + (size_t)(j * h);
            real_abt(m, w, h, 1, dy + at, ldq, v + kv, ldk, 0, work, w);
            real_atb(w, h, m, 1, rows, n, dy + at, ldq, 1, dv + kv, ldk);
            for (int i = 0; i < m; i++) {
                const real *pi = rows + (size_t)i * (size_t)n;
                real *ds = work + (size_t)i * (size_t)w, sum = 0;
                for (int c = 0; c < w; c++)
                    sum += pi[c] * ds[c];
                for (int c = 0; c < w; c++)
                    ds[c] = pi[c] * (ds[c] - sum);
            }
            real_ab(m, h, w, scale, work, w, k + kv, ldk, 0, dq + at, ldq);
            real_atb(w, h, m, scale, work, w, q + at, ldq, 1, dk + kv, ldk);
        }
    }
}

enum { PART = 64 };

/* e = 1 / (1 + e^-g); e^-80 is as good as e^-inf here. */
static void sigmoid(const real *g, real *e, int n)
{
    for (int i = 0; i < n; i++)
        e[i] = g[i] < -80 ? 80 : -g[i];
    op_exp(e, n);
    for (int i = 0; i < n; i++)
        e[i] = 1 / (1 + e[i]);
}

void op_silu_mul(const real *g, const real *u, size_t n, real *y)
{
    for (size_t from = 0; from < n; from += PART) {
        int part = n - from < PART ? (int)(n - from) : PART;
        real e[PART];
        sigmoid(g + from, e, part);
        for (int i = 0; i < part; i++)
            y[from + (size_t)i] =
                g[from + (size_t)i] * e[i] * u[from + (size_t)i];
    }
}

void op_silu_mul_back(const real *g, const real *u, const real *dy, size_t n,
                      real *dg, real *du)
{
    for (size_t from = 0; from < n; from += PART) {
        int part = n - from < PART ? (int)(n - from) : PART;
        real e[PART];
        sigmoid(g + from, e, part);
        for (int i = 0; i < part; i++) {
            size_t at = from + (size_t)i;
            real gi = g[at], ui = u[at], d = dy[at];
            dg[at] = d * ui * e[i] * (1 + gi * (1 - e[i]));
            du[at] = d * gi * e[i];
        }
    }
}

/* z (n) becomes e^(z - max); *sum is their sum and *mean, unless NULL, the
 * mean of the old z by the new weights. Returns ln sum e^z. */
static double weigh(real *z, int n, double *sum, double *mean)
{
    real max = z[0], old[PART];
    for (int i = 1; i < n; i++)
        max = z[i] > max ? z[i] : max;
    double dot = 0;
    *sum = 0;
    for (int from = 0; from < n; from += PART) {
        int part = n - from < PART ? n - from : PART;
        real some = 0, weighed = 0;
        for (int i = 0; i < part; i++)
            old[i] = z[from + i] -= max;
        op_exp(z + from, part);
        for (int i = 0; i < part; i++)
            some += z[from + i];
        for (int i = 0; mean != NULL && i < part; i++)
            weighed += z[from + i] * old[i];
        *sum += some;
        dot += weighed;
    }
    if (mean != NULL)
        *mean = dot / *sum + max;
    return log(*sum) + max;
}

double op_xent(real *z, int n, int target, real weight)
{
    double own = z[target], sum, all = weigh(z, n, &sum, NULL);
    real f = (real)(weight / sum);
    for (int i = 0; i < n; i++)
        z[i] *= f;
    z[target] -= weight;
    return all - own;
}

double op_distil(real *z, real *zt, int n, int target, real soft, real weight)
{
    double sum_t, mean_t, mean = 0;
    double all_t = weigh(zt, n, &sum_t, &mean_t);
    real f = (real)(1 / sum_t);
    for (int from = 0; from < n; from += PART) {
        int part = n - from < PART ? n - from : PART;
        real some = 0;
        for (int i = from; i < from + part; i++) {
            zt[i] *= f;
            some += zt[i] * z[i];
        }
        mean += some;
    }
    double own = z[target], sum, all = weigh(z, n, &sum, NULL);
    f = (real)(weight / sum);
    for (int i = 0; i < n; i++)
        z[i] = z[i] * f - weight * soft * zt[i];
    z[target] -= weight * (1 - soft);
    return (1 - soft) * (all - own) + soft * ((mean_t - all_t) - (mean - all));
}

void op_fake_quant(real *x, int rows, int n, int bits)
{
    real top = (real)((1 << (bits - 1)) - 1);
    for (int t = 0; t < rows; t++, x += n) {
        real max = 0;
        for (int i = 0; i < n; i++)
            max = x[i] > max ? x[i] : -x[i] > max ? -x[i] : max;
        real step = max > 0 ? max / top : 1;
        for (int i = 0; i < n; i++)
            x[i] = (real)nearbyint((double)(x[i] / step)) * step;
    }
}
