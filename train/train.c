/* SPDX-License-Identifier: Apache-2.0 */
#include "train/train.h"
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include "train/rng.h"

static bool check(const struct net *net, const struct train_options *o,
                  const int32_t *token, size_t n, struct fl_error *err)
{
    size_t want = (size_t)o->sequence * (size_t)o->seg.segment + 1;
    FL_FAIL_IF(o->seg.sensory > o->seg.segment, err, FL_RANGE, 0,
               "%d sensory tokens of segments of %d: give no more than a "
               "segment has",
               o->seg.sensory, o->seg.segment);
    FL_FAIL_IF(n < want, err, FL_RANGE, 0,
               "the text has %zu tokens, a sequence %zu: give more text, or "
               "fewer or shorter segments",
               n, want);
    for (size_t i = 0; i < n; i++)
        FL_FAIL_IF(token[i] < 0 || token[i] >= net->shape.vocab, err, FL_RANGE,
                   i, "token %d is outside the vocabulary of %d", token[i],
                   net->shape.vocab);
    return true;
}

bool train_init(struct train *t, struct net *net, const struct train_options *o,
                const int32_t *token, size_t n, struct fl_error *err)
{
    *t = (struct train){
        .net = net, .o = *o, .token = token, .tokens = n, .rng = o->seed};
    FL_TRY(check(net, o, token, n, err));
    openblas_set_num_threads(1);
    t->workers = o->threads < o->batch ? o->threads : o->batch;
    t->o.seg.most = o->sequence;
    t->segments = calloc((size_t)t->workers, sizeof *t->segments);
    t->grad = malloc((size_t)o->batch * net->train * sizeof *t->grad);
    t->drawn = malloc((size_t)(o->batch * o->sequence * o->seg.segment) *
                      sizeof *t->drawn);
    t->m = calloc(net->train, sizeof *t->m);
    t->v = calloc(net->train, sizeof *t->v);
    t->loss = calloc((size_t)o->steps, sizeof *t->loss);
    bool ok = t->segments != NULL && t->grad != NULL && t->drawn != NULL &&
              t->m != NULL && t->v != NULL && t->loss != NULL;
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    for (int i = 0; ok && i < t->workers; i++)
        ok = segments_init(&t->segments[i], net, &t->o.seg, err);
    if (!ok)
        train_free(t);
    return ok;
}

void train_free(struct train *t)
{
    for (int i = 0; t->segments != NULL && i < t->workers; i++)
        segments_free(&t->segments[i]);
    free(t->segments);
    free(t->grad);
    free(t->drawn);
    free(t->m);
    free(t->v);
    free(t->loss);
    *t = (struct train){0};
}

static double rate(const struct train_options *o, int step)
{
    if (step < o->warmup)
        return o->rate * (step + 1) / o->warmup;
    double at = (double)(step - o->warmup) / (o->steps - o->warmup);
    return o->rate * (0.1 + 0.45 * (1 + cos(3.141592653589793 * at)));
}

/* Moves all numbers; g is the whole gradient. */
static void adamw(struct train *t, const real *g)
{
    const struct train_options *o = &t->o;
    struct net *net = t->net;
    double norm = 0;
    for (size_t i = 0; i < net->train; i++)
        norm += (double)g[i] * g[i];
    norm = sqrt(norm);
    real cut = o->clip > 0 && norm > o->clip ? (real)(o->clip / norm) : 1;
    double lr = rate(o, t->step), n = t->step + 1;
    real cm = (real)(1 / (1 - pow(0.9, n))),
         cv = (real)(1 / (1 - pow(0.95, n)));
    for (int k = 0; k < net->groups; k++) {
        const struct net_group *group = &net->group[k];
        real keep = group->decays ? (real)(1 - lr * o->decay) : 1;
        for (size_t i = group->at; i < group->at + group->n; i++) {
            real gi = g[i] * cut;
            t->m[i] = (real)0.9 * t->m[i] + (real)0.1 * gi;
            t->v[i] = (real)0.95 * t->v[i] + (real)0.05 * gi * gi;
            net->value[i] = keep * net->value[i] -
                            (real)lr * (t->m[i] * cm /
                                        (REAL_SQRT(t->v[i] * cv) + (real)1e-8));
        }
    }
}

/* n tokens of the text, of which the last segment may be an echo. */
static void draw(struct train *t, int n, int32_t *to)
{
    int size = t->o.seg.segment, old = n / size - 1;
    size_t at =
        (size_t)(rng_uniform(&t->rng) * (double)(t->tokens - (size_t)n));
    memcpy(to, t->token + at, (size_t)n * sizeof *to);
    if (t->o.echo > 0 && old > 0 && rng_uniform(&t->rng) < t->o.echo)
        memcpy(to + old * size, to + (int)(rng_uniform(&t->rng) * old) * size,
               (size_t)size * sizeof *to);
}

void train_step(struct train *t)
{
    const struct train_options *o = &t->o;
    size_t train = t->net->train;
    bool short_ones = t->step < o->steps / 4 && o->sequence > 2;
    int n = (short_ones ? 2 : o->sequence) * o->seg.segment;
    int skip = o->skip < n / o->seg.segment ? o->skip : 0;
    int scored = segments_scored(&t->o.seg, n, skip) * o->batch;
    double sum = 0, part[64] = {0};
    for (int b = 0; b < o->batch; b++)
        draw(t, n, t->drawn + b * n);
#pragma omp parallel for schedule(static) num_threads(t->workers)
    for (int b = 0; b < o->batch; b++) {
        int me = 0;
#ifdef _OPENMP
        me = omp_get_thread_num();
#endif
        real *grad = t->grad + (size_t)b * train;
        memset(grad, 0, train * sizeof *grad);
        part[b] = segments_run(&t->segments[me], t->drawn + b * n, n, 0, skip,
                               (real)(1.0 / scored), grad);
    }
    for (int b = 0; b < o->batch; b++) {
        sum += part[b];
        for (size_t i = 0; b > 0 && i < train; i++)
            t->grad[i] += t->grad[(size_t)b * train + i];
    }
    adamw(t, t->grad);
    net_round(t->net);
    t->trained += scored;
    t->loss[t->step++] = (float)(sum / scored);
}
