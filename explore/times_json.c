/* SPDX-License-Identifier: Apache-2.0 */
/* explore/times_json.c -- writes what explore/times.h holds. */
#include "explore/times_json.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void span_json(cJSON *list, const struct dsn_seen *s,
                      const struct dsn_span *p)
{
    char digits[DSN_BINS + 1];
    uint64_t width = s->bin_cycles, start = 0, end = 0;
    double busy = 0;
    int n = 0;
    for (uint64_t b = s->from / width; b * width < s->to && b < DSN_BINS; b++) {
        uint64_t lo = b * width < s->from ? s->from : b * width;
        uint64_t hi = (b + 1) * width > s->to ? s->to : (b + 1) * width;
        double share = p->bin[b] / ((double)(hi - b * width) * p->tasks);
        digits[n++] = (char)('0' + (int)ceil(9 * fmin(share, 1)));
        if (p->bin[b] == 0)
            continue;
        start = end == 0 ? lo : start;
        end = hi;
        busy += share * (double)(hi - lo);
    }
    digits[n] = 0;
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "module", p->name);
    cJSON_AddNumberToObject(o, "tasks", p->tasks);
    cJSON_AddNumberToObject(o, "start",
                            end > 0 ? (double)(start - s->from) : 0);
    cJSON_AddNumberToObject(o, "end", end > 0 ? (double)(end - s->from) : 0);
    cJSON_AddNumberToObject(o, "busy", busy / (double)(s->to - s->from));
    cJSON_AddStringToObject(o, "activity", digits);
    cJSON_AddItemToArray(list, o);
}

static void spans_json(cJSON *o, const struct dsn_seen *s)
{
    cJSON *spans = cJSON_AddArrayToObject(o, "spans");
    for (int i = 0; i < s->spans && s->to > s->from; i++)
        span_json(spans, s, &s->span[i]);
}

static void seen_json(cJSON *o, const struct xpl_design *d,
                      const struct dsn_seen *s, double seconds, uint64_t cycles)
{
    const struct xpl_memory *m;
    char name[32];
    int channel;
    cJSON *banks = cJSON_AddObjectToObject(o, "gb_s");
    for (int b = 0; (m = xpl_device_memory(&d->dev, b, &channel)) != 0; b++) {
        double bytes = (double)(s->bank[b].read + s->bank[b].written);
        snprintf(name, sizeof name, "%s%d", m->name, channel);
        if (bytes > 0)
            cJSON_AddNumberToObject(banks, name, bytes / seconds / 1e9);
    }
    cJSON *share = cJSON_AddObjectToObject(o, "share");
    for (int b = 0; (m = xpl_device_memory(&d->dev, b, &channel)) != 0; b++) {
        double bytes = (double)(s->bank[b].read + s->bank[b].written);
        snprintf(name, sizeof name, "%s%d", m->name, channel);
        if (bytes > 0)
            cJSON_AddNumberToObject(share, name,
                                    bytes / seconds / 1e9 / m->gb_s);
    }
    cJSON *busy = cJSON_AddArrayToObject(o, "busy");
    int top = 0;
    for (int i = 0; i < s->works; i++) {
        top = s->work[i].busy > s->work[top].busy ? i : top;
        cJSON *w = cJSON_CreateObject();
        cJSON_AddStringToObject(w, "module", s->work[i].name);
        cJSON_AddNumberToObject(w, "share",
                                (double)s->work[i].busy / (double)cycles);
        cJSON_AddItemToArray(busy, w);
    }
    if (s->works > 0)
        cJSON_AddStringToObject(o, "critical", s->work[top].name);
    spans_json(o, s);
}

/* A block of the prompt alone. */
static void block_json(cJSON *root, const struct xpl_times *t)
{
    cJSON *o = cJSON_AddObjectToObject(root, "block");
    cJSON_AddNumberToObject(o, "tokens", t->block_tokens);
    cJSON_AddNumberToObject(o, "cycles", (double)t->block_cycles);
    spans_json(o, &t->block);
}

