/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/mix.h"
#include "model/package.h"
#include "engine/engine.h"
#include "quant/mix.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct trial {
    float *p8;  /* (n, vocab) ln p of the 8-bit model */
    bool first; /* this is it */
    int vocab;
    double *sum; /* (n) divergence */
    float *row;  /* (vocab) */
};

static void log_softmax(const int32_t *logits, int n, float *y)
{
    int32_t max = logits[0];
    double sum = 0;
    for (int i = 1; i < n; i++)
        max = logits[i] > max ? logits[i] : max;
    for (int i = 0; i < n; i++) {
        y[i] = ldexpf((float)(logits[i] - max), -NUM_LOGIT_FRAC);
        sum += expf(y[i]);
    }
    float more = (float)log(sum);
    for (int i = 0; i < n; i++)
        y[i] -= more;
}

static void on_logits(void *arg, int row, const int32_t *logits)
{
    struct trial *t = arg;
    float *p8 = t->p8 + (size_t)row * (size_t)t->vocab;
    if (t->first) {
        log_softmax(logits, t->vocab, p8);
        return;
    }
    log_softmax(logits, t->vocab, t->row);
    double sum = 0;
    for (int i = 0; i < t->vocab; i++)
        sum += expf(p8[i]) * (p8[i] - t->row[i]);
    t->sum[row] = sum;
}

/* The tokens through the model as it stands. */
static bool pass(const struct num_qmodel *m, const int32_t *token, int n,
                 struct trial *t, struct fl_error *err)
{
    struct engine *e = eng_open(m, &(struct eng_options){0}, err);
    struct eng_session *s = e != NULL ? eng_session_new(e, n, err) : NULL;
    struct eng_row *row = calloc((size_t)n, sizeof *row);
    bool ok = e != NULL && s != NULL && row != NULL;
    if (row == NULL)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    for (int i = 0; ok && i < n; i++)
        row[i] = (struct eng_row){s, token[i], -1, 1};
    ok = ok && eng_batch(e, row, n, on_logits, t, NULL, err);
    free(row);
    if (s != NULL)
        eng_session_free(s);
    eng_close(e);
    return ok;
}

static void set(struct num_qsite *s, int abits, uint32_t clip, int wide)
{
    s->abits = abits;
    s->clip = clip;
    s->wide = abits == 4 ? wide : 0;
}

static bool trials(struct num_qmodel *m, const struct num_qmodel *was,
                   const int32_t *token, int n, struct trial *t, double *gain,
                   void (*progress)(void *, double, const char *), void *state,
                   struct fl_error *err)
{
    int sites = m->shape.layers * 4 + 1;
    FL_TRY(pass(m, token, n, t, err));
    t->first = false;
    for (int i = 0; i < sites; i++) {
        bool head = i == sites - 1;
        struct num_qsite *s =
            head ? &m->head_site : &m->layer[i / 4].site[i % 4];
        const struct num_qsite *old =
            head ? &was->head_site : &was->layer[i / 4].site[i % 4];
        /* a clip chosen for 4 bits, or the one that mostly is */
        bool residual = head || i % 4 == NUM_SITE_ATTN || i % 4 == NUM_SITE_FFN;
        set(s, 4, old->abits == 4 ? old->clip : 55705, residual ? m->wide : 0);
        FL_TRY(pass(m, token, n, t, err));
        set(s, 8, 65536, 0);
        double sum = 0;
        for (int k = 0; k < n; k++)
            sum += t->sum[k];
        gain[i] = sum / n;
        if (progress != NULL)
            progress(state, (i + 1.0) / sites, "trying 4 bits");
    }
    return true;
}

static bool
measure(const struct pkg *p, const int32_t *token, int n, double *gain,
        void (*progress)(void *state, double done, const char *what),
        void *state, struct fl_error *err)
{
    struct num_qmodel m = p->model;
    size_t v = (size_t)m.shape.vocab, layers = (size_t)m.shape.layers;
    struct trial t = {.first = true, .vocab = m.shape.vocab};
    m.layer = malloc(layers * sizeof *m.layer);
    t.p8 = malloc((size_t)n * v * sizeof *t.p8);
    t.sum = calloc((size_t)n, sizeof *t.sum);
    t.row = malloc(v * sizeof *t.row);
    bool ok = m.layer && t.p8 && t.sum && t.row;
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    if (ok) {
        memcpy(m.layer, p->model.layer, layers * sizeof *m.layer);
        for (size_t l = 0; l < layers; l++)
            for (int i = 0; i < 4; i++)
                set(&m.layer[l].site[i], 8, 65536, 0);
        set(&m.head_site, 8, 65536, 0);
        ok = trials(&m, &p->model, token, n, &t, gain, progress, state, err);
    }
    free(m.layer);
    free(t.p8);
    free(t.sum);
    free(t.row);
    return ok;
}

bool mix_search(struct quant_options *q, const char *package, double budget,
                int wbits, struct fl_error *err)
{
    enum { TOKENS = 768 };
    struct pkg p;
    int32_t *token = NULL;
    int sequences = 0;
    FL_TRY(pkg_open(&p, package, err));
    double *gain = calloc((size_t)p.model.shape.layers * 4 + 1, sizeof *gain);
    bool ok = gain != NULL && p.tok != NULL;
    if (!ok)
        fl_fail(err, gain ? FL_UNSUPPORTED : FL_NOMEM, 0,
                gain ? "%s has no tokenizer" : "%s: out of memory", package);
    ok = ok && quant_tokens(q, p.tok, &token, &sequences, err);
    int n =
        sequences > 0 && q->calib_length > TOKENS ? TOKENS : q->calib_length;
    n = n > p.model.seq ? p.model.seq : n;
    ok = ok && measure(&p, token, n, gain, q->progress, q->progress_state, err);
    ok = ok && quant_mix_choose(&q->mix, &p.model.shape, gain, budget, wbits,
                                q->wide, err);
    free(token);
    free(gain);
    pkg_close(&p);
    return ok;
}

bool mix_read(struct quant_mix *m, const char *path, struct fl_error *err)
{
    struct fl_map map;
    FL_TRY(fl_map_open(&map, path, err));
    bool ok = quant_mix_parse(m, (const char *)map.data, map.size, path, err);
    fl_map_close(&map);
    return ok;
}
