/* SPDX-License-Identifier: Apache-2.0 */
/* report/roofline.c -- multiplications a second against multiplications a
 * byte: what the memories and the multipliers allow, and where the stages are.
 *
 *   MACs of a token   weights of all layers and the head
 *                     + layers 2 nq head (context)
 *   of a prompt       n tokens through all layers but the last, which stops
 *                     at its keys and values, and causal attention
 *   bytes             all that the timed run moved through its channels
 *
 * The roof of a stage is its array, tp wp or bp dwp lanes at its clock; the
 * device's DSPs would give dsp * clock * (two 8-bit products a DSP48E2, three
 * a DSP58). The slope is the bandwidth of the pins of all memories. */
#include "explore/shape.h"
#include "report/chart.h"
#include "report/html.h"
#include "report/parts.h"
#include <math.h>
#include <string.h>

static double macs_of(const struct xpl_design *d, const struct rep_times *t,
                      int stage)
{
    const struct num_shape *s = &d->shape;
    double layer = xpl_shape_layer_weights(s) / s->layers;
    double attend = 2.0 * s->nq * s->head; /* MACs a position */
    if (stage == REP_DECODE)
        return xpl_shape_layer_weights(s) + xpl_shape_head_weights(s) +
               s->layers * attend * t->context;
    double n = t->prompt - 1;
    double kv = 2.0 * s->d * s->nkv * s->head;
    return n * ((s->layers - 1) * layer + kv) +
           (s->layers - 1) * attend * n * (n + 1) / 2;
}

static double array_of(const struct xpl_design *d, int stage)
{
    const struct dsn_config *c = &d->config;
    return stage == REP_PREFILL ? (double)c->tp * c->wp * d->prefill_mhz * 1e6
                                : (double)c->bp * c->dwp * d->decode_mhz * 1e6;
}

/* Of all memories, at the pins and as counted on; GB/s. */
static double bandwidth(const struct xpl_design *d)
{
    double sum = 0;
    for (int k = 0; k < d->dev.memories; k++) {
        const struct xpl_memory *m = &d->dev.memory[k];
        if (!isnan(m->gb_s) && !isnan(m->channels))
            sum += m->gb_s * m->channels;
    }
    return sum;
}

static double products_a_dsp(const struct xpl_design *d)
{
    return strcmp(d->dev.family, "us+") == 0      ? 2
           : strcmp(d->dev.family, "versal") == 0 ? 3
                                                  : 1;
}

static double dsp_peak(const struct xpl_design *d)
{
    double mhz = fmax(d->prefill_mhz, d->decode_mhz);
    return d->dev.fabric.n[XPL_dsp] * products_a_dsp(d) * mhz * 1e6;
}

/* A roof from where the slope meets it to the right end; its name above it, or
 * below where the next roof is close above. */
static void roof(const struct rep_chart *c, const char *class, double peak,
                 double above, double slope, const char *name)
{
    double y = rep_chart_y(c, peak);
    int under = above > peak && y - rep_chart_y(c, above) < 15;
    rep_chart_line(c, class, fmax(peak / slope, c->x.lo), peak, c->x.hi, peak);
    fprintf(c->f, "<text class=\"e halo\" x=\"%.1f\" y=\"%.1f\">%s: ",
            rep_chart_x(c, c->x.hi) - 2, under ? y + 12 : y - 4, name);
    rep_si(c->f, peak, "MAC/s");
    fputs("</text>\n", c->f);
}

/* Decode is the left one: its name stands left of it where there is room. */
static void point(const struct rep_chart *c, int stage, double at, double speed)
{
    double x = rep_chart_x(c, at), y = rep_chart_y(c, speed);
    int left = stage == REP_DECODE && x > 110;
    fprintf(c->f,
            "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"/>"
            "<text class=\"halo%s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
            stage == REP_PREFILL ? "pre" : "dec", x, y, left ? " e" : "",
            left ? x - 8 : x + 7, y + 13, rep_stage_name[stage]);
}

