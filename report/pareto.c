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

static void chart(FILE *f, const struct rep_search *s,
                  const struct rep_times *t, int prefill)
{
    double lo[2] = {INFINITY, INFINITY}, hi[2] = {0, 0};
    for (int k = 0; k < s->points; k++) {
        double x = x_value(&s->point[k], prefill), y = s->point[k].decode_tok_s;
        lo[0] = fmin(lo[0], x);
        hi[0] = fmax(hi[0], x);
        lo[1] = fmin(lo[1], y);
        hi[1] = fmax(hi[1], y);
    }
    int timed = prefill && t->prefill_s > 0;
    if (timed) {
        lo[0] = fmin(lo[0], t->prefill_s);
        hi[0] = fmax(hi[0], t->prefill_s);
        lo[1] = fmin(lo[1], t->decode_tok_s);
        hi[1] = fmax(hi[1], t->decode_tok_s);
    }
    struct rep_chart c = {
        f,
        prefill
            ? rep_axis_fit("prefill of the prompt, seconds", "", lo[0], hi[0])
            : rep_axis_fit("scarcest resource, % of its room", "", lo[0],
                           hi[0]),
        rep_axis_fit("decode, tokens/s", "", lo[1], hi[1]), 250};
    fputs("<figure class=\"chart\">\n", f);
    rep_chart_open(&c,
                   prefill ? "decode against prefill" : "decode against area");
    for (int k = 0; k < s->points; k++)
        mark(&c, x_value(&s->point[k], prefill), s->point[k].decode_tok_s,
             "peer", 3);
    if (s->chosen >= 0)
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
    fputs("<p>The front of a search for ", f);
    rep_text(f, s->model);
    fputs(" on ", f);
    rep_text(f, s->device);
    fprintf(f,
            ": %d designs, none of which another beats in everything. Their "
            "figures are the cycle model's. Filled: the one that the search "
            "chose; cross: the timed run of this page.</p>\n"
            "<div class=\"pair\">\n",
            s->points);
    chart(f, s, t, 0);
    chart(f, s, t, 1);
    fputs("</div>\n", f);
    rep_section_end(f);
}
