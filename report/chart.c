/* SPDX-License-Identifier: Apache-2.0 */
#include "report/chart.h"
#include "report/html.h"
#include <math.h>

enum { WIDTH = 360, LEFT = 46, RIGHT = 14, TOP = 22, BOTTOM = 40 };

/* 0 .. 1 along an axis. */
static double along(const struct rep_axis *a, double v)
{
    double p = a->log ? (log10(fmax(v, a->lo)) - log10(a->lo)) /
                            (log10(a->hi) - log10(a->lo))
                      : (v - a->lo) / (a->hi - a->lo);
    return p < 0 ? 0 : p > 1 ? 1 : p;
}

double rep_chart_x(const struct rep_chart *c, double v)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * along(&c->x, v);
}

double rep_chart_y(const struct rep_chart *c, double v)
{
    return c->height - BOTTOM - (c->height - TOP - BOTTOM) * along(&c->y, v);
}

/* 1, 2 or 5 times a power of ten: about five steps. */
static double step_of(const struct rep_axis *a)
{
    double range = (a->hi - a->lo) / 5, p = pow(10, floor(log10(range)));
    double m = range / p;
    return p * (m > 5 ? 10 : m > 2 ? 5 : m > 1 ? 2 : 1);
}

static void tick(const struct rep_chart *c, int vertical, double v)
{
    const struct rep_axis *a = vertical ? &c->y : &c->x;
    double x = rep_chart_x(c, v), y = rep_chart_y(c, v);
    int bottom = c->height - BOTTOM;
    if (vertical)
        fprintf(c->f,
                "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text class=\"e m\" "
                "x=\"%d\" y=\"%.1f\">",
                LEFT, y, WIDTH - RIGHT, LEFT - 4, y + 4);
    else
        fprintf(c->f,
                "<path class=\"grid\" d=\"M%.1f %dV%d\"/><text class=\"c m\" "
                "x=\"%.1f\" y=\"%d\">",
                x, TOP, bottom, x, bottom + 14);
    static const char *const thousands[] = {"", " k", " M", " G", " T", " P"};
    int k = 0;
    for (; a->log && v >= 999.5 && k < 5; k++)
        v /= 1000;
    fprintf(c->f, "%.6g%s%s%s", fabs(v) < 1e-12 ? 0 : v, thousands[k],
            *a->unit ? " " : "", a->unit);
    fputs("</text>\n", c->f);
}

static void ticks(const struct rep_chart *c, int vertical)
{
    const struct rep_axis *a = vertical ? &c->y : &c->x;
    if (a->log) {
        static const int times[] = {1, 2, 5};
        int n = a->hi / a->lo < 100 ? 3 : 1;
        for (double p = pow(10, floor(log10(a->lo))); p <= a->hi; p *= 10)
            for (int k = 0; k < n; k++)
                if (p * times[k] >= a->lo * 0.9999 &&
                    p * times[k] <= a->hi * 1.0001)
                    tick(c, vertical, p * times[k]);
        return;
    }
    double step = step_of(a);
    for (int k = 0; k < 20; k++) {
        double v = (ceil(a->lo / step - 1e-9) + k) * step;
        if (v <= a->hi + 1e-9 * step)
            tick(c, vertical, v);
    }
}

void rep_chart_open(const struct rep_chart *c, const char *label)
{
    int bottom = c->height - BOTTOM;
    fprintf(c->f,
            "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\" "
            "style=\"max-width:38rem\">\n",
            WIDTH, c->height, label);
    ticks(c, 0);
    ticks(c, 1);
    fprintf(c->f,
            "<path class=\"axis\" d=\"M%d %dV%dH%d\"/><text class=\"c\" "
            "x=\"%d\" y=\"%d\">%s</text><text x=\"4\" y=\"12\">%s</text>\n",
            LEFT, TOP, bottom, WIDTH - RIGHT, (LEFT + WIDTH - RIGHT) / 2,
            bottom + 31, c->x.title, c->y.title);
}

void rep_chart_close(const struct rep_chart *c)
{
    fputs("</svg>\n", c->f);
}

void rep_chart_line(const struct rep_chart *c, const char *class, double x0,
                    double y0, double x1, double y1)
{
    fprintf(c->f, "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", class,
            rep_chart_x(c, x0), rep_chart_y(c, y0), rep_chart_x(c, x1),
            rep_chart_y(c, y1));
}

struct rep_axis rep_axis_log(const char *title, const char *unit, double lo,
                             double hi)
{
    lo = fmax(lo, 1e-12);
    return (struct rep_axis){title, unit, lo / 1.3, fmax(hi, lo) * 1.3, 1};
}

struct rep_axis rep_axis_fit(const char *title, const char *unit, double lo,
                             double hi)
{
    double room = hi > lo ? (hi - lo) * 0.08 : fmax(fabs(hi) * 0.1, 1e-6);
    struct rep_axis a = {title, unit, lo - room, hi + room, 0};
    if (lo >= 0 && a.lo < 0)
        a.lo = 0;
    return a;
}
