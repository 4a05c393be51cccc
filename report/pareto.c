/* SPDX-License-Identifier: Apache-2.0 */
/* report/pareto.c -- the designs that a search left: decode speed against the
 * share of the device, and against the time of prefill. */
#include "report/chart.h"
#include "report/html.h"
#include "report/parts.h"
#include <math.h>

static double x_value(const struct rep_point *p, int prefill)
{
    return prefill ? p->prefill_s : 100 * p->area;
}

static void mark(const struct rep_chart *c, double x, double y,
                 const char *class, double r)
{
    fprintf(c->f, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%g\"/>\n",
            class, rep_chart_x(c, x), rep_chart_y(c, y), r);
}

/* Where the points and bounds of a chart are, of the axis `dim`. */
static void widen(double *lo, double *hi, double v)
{
    if (isnan(v))
        return;
    *lo = fmin(*lo, v);
    *hi = fmax(*hi, v);
}

/* The timed run can stand beside the points: it is of the same prompt. */
static int is_timed(const struct rep_search *s, const struct rep_times *t)
{
    return t->prefill_s > 0 && (isnan(s->prompt) || s->prompt == t->prompt);
}

static void bounds(const struct rep_chart *c, const struct rep_search *s,
                   int prefill)
{
    if (!isnan(s->bound_tok_s))
        rep_chart_line(c, "lmem dash", c->x.lo, s->bound_tok_s, c->x.hi,
                       s->bound_tok_s);
    if (prefill && !isnan(s->bound_prefill_s))
        rep_chart_line(c, "lmem dash", s->bound_prefill_s, c->y.lo,
                       s->bound_prefill_s, c->y.hi);
}

static void chart(FILE *f, const struct rep_search *s,
                  const struct rep_times *t, int prefill)
{
    double lo[2] = {INFINITY, INFINITY}, hi[2] = {0, 0};
    for (int k = 0; k < s->points; k++) {
        widen(&lo[0], &hi[0], x_value(&s->point[k], prefill));
        widen(&lo[1], &hi[1], s->point[k].decode_tok_s);
    }
    widen(&lo[1], &hi[1], s->bound_tok_s);
    int timed = prefill && is_timed(s, t);
    if (prefill)
        widen(&lo[0], &hi[0], s->bound_prefill_s);
    if (timed) {
        widen(&lo[0], &hi[0], t->prefill_s);
        widen(&lo[1], &hi[1], t->decode_tok_s);
    }
    if (lo[0] > hi[0])
        return; /* the area of no design is known */
    struct rep_chart c = {
        f,
        prefill
            ? rep_axis_log("prefill of the prompt, seconds", "", lo[0], hi[0])
            : rep_axis_fit("scarcest resource, % of its room", "", lo[0],
                           hi[0]),
        rep_axis_fit("decode, tokens/s", "", lo[1], hi[1]), 250};
    fputs("<figure class=\"chart\">\n", f);
    rep_chart_open(&c,
                   prefill ? "decode against prefill" : "decode against area");
    bounds(&c, s, prefill);
    for (int k = 0; k < s->points; k++)
        if (!isnan(x_value(&s->point[k], prefill)))
            mark(&c, x_value(&s->point[k], prefill), s->point[k].decode_tok_s,
                 "peer", 2.5);
    if (s->chosen >= 0 && !isnan(x_value(&s->point[s->chosen], prefill)))
        mark(&c, x_value(&s->point[s->chosen], prefill),
             s->point[s->chosen].decode_tok_s, "own", 5);
    if (timed)
        fprintf(f,
                "<path class=\"ldec\" d=\"M%.1f %.1fm-5 -5l10 10m0 -10l-10 "
                "10\"/>\n",
                rep_chart_x(&c, t->prefill_s),
                rep_chart_y(&c, t->decode_tok_s));
    rep_chart_close(&c);
    fputs("</figure>\n", f);
}

/* What was looked at, and what the marks are. */
static void words(FILE *f, const struct rep_search *s,
                  const struct rep_times *t)
{
    fputs("<p>The front of a search for ", f);
    rep_text(f, s->model);
    fputs(" on ", f);
    rep_text(f, s->device);
    if (!isnan(s->prompt))
        fprintf(f, ", prompts of %.0f tokens", s->prompt);
    fprintf(f, ": %d designs, none of which another beats in everything",
            s->points);
    if (!isnan(s->legal)) {
        fputs(", of ", f);
        rep_count(f, s->legal);
        fputs(" legal ones", f);
    }
    if (!isnan(s->seconds))
        fprintf(f, ", found in %.3g s", s->seconds);
    fputs(". Their figures are the cycle model's. Green: the one that the "
          "search chose",
          f);
    if (s->objective[0] != 0)
        rep_textf(f, " for %s", s->objective);
    if (is_timed(s, t))
        fputs("; cross: the timed run of this page", f);
    fputs("; dashed: what the memory's bandwidth and the device's multipliers "
          "allow at best.</p>\n",
          f);
    if (s->chosen >= 0) {
        const struct rep_point *p = &s->point[s->chosen];
        fprintf(f, "<p>Chosen: %.1f tokens/s, prefill in %.3g s",
                p->decode_tok_s, p->prefill_s);
        if (!isnan(p->area))
            fprintf(f, ", %.0f %% of the scarcest resource", 100 * p->area);
        fprintf(f, ", %s", p->images == 2 ? "two images" : "one image");
        if (s->parallelism[0] != 0)
            rep_textf(f, "; %s", s->parallelism);
        fputs(".</p>\n", f);
    }
}

void rep_pareto(FILE *f, const struct rep_search *s, const struct rep_times *t)
{
    rep_section(f, "pareto", "Other designs for this device");
    if (s == 0 || s->points == 0) {
        rep_absent(
            f, s == 0 ? "No search was given: <code>flexllm explore --model "
                        "M --device D --json</code> makes one, and "
                        "<code>--explore FILE</code> shows its front here."
                      : "The search found no design that fits.");
        rep_section_end(f);
        return;
    }
    words(f, s, t);
    fputs("<div class=\"pair\">\n", f);
    chart(f, s, t, 0);
    chart(f, s, t, 1);
    fputs("</div>\n", f);
    rep_section_end(f);
}
