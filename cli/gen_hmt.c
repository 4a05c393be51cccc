/* SPDX-License-Identifier: Apache-2.0 */
/* The engines int and golden with a memory: texts of any length. */
#include "cli/gen.h"
#include "base/progress.h"
#include "engine/hmt.h"
#include "golden/hmt.h"
#include "model/hmt_int.h"
#include <stdlib.h>
#include <string.h>

struct hmt_self {
    struct hmt_int memory;
    struct engine *engine; /* int */
    struct eng_hmt *fast;
    struct gold_hmt plain; /* golden */
    int32_t *logits;
    const int32_t *token; /* being scored */
    double *nll;
    int vocab;
    struct fl_progress bar;
};

static void on_segment(void *user, int done)
{
    struct hmt_self *s = user;
    fl_progress_set(&s->bar, (uint64_t)done, NULL);
}

/* The line shows while more than a segment is read. */
static void bar_start(struct hmt_self *s, const char *what, int n)
{
    if (n > s->memory.m.segment) {
        fl_progress_start(&s->bar, what, (uint64_t)n);
        eng_hmt_on_segment(s->fast, on_segment, s);
    }
}

static void bar_end(struct hmt_self *s, int n)
{
    if (n > s->memory.m.segment) {
        eng_hmt_on_segment(s->fast, NULL, NULL);
        fl_progress_end(&s->bar);
    }
}

static const int32_t *int_feed(struct gen *g, const int32_t *token, int n,
                               struct fl_error *err)
{
    struct hmt_self *s = g->self;
    bar_start(s, "reading the prompt", n);
    const int32_t *logits = eng_hmt_feed(s->fast, token, n, err);
    bar_end(s, n);
    return logits;
}

static bool int_score(struct gen *g, const int32_t *token, int n, int keep,
                      int from, double *nll, bool *best, struct fl_error *err)
{
    struct hmt_self *s = g->self;
    eng_hmt_reset(s->fast);
    bar_start(s, "scoring tokens", n);
    bool ok = eng_hmt_score(s->fast, token, n, nll, err);
    bar_end(s, n);
    return ok;
}

static const int32_t *golden_feed(struct gen *g, const int32_t *token, int n,
                                  struct fl_error *err)
{
    struct hmt_self *s = g->self;
    gold_hmt_feed(&s->plain, token, n, NULL, NULL, s->logits);
    return s->logits;
}

static void golden_predict(void *user, int i, const int32_t *logits)
{
    struct hmt_self *s = user;
    s->nll[i] = eng_nll(logits, s->vocab, s->token[i]);
    fl_progress_set(&s->bar, (uint64_t)i, NULL);
}

static bool golden_score(struct gen *g, const int32_t *token, int n, int keep,
                         int from, double *nll, bool *best,
                         struct fl_error *err)
{
    struct hmt_self *s = g->self;
    s->token = token;
    s->nll = nll;
    fl_progress_start(&s->bar, "scoring tokens", (uint64_t)n);
    gold_hmt_feed(&s->plain, token, n, golden_predict, s, s->logits);
    fl_progress_end(&s->bar);
    return true;
}

static void hmt_close(struct gen *g)
{
    struct hmt_self *s = g->self;
    eng_hmt_free(s->fast);
    eng_close(s->engine);
    if (s->plain.h)
        gold_hmt_free(&s->plain);
    free(s->logits);
    hmt_int_free(&s->memory);
    free(s);
}

bool gen_open_hmt(struct gen *g, const struct cli_source *src,
                  const struct gen_options *o, struct fl_error *err)
{
    struct hmt_self *s = calloc(1, sizeof *s);
    const struct num_qmodel *m = &src->pkg.model;
    FL_FAIL_IF(!s, err, FL_NOMEM, 0, "out of memory");
    g->self = s;
    g->close = hmt_close;
    s->vocab = g->vocab;
    bool ok = hmt_int_open(&s->memory, o->memory, &src->pkg, src->path, err);
    const struct num_hmt *h = &s->memory.m;
    g->segment = h->segment;
    if (ok && num_hmt_window(h) > m->seq) {
        fl_fail(err, FL_RANGE, 0,
                "%s has windows of %d positions, %s holds %d: quantise with a "
                "larger --ctx",
                o->memory, num_hmt_window(h), src->path, m->seq);
        ok = false;
    }
    if (ok && strcmp(o->engine, "int") == 0) {
        struct eng_options eo = {.threads = o->threads, .isa = o->isa};
        g->feed = int_feed;
        g->score = int_score;
        ok = (s->engine = eng_open(m, &eo, err)) &&
             (s->fast = eng_hmt_new(s->engine, h, err));
    } else if (ok) {
        g->feed = golden_feed;
        g->score = golden_score;
        s->logits = calloc((size_t)g->vocab, sizeof *s->logits);
        ok = s->logits && gold_hmt_init(&s->plain, m, h);
        if (!ok)
            fl_fail(err, FL_NOMEM, 0, "out of memory");
    }
    if (!ok) {
        hmt_close(g);
        g->self = NULL;
    }
    return ok;
}

struct engine *gen_hmt_engine(const struct gen *g)
{
    return g->close == hmt_close ? ((struct hmt_self *)g->self)->engine : NULL;
}