/* What the figures are of: a report of another design refuses them. */
static void design_json(cJSON *o, const struct xpl_design *d)
{
    struct dsn_config c = d->config;
    cJSON_AddStringToObject(o, "design", d->name);
    cJSON_AddStringToObject(o, "model", d->model);
    cJSON_AddStringToObject(o, "device", d->device);
    cJSON_AddStringToObject(o, "scheme", d->scheme);
    cJSON *mhz = cJSON_AddObjectToObject(o, "clock_mhz");
    cJSON_AddNumberToObject(mhz, "prefill", d->prefill_mhz);
    cJSON_AddNumberToObject(mhz, "decode", d->decode_mhz);
    cJSON *par = cJSON_AddObjectToObject(o, "parallelism");
    for (int k = 0; dsn_config_name(k) != 0; k++)
        cJSON_AddNumberToObject(par, dsn_config_name(k), *dsn_config_at(&c, k));
}

bool xpl_cost_of(struct xpl_cost *c, const struct xpl_design *d,
                 const struct xpl_times *t, struct fl_error *err)
{
    struct xpl_design *as = malloc(sizeof *as);
    FL_FAIL_IF(as == 0, err, FL_NOMEM, 0, "out of memory");
    *as = *d;
    as->prompt = t->prompt;
    as->generate = t->generate;
    bool ok = xpl_cost(c, as, t->context, err);
    free(as);
    return ok;
}

/* The formulas beside the run. */
static void formula_json(cJSON *root, const struct xpl_times *t,
                         const struct xpl_cost *c)
{
    cJSON *o = cJSON_AddObjectToObject(root, "formula");
    cJSON_AddNumberToObject(o, "decode_cycles", c->decode_cycles);
    cJSON_AddNumberToObject(o, "decode_error",
                            c->decode_cycles / (double)t->decode_cycles - 1);
    if (t->prefill_cycles == 0)
        return;
    cJSON_AddNumberToObject(o, "prefill_cycles", c->prefill_cycles);
    cJSON_AddNumberToObject(o, "prefill_error",
                            c->prefill_cycles / (double)t->prefill_cycles - 1);
}

cJSON *xpl_times_json(const struct xpl_design *d, const struct xpl_times *t)
{
    cJSON *o = cJSON_CreateObject(), *s;
    design_json(o, d);
    cJSON_AddNumberToObject(o, "prompt", t->prompt);
    cJSON_AddNumberToObject(o, "generate", t->generate);
    cJSON_AddNumberToObject(o, "context", t->context);
    cJSON_AddNumberToObject(o, "prefill_s", t->prefill_s);
    cJSON_AddNumberToObject(o, "prefill_cycles", (double)t->prefill_cycles);
    cJSON_AddNumberToObject(o, "decode_tok_s", t->decode_tok_s);
    cJSON_AddNumberToObject(o, "decode_cycles", (double)t->decode_cycles);
    cJSON_AddNumberToObject(o, "answer_s", t->answer_s);
    cJSON_AddNumberToObject(o, "answer_tok_s", t->answer_tok_s);
    cJSON_AddNumberToObject(o, "hbm_utilisation", t->utilisation);
    cJSON_AddNumberToObject(o, "bound_tok_s", t->bound_tok_s);
    s = cJSON_AddObjectToObject(o, "prefill");
    if (t->prefill_cycles > 0)
        seen_json(s, d, &t->prefill, t->prefill_s, t->prefill_cycles);
    if (t->block_tokens > 0)
        block_json(o, t);
    s = cJSON_AddObjectToObject(o, "decode");
    seen_json(s, d, &t->decode, 1 / t->decode_tok_s, t->decode_cycles);
    struct xpl_cost *c = malloc(sizeof *c);
    struct fl_error err;
    if (c != 0 && xpl_cost_of(c, d, t, &err)) {
        formula_json(o, t, c);
        cJSON_AddItemToObject(o, "resources", xpl_cost_json(c, d));
        cJSON_AddItemToObject(o, "energy", xpl_energy_json(c));
    }
    free(c);
    return o;
}
