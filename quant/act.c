/* SPDX-License-Identifier: Apache-2.0 */
/* quant/act.c -- what lies between the linears, in fp32 on all calibration
 * tokens at once, with the codes of docs/numerics.md put in where asked. */
#include "golden/matmul.h"
#include "golden/shadow.h"
#include "quant/work.h"
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void qt_norm(const float *r, float *x, size_t n, int d, double eps)
{
#pragma omp parallel for schedule(static)
    for (size_t t = 0; t < n; t++) {
        const float *in = r + t * (size_t)d;
        float *out = x + t * (size_t)d;
        double sum = 0;
        for (int i = 0; i < d; i++)
            sum += (double)in[i] * in[i];
        float f = (float)(1 / sqrt(sum / d + eps));
        for (int i = 0; i < d; i++)
            out[i] = in[i] * f;
    }
}

void qt_mean(const float *x, size_t n, int width, double *mean)
{
    memset(mean, 0, (size_t)width * sizeof *mean);
    for (size_t t = 0; t < n; t++)
        for (int i = 0; i < width; i++)
            mean[i] += x[t * (size_t)width + (size_t)i];
    for (int i = 0; i < width; i++)
        mean[i] /= (double)n;
}

static void site_token(float *x, int n, const float *mean, int abits,
                       float clip, int wide)
{
    for (int i = 0; mean != NULL && i < n; i++)
        x[i] -= mean[i];
    if (abits <= 8)
        gold_shadow_codes(x, n, abits, clip, 1e-12f, wide);
}

void qt_site(float *x, size_t n, int width, const float *mean, int abits,
             double clip, int wide)
{
#pragma omp parallel for schedule(static)
    for (size_t t = 0; t < n; t++)
        site_token(x + t * (size_t)width, width, mean, abits, (float)clip,
                   wide);
}

void qt_apply(const float *w, const float *bias, const float *x, float *y,
              size_t n, int din, int dout)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, dout, din, 1,
                x, din, w, din, 0, y, dout);
    if (bias == NULL)
        return;
#pragma omp parallel for schedule(static)
    for (size_t t = 0; t < n; t++)
        for (int o = 0; o < dout; o++)
            y[t * (size_t)dout + (size_t)o] += bias[o];
}

void qt_moment(float *h, const float *x, size_t n, int din)
{
    cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, din, (int)n, 1, x, din,
                1, h, din);
    size_t s = (size_t)din;
    for (size_t i = 0; i < s; i++)
        for (size_t j = 0; j < i; j++)
            h[i * s + j] = h[j * s + i];
}

void qt_cross(float *c, const float *a, const float *x, size_t n, int din)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, din, din, (int)n, 1, a,
                din, x, din, 1, c, din);
}

void qt_silu_mul(const float *g, float *u, size_t n)
{
    enum { PART = 256 };
#pragma omp parallel for schedule(static)
    for (size_t from = 0; from < n; from += PART) {
        int part = n - from < PART ? (int)(n - from) : PART;
        float e[PART];
        for (int i = 0; i < part; i++)
            e[i] = g[from + (size_t)i] < -80 ? 80 : -g[from + (size_t)i];
        gold_exp_fp32(e, part);
        for (int i = 0; i < part; i++)
            u[from + (size_t)i] *= g[from + (size_t)i] / (1 + e[i]);
    }
}

void qt_rope(const struct qt_attention *at, float *x, size_t n, int heads)
{
    size_t head = (size_t)at->s->head, half = head / 2;
#pragma omp parallel for schedule(static)
    for (int pos = 0; pos < at->length; pos++) {
        float c[NUM_MAX_HEAD / 2], s[NUM_MAX_HEAD / 2];
        for (size_t j = 0; j < half; j++) {
            c[j] = (float)cos(pos * at->inv_freq[j]);
            s[j] = (float)sin(pos * at->inv_freq[j]);
        }
        for (size_t t = (size_t)pos; t < n; t += (size_t)at->length)
            for (size_t h = 0; h < (size_t)heads; h++) {
                float *p = x + (t * (size_t)heads + h) * head;
                for (size_t j = 0; j < half; j++) {
                    float a = p[2 * j], b = p[2 * j + 1];
                    p[2 * j] = a * c[j] - b * s[j];
                    p[2 * j + 1] = a * s[j] + b * c[j];
                }
            }
    }
}

