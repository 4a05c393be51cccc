/* SPDX-License-Identifier: Apache-2.0 */
/* report/chart.h -- a chart with two axes, each linear or by powers of ten,
 * 360 units wide: a phone shows it at that size, a desk larger. */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H
#include <stdio.h>

struct rep_axis {
    const char *title, *unit; /* ours; unit behind the ticks' figures */
    double lo, hi;            /* lo < hi; log: both above 0 */
    int log;
};

struct rep_chart {
    FILE *f;
    struct rep_axis x, y;
    int height;
};

/* The figure's <svg>, grid, ticks and titles; then the caller's marks. */
void rep_chart_open(const struct rep_chart *c, const char *label);
void rep_chart_close(const struct rep_chart *c);

/* Where a value is; beyond the axes: on their ends. */
double rep_chart_x(const struct rep_chart *c, double v);
double rep_chart_y(const struct rep_chart *c, double v);

/* A line of a class between two points. */
void rep_chart_line(const struct rep_chart *c, const char *class, double x0,
                    double y0, double x1, double y1);

/* An axis from data: room around lo to hi, steps of 1, 2, 5. */
struct rep_axis rep_axis_fit(const char *title, const char *unit, double lo,
                             double hi);

/* The same by powers of ten. */
struct rep_axis rep_axis_log(const char *title, const char *unit, double lo,
                             double hi);

#endif
