/* SPDX-License-Identifier: Apache-2.0 */
/* quant/head.c -- the output head, and with it the loss of the whole model on
 * the calibration text:
 *
 *     loss = mean of -ln p(next token), natural logarithm
 *
 * in fp32 with the codes of every linear and of attention in place. It is what
 * rotations are compared by; being taken on text the weights were fitted to,
 * it flatters, and is no result.
 */
#include "quant/run.h"
#include <math.h>
#include <stdlib.h>

static double nll(const float *logits, int n, int32_t target)
{
    double max = logits[0], sum = 0;
    for (int i = 1; i < n; i++)
        max = logits[i] > max ? logits[i] : max;
    for (int i = 0; i < n; i++)
        sum += exp(logits[i] - max);
    return log(sum) + max - logits[target];
}

/* On whole sequences of together about 4,096 tokens, spread over all. */
static bool measure(struct run *r, const int32_t *token, const float *w,
                    const float *bias)
{
    enum { ROWS = 64, TOKENS = 4096 };
    const struct num_shape *s = r->s;
    size_t length = (size_t)r->length, all = r->n / length;
    size_t take = TOKENS / length > 0 ? TOKENS / length : 1;
    float *logits = malloc(ROWS * (size_t)s->vocab * sizeof *logits);
    struct input in = {r->q.r, s->d, true};
    double sum = 0;
    size_t scored = 0;
    take = take < all ? take : all;
    for (size_t i = 0; logits != NULL && i < take; i++)
        for (size_t t = 0; t + 1 < length; t += ROWS) {
            size_t first = i * all / take * length + t;
            size_t rows = length - 1 - t < ROWS ? length - 1 - t : ROWS;
            double part[ROWS];
            run_fetch(r, in, first, rows, r->x);
            run_code(r, r->x, rows, s->d, run_abits(r, 0, QUANT_HEAD));
            qt_apply(w, bias, r->x, logits, rows, s->d, s->vocab);
#pragma omp parallel for schedule(static)
            for (size_t k = 0; k < rows; k++)
                part[k] = nll(logits + k * (size_t)s->vocab, s->vocab,
                              token[first + k + 1]);
            for (size_t k = 0; k < rows; k++)
                sum += part[k];
            scored += rows;
        }
    r->loss = scored > 0 ? sum / (double)scored : 0;
    free(logits);
    return logits != NULL;
}

bool run_head(struct run *r, const int32_t *token, struct fl_error *err)
{
    const struct num_shape *s = r->s;
    size_t d = (size_t)s->d;
    int abits = run_abits(r, 0, QUANT_HEAD);
    float *w = malloc((size_t)s->vocab * d * sizeof *w), *real = NULL;
    float *gamma = malloc(d * sizeof *gamma);
    bool ok = w != NULL && gamma != NULL;
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    ok = ok && model_read(r->model, MODEL_NORM_FINAL, 0, 0, 1, gamma, err) &&
         model_read(r->model, MODEL_HEAD, 0, 0, s->vocab, w, err);
    if (ok) {
        for (size_t o = 0; o < (size_t)s->vocab; o++)
            for (size_t i = 0; i < d; i++)
                w[o * d + i] *= gamma[i];
        qt_rotate_rows(&r->r1, w, (size_t)s->vocab);
        struct input q = {r->q.r, s->d, true}, t = {r->t.r, s->d, true};
        run_observe(r, q, t, s->layers, QUANT_HEAD);
        r->b.m.head_site.abits = abits;
        r->b.m.head_site.wide = abits == 4 ? r->wide : 0;
        r->b.m.head_site.clip = (uint32_t)lrint(65536 * r->act_clip);
        r->b.head_mean = r->o->no_mean ? NULL : qb_copy(&r->b, r->mean_q, d);
        ok = run_round(r, w, NULL, &r->b.m.head, s->d, s->vocab,
                       run_wbits(r, 0, NUM_LINEARS), &real, &r->b.head_bias,
                       err);
    }
    if (ok)
        run_report_linear(r, s->layers, NUM_LINEARS, w, NULL, real,
                          r->b.head_bias, s->vocab);
    if (ok && !measure(r, token, real, r->b.head_bias)) {
        fl_fail(err, FL_NOMEM, 0, "out of memory");
        ok = false;
    }
    free(w);
    free(real);
    free(gamma);
    return ok;
}
