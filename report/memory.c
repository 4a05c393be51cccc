/* SPDX-License-Identifier: Apache-2.0 */
/* report/memory.c -- how much of every channel's bandwidth each stage used. */
#include "explore/place.h"
#include "report/html.h"
#include "report/parts.h"
#include <math.h>

enum { WIDTH = 360, LEFT = 34, TOP = 10, HEIGHT = 130, FOOT = 26 };

static double y_of(double share)
{
    return TOP + HEIGHT * (1 - fmin(share, 1));
}

/* Bars of the banks first .. last of one memory. */
static void bars(FILE *f, const struct xpl_design *d, const struct rep_stage *s,
                 int stage)
{
    const struct xpl_memory *m, *before = 0;
    int channel, n = 0;
    while (xpl_device_memory(&d->dev, n, &channel) != 0)
        n++;
    double pitch = (double)(WIDTH - LEFT - 4) / (n > 8 ? n + 1 : 9);
    double x = LEFT + pitch / 4;
    for (int b = 0; (m = xpl_device_memory(&d->dev, b, &channel)) != 0; b++) {
        double peak = xpl_bank_peak(d, b), rate = xpl_bank_rate(d, b);
        x += before != 0 && m != before ? pitch / 2 : 0;
        if (m != before)
            fprintf(f, "<text class=\"m\" x=\"%.1f\" y=\"%d\">", x,
                    TOP + HEIGHT + 22);
        if (m != before) {
            rep_text(f, m->name);
            fputs("</text>", f);
        }
        if (channel % 4 == 0 || n < 12)
            fprintf(f, "<text class=\"s c m\" x=\"%.1f\" y=\"%d\">%d</text>",
                    x + 0.4 * pitch, TOP + HEIGHT + 11, channel);
        if (peak > 0) {
            double share = s->gb_s[b] / peak;
            fprintf(f,
                    "<rect class=\"%s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" "
                    "height=\"%.2f\"><title>",
                    stage == REP_PREFILL ? "pre" : "dec", x, y_of(share),
                    0.8 * pitch, TOP + HEIGHT - y_of(share));
            rep_textf(f, "%s%d: %.2f of %.2f GB/s", m->name, channel,
                      s->gb_s[b], peak);
            fputs("</title></rect>", f);
            if (!isnan(rate))
                fprintf(f, "<path class=\"lmem\" d=\"M%.2f %.2fh%.2f\"/>\n", x,
                        y_of(rate / peak), 0.8 * pitch);
        }
        before = m;
        x += pitch;
    }
}

static void stage_draw(FILE *f, const struct xpl_design *d,
                       const struct rep_times *t, int k)
{
    fprintf(f,
            "<figure>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" "
            "aria-label=\"channels of %s\" style=\"max-width:38rem\">\n",
            WIDTH, TOP + HEIGHT + FOOT, rep_stage_name[k]);
    for (int p = 0; p <= 100; p += 25)
        fprintf(f,
                "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text class=\"e m\" "
                "x=\"%d\" y=\"%.1f\">%d</text>\n",
                LEFT, y_of(p / 100.0), WIDTH - 4, LEFT - 4, y_of(p / 100.0) + 4,
                p);
    bars(f, d, &t->stage[k], k);
    fprintf(
        f, "</svg>\n<figcaption>%s: ", k == REP_PREFILL ? "Prefill" : "Decode");
    rep_si(f, t->stage[k].bytes / t->stage[k].seconds, "B/s");
    fputs(", % of each channel's pins.</figcaption>\n</figure>\n", f);
}

void rep_memory(FILE *f, const struct xpl_design *d, const struct rep_times *t)
{
    rep_section(f, "memory", "Memory channels");
    fprintf(f,
            "<p>The line over a bar is what the plan counts on (efficiency "
            "of the device file). In decode the memory of the weights moves "
            "%.1f %% of what its pins could, and the design reaches %.1f %% of "
            "the %.0f tokens/s that its weight channels allow.</p>\n"
            "<div class=\"pair\">\n",
            100 * t->hbm_utilisation, 100 * t->decode_tok_s / t->bound_tok_s,
            t->bound_tok_s);
    stage_draw(f, d, t, REP_DECODE);
    if (t->stage[REP_PREFILL].cycles > 0)
        stage_draw(f, d, t, REP_PREFILL);
    fputs("</div>\n", f);
    rep_section_end(f);
}
