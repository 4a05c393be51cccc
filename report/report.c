/* SPDX-License-Identifier: Apache-2.0 */
/* report/report.c -- the head of the page, then section by section. */
#include "report/report.h"
#include "report/html.h"
#include "report/parts.h"
#include <math.h>

static void card(FILE *f, const char *figure, const char *what)
{
    fprintf(f, "<div class=\"card\"><b>%s</b><span>%s</span></div>\n", figure,
            what);
}

static void cards(FILE *f, const struct rep_times *t)
{
    char a[64], b[96];
    fputs("<div class=\"cards\">\n", f);
    snprintf(a, sizeof a, "%.1f", t->decode_tok_s);
    snprintf(b, sizeof b, "tokens/s, decode at context %d", t->context);
    card(f, a, b);
    if (t->prefill_s > 0) {
        snprintf(a, sizeof a, "%.3g s", t->prefill_s);
        snprintf(b, sizeof b, "prefill of %d tokens", t->prompt);
        card(f, a, b);
    }
    if (t->answer_s > 0) {
        snprintf(a, sizeof a, "%.3g s", t->prefill_s + t->answer_s);
        snprintf(b, sizeof b, "prompt and %d tokens of answer", t->generate);
        card(f, a, b);
    }
    if (!isnan(t->token_j)) {
        snprintf(a, sizeof a, "%.3g J", t->token_j);
        snprintf(b, sizeof b, "a token, at %g W", t->watts);
        card(f, a, b);
    }
    snprintf(a, sizeof a, "%.0f %%", 100 * t->hbm_utilisation);
    card(f, a, "of the weight memory's pins");
    snprintf(a, sizeof a, "%.0f %%", 100 * t->decode_tok_s / t->bound_tok_s);
    card(f, a, "of the weight channels' bound");
    fputs("</div>\n", f);
}

static void head(FILE *f, const struct xpl_design *d, const struct rep_times *t)
{
    struct dsn_config c = d->config;
    fputs("<header>\n<h1>", f);
    rep_text(f, d->name);
    fputs("</h1>\n<p>", f);
    rep_textf(f, "%s, %s, on %s (%s)", d->model, d->scheme, d->dev.title,
              d->dev.chip);
    fprintf(f,
            ", %s at %g MHz in prefill and %g MHz in decode. A projection: the "
            "cycles are those of a timed run, nothing ran on a board.</p>\n",
            d->images == 1 ? "one image" : "two images", d->prefill_mhz,
            d->decode_mhz);
    cards(f, t);
    fputs("<p class=\"mute\">Parallelism:", f);
    for (int k = 0; dsn_config_name(k) != 0; k++)
        fprintf(f, " <code>%s %d</code>", dsn_config_name(k),
                *dsn_config_at(&c, k));
    fputs("</p>\n</header>\n<nav>"
          "<a href=\"#dataflow\">Dataflow</a><a href=\"#time\">Time</a>"
          "<a href=\"#roofline\">Roofline</a><a href=\"#memory\">Memory</a>"
          "<a href=\"#resources\">Resources</a><a href=\"#pareto\">Other "
          "designs</a><a href=\"#published\">Published systems</a>"
          "<a href=\"#assumptions\">Assumptions</a></nav>\n",
          f);
}

void rep_write(FILE *f, const struct xpl_design *d, const struct rep_times *t,
               const struct rep_search *search)
{
    char title[128];
    snprintf(title, sizeof title, "%s - FlexLLM report", d->name);
    rep_open(f, title);
    head(f, d, t);
    rep_graph(f, t);
    rep_gantt(f, t);
    rep_roofline(f, d, t);
    rep_memory(f, d, t);
    rep_resources(f, d, t);
    rep_pareto(f, search, t);
    rep_published(f, d, t);
    rep_assume(f, d, t);
    rep_close(f);
}
