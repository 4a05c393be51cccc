/* SPDX-License-Identifier: Apache-2.0 */
/* The cost model and the search: lines through a synthesis table that is made
 * up, blocks of memories, and a search whose every point is counted and timed
 * again by other ways. */
#include "designs/plan.h"
#include "explore/cycles.h"
#include "explore/floor.h"
#include "explore/grid.h"
#include "explore/parts.h"
#include "explore/place.h"
#include "explore/synth.h"
#include "tests/check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A row with lut, ff and dsp for all targets. */
static void row(char *text, const char *module, const char *parameters, int lut,
                int ff, int dsp)
{
    sprintf(text + strlen(text),
            "%s{\"module\": \"%s\", \"parameters\": \"%s\","
            "\"xcup\": {\"lut\": 9999, \"ff\": 9999, \"dsp\": %d},"
            "\"xc7\": {\"lut\": %d, \"ff\": %d, \"dsp\": 0}}",
            strlen(text) > 1 ? "," : "", module, parameters, dsp, lut, ff);
}

static void lines(void)
{
    char text[8192] = "[";
    struct xpl_fabric n, e;
    struct xpl_params p = {.tp = 16, .bp = 1};
    row(text, "quantise", "TP=1 BP=1 DIM=576", 130, 70, 8);
    row(text, "quantise", "TP=1 BP=2 DIM=576", 160, 80, 9);
    row(text, "quantise", "TP=1 BP=4 DIM=576", 220, 100, 11);
    row(text, "rmsnorm", "TP=1 BP=1 DIM=576", 100, 50, 3);
    row(text, "rmsnorm", "TP=1 BP=2 DIM=576", 150, 75, 4);
    row(text, "rmsnorm", "TP=1 BP=4 DIM=576", 300, 100, 5);
    row(text, "silu_mul", "TP=1 BP=1", 400, 200, 4);
    strcat(text, "]");
    CHECK(xpl_synth_use(text), "the table is refused");
    struct xpl_lanes at = xpl_lanes_of("quantise", &p);
    CHECK(xpl_synth("quantise", &at, &n, &e) == 3, "rows of quantise");
    CHECK(fabs(n.n[XPL_lut] - 580) < 1e-6 && fabs(n.n[XPL_ff] - 220) < 1e-6 &&
              fabs(n.n[XPL_dsp] - 23) < 1e-6,
          "100 + 30 * 16 LUT is %g, %g FF, %g DSP", n.n[XPL_lut], n.n[XPL_ff],
          n.n[XPL_dsp]);
    CHECK(e.n[XPL_lut] < 1e-3, "a line without residuals has error %g",
          e.n[XPL_lut]);
    at = xpl_lanes_of("rmsnorm", &p);
    xpl_synth("rmsnorm", &at, &n, &e);
    double near, far = e.n[XPL_lut];
    p.tp = 2;
    at = xpl_lanes_of("rmsnorm", &p);
    xpl_synth("rmsnorm", &at, &n, &e);
    near = e.n[XPL_lut];
    CHECK(near > 1 && far > 3 * near, "errors %g near, %g far", near, far);
    p.tp = 4;
    at = xpl_lanes_of("silu_mul", &p);
    CHECK(xpl_synth("silu_mul", &at, &n, &e) == 0 && n.n[XPL_lut] == 0,
          "one row speaks of another width");
    p.tp = 1;
    at = xpl_lanes_of("silu_mul", &p);
    CHECK(xpl_synth("silu_mul", &at, &n, &e) == 1 && n.n[XPL_lut] == 400 &&
              e.n[XPL_lut] == 0,
          "one row at its width: %g +- %g", n.n[XPL_lut], e.n[XPL_lut]);
    at = xpl_lanes_of("rope", &p);
    CHECK(xpl_synth("rope", &at, &n, &e) == 0 && n.n[XPL_lut] == 0,
          "a module without rows has some");
    CHECK(!xpl_synth_use("{}") && !xpl_synth_use("[{\"module\": 3"),
          "what is no table passes");
    CHECK(xpl_synth_use(0), "the table that was built in is none");
    xpl_synth_use(text); /* what follows does not depend on that one */
}