static void chart(FILE *f, const struct xpl_design *d,
                  const struct rep_times *t, const double *macs)
{
    double slope = bandwidth(d) * 1e9, top = 0, left = 1e30, low = 1e30;
    double at[REP_STAGES] = {0}, speed[REP_STAGES] = {0};
    for (int k = 0; k < REP_STAGES; k++) {
        if (t->stage[k].cycles <= 0 || t->stage[k].bytes <= 0)
            continue;
        at[k] = macs[k] / t->stage[k].bytes;
        speed[k] = macs[k] / t->stage[k].seconds;
        left = fmin(left, at[k]);
        low = fmin(low, speed[k]);
        top = fmax(top, array_of(d, k));
    }
    if (!isnan(dsp_peak(d)))
        top = fmax(top, dsp_peak(d));
    double ridge = top / slope;
    struct rep_chart c = {
        f,
        {"multiplications per byte from memory", "",
         pow(10, floor(log10(fmin(left, 1) / 1.5))),
         pow(10, ceil(log10(4 * fmax(ridge, fmax(at[0], at[1]))))), 1},
        {"multiplications per second", "", low / 3, top * 2.5, 1},
        300};
    c.y.lo = pow(10, floor(log10(c.y.lo)));
    rep_chart_open(&c, "roofline");
    double first = fmax(c.x.lo, c.y.lo / slope);
    rep_chart_line(&c, "lmem", first, first * slope, ridge, top);
    double array[REP_STAGES] = {array_of(d, REP_PREFILL),
                                array_of(d, REP_DECODE)};
    if (!isnan(dsp_peak(d)))
        roof(&c, "lmem", dsp_peak(d), 0, slope, "DSPs of the device");
    for (int k = 0; k < REP_STAGES; k++)
        if (speed[k] > 0)
            roof(&c, k == REP_PREFILL ? "lpre dash" : "ldec dash", array[k],
                 array[!k], slope,
                 k == REP_PREFILL ? "prefill array" : "decode array");
    for (int k = 0; k < REP_STAGES; k++)
        if (speed[k] > 0)
            point(&c, k, at[k], speed[k]);
    rep_chart_close(&c);
}

static void stage_text(FILE *f, const struct xpl_design *d,
                       const struct rep_times *t, int k, double macs)
{
    const struct rep_stage *s = &t->stage[k];
    double roof =
        fmin(array_of(d, k), bandwidth(d) * 1e9 * macs / fmax(s->bytes, 1));
    fprintf(f, "<li>%s: ", k == REP_PREFILL ? "Prefill" : "Decode");
    rep_si(f, macs, "MAC");
    fputs(" and ", f);
    rep_si(f, s->bytes, "B");
    fputs(k == REP_PREFILL ? " for the prompt" : " for a token", f);
    fprintf(f, ": %.3g MAC/B. It does ", macs / fmax(s->bytes, 1));
    rep_si(f, macs / s->seconds, "MAC/s");
    fprintf(f,
            ", %.0f %% of its array and %.0f %% of the lower of its two "
            "roofs.</li>\n",
            100 * macs / s->seconds / array_of(d, k),
            100 * macs / s->seconds / roof);
}

void rep_roofline(FILE *f, const struct xpl_design *d,
                  const struct rep_times *t)
{
    double macs[REP_STAGES];
    int drawn = bandwidth(d) > 0;
    rep_section(f, "roofline", "Roofline");
    for (int k = 0; k < REP_STAGES; k++)
        macs[k] = macs_of(d, t, k);
    if (!drawn || t->stage[REP_DECODE].bytes <= 0) {
        rep_absent(f, "There is no roofline: the bandwidth of the device's "
                      "memories is not known, or nothing was moved.");
        rep_section_end(f);
        return;
    }
    fputs("<figure class=\"chart\">\n", f);
    chart(f, d, t, macs);
    fprintf(f,
            "<figcaption>The slope is the bandwidth of all memories at their "
            "pins, %.0f GB/s. The DSPs' roof counts %.0f products of 8 bits a "
            "DSP and cycle; lanes made of LUTs come on top.</figcaption>\n"
            "</figure>\n<ul>\n",
            bandwidth(d), products_a_dsp(d));
    for (int k = REP_STAGES - 1; k >= 0; k--)
        if (t->stage[k].cycles > 0)
            stage_text(f, d, t, k, macs[k]);
    fputs("</ul>\n", f);
    rep_section_end(f);
}