void qt_head_max(const float *x, size_t n, int heads, int head, float *max)
{
    for (int h = 0; h < heads; h++)
        max[h] = 1e-6f;
    for (size_t t = 0; t < n; t++)
        for (int h = 0; h < heads; h++) {
            const float *p = x + (t * (size_t)heads + (size_t)h) * (size_t)head;
            for (int i = 0; i < head; i++)
                max[h] = fabsf(p[i]) > max[h] ? fabsf(p[i]) : max[h];
        }
}

static void head_codes(float *x, size_t n, int heads, int head,
                       const float *max)
{
#pragma omp parallel for schedule(static)
    for (size_t t = 0; t < n; t++)
        for (int h = 0; h < heads; h++) {
            float step = max[h] / 127;
            float *p = x + (t * (size_t)heads + (size_t)h) * (size_t)head;
            for (int i = 0; i < head; i++)
                p[i] = step * gold_nearest(gold_clamp(p[i] / step, -127, 127));
        }
}

/* e^(score - max) of a row's own positions, 0 for the rest up to `seen`; as
 * u8 codes where asked. Returns their sum. */
static float softmax(float *row, size_t own, size_t seen, float scale,
                     bool codes)
{
    float max = row[0], total = 0;
    for (size_t i = 1; i < own; i++)
        max = row[i] > max ? row[i] : max;
    for (size_t i = 0; i < own; i++)
        row[i] = (row[i] - max) * scale;
    gold_exp_fp32(row, (int)own);
    for (size_t i = 0; i < own; i++) {
        row[i] = codes ? gold_nearest(row[i] * 255) : row[i];
        total += row[i];
    }
    memset(row + own, 0, (seen - own) * sizeof *row);
    return total;
}

enum { QUERIES = 64 }; /* that share a pass over the keys before them */

/* One sequence: q, k, v and a begin at its first token. scratch:
 * length * (QUERIES + head). */
static void sequence(const struct qt_attention *at, const float *q,
                     const float *k, const float *v, float *a, float *scratch)
{
    const struct num_shape *s = at->s;
    size_t head = (size_t)s->head, len = (size_t)at->length;
    size_t dq = (size_t)s->nq * head, dkv = (size_t)s->nkv * head;
    float *p = scratch, *vt = scratch + QUERIES * len;
    float scale = (at->score > 0 ? at->score : 1) / sqrtf((float)s->head);
    for (int h = 0; h < s->nq; h++) {
        size_t kv = (size_t)(h / num_group_heads(s)) * head;
        for (size_t t = 0; t < len; t++)
            for (size_t i = 0; i < head; i++)
                vt[i * len + t] = v[t * dkv + kv + i];
        for (size_t from = 0; from < len; from += QUERIES) {
            size_t n = len - from < QUERIES ? len - from : QUERIES;
            size_t seen = from + n;
            gold_matmul(k + kv, dkv, q + from * dq + (size_t)h * head, dq, p,
                        len, (int)n, s->head, (int)seen);
            float total[QUERIES];
            for (size_t t = 0; t < n; t++)
                total[t] =
                    softmax(p + t * len, from + t + 1, seen, scale, at->codes);
            float *y = a + from * dq + (size_t)h * head;
            gold_matmul(vt, len, p, len, y, dq, (int)n, (int)seen, s->head);
            for (size_t t = 0; t < n; t++)
                for (size_t i = 0; i < head; i++)
                    y[t * dq + i] /= total[t];
        }
    }
}

bool qt_attend(const struct qt_attention *at, float *q, float *k, float *v,
               float *a, size_t n)
{
    const struct num_shape *s = at->s;
    size_t len = (size_t)at->length, head = (size_t)s->head;
    size_t dq = (size_t)s->nq * head, dkv = (size_t)s->nkv * head;
    bool ok = true;
    if (at->codes) {
        head_codes(q, n, s->nq, s->head, at->q_max);
        head_codes(k, n, s->nkv, s->head, at->k_max);
        head_codes(v, n, s->nkv, s->head, at->v_max);
    }
#pragma omp parallel for schedule(dynamic) reduction(&& : ok)
    for (size_t from = 0; from < n; from += len) {
        float *scratch = malloc(len * (QUERIES + head) * sizeof *scratch);
        ok = ok && scratch != NULL;
        if (scratch != NULL)
            sequence(at, q + from * dq, k + from * dkv, v + from * dkv,
                     a + from * dq, scratch);
        free(scratch);
    }
    return ok;
}
