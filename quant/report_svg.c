/* SPDX-License-Identifier: Apache-2.0 */
/* quant/report_svg.c -- the report as two charts over the layers, one above
 * the other: signal to noise of each linear's output, crest of each input. */
#include "num/qmodel.h"
#include "quant/report.h"
#include <math.h>

enum { WIDTH = 820, LEFT = 60, RIGHT = 120, HEIGHT = 260, GAP = 70, TOP = 50 };

struct chart {
    FILE *f;
    int layers, top; /* pixels from above */
    double lo, hi;   /* of the axis */
};

static double x_of(const struct chart *c, int layer)
{
    int n = c->layers > 1 ? c->layers - 1 : 1;
    return LEFT + (double)(WIDTH - LEFT - RIGHT) * layer / n;
}

static double y_of(const struct chart *c, double v)
{
    double share = (v - c->lo) / (c->hi - c->lo);
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return c->top + HEIGHT * (1 - share);
}

/* 1, 2 or 5 times a power of ten: about five steps. */
static double tick(double range)
{
    double p = pow(10, floor(log10(range / 5)));
    double m = range / 5 / p;
    return p * (m > 5 ? 10 : m > 2 ? 5 : m > 1 ? 2 : 1);
}

static void axes(const struct chart *c, const char *what)
{
    double step = tick(c->hi - c->lo);
    fprintf(c->f, "<text x=\"%d\" y=\"%d\" font-weight=\"bold\">%s</text>\n",
            LEFT, c->top - 10, what);
    for (double v = ceil(c->lo / step) * step; v <= c->hi + 1e-9; v += step)
        fprintf(c->f,
                "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" "
                "stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" "
                "text-anchor=\"end\">%g</text>\n",
                LEFT, WIDTH - RIGHT, y_of(c, v), y_of(c, v), LEFT - 6,
                y_of(c, v) + 4, v);
    int every = c->layers > 20 ? 5 : c->layers > 8 ? 2 : 1;
    for (int l = 0; l < c->layers; l += every)
        fprintf(c->f,
                "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>\n",
                x_of(c, l), c->top + HEIGHT + 16, l);
    fprintf(c->f, "<text x=\"%d\" y=\"%d\">layer</text>\n", WIDTH - RIGHT + 8,
            c->top + HEIGHT + 16);
}

/* v[0], v[stride], ..; the name beside it in the same colour. */
static void line(const struct chart *c, const double *v, int stride, int place,
                 const char *name, const char *colour, bool dashed)
{
    fprintf(c->f,
            "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"%s "
            "points=\"",
            colour, dashed ? " stroke-dasharray=\"4 3\"" : "");
    for (int l = 0; l < c->layers; l++)
        fprintf(c->f, "%.1f,%.1f ", x_of(c, l), y_of(c, v[l * stride]));
    fprintf(c->f, "\"/>\n");
    if (name != NULL)
        fprintf(c->f, "<text x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>\n",
                WIDTH - RIGHT + 8, c->top + 14 + 16 * place, colour, name);
}

static void range(struct chart *c, const double *v, int n, int stride)
{
    for (int i = 0; i < n; i++) {
        c->lo = fmin(c->lo, v[i * stride]);
        c->hi = fmax(c->hi, v[i * stride]);
    }
}

void quant_report_svg(const struct quant_report *r, const char *title, FILE *f)
{
    static const char *const linear[NUM_LINEARS] = {"q",    "k",  "v",   "o",
                                                    "gate", "up", "down"};
    static const char *const colour[NUM_LINEARS] = {
        "#1f77b4", "#17becf", "#2ca02c", "#d62728",
        "#9467bd", "#e377c2", "#8c564b"};
    static const char *const site[4] = {"attn", "o", "ffn", "down"};
    static const int site_colour[4] = {0, 3, 4, 6};
    int stride = sizeof *r->site / sizeof(double);
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
            "height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
            "<text x=\"%d\" y=\"20\" font-size=\"14\">",
            WIDTH, TOP + 2 * HEIGHT + GAP + 50, LEFT);
    for (const char *p = title; *p; p++) {
        if (*p == '<' || *p == '&')
            fputs(*p == '<' ? "&lt;" : "&amp;", f);
        else
            fputc(*p, f);
    }
    fprintf(f, "</text>\n");

    struct chart c = {f, r->layers, TOP + 10, 1e9, -1e9};
    range(&c, r->snr, r->layers * NUM_LINEARS, 1);
    c.hi += 1;
    axes(&c, "output of each linear: signal to noise, dB");
    for (int i = 0; i < NUM_LINEARS; i++)
        line(&c, r->snr + i, NUM_LINEARS, i, linear[i], colour[i], false);

    c = (struct chart){f, r->layers, TOP + 10 + HEIGHT + GAP, 0, 1};
    range(&c, &r->site[0].crest, r->layers * 4, stride);
    range(&c, &r->site[0].crest_max, r->layers * 4, stride);
    axes(&c, "inputs: largest channel / rms of a token (dashed: worst token)");
    for (int i = 0; i < 4; i++) {
        const char *k = colour[site_colour[i]];
        line(&c, &r->site[i].crest, 4 * stride, i, site[i], k, false);
        line(&c, &r->site[i].crest_max, 4 * stride, i, NULL, k, true);
    }
    fprintf(f, "</svg>\n");
}
