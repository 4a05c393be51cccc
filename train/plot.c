/* SPDX-License-Identifier: Apache-2.0 */
/* train/plot.c -- the loss curve, and the weights of the search. */
#include <stdio.h>
#include "base/file.h"
#include "train/hmt_eval.h"
#include "train/train.h"

enum {
    WIDTH = 720,
    HEIGHT = 320,
    LEFT = 56,
    TOP = 36,
    RIGHT = 16,
    BOTTOM = 40
};

struct axes {
    double lo, hi;
    int n;
};

static double px(const struct axes *a, int step)
{
    return LEFT +
           (double)(WIDTH - LEFT - RIGHT) * step / (a->n > 1 ? a->n - 1 : 1);
}

static double py(const struct axes *a, double loss)
{
    return TOP + (HEIGHT - TOP - BOTTOM) * (a->hi - loss) / (a->hi - a->lo);
}

static struct axes scan(const float *loss, int n)
{
    struct axes a = {loss[0], loss[0], n};
    for (int i = 1; i < n; i++) {
        a.lo = loss[i] < a.lo ? loss[i] : a.lo;
        a.hi = loss[i] > a.hi ? loss[i] : a.hi;
    }
    if (!(a.hi - a.lo > 1e-6))
        a.hi = a.lo + 1e-6;
    return a;
}

static void line(FILE *f, const struct axes *a, const float *loss, double keep,
                 const char *style)
{
    double mean = loss[0];
    fprintf(f, "<polyline fill=\"none\" %s points=\"", style);
    for (int i = 0; i < a->n; i++) {
        mean = keep * mean + (1 - keep) * loss[i];
        fprintf(f, "%.1f,%.1f ", px(a, i), py(a, mean));
    }
    fputs("\"/>\n", f);
}

static void escaped(FILE *f, const char *s)
{
    for (; *s; s++)
        if (*s == '<' || *s == '&')
            fprintf(f, "&#%d;", *s);
        else
            fputc(*s, f);
}

static void open_svg(FILE *f, int width, int height, const char *title)
{
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
            "height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
            "<text x=\"%d\" y=\"20\">",
            width, height, LEFT);
    escaped(f, title);
    fputs("</text>\n", f);
}

bool train_plot(const char *path, const float *loss, int n, const char *title,
                struct fl_error *err)
{
    struct fl_out out;
    FL_FAIL_IF(n < 1, err, FL_RANGE, 0, "%s: no step to draw", path);
    struct axes a = scan(loss, n);
    FL_TRY(fl_out_open(&out, path, err));
    FILE *f = out.f;
    open_svg(f, WIDTH, HEIGHT, title);
    for (int i = 0; i <= 4; i++) {
        double v = a.lo + (a.hi - a.lo) * i / 4;
        int step = (n - 1) * i / 4;
        fprintf(f,
                "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" "
                "stroke=\"#ddd\"/>\n"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.3f</text>\n"
                "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>\n",
                LEFT, WIDTH - RIGHT, py(&a, v), py(&a, v), LEFT - 6,
                py(&a, v) + 4, v, px(&a, step), HEIGHT - BOTTOM + 18, step + 1);
    }
    fprintf(f,
            "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">step</text>\n"
            "<text x=\"12\" y=\"%d\" text-anchor=\"middle\" "
            "transform=\"rotate(-90 12 %d)\">nats a token</text>\n",
            WIDTH / 2, HEIGHT - 6, HEIGHT / 2, HEIGHT / 2);
    line(f, &a, loss, 0, "stroke=\"#9bd\" stroke-width=\"1\"");
    line(f, &a, loss, 0.9, "stroke=\"#026\" stroke-width=\"2\"");
    fputs("</svg>\n", f);
    return fl_out_commit(&out, err);
}

bool hmt_plot(const char *path, const double *weight, int segments, int ages,
              const char *title, struct fl_error *err)
{
    enum { CELL = 12 };
    struct fl_out out;
    double most = 1e-9;
    for (int i = 0; i < segments * ages; i++)
        most = weight[i] > most ? weight[i] : most;
    FL_TRY(fl_out_open(&out, path, err));
    FILE *f = out.f;
    int bottom = TOP + segments * CELL;
    int width = LEFT + ages * CELL + RIGHT;
    open_svg(f, width > WIDTH ? width : WIDTH, bottom + BOTTOM, title);
    for (int s = 0; s < segments; s++)
        for (int a = 0; a < ages; a++) {
            double w = weight[(size_t)s * (size_t)ages + (size_t)a];
            int shade = 255 - (int)(230 * w / most);
            if (w > 0)
                fprintf(f,
                        "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
                        "fill=\"rgb(%d,%d,255)\"><title>segment %d, %d back: "
                        "%.3f</title></rect>\n",
                        LEFT + a * CELL, TOP + s * CELL, CELL, CELL, shade,
                        shade, s, a + 1, w);
        }
    fprintf(f,
            "<text x=\"%d\" y=\"%d\">1 = the segment before ... %d back; "
            "darkest: weight %.3f</text>\n"
            "<text x=\"12\" y=\"%d\" text-anchor=\"middle\" "
            "transform=\"rotate(-90 12 %d)\">segment, from 0</text>\n"
            "</svg>\n",
            LEFT, bottom + 24, ages, most, (TOP + bottom) / 2,
            (TOP + bottom) / 2);
    return fl_out_commit(&out, err);
}
