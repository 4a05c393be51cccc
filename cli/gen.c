/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/gen.h"
#include "cli/opts.h"
#include "golden/fp32.h"
#include "golden/int.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool no_memory(struct fl_error *err, int room)
{
    fl_fail(err, FL_NOMEM, 0,
            "out of memory for %d positions; try a smaller --ctx or -n", room);
    return false;
}

/* ---- fp32 and its shadow ------------------------------------------------ */

struct fp32_self {
    struct num_fmodel w;
    struct gold_fp32 pass;
    float *logits; /* (block, v) */
    int32_t *fixed;
};

/* A float logit in the format the sampler takes. */
static int32_t to_fixed(float x)
{
    double v = floor((double)x * (1 << NUM_LOGIT_FRAC) + 0.5);
    double hi = (1 << (NUM_ACT_BITS - 1)) - 1;
    return (int32_t)(v > hi ? hi : v < -hi - 1 ? -hi - 1 : v);
}

static const int32_t *fp32_feed(struct gen *g, const int32_t *token, int n,
                                struct fl_error *err)
{
    struct fp32_self *s = g->self;
    for (int t = 0; t < n; t += GOLD_BLOCK) {
        int b = n - t < GOLD_BLOCK ? n - t : GOLD_BLOCK;
        gold_fp32_block(&s->pass, token + t, b, t + b == n, s->logits);
    }
    for (int v = 0; v < g->vocab; v++)
        s->fixed[v] = to_fixed(s->logits[v]);
    return s->fixed;
}

static double nll_of(const float *logit, int vocab, int target)
{
    double top = logit[0], sum = 0;
    for (int v = 1; v < vocab; v++)
        top = logit[v] > top ? logit[v] : top;
    for (int v = 0; v < vocab; v++)
        sum += exp(logit[v] - top);
    return log(sum) + top - logit[target];
}

static int top_of(const float *logit, int vocab)
{
    int top = 0;
    for (int v = 1; v < vocab; v++)
        top = logit[v] > logit[top] ? v : top;
    return top;
}

static bool fp32_score(struct gen *g, const int32_t *token, int n, int keep,
                       int from, double *nll, bool *best, struct fl_error *err)
{
    struct fp32_self *s = g->self;
    bool all = true;
    s->pass.pos = keep;
    for (int t = keep; t + 1 < n; t += GOLD_BLOCK) {
        int b = n - 1 - t < GOLD_BLOCK ? n - 1 - t : GOLD_BLOCK;
        /* position p predicts token p + 1: wanted from p = from - 1 on */
        int first = from - 1 > t ? from - 1 - t : 0;
        int want = first < b ? b - first : 0;
        gold_fp32_block(&s->pass, token + t, b, want, s->logits);
#pragma omp parallel for schedule(static) reduction(&& : all)
        for (int k = 0; k < want; k++) {
            int p = t + b - want + k;
            const float *logit = s->logits + (size_t)k * (size_t)g->vocab;
            nll[p + 1] = nll_of(logit, g->vocab, token[p + 1]);
            all = all && (!best || top_of(logit, g->vocab) == token[p + 1]);
        }
    }
    if (best)
        *best = all;
    return true;
}

static void fp32_close(struct gen *g)
{
    struct fp32_self *s = g->self;
    gold_fp32_free(&s->pass);
    model_unload(&s->w);
    free(s->logits);
    free(s->fixed);
    free(s);
}

