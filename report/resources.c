/* SPDX-License-Identifier: Apache-2.0 */
/* report/resources.c -- what the design takes of the device: a bar a kind, the
 * whole chip its width. */
#include "report/html.h"
#include "report/parts.h"
#include <math.h>
#include <string.h>

static const char *const title[XPL_KIND_COUNT] = {
    [XPL_lut] = "LUT",       [XPL_ff] = "FF",     [XPL_dsp] = "DSP",
    [XPL_bram36] = "BRAM36", [XPL_uram] = "URAM",
};

/* In hundredths of the chip. */
static void bar(FILE *f, double shell, const struct rep_amount *a, double all,
                double limit)
{
    double left = 100 * shell / all, used = 100 * a->n / all;
    double err = isnan(a->err) ? 0 : 100 * a->err / all;
    double end = fmin(left + used, 100), mid = left + used;
    fputs("<svg viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" "
          "role=\"img\" aria-label=\"share\"><path class=\"part\" "
          "d=\"M0 0H100V10H0z\"/>",
          f);
    fprintf(f,
            "<rect class=\"peer\" width=\"%.2f\" height=\"10\"/>"
            "<rect class=\"own\" x=\"%.2f\" width=\"%.2f\" height=\"10\"/>",
            left, left, fmax(end - left, 0));
    if (err > 0)
        fprintf(f,
                "<rect class=\"own\" opacity=\".4\" x=\"%.2f\" y=\"3\" "
                "width=\"%.2f\" height=\"4\"/>",
                fmax(mid - err, 0), fmin(2 * err, 100));
    if (!isnan(limit))
        fprintf(f,
                "<rect x=\"%.2f\" width=\".8\" height=\"10\" "
                "style=\"fill:var(--fg)\"/>",
                fmin(100 * limit / all, 99.2));
    fputs("</svg>", f);
}

static void count(FILE *f, double n)
{
    if (isnan(n))
        fputs("not known", f);
    else
        fprintf(f, "%.0f", n);
}

static void row(FILE *f, const struct xpl_design *d, const struct rep_times *t,
                int k, double room)
{
    const struct rep_amount *a = &t->amount[k];
    double all = d->dev.fabric.n[k];
    double shell = isnan(d->dev.shell.n[k]) ? 0 : d->dev.shell.n[k];
    fprintf(f, "<tr><td>%s</td><td class=\"num\">", title[k]);
    count(f, a->n);
    if (!isnan(a->err) && a->err > 0)
        fprintf(f, " &#xB1; %.0f", a->err);
    fputs("</td><td class=\"num\">", f);
    count(f, room);
    fputs("</td><td class=\"num\">", f);
    if (isnan(a->n) || isnan(room) || room <= 0)
        fputs("", f);
    else
        fprintf(f, "%.0f %%", 100 * a->n / room);
    fputs("</td><td class=\"bar\">", f);
    if (!isnan(a->n) && !isnan(all) && all > 0)
        bar(f, shell, a, all, isnan(room) ? NAN : shell + room);
    fputs("</td></tr>\n", f);
}

void rep_resources(FILE *f, const struct xpl_design *d,
                   const struct rep_times *t)
{
    struct xpl_fabric room = xpl_device_room(&d->dev);
    rep_section(f, "resources", "Resources");
    if (!t->resources) {
        rep_absent(f, "The timed run says nothing of resources: it was made "
                      "without a <code>resources</code> object. Nothing here "
                      "says that the design fits the card.");
        rep_section_end(f);
        return;
    }
    fputs("<figure>\n<table>\n<thead><tr><th></th><th class=\"num\">"
          "design</th><th class=\"num\">room</th><th class=\"num\">of room</th>"
          "<th>of the chip</th></tr></thead>\n<tbody>\n",
          f);
    for (int k = 0; k < XPL_KIND_COUNT; k++)
        row(f, d, t, k, room.n[k]);
    fputs("</tbody></table>\n<figcaption>", f);
    rep_text(f, d->dev.title);
    fputs(": room is what the plan may use of what the board's shell leaves, "
          "the mark in a bar its end; grey: the shell. Estimates, &#xB1; one "
          "standard error, before placement.",
          f);
    if (t->uncounted > 0)
        fprintf(f,
                " %d modules were never synthesised and count nothing: the "
                "totals are lower bounds.",
                t->uncounted);
    fputs("</figcaption>\n</figure>\n", f);
    rep_section_end(f);
}
