/* SPDX-License-Identifier: Apache-2.0 */
/* explore/search.c -- pairs the stages' fronts, keeps what fits, chooses. */
#include "explore/search.h"
#include "designs/plan.h"
#include "explore/cycles.h"
#include "explore/floor.h"
#include "explore/grid.h"
#include "explore/place.h"
#include "explore/shape.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const xpl_objective_name[] = {"latency", "throughput", "energy",
                                          "area", 0};

/* Seconds that loading the other image takes, once an answer (arXiv
 * 2601.15710: "about 0.3 s" on U280). */
static const double reconfigure_s = 0.3;

struct pairing {
    struct xpl_search *s;
    const struct xpl_want *w;
    const struct xpl_device *dev;
    struct xpl_fabric room;
    double prefill_hz, decode_hz;
    int room_points;
    bool any;
    struct xpl_point best; /* by the objective */
};

/* ---- a pair -------------------------------------------------------------- */

static struct xpl_point pair(const struct pairing *q,
                             const struct xpl_stage_point *a,
                             const struct xpl_stage_point *b, int images)
{
    struct xpl_point p = {.images = images, .config = b->config, .limit = -1};
    p.config.tp = a->config.tp;
    p.config.wp = a->config.wp;
    p.config.pch = a->config.pch;
    p.config.ap = a->config.ap;
    p.config.turns = a->config.turns;
    p.uncounted = a->uncounted + b->uncounted;
    for (int k = 0; k < XPL_KIND_COUNT; k++) {
        double x = a->n.n[k], y = b->n.n[k];
        double var = images == 1 ? a->var.n[k] + b->var.n[k]
                     : x > y     ? a->var.n[k]
                                 : b->var.n[k];
        p.total.n[k] = images == 1 ? x + y : fmax(x, y);
        p.err.n[k] = sqrt(var);
        p.share.n[k] = p.total.n[k] == 0 && !isnan(q->room.n[k])
                           ? 0
                           : p.total.n[k] / q->room.n[k];
        if (p.share.n[k] > p.area || (p.limit < 0 && p.share.n[k] >= 0)) {
            p.area = p.share.n[k];
            p.limit = k;
        }
    }
    p.prefill_cycles = q->w->prompt > 1 ? a->cycles : 0;
    p.decode_cycles = b->cycles;
    p.prefill_s = p.prefill_cycles / q->prefill_hz;
    p.decode_tok_s = q->decode_hz / b->cycles;
    p.answer_s = p.prefill_s + q->w->generate / p.decode_tok_s +
                 (images == 2 ? reconfigure_s : 0);
    p.answer_j = p.answer_s * q->dev->run_w;
    return p;
}

/* As good in everything, but for a share `by` of it. */
static bool better(const struct xpl_point *a, const struct xpl_point *b,
                   double by)
{
    return a->answer_s <= b->answer_s * (1 + by) &&
           a->prefill_s <= b->prefill_s * (1 + by) &&
           a->decode_tok_s * (1 + by) >= b->decode_tok_s &&
           a->area <= b->area * (1 + by);
}

static bool append(struct pairing *q, const struct xpl_point *p,
                   struct fl_error *err)
{
    struct xpl_search *s = q->s;
    if (s->points == q->room_points) {
        int room = q->room_points == 0 ? 256 : 2 * q->room_points;
        void *more = realloc(s->point, (size_t)room * sizeof *s->point);
        FL_FAIL_IF(more == 0, err, FL_NOMEM, 0, "out of memory");
        s->point = more;
        q->room_points = room;
    }
    s->point[s->points++] = *p;
    return true;
}

/* The smaller the better. With throughput a hundredth of the rest of the answer
 * counts too, so that prefill is not as slow as can be. */
static double cost_of(const struct xpl_point *p, const struct xpl_want *w)
{
    double decode = w->generate / p->decode_tok_s;
    return w->objective == XPL_THROUGHPUT
               ? decode + 0.01 * (p->answer_s - decode)
           : w->objective == XPL_ENERGY ? p->answer_j
           : w->objective == XPL_AREA   ? p->area * p->answer_s
                                        : p->answer_s;
}

static bool preferred(const struct xpl_point *a, const struct xpl_point *b,
                      const struct xpl_want *w)
{
    double x = cost_of(a, w), y = cost_of(b, w);
    if (isnan(x)) /* no power known: energy goes with time */
        x = a->answer_s, y = b->answer_s;
    return x < y || (x == y && a->area < b->area);
}