static bool fp32_open(struct gen *g, const struct cli_source *src,
                      const struct gen_options *o, struct fl_error *err)
{
    struct fp32_self *s = calloc(1, sizeof *s);
    if (!s)
        return no_memory(err, o->room);
    g->self = s;
    g->feed = fp32_feed;
    g->score = fp32_score;
    g->close = fp32_close;
    bool ok;
    if (src->is_pkg) {
        ok = gold_shadow_init(&s->pass, &src->pkg.model, o->room,
                              src->pkg.inv_freq);
    } else {
        if (!model_load(src->model, &s->w, err)) {
            fp32_close(g);
            return false;
        }
        ok = gold_fp32_init(&s->pass, &s->w, o->room);
    }
    s->logits = calloc((size_t)g->vocab * GOLD_BLOCK, sizeof *s->logits);
    s->fixed = calloc((size_t)g->vocab, sizeof *s->fixed);
    if (ok && s->logits && s->fixed)
        return true;
    fp32_close(g);
    return no_memory(err, o->room);
}

/* ---- the golden integer model ------------------------------------------- */

struct golden_self {
    struct gold_int pass;
    int32_t *logits;
};

static const int32_t *golden_feed(struct gen *g, const int32_t *token, int n,
                                  struct fl_error *err)
{
    struct golden_self *s = g->self;
    for (int t = 0; t < n; t++)
        gold_int_step(&s->pass, token[t], t + 1 < n ? NULL : s->logits);
    return s->logits;
}

/* Whether token `id` has the largest logit, the smaller id among equals. */
static bool is_top(const int32_t *logits, int vocab, int id)
{
    for (int v = 0; v < vocab; v++)
        if (logits[v] > logits[id] || (logits[v] == logits[id] && v < id))
            return false;
    return true;
}

static bool golden_score(struct gen *g, const int32_t *token, int n, int keep,
                         int from, double *nll, bool *best,
                         struct fl_error *err)
{
    struct golden_self *s = g->self;
    bool all = true;
    s->pass.pos = keep;
    for (int t = keep; t + 1 < n; t++) {
        bool want = t + 1 >= from;
        gold_int_step(&s->pass, token[t], want ? s->logits : NULL);
        if (!want)
            continue;
        nll[t + 1] = eng_nll(s->logits, g->vocab, token[t + 1]);
        all = all && (!best || is_top(s->logits, g->vocab, token[t + 1]));
    }
    if (best)
        *best = all;
    return true;
}

static void golden_close(struct gen *g)
{
    struct golden_self *s = g->self;
    gold_int_free(&s->pass);
    free(s->logits);
    free(s);
}

static bool golden_open(struct gen *g, const struct cli_source *src,
                        const struct gen_options *o, struct fl_error *err)
{
    struct golden_self *s = calloc(1, sizeof *s);
    if (!s)
        return no_memory(err, o->room);
    g->self = s;
    g->feed = golden_feed;
    g->score = golden_score;
    g->close = golden_close;
    s->logits = calloc((size_t)g->vocab, sizeof *s->logits);
    if (s->logits && gold_int_init(&s->pass, &src->pkg.model, o->room))
        return true;
    free(s->logits);
    free(s);
    return no_memory(err, o->room);
}

/* ---- the integer engine -------------------------------------------------- */

struct int_self {
    struct engine *engine;
    struct eng_session *session;
    struct eng_row *row;
    double *nll;
    int vocab;
    bool best;
};

static const int32_t *int_feed(struct gen *g, const int32_t *token, int n,
                               struct fl_error *err)
{
    struct int_self *s = g->self;
    return n == 1 ? eng_decode(s->session, token[0], err)
                  : eng_prefill(s->session, token, n, err);
}

static void int_best(void *arg, int row, const int32_t *logits)
{
    struct int_self *s = arg;
    s->best = s->best && is_top(logits, s->vocab, s->row[row].target);
}

static bool int_score(struct gen *g, const int32_t *token, int n, int keep,
                      int from, double *nll, bool *best, struct fl_error *err)
{
    struct int_self *s = g->self;
    eng_session_cut(s->session, keep);
    int rows = 0;
    for (int t = keep; t + 1 < n; t++) {
        bool want = t + 1 >= from;
        s->row[rows++] = (struct eng_row){
            s->session, token[t], want ? token[t + 1] : -1, want && best};
    }
    s->best = true;
    s->vocab = g->vocab;
    FL_TRY(eng_batch(s->engine, s->row, rows, int_best, s, s->nll, err));
    for (int t = from; t < n; t++)
        nll[t] = s->nll[t - 1 - keep];
    if (best)
        *best = s->best;
    return true;
}

