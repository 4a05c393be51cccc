/* SPDX-License-Identifier: Apache-2.0 */
/* report/resources.c -- what the design takes of the device: a bar a kind, the
 * whole chip its width. */
#include "report/html.h"
#include "report/parts.h"
#include <math.h>
#include <stdlib.h>
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
        rep_count(f, n);
}

static void row(FILE *f, const struct xpl_design *d, const struct rep_times *t,
                int k, double room)
{
    const struct rep_amount *a = &t->amount[k];
    double all = d->dev.fabric.n[k];
    double shell = isnan(d->dev.shell.n[k]) ? 0 : d->dev.shell.n[k];
    fprintf(f, "<tr><td>%s</td><td class=\"num\">", title[k]);
    count(f, a->n);
    if (!isnan(a->err) && a->err > 0) {
        fputs(" &#xB1;&#xA0;", f);
        rep_count(f, a->err);
    }
    fputs("</td><td class=\"num\">", f);
    count(f, room);
    fputs("</td><td class=\"num\">", f);
    if (isnan(a->n) || isnan(room) || room <= 0)
        fputs("", f);
    else
        fprintf(f, "%.0f&#xA0;%%", 100 * a->n / room);
    fputs("</td><td class=\"bar\">", f);
    if (!isnan(a->n) && !isnan(all) && all > 0)
        bar(f, shell, a, all, isnan(room) ? NAN : shell + room);
    fputs("</td></tr>\n", f);
}

/* Largest first: by the largest share of the room of any kind. */
struct taker {
    double share;
    int part, buffer; /* one of them; the other -1 */
};

static int by_share(const void *a, const void *b)
{
    const struct taker *x = a, *y = b;
    return x->share < y->share   ? 1
           : x->share > y->share ? -1
                                 : x->part + x->buffer - y->part - y->buffer;
}

static double share(double n, double room)
{
    return isnan(n) || isnan(room) || room <= 0 ? 0 : n / room;
}

static int takers(struct taker *list, const struct rep_times *t,
                  const struct xpl_fabric *room)
{
    int n = 0;
    for (int i = 0; i < t->parts; i++) {
        double top = 0;
        for (int k = 0; k < XPL_KIND_COUNT; k++)
            top = fmax(top, share(t->part[i].amount[k].n, room->n[k]));
        list[n++] = (struct taker){top, i, -1};
    }
    for (int i = 0; i < t->buffers; i++) {
        const struct rep_buffer *b = &t->buffer[i];
        int k = strcmp(b->block, "uram") == 0     ? XPL_uram
                : strcmp(b->block, "bram36") == 0 ? XPL_bram36
                                                  : XPL_lut;
        list[n++] = (struct taker){share(b->blocks, room->n[k]), -1, i};
    }
    qsort(list, (size_t)n, sizeof *list, by_share);
    return n;
}

static void part_row(FILE *f, const struct rep_part *p)
{
    rep_textf(f, "%s %s", p->stage, p->name);
    if (p->copies > 1)
        fprintf(f, " &#xD7; %d", p->copies);
    fputs("</td><td>", f);
    const char *sep = "";
    for (int k = 0; k < XPL_KIND_COUNT; k++)
        if (p->amount[k].n > 0) {
            fputs(sep, f);
            rep_count(f, p->amount[k].n);
            fprintf(f, "&#xA0;%s", title[k]);
            sep = ", ";
        }
}

static void buffer_row(FILE *f, const struct rep_buffer *b)
{
    rep_textf(f, "%s buffer %s", b->stage, b->name);
    if (b->copies > 1)
        fprintf(f, " &#xD7; %d", b->copies);
    fputs("</td><td>", f);
    rep_count(f, b->blocks);
    fputs("&#xA0;", f);
    rep_text(f, strcmp(b->block, "uram") == 0     ? "URAM"
                : strcmp(b->block, "bram36") == 0 ? "BRAM36"
                                                  : "LUT as memory");
}

static void largest(FILE *f, const struct rep_times *t,
                    const struct xpl_fabric *room)
{
    struct taker list[2 * REP_PARTS];
    int n = takers(list, t, room);
    if (n == 0)
        return;
    fputs("<h3>What takes most</h3>\n<table>\n<thead><tr><th>module or "
          "buffer</th><th>takes</th><th class=\"num\">of room</th></tr>"
          "</thead>\n<tbody>\n",
          f);
    for (int i = 0; i < n && i < 12 && list[i].share > 0; i++) {
        fputs("<tr><td>", f);
        if (list[i].part >= 0)
            part_row(f, &t->part[list[i].part]);
        else
            buffer_row(f, &t->buffer[list[i].buffer]);
        fprintf(f, "</td><td class=\"num\">%.1f&#xA0;%%</td></tr>\n",
                100 * list[i].share);
    }
    fputs("</tbody></table>\n", f);
}

static void uncounted(FILE *f, const struct rep_times *t)
{
    if (t->uncounted == 0)
        return;
    fputs("<p class=\"mute\">Never synthesised, so that at most their "
          "multipliers are counted and the totals are lower bounds.",
          f);
    for (int s = 0; s < REP_STAGES; s++) {
        int n = 0;
        for (int i = 0; i < t->parts; i++) {
            const struct rep_part *p = &t->part[i];
            if (p->counted || strcmp(p->stage, rep_stage_name[s]) != 0)
                continue;
            rep_textf(f,
                      n++ > 0            ? ", %s"
                      : s == REP_PREFILL ? " Prefill: %s"
                                         : " Decode: %s",
                      p->name);
        }
        if (n > 0)
            fputc('.', f);
    }
    fputs("</p>\n", f);
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
    fputs("</figcaption>\n</figure>\n", f);
    if (t->fits >= 0)
        fprintf(f, "<p>By these estimates the design %s.</p>\n",
                t->fits ? "fits into the room" : "<b>does not fit</b>");
    uncounted(f, t);
    largest(f, t, &room);
    rep_section_end(f);
}