/* Into the front, unless one that is there is as good but for a twentieth. */
static bool keep(struct pairing *q, const struct xpl_point *p,
                 struct fl_error *err)
{
    struct xpl_search *s = q->s;
    if (!q->any || preferred(p, &q->best, q->w))
        q->best = *p;
    q->any = true;
    for (int i = 0; i < s->points; i++)
        if (better(&s->point[i], p, 0.05)) { /* first to be asked next time */
            struct xpl_point t = s->point[i];
            s->point[i] = s->point[i / 2];
            s->point[i / 2] = t;
            return true;
        }
    for (int i = 0; i < s->points; i++)
        if (better(p, &s->point[i], 0))
            s->point[i--] = s->point[--s->points];
    return append(q, p, err);
}

static bool pair_all(struct pairing *q, const struct xpl_grid *pre,
                     const struct xpl_grid *dec, struct fl_error *err)
{
    for (int i = 0; i < pre->points; i++)
        for (int k = 0; k < dec->points; k++)
            for (int images = 1; images <= 2; images++) {
                if (q->w->images != 0 && q->w->images != images)
                    continue;
                struct xpl_point p =
                    pair(q, &pre->point[i], &dec->point[k], images);
                if (!(p.area > 1))
                    FL_TRY(keep(q, &p, err));
            }
    return true;
}

/* ---- choice -------------------------------------------------------------- */

static int by_speed(const void *a, const void *b)
{
    const struct xpl_point *x = a, *y = b;
    return x->decode_tok_s < y->decode_tok_s   ? 1
           : x->decode_tok_s > y->decode_tok_s ? -1
           : x->prefill_s > y->prefill_s       ? 1
           : x->prefill_s < y->prefill_s       ? -1
                                               : 0;
}

/* The best is on the list whatever stands beside it. */
static bool choose(struct pairing *q, struct fl_error *err)
{
    struct xpl_search *s = q->s;
    for (int i = 0; i < s->points; i++)
        if (better(&q->best, &s->point[i], 0))
            s->point[i--] = s->point[--s->points];
    FL_TRY(append(q, &q->best, err));
    qsort(s->point, (size_t)s->points, sizeof *s->point, by_speed);
    for (int i = 0; i < s->points; i++)
        if (memcmp(&s->point[i], &q->best, sizeof q->best) == 0)
            s->chosen = i;
    return true;
}

/* ---- the search ---------------------------------------------------------- */

static bool bounds(struct xpl_search *s, const struct xpl_design *d,
                   const struct xpl_fabric *room, const struct xpl_want *w)
{
    double bits = d->config.wbits, bytes = bits / 8, gb = 0;
    double all = xpl_shape_layer_weights(&d->shape);
    int c, last = -1;
    const struct xpl_memory *m, *before = 0;
    for (int b = 0; (m = xpl_device_memory(&d->dev, b, &c)) != 0; b++) {
        double usable = isnan(m->usable) ? 1 : m->usable;
        double rate = xpl_bank_rate(d, b);
        if (m != before && !isnan(rate))
            gb = fmax(gb, usable * rate);
        before = m;
        last = b;
    }
    double macs = room->n[XPL_dsp] * (bits == 4 ? 2 : 1);
    s->bound_tok_s =
        gb * 1e9 / (bytes * (all + xpl_shape_head_weights(&d->shape)));
    s->bound_prefill_s = (w->prompt - 1.0) * all * (d->shape.layers - 1.0) /
                         d->shape.layers / (macs * d->prefill_mhz * 1e6);
    return last >= 0;
}

/* Both stages lay the weights out their own way; then the embedding and the
 * cache. */
static bool room_check(const struct xpl_design *d, const struct xpl_want *w,
                       struct fl_error *err)
{
    const struct num_shape *m = &d->shape;
    double head = xpl_shape_head_weights(m), gib = 0, need;
    need = (2 * xpl_shape_layer_weights(m) + head) * d->config.wbits / 8 +
           head +
           2.0 * m->layers * m->nkv * m->head * (w->prompt + w->generate + 1);
    for (int i = 0; i < d->dev.memories; i++)
        gib += d->dev.memory[i].gib;
    FL_FAIL_IF(need > gib * 1073741824, err, FL_UNSUPPORTED, 0,
               "%s needs %.2f GiB (weights in the order of each stage, "
               "embedding, cache), %s has %.2f",
               w->model, need / 1073741824, d->dev.name, gib);
    return true;
}