static void int_close(struct gen *g)
{
    struct int_self *s = g->self;
    eng_session_free(s->session);
    eng_close(s->engine);
    free(s->row);
    free(s->nll);
    free(s);
}

static bool int_open(struct gen *g, const struct cli_source *src,
                     const struct gen_options *o, struct fl_error *err)
{
    struct int_self *s = calloc(1, sizeof *s);
    if (!s)
        return no_memory(err, o->room);
    g->self = s;
    g->feed = int_feed;
    g->score = int_score;
    g->close = int_close;
    s->row = calloc((size_t)o->room, sizeof *s->row);
    s->nll = calloc((size_t)o->room, sizeof *s->nll);
    bool ok = s->row && s->nll;
    if (!ok)
        no_memory(err, o->room);
    struct eng_options eo = {.threads = o->threads, .isa = o->isa};
    ok = ok && (s->engine = eng_open(&src->pkg.model, &eo, err)) &&
         (s->session = eng_session_new(s->engine, o->room, err));
    if (!ok)
        int_close(g);
    return ok;
}

/* ---- all of them ---------------------------------------------------------- */

void gen_source(struct cli_source *src, const char *path,
                const struct cli_command *of, const char **engine, bool hls)
{
    struct fl_error err = {0};
    if (!cli_source_open(src, path, &err))
        cli_die_error(&err);
    if (!src->shape)
        cli_die("%s: a tokenizer, not a model", src->path);
    cli_source_tok(src);
    if (!*engine)
        *engine = src->is_pkg ? "int" : "fp32";
    static const char *const name[] = {"fp32", "shadow", "golden", "int",
                                       "hls"};
    for (size_t i = 0; i < sizeof name / sizeof *name - !hls; i++)
        if (strcmp(*engine, name[i]) == 0)
            return;
    cli_usage(of, "there is no engine '%s'", *engine);
}

int gen_limit(const struct cli_source *s)
{
    return s->is_pkg ? s->pkg.model.seq : s->shape->seq;
}

bool gen_open(struct gen *g, const struct cli_source *s,
              const struct gen_options *o, struct fl_error *err)
{
    *g = (struct gen){.engine = o->engine, .vocab = s->shape->vocab};
    bool fp32 = strcmp(o->engine, "fp32") == 0;
    FL_FAIL_IF(fp32 && s->is_pkg, err, FL_UNSUPPORTED, 0,
               "%s: a package has no fp32 weights; give the checkpoint it was "
               "made from, or --engine shadow",
               s->path);
    FL_FAIL_IF(!fp32 && !s->is_pkg, err, FL_UNSUPPORTED, 0,
               "%s: --engine %s needs a package; make one with flexllm "
               "quantize %s -o model.fxq",
               s->path, o->engine, s->path);
    FL_FAIL_IF(o->memory && (fp32 || strcmp(o->engine, "shadow") == 0), err,
               FL_UNSUPPORTED, 0,
               "--hmt: engine %s has no memory; int and golden have",
               o->engine);
    if (o->memory)
        return gen_open_hmt(g, s, o, err);
    if (fp32 || strcmp(o->engine, "shadow") == 0)
        return fp32_open(g, s, o, err);
    if (strcmp(o->engine, "golden") == 0)
        return golden_open(g, s, o, err);
    return int_open(g, s, o, err);
}

void gen_close(struct gen *g)
{
    if (g->self)
        g->close(g);
    *g = (struct gen){0};
}

struct engine *gen_engine(const struct gen *g)
{
    return g->close == int_close ? ((struct int_self *)g->self)->engine
                                 : gen_hmt_engine(g);
}
