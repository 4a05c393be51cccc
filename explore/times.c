/* SPDX-License-Identifier: Apache-2.0 */
/* explore/times.c -- runs the two stages of a design file. */
#include "explore/times.h"
#include "designs/plan.h"
#include "explore/place.h"
#include <math.h>
#include <stdlib.h>

struct timing {
    const struct xpl_design *d;
    struct dsn_plan plan;
    struct dsn_place place[DSN_STAGES];
    struct timed *t;
    struct timed_run run, before;
};

/* One token at a context: two tokens less the first of them. */
static bool token(struct timing *g, int context, struct fl_error *err)
{
    int first = context > 1 ? context - 2 : 0;
    FL_TRY(timed_decode(g->t, first, 1, &g->before, err));
    FL_TRY(timed_decode(g->t, first, 2, &g->run, err));
    struct dsn_seen *a = &g->run.seen, *b = &g->before.seen;
    g->run.cycles -= g->before.cycles;
    a->from = g->before.cycles;
    for (int k = 0; k < XPL_BANKS; k++) {
        a->bank[k].read -= b->bank[k].read;
        a->bank[k].written -= b->bank[k].written;
        a->bank[k].requests -= b->bank[k].requests;
    }
    for (int k = 0; k < a->works && k < b->works; k++)
        a->work[k].busy -= b->work[k].busy;
    return true;
}

/* What the token moved through the memory of the decode weights. */
static void traffic(struct xpl_times *t, const struct xpl_design *d)
{
    int channel, c, first = xpl_device_bank(&d->dev, d->decode.name[0]);
    const struct xpl_memory *m = xpl_device_memory(&d->dev, first, &channel);
    double rate = 0;
    int seen[XPL_BANKS] = {0};
    for (int b = 0; b < XPL_BANKS; b++)
        if (xpl_device_memory(&d->dev, b, &c) == m) {
            t->peak_gb_s += m->gb_s;
            t->token_bytes +=
                (double)(t->decode.bank[b].read + t->decode.bank[b].written);
        }
    for (int k = 0; k < d->config.ch; k++) {
        int b = xpl_device_bank(&d->dev, d->decode.name[k % d->decode.n]);
        rate += seen[b]++ == 0 ? xpl_bank_rate(d, b) : 0;
    }
    double weights = 0;
    for (int b = 0; b < XPL_BANKS; b++)
        if (seen[b] != 0)
            weights += (double)t->decode.bank[b].read;
    double s = 1 / t->decode_tok_s;
    t->utilisation = t->token_bytes / (t->peak_gb_s * 1e9 * s);
    t->bound_tok_s = rate * 1e9 / weights;
}

/* The last block of the prompt, one pass over the layers. */
static bool block(struct timing *g, struct xpl_times *t, struct fl_error *err)
{
    const struct dsn_config *c = &g->d->config;
    int tokens = c->tp * (c->turns > 0 ? c->turns : 2), n = t->prompt - 1;
    t->block_tokens = tokens < n ? tokens : n;
    FL_TRY(timed_prefill_at(g->t, n - t->block_tokens, t->block_tokens, &g->run,
                            err));
    t->block_cycles = g->run.cycles;
    t->block = g->run.seen;
    return true;
}

static bool run(struct timing *g, struct xpl_times *t,
                const struct xpl_times_options *o, struct fl_error *err)
{
    const struct xpl_design *d = g->d;
    double hz = d->decode_mhz * 1e6;
    if (!o->skip_prefill && t->prompt > 1) {
        FL_TRY(timed_prefill(g->t, t->prompt - 1, &g->run, err));
        t->prefill_cycles = g->run.cycles;
        t->prefill_s = (double)t->prefill_cycles / (d->prefill_mhz * 1e6);
        t->prefill = g->run.seen;
        FL_TRY(!o->block || block(g, t, err));
    }
    FL_TRY(token(g, t->context, err));
    t->decode_cycles = g->run.cycles;
    t->decode_tok_s = hz / (double)t->decode_cycles;
    t->decode = g->run.seen;
    traffic(t, d);
    if (o->skip_answer)
        return true;
    FL_TRY(token(g, t->prompt, err));
    double first = (double)g->run.cycles;
    FL_TRY(token(g, t->prompt + t->generate, err));
    double mean = (first + (double)g->run.cycles) / 2;
    t->answer_s = t->generate * mean / hz;
    t->answer_tok_s = hz / mean;
    return true;
}

bool xpl_times(struct xpl_times *t, const struct xpl_design *d,
               const struct xpl_times_options *o, struct fl_error *err)
{
    *t = (struct xpl_times){.prompt = o->prompt > 0 ? o->prompt : d->prompt,
                            .generate =
                                o->generate > 0 ? o->generate : d->generate};
    t->context = o->context > 0 ? o->context : t->prompt;
    int end = t->prompt + t->generate + 1;
    int cap = end > t->context + 1 ? end : t->context + 1;
    FL_FAIL_IF(cap > d->shape.seq, err, FL_RANGE, 0,
               "%d positions wanted, the model %s has %d", cap, d->model,
               d->shape.seq);
    struct timing *g = calloc(1, sizeof *g);
    FL_FAIL_IF(g == 0, err, FL_NOMEM, 0, "out of memory");
    struct hls_options options = {.config = &d->config,
                                  .cap = cap,
                                  .source_dir = o->source_dir,
                                  .cache_dir = o->cache_dir,
                                  .progress = o->progress};
    g->d = d;
    bool ok = dsn_plan_make(&g->plan, &d->shape, d->scheme, err);
    for (int s = 0; ok && s < DSN_STAGES; s++)
        ok = xpl_place(&g->place[s], d, s, err);
    if (ok)
        g->t = timed_open(&g->plan.model, &options, g->place, err);
    ok = ok && g->t != 0 && run(g, t, o, err);
    timed_close(g->t);
    dsn_plan_free(&g->plan);
    free(g);
    return ok;
}