static void blocks(void)
{
    const struct {
        double width, depth, want;
        enum xpl_block block;
    } t[] = {{72, 512, 1, XPL_IN_BRAM},   {73, 512, 2, XPL_IN_BRAM},
             {36, 512, 0.5, XPL_IN_BRAM}, {36, 1024, 1, XPL_IN_BRAM},
             {9, 4096, 1, XPL_IN_BRAM},   {12288, 8192, 342, XPL_IN_URAM},
             {72, 4096, 1, XPL_IN_URAM},  {14, 32, 8, XPL_IN_LUTRAM},
             {7, 65, 16, XPL_IN_LUTRAM}};
    for (size_t k = 0; k < sizeof t / sizeof *t; k++) {
        double n = xpl_blocks(t[k].width, t[k].depth, t[k].block);
        CHECK(n == t[k].want, "%g bits x %g words: %g blocks, not %g",
              t[k].width, t[k].depth, n, t[k].want);
    }
}

/* A point again: its cost as a design, its cycles by hand. */
static void again(const struct xpl_search *s, const struct xpl_point *p,
                  const struct xpl_cost *c, struct xpl_design *d)
{
    struct dsn_place place[2];
    struct fl_error err;
    CHECK(xpl_place(&place[0], d, 0, &err) && xpl_place(&place[1], d, 1, &err),
          "%s", err.msg);
    double pre = xpl_cycles_prefill(d, &place[0], d->prompt - 1).cycles;
    double dec = xpl_cycles_decode(d, &place[1], d->prompt).cycles;
    CHECK(pre == p->prefill_cycles && dec == p->decode_cycles,
          "%g and %g cycles, the point has %g and %g", pre, dec,
          p->prefill_cycles, p->decode_cycles);
    for (int k = 0; k < XPL_KIND_COUNT; k++) {
        CHECK(fabs(c->total.n[k] - p->total.n[k]) < 1e-6 * c->total.n[k] + 1e-9,
              "%s: %g, the point has %g", xpl_kind_name[k], c->total.n[k],
              p->total.n[k]);
        CHECK(fabs(c->err.n[k] - p->err.n[k]) < 1e-6 * c->err.n[k] + 1e-9,
              "%s: +- %g, the point has %g", xpl_kind_name[k], c->err.n[k],
              p->err.n[k]);
    }
    CHECK(c->fits == 1 && p->area <= 1, "the chosen one does not fit");
    CHECK(s->bound_tok_s >= p->decode_tok_s * 0.999, "%g tokens/s over %g",
          p->decode_tok_s, s->bound_tok_s);
    CHECK(s->bound_prefill_s <= p->prefill_s * 1.001, "%g s under %g",
          p->prefill_s, s->bound_prefill_s);
}

/* Where the regions have next to no logic, nothing has a place. */
static void cramped(const struct xpl_search *s)
{
    struct xpl_search t = {.design = s->design, .crossings = (double)NAN};
    struct xpl_device *dev = &t.design.dev;
    struct fl_error err;
    t.design.parts = 0;
    for (int r = 0; r < dev->regions; r++)
        dev->region[r].fabric.n[XPL_lut] *= 1e-4;
    CHECK(xpl_floor(&t, &err) && t.design.parts == 0 && isnan(t.crossings),
          "%d parts in regions that are too small", t.design.parts);
}

/* Pairs of stages that fit: each is on the front, or one that is as good but
 * for a twentieth is. */
static void covered(const struct xpl_search *s)
{
    static struct xpl_design d;
    struct xpl_grid pre = {0}, dec = {0};
    struct fl_error err;
    d = s->design;
    d.config.kp = 8;
    d.config.fm = 4;
    struct xpl_fabric room = xpl_device_room(&d.dev);
    CHECK(xpl_grid_add(&pre, &d, DSN_PREFILL, &err) &&
              xpl_grid_add(&dec, &d, DSN_DECODE, &err),
          "%s", err.msg);
    int looked = 0;
    for (int n = 0; n < 500 && pre.points * dec.points > 0; n++) {
        const struct xpl_stage_point *a = &pre.point[n * 7919 % pre.points];
        const struct xpl_stage_point *b = &dec.point[n * 104729 % dec.points];
        double area = 0, first = a->cycles / (d.prefill_mhz * 1e6);
        double speed = d.decode_mhz * 1e6 / b->cycles, by = 1.0501;
        for (int k = 0; k < XPL_KIND_COUNT; k++)
            if (room.n[k] > 0)
                area = fmax(area, (a->n.n[k] + b->n.n[k]) / room.n[k]);
        if (area > 1)
            continue;
        bool found = false;
        for (int i = 0; i < s->points && !found; i++) {
            const struct xpl_point *q = &s->point[i];
            found = q->prefill_s <= first * by && q->area <= area * by &&
                    q->decode_tok_s * by >= speed;
        }
        CHECK(found, "nothing on the front is as good as %g s, %g tokens/s, %g",
              first, speed, area);
        looked++;
    }
    CHECK(looked > 100, "only %d pairs fit", looked);
    xpl_grid_free(&pre);
    xpl_grid_free(&dec);
}