static bool start(struct xpl_design *d, const struct xpl_want *w,
                  struct fl_error *err)
{
    struct dsn_plan plan;
    snprintf(d->model, sizeof d->model, "%s", w->model);
    snprintf(d->device, sizeof d->device, "%s", w->device);
    snprintf(d->scheme, sizeof d->scheme, "%s", w->scheme);
    d->prompt = w->prompt;
    d->generate = w->generate;
    d->efficiency = w->efficiency;
    d->latency_ns = w->latency_ns;
    FL_TRY(xpl_shape_load(&d->shape, w->model, err));
    FL_TRY(xpl_device_load(&d->dev, w->device, err));
    for (int k = 0; w->fill > 0 && k < XPL_KIND_COUNT; k++) {
        double limit = d->dev.limits.n[k];
        d->dev.limits.n[k] = w->fill * (isnan(limit) ? 1 : limit);
    }
    FL_FAIL_IF(w->prompt + w->generate >= d->shape.seq, err, FL_RANGE, 0,
               "%d + %d tokens, the model %s has %d positions", w->prompt,
               w->generate, w->model, d->shape.seq);
    double mhz = d->dev.clock_mhz;
    d->prefill_mhz = w->prefill_mhz > 0 ? w->prefill_mhz : mhz;
    d->decode_mhz = w->decode_mhz > 0 ? w->decode_mhz : mhz;
    FL_FAIL_IF(isnan(d->prefill_mhz) || isnan(d->decode_mhz), err,
               FL_UNSUPPORTED, 0,
               "no clock of %s is known; give --prefill-mhz and --decode-mhz",
               d->dev.name);
    bool ok = dsn_plan_make(&plan, &d->shape, w->scheme, err);
    if (ok)
        d->config.wbits = plan.model.head.wbits;
    dsn_plan_free(&plan);
    return ok && room_check(d, w, err);
}

/* One kp and fm: both grids, all pairs. */
static bool add(struct pairing *q, struct xpl_design *d, struct fl_error *err)
{
    struct xpl_grid pre = {0}, dec = {0};
    bool ok = xpl_grid_add(&pre, d, DSN_PREFILL, err) &&
              xpl_grid_add(&dec, d, DSN_DECODE, err) &&
              pair_all(q, &pre, &dec, err);
    q->s->legal += pre.legal + dec.legal;
    q->s->timed += pre.timed + dec.timed;
    xpl_grid_free(&pre);
    xpl_grid_free(&dec);
    return ok;
}

bool xpl_search(struct xpl_search *s, const struct xpl_want *w,
                struct fl_error *err)
{
    static const int sums[] = {2, 4, 16};
    struct timespec t0, t1;
    clock_gettime(CLOCK_MONOTONIC, &t0);
    *s = (struct xpl_search){.crossings = (double)NAN};
    struct xpl_design *d = &s->design;
    FL_TRY(start(d, w, err));
    struct pairing q = {.s = s,
                        .w = w,
                        .dev = &d->dev,
                        .room = xpl_device_room(&d->dev),
                        .prefill_hz = d->prefill_mhz * 1e6,
                        .decode_hz = d->decode_mhz * 1e6};
    bounds(s, d, &q.room, w);
    for (int kp = 4; kp <= 128 && kp <= d->shape.head; kp *= 2)
        for (int f = 0; f < 3 && d->shape.head % kp == 0; f++) {
            d->config.kp = kp;
            d->config.fm = sums[f];
            if (!add(&q, d, err)) {
                xpl_search_free(s);
                return false;
            }
        }
    FL_FAIL_IF(s->points == 0, err, FL_UNSUPPORTED, 0,
               "no design of %s fits %s: the smallest needs more than its "
               "device file lets a design use",
               w->model, d->dev.name);
    FL_TRY(choose(&q, err));
    d->config = s->point[s->chosen].config;
    d->images = s->point[s->chosen].images;
    snprintf(d->name, sizeof d->name, "%.28s-%.28s", w->model, d->dev.name);
    bool ok = xpl_grid_place(d, err) && xpl_floor(s, err);
    if (!ok)
        xpl_search_free(s);
    clock_gettime(CLOCK_MONOTONIC, &t1);
    s->seconds = (double)(t1.tv_sec - t0.tv_sec) +
                 1e-9 * (double)(t1.tv_nsec - t0.tv_nsec);
    return ok;
}

void xpl_search_free(struct xpl_search *s)
{
    free(s->point);
    s->point = 0;
    s->points = 0;
}
