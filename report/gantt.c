/* SPDX-License-Identifier: Apache-2.0 */
/* report/gantt.c -- when each module was busy: a strip of time a module, as
 * high at every stretch as its share there. */
#include "report/html.h"
#include "report/parts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_order(const void *a, const void *b)
{
    const struct rep_span *x = *(const struct rep_span *const *)a,
                          *y = *(const struct rep_span *const *)b;
    int i = rep_graph_order(x->module), k = rep_graph_order(y->module);
    return i != k ? i - k : strcmp(x->module, y->module);
}

static void strip(FILE *f, const struct rep_span *p, int stage)
{
    int n = (int)strlen(p->activity), level = 0;
    fprintf(f,
            "<svg viewBox=\"0 0 %d 9\" preserveAspectRatio=\"none\" "
            "role=\"img\" aria-label=\"activity\"><path class=\"%s\" "
            "d=\"M0 9",
            n, stage == REP_PREFILL ? "pre" : "dec");
    for (int k = 0; k <= n; k++) {
        int next = k < n ? p->activity[k] - '0' : 0;
        if (next != level)
            fprintf(f, "H%dV%d", k, 9 - next);
        level = next;
    }
    fputs("z\"/></svg>", f);
}

/* 0, a quarter ... of the time, under the strips. */
static void ticks(FILE *f, double seconds)
{
    fputs("<span></span><div class=\"ticks\">", f);
    for (int k = 0; k <= 4; k++) {
        fprintf(f, "<span style=\"left:%d%%\">", 25 * k);
        if (k == 0)
            fputs("0", f);
        else
            rep_si(f, seconds * k / 4, "s");
        fputs("</span>", f);
    }
    fputs("</div><span></span>\n", f);
}

static void strips(FILE *f, const struct rep_stage *s, int k)
{
    const struct rep_span *order[REP_SPANS];
    for (int i = 0; i < s->spans; i++)
        order[i] = &s->span[i];
    qsort(order, (size_t)s->spans, sizeof *order, by_order);
    fputs("</figcaption>\n<div class=\"gantt\">\n", f);
    for (int i = 0; i < s->spans; i++) {
        fputs("<span>", f);
        rep_text(f, order[i]->module);
        if (order[i]->tasks > 1)
            fprintf(f, " &#xD7; %d", order[i]->tasks);
        fputs("</span>", f);
        strip(f, order[i], k);
        fprintf(f, "<span class=\"p\">%.1f %%</span>\n", 100 * order[i]->busy);
    }
    ticks(f, s->seconds);
    fputs("</div>\n</figure>\n", f);
}

static void cycles(FILE *f, const struct rep_stage *s)
{
    rep_count(f, s->cycles);
    fputs(" cycles, ", f);
    rep_si(f, s->seconds, "s");
    fprintf(f, " at %g MHz.", s->mhz);
}

static void stage(FILE *f, const struct rep_times *t, int k)
{
    fputs("<figure>\n<figcaption>", f);
    if (k == REP_DECODE)
        fprintf(f, "One token, at context %d: ", t->context);
    else
        fprintf(f, "A prompt of %d tokens (the last is decode's): ", t->prompt);
    cycles(f, &t->stage[k]);
    if (!isnan(t->formula[k]))
        fprintf(f, " The closed formula gives %+.1f %%.", 100 * t->formula[k]);
    strips(f, &t->stage[k], k);
}

/* The whole prompt is too long to see a layer in it. */
static void block(FILE *f, const struct rep_times *t)
{
    if (t->block.cycles <= 0)
        return;
    fprintf(f,
            "<figure>\n<figcaption>Its last block of %d tokens alone, once "
            "through the layers: ",
            t->block_tokens);
    cycles(f, &t->block);
    strips(f, &t->block, REP_PREFILL);
}

void rep_gantt(FILE *f, const struct rep_times *t)
{
    rep_section(f, "time", "Time");
    fputs("<p>When each module was busy. A full strip is an iteration in every "
          "cycle that its loop allows; several copies are averaged.</p>\n",
          f);
    stage(f, t, REP_DECODE);
    if (t->stage[REP_PREFILL].cycles > 0)
        stage(f, t, REP_PREFILL);
    else
        rep_absent(f, "No prefill was timed: a prompt of one token has none.");
    block(f, t);
    rep_section_end(f);
}
