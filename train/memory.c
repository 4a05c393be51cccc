/* SPDX-License-Identifier: Apache-2.0 */
#include "train/memory.h"
#include <stdlib.h>
#include <string.h>
#include "train/ops.h"

real state_forward(const struct net *net, const real *r, real *h)
{
    int d = net->shape.d;
    double sum = 0;
    for (int i = 0; i < d; i++)
        sum += (double)r[i] * r[i];
    real inv = (real)(1 / sqrt(sum / d + net->shape.eps));
    for (int i = 0; i < d; i++)
        h[i] = (real)net->scale * r[i] * inv;
    return inv;
}

void state_back(const struct net *net, const real *r, real inv, const real *dh,
                real *dr)
{
    int d = net->shape.d;
    double sum = 0;
    for (int i = 0; i < d; i++)
        sum += (double)r[i] * dh[i];
    real c = (real)(sum / d) * inv * inv, f = (real)net->scale * inv;
    for (int i = 0; i < d; i++)
        dr[i] += f * (dh[i] - c * r[i]);
}

bool search_init(struct search *s, const struct net *net, int room,
                 struct fl_error *err)
{
    size_t d = (size_t)net->shape.d, dm = (size_t)net->dm, n = (size_t)room;
    size_t total = 2 * (d + dm + n * dm + n);
    *s = (struct search){.room = room};
    real *at = calloc(total, sizeof *at);
    FL_FAIL_IF(at == NULL, err, FL_NOMEM, 0, "out of memory");
    s->s = at;
    s->ds = s->s + d;
    s->q = s->ds + d;
    s->dq = s->q + dm;
    s->key = s->dq + dm;
    s->dkey = s->key + n * dm;
    s->p = s->dkey + n * dm;
    s->dp = s->p + n;
    return true;
}

void search_free(struct search *s)
{
    free(s->s);
    *s = (struct search){0};
}

void search_forward(const struct net *net, struct search *s, const real *m,
                    int count, real *out)
{
    int d = net->shape.d, dm = net->dm;
    s->count = count;
    real_ab(1, dm, d, 1, s->s, d, net->value + net->wq, dm, 0, s->q, dm);
    real_ab(count, dm, d, 1, m, d, net->value + net->wk, dm, 0, s->key, dm);
    real_abt(1, count, dm, 1 / REAL_SQRT((real)dm), s->q, dm, s->key, dm, 0,
             s->p, count);
    real max = s->p[0], sum = 0;
    for (int i = 1; i < count; i++)
        max = s->p[i] > max ? s->p[i] : max;
    for (int i = 0; i < count; i++)
        s->p[i] -= max;
    op_exp(s->p, count);
    for (int i = 0; i < count; i++)
        sum += s->p[i];
    for (int i = 0; i < count; i++)
        s->p[i] /= sum;
    real_ab(1, d, count, 1, s->p, count, m, d, 0, out, d);
}

void search_back(const struct net *net, struct search *s, const real *m,
                 const real *dout, int live, real *dmem, real *grad)
{
    int d = net->shape.d, dm = net->dm, n = s->count, late = n - live;
    const real *wq = net->value + net->wq, *wk = net->value + net->wk;
    size_t old = (size_t)live;
    real_abt(1, n, d, 1, dout, d, m, d, 0, s->dp, n);
    real sum = 0;
    for (int i = 0; i < n; i++)
        sum += s->p[i] * s->dp[i];
    for (int i = 0; i < n; i++) /* gradient of q . key */
        s->dp[i] = s->p[i] * (s->dp[i] - sum) / REAL_SQRT((real)dm);
    real_ab(1, dm, n, 1, s->dp, n, s->key, dm, 0, s->dq, dm);
    real_atb(n, dm, 1, 1, s->dp, n, s->q, dm, 0, s->dkey, dm);
    real_atb(d, dm, 1, 1, s->s, d, s->dq, dm, 1, grad + net->wq, dm);
    real_atb(d, dm, n, 1, m, d, s->dkey, dm, 1, grad + net->wk, dm);
    real_abt(1, d, dm, 1, s->dq, dm, wq, dm, 0, s->ds, d);
    if (late > 0) {
        real_atb(late, d, 1, 1, s->p + live, late, dout, d, 1,
                 dmem + old * (size_t)d, d);
        real_abt(late, d, dm, 1, s->dkey + old * (size_t)dm, dm, wk, dm, 1,
                 dmem + old * (size_t)d, d);
    }
}

bool head_init(struct head *h, const struct net *net, struct fl_error *err)
{
    size_t v = (size_t)net->shape.vocab, d = (size_t)net->shape.d;
    *h = (struct head){0};
    h->z = malloc(HEAD_ROWS * (2 * v + 2 * d + 1) * sizeof *h->z);
    FL_FAIL_IF(h->z == NULL, err, FL_NOMEM, 0, "out of memory");
    h->zt = h->z + HEAD_ROWS * v;
    h->x = h->zt + HEAD_ROWS * v;
    h->dx = h->x + HEAD_ROWS * d;
    h->inv = h->dx + HEAD_ROWS * d;
    return true;
}

void head_free(struct head *h)
{
    free(h->z);
    *h = (struct head){0};
}

/* At most HEAD_ROWS of them, from row `at` of the aim on. */
static double some(const struct net *net, struct head *h, const real *r,
                   const struct aim *aim, int at, int n, double *nll,
                   real weight, real *dr, real *grad)
{
    const struct num_shape *s = &net->shape;
    const real *gamma = net->value + net->norm_final;
    const real *w = net->value + net->head;
    int d = s->d, v = s->vocab;
    double sum = 0;
    if (aim->teacher != NULL) {
        op_rmsnorm(aim->teacher + (size_t)at * (size_t)d, gamma, n, d, s->eps,
                   h->x, h->inv);
        real_abt(n, v, d, 1, h->x, d, w, d, 0, h->zt, v);
    }
    op_rmsnorm(r, gamma, n, d, s->eps, h->x, h->inv);
    if (net->abits > 0)
        op_fake_quant(h->x, n, d, net->abits);
    real_abt(n, v, d, 1, h->x, d, w, d, 0, h->z, v);
    for (int t = 0; t < n; t++) {
        size_t row = (size_t)t * (size_t)v;
        int own = aim->token[at + t];
        double one =
            aim->teacher == NULL
                ? op_xent(h->z + row, v, own, weight)
                : op_distil(h->z + row, h->zt + row, v, own, aim->soft, weight);
        sum += one;
        if (nll != NULL)
            nll[t] = one;
    }
    if (grad == NULL)
        return sum;
    real_ab(n, d, v, 1, h->z, v, w, d, 0, h->dx, d);
    if (net->head < net->train)
        real_atb(v, d, n, 1, h->z, v, h->x, d, 1, grad + net->head, d);
    op_rmsnorm_back(r, gamma, h->inv, h->dx, n, d, dr,
                    net->norm_final < net->train ? grad + net->norm_final
                                                 : NULL);
    return sum;
}

double head_loss(const struct net *net, struct head *h, const real *r,
                 const struct aim *aim, int n, double *nll, real weight,
                 real *dr, real *grad)
{
    double sum = 0;
    for (int t = 0; t < n; t += HEAD_ROWS) {
        int rows = n - t < HEAD_ROWS ? n - t : HEAD_ROWS;
        size_t at = (size_t)t * (size_t)net->shape.d;
        sum += some(net, h, r + at, aim, t, rows, nll == NULL ? NULL : nll + t,
                    weight, dr == NULL ? NULL : dr + at, grad);
    }
    return sum;
}