static void search(const char *model, const char *device,
                   enum xpl_objective objective)
{
    static struct xpl_search s;
    static struct xpl_design d;
    static struct xpl_cost c;
    struct fl_error err = {0};
    struct xpl_want w = {.model = model,
                         .device = device,
                         .scheme = "w4a8kv8",
                         .prompt = 64,
                         .generate = 32,
                         .objective = objective,
                         .efficiency = (double)NAN,
                         .latency_ns = 150,
                         .fill = 0.9};
    CHECK(xpl_search(&s, &w, &err), "%s", err.msg);
    if (s.points == 0)
        return;
    const struct xpl_point *best = &s.point[s.chosen];
    printf("%s on %s by %s: %d points of %.0f, %.1f tokens/s, %.2f s, "
           "crossings %.0f\n",
           model, device, xpl_objective_name[objective], s.points, s.legal,
           best->decode_tok_s, s.seconds, s.crossings);
    const char *path = "search-test.json";
    CHECK(xpl_design_save(&s.design, path, &err) &&
              xpl_design_load(&d, path, &err) && xpl_cost(&c, &d, 64, &err),
          "%s", err.msg);
    remove(path);
    again(&s, best, &c, &d);
    for (int i = 0; i < s.points; i++) {
        const struct xpl_point *p = &s.point[i];
        CHECK(objective != XPL_LATENCY || p->answer_s >= best->answer_s,
              "point %d is faster than the best", i);
        CHECK(objective != XPL_AREA ||
                  p->answer_s * p->area >= best->answer_s * best->area,
              "point %d is smaller than the best", i);
        for (int k = 0; k < s.points; k++) {
            const struct xpl_point *q = &s.point[k];
            CHECK(k == i || q->answer_s > p->answer_s ||
                      q->prefill_s > p->prefill_s || q->area > p->area ||
                      q->decode_tok_s < p->decode_tok_s ||
                      (q->answer_s == p->answer_s && q->area == p->area),
                  "point %d beats %d", k, i);
        }
    }
    for (int i = 0; i < d.parts; i++)
        CHECK(d.floor[i].region < d.dev.regions, "no such region");
    CHECK(d.dev.regions < 3 || best->images == 2 || d.parts > 8,
          "no floorplan");
    if (d.dev.regions > 2 && best->images == 1)
        cramped(&s);
    covered(&s);
    cJSON *json = xpl_search_json(&s, &w);
    CHECK(cJSON_GetArraySize(cJSON_GetObjectItem(json, "points")) == s.points,
          "JSON has other points");
    cJSON_Delete(json);
    xpl_search_free(&s);
}

int main(void)
{
    struct fl_error err;
    struct xpl_search s;
    struct xpl_want w = {.model = "stories260K",
                         .device = "kv260",
                         .scheme = "w4a8kv8",
                         .prompt = 64,
                         .generate = 32,
                         .efficiency = (double)NAN,
                         .latency_ns = (double)NAN};
    lines();
    blocks();
    search("stories260K", "kv260", XPL_LATENCY);
    search("stories260K", "u280", XPL_AREA);
    CHECK(!xpl_search(&s, &w, &err) && strstr(err.msg, "latency") != 0,
          "a device without latency passes: %s", err.msg);
    w.latency_ns = 150;
    w.model = "llama31_8b";
    CHECK(!xpl_search(&s, &w, &err) && strstr(err.msg, "GiB") != 0,
          "8 GiB of weights pass in 4: %s", err.msg);
    w.model = "stories260K";
    w.scheme = "w3";
    CHECK(!xpl_search(&s, &w, &err) && strstr(err.msg, "w3") != 0,
          "a scheme that is not there passes: %s", err.msg);
    printf("%d failures\n", failures);
    return failures != 0;
}
