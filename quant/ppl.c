/* SPDX-License-Identifier: Apache-2.0 */
#include "quant/ppl.h"
#include "golden/matmul.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* -ln softmax(logits)[token]. */
static double surprise(const float *logits, int vocab, int token)
{
    enum { PART = 256 };
    float max = logits[0], e[PART];
    double sum = 0;
    for (int i = 1; i < vocab; i++)
        max = logits[i] > max ? logits[i] : max;
    for (int from = 0; from < vocab; from += PART) {
        int n = vocab - from < PART ? vocab - from : PART;
        for (int i = 0; i < n; i++)
            e[i] = logits[from + i] - max;
        gold_exp_fp32(e, n);
        for (int i = 0; i < n; i++)
            sum += e[i];
    }
    return log(sum) + max - logits[token];
}

/* An engine that gives logits, as a scorer. */
struct adapter {
    ppl_engine *engine;
    void *state;
    float *logits; /* (PPL_BLOCK, vocab) */
    int vocab;
};

static bool adapt(void *state, const int32_t *token, int n, int from,
                  double *nll, struct fl_error *err)
{
    struct adapter *a = state;
    for (int pos = 0; pos + 1 < n; pos += PPL_BLOCK) {
        int b = n - pos < PPL_BLOCK ? n - pos : PPL_BLOCK;
        FL_TRY(a->engine(a->state, token + pos, b, pos, a->logits, err));
#pragma omp parallel for schedule(static)
        for (int t = pos + 1; t <= pos + b; t++)
            if (t >= from && t < n)
                nll[t] = surprise(a->logits +
                                      (size_t)(t - 1 - pos) * (size_t)a->vocab,
                                  a->vocab, token[t]);
    }
    return true;
}

/* Fills *r from the windows' means. */
static void summarise(const double *mean, int windows, long scored,
                      struct ppl_result *r)
{
    double sum = 0, squares = 0, n = windows;
    for (int w = 0; w < windows; w++) {
        sum += mean[w];
        squares += mean[w] * mean[w];
    }
    double var = windows < 2 ? 0 : (squares - sum * sum / n) / (n - 1);
    r->windows = windows;
    r->tokens = scored * windows;
    r->nll = sum / n;
    r->ppl = exp(r->nll);
    r->error = var > 0 ? sqrt(var / n) : 0;
}

static bool run(const struct ppl_options *o, const int32_t *token, int windows,
                int32_t *copy, double *nll, double *mean, ppl_scorer *scorer,
                void *state, struct ppl_result *r, struct fl_error *err)
{
    int from = o->protocol == PPL_GPTQ ? 1 : o->ctx / 2 + 1;
    int scored = o->ctx - from;
    int step = o->ranks > 1 ? o->ranks : 1, done = 0;
    double sum = 0;
    for (int w = step > 1 ? o->rank : 0; w < windows; w += step) {
        memcpy(copy, token + (size_t)w * (size_t)o->ctx,
               (size_t)o->ctx * sizeof *copy);
        if (o->protocol == PPL_LLAMACPP && o->bos >= 0)
            copy[0] = o->bos;
        FL_TRY(scorer(state, copy, o->ctx, from, nll, err));
        for (int t = from; t < o->ctx; t++)
            mean[w] += nll[t];
        mean[w] /= scored;
        sum += mean[w];
        done++;
        if (o->progress != NULL)
            o->progress(o->progress_state, done, (windows + step - 1) / step,
                        exp(sum / done));
    }
    if (step > 1)
        FL_TRY(o->gather(mean, windows, err));
    summarise(mean, windows, scored, r);
    return true;
}

bool ppl_score(const struct ppl_options *o, const int32_t *token, size_t n,
               ppl_scorer *scorer, void *state, struct ppl_result *r,
               struct fl_error *err)
{
    *r = (struct ppl_result){0};
    FL_FAIL_IF(o->ctx < 4, err, FL_RANGE, 0,
               "a context of %d tokens; at least 4 are needed", o->ctx);
    FL_FAIL_IF(n < (size_t)o->ctx, err, FL_RANGE, 0,
               "the text has %zu tokens, a window %d: give more text or a "
               "smaller context",
               n, o->ctx);
    for (size_t i = 0; i < n; i++)
        FL_FAIL_IF(token[i] < 0 || token[i] >= o->vocab, err, FL_RANGE, i,
                   "token %d is outside the vocabulary of %d", token[i],
                   o->vocab);
    size_t windows = n / (size_t)o->ctx;
    if (o->windows > 0 && windows > (size_t)o->windows)
        windows = (size_t)o->windows;
    double *nll = malloc((size_t)o->ctx * sizeof *nll);
    int32_t *copy = malloc((size_t)o->ctx * sizeof *copy);
    double *mean = calloc(windows, sizeof *mean);
    bool ok = nll != NULL && copy != NULL && mean != NULL;
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    ok = ok &&
         run(o, token, (int)windows, copy, nll, mean, scorer, state, r, err);
    free(mean);
    free(nll);
    free(copy);
    return ok;
}

bool ppl_run(const struct ppl_options *o, const int32_t *token, size_t n,
             ppl_engine *engine, void *state, struct ppl_result *r,
             struct fl_error *err)
{
    struct adapter a = {engine, state, NULL, o->vocab};
    a.logits = malloc((size_t)o->vocab * PPL_BLOCK * sizeof *a.logits);
    FL_FAIL_IF(!a.logits, err, FL_NOMEM, 0, "out of memory");
    bool ok = ppl_score(o, token, n, adapt, &a, r, err);
    free(a.logits);
    return ok;
}
