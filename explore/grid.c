/* SPDX-License-Identifier: Apache-2.0 */
/* explore/grid.c -- the two grids and their fronts. */
#include "explore/grid.h"
#include "designs/plan.h"
#include "explore/cycles.h"
#include "explore/parts.h"
#include "explore/place.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int lane[] = {4,   8,   16,  24,  32,  48,  64,  96,
                           112, 128, 160, 192, 224, 256, 320, 384,
                           448, 512, 640, 768, 896, 1024};
static const int token[] = {1, 2, 4, 8, 16, 24, 32, 48, 64};
static const int channel[] = {1,  2,  4,  6,  8,  12, 16, 20,
                              24, 28, 32, 40, 48, 56, 60, 62};
static const int ahead[] = {2, 512, 2048, 4096, 8192, 16384};
static const int shard[] = {1, 2, 3, 4, 5, 8, 16};
enum {
    LANES = sizeof lane / sizeof *lane,
    TOKENS = sizeof token / sizeof *token,
    CHANNELS = sizeof channel / sizeof *channel,
    AHEADS = sizeof ahead / sizeof *ahead,
    SHARDS = sizeof shard / sizeof *shard,
};

/* ---- memories ------------------------------------------------------------ */

/* Bank of the first channel of the memory with most bandwidth. */
static int main_memory(const struct xpl_device *dev, int *usable)
{
    int first = 0, best = -1, channel_;
    double most = 0;
    const struct xpl_memory *m, *before = 0;
    for (int b = 0; (m = xpl_device_memory(dev, b, &channel_)) != 0; b++) {
        double n = isnan(m->usable) ? 1 : m->usable;
        if (m != before && !isnan(m->gb_s) && n * m->gb_s > most) {
            most = n * m->gb_s;
            best = first = b;
            *usable = (int)n;
        }
        before = m;
    }
    return best < 0 ? -1 : first;
}

/* A bank of another memory whose bandwidth is known, or -1. */
static int other_memory(const struct xpl_device *dev, int main)
{
    int c;
    const struct xpl_memory *of = xpl_device_memory(dev, main, &c), *m;
    for (int b = 0; (m = xpl_device_memory(dev, b, &c)) != 0; b++)
        if (m != of && !isnan(m->gb_s))
            return b;
    return -1;
}

static void list(struct xpl_channels *to, const struct xpl_device *dev, int at,
                 int n)
{
    int c;
    to->n = n < 1 ? 1 : n;
    for (int i = 0; i < to->n; i++) {
        const struct xpl_memory *m = xpl_device_memory(dev, at + i, &c);
        snprintf(to->name[i], sizeof to->name[i], "%.12s%d", m->name, c);
    }
}

bool xpl_grid_place(struct xpl_design *d, struct fl_error *err)
{
    int usable = 1, at = main_memory(&d->dev, &usable), c;
    FL_FAIL_IF(at < 0, err, FL_UNSUPPORTED, 0,
               "no memory of %s has a known bandwidth", d->dev.name);
    int other = other_memory(&d->dev, at), weights = d->config.ch;
    int pch = d->config.pch < usable ? d->config.pch : usable;
    weights = weights < usable ? weights : usable;
    int spare = usable - weights - (other < 0 ? 2 : 0), hp = d->config.hp;
    list(&d->prefill, &d->dev, at, pch);
    list(&d->decode, &d->dev, at, weights);
    if (spare >= 2 * hp) {
        list(&d->keys, &d->dev, at + weights, hp);
        list(&d->values, &d->dev, at + weights + hp, hp);
    } else if (spare >= 1) {
        list(&d->keys, &d->dev, at + weights, spare < hp ? spare : hp);
        d->values = d->keys;
    } else {
        list(&d->keys, &d->dev, at, weights < hp ? weights : hp);
        d->values = d->keys;
    }
    if (other >= 0) {
        const struct xpl_memory *m = xpl_device_memory(&d->dev, other, &c);
        int n = isnan(m->usable) ? 1 : (int)m->usable;
        list(&d->side, &d->dev, other, 1);
        list(&d->embed, &d->dev, other + n - 1, 1);
    } else {
        list(&d->side, &d->dev, at + usable - 1, 1);
        list(&d->embed, &d->dev, at + (usable > 1 ? usable - 2 : 0), 1);
    }
    d->rope = d->embed;
    return true;
}

/* ---- a point ------------------------------------------------------------- */

/* The widest port: as many of the memory's own words as it could bring in a
 * cycle. */
static double port_bits(const struct xpl_design *d, double mhz)
{
    int usable, c, at = main_memory(&d->dev, &usable);
    double word = at < 0 ? NAN : xpl_device_memory(&d->dev, at, &c)->port_bits;
    double rate = at < 0 ? NAN : 8e3 * xpl_bank_rate(d, at) / mhz;
    word = isnan(word) ? 512 : word;
    return isnan(rate) ? word : word * ceil(rate / word);
}

/* a is as good as b in everything. */
static bool beats(const struct xpl_stage_point *a,
                  const struct xpl_stage_point *b)
{
    if (a->cycles > b->cycles)
        return false;
    for (int k = 0; k < XPL_KIND_COUNT; k++)
        if (a->n.n[k] > b->n.n[k])
            return false;
    return true;
}

static bool keep(struct xpl_grid *g, int from, const struct xpl_stage_point *p,
                 struct fl_error *err)
{
    for (int i = from; i < g->points; i++)
        if (beats(&g->point[i], p)) { /* first to be asked next time */
            struct xpl_stage_point t = g->point[i];
            int to = from + (i - from) / 2;
            g->point[i] = g->point[to];
            g->point[to] = t;
            return true;
        }
    for (int i = from; i < g->points; i++)
        if (beats(p, &g->point[i]))
            g->point[i--] = g->point[--g->points];
    if (g->points == g->room) {
        int room = g->room == 0 ? 256 : 2 * g->room;
        void *more = realloc(g->point, (size_t)room * sizeof *g->point);
        FL_FAIL_IF(more == 0, err, FL_NOMEM, 0, "out of memory");
        g->point = more;
        g->room = room;
    }
    g->point[g->points++] = *p;
    return true;
}

struct trial {
    struct xpl_grid *g;
    struct xpl_design *d;
    const struct num_qmodel *model;
    struct xpl_cost *cost;
    struct xpl_fabric room;
    int stage, from;
    double bits;            /* of a port */
    struct dsn_place place; /* of the channels: */
    int ch, hp;
};

/* The memories of t->d->config, as they were if its channels were. */
static bool placed(struct trial *t, struct fl_error *err)
{
    const struct dsn_config *c = &t->d->config;
    int ch = t->stage == DSN_PREFILL ? c->pch : c->ch;
    if (ch == t->ch && c->hp == t->hp)
        return true;
    FL_TRY(xpl_grid_place(t->d, err));
    FL_TRY(xpl_place(&t->place, t->d, t->stage, err));
    t->ch = ch;
    t->hp = c->hp;
    return true;
}

/* Counts, times and keeps d->config if it is legal and fits. */
static bool try_one(struct trial *t, struct fl_error *err)
{
    struct fl_error why;
    struct xpl_design *d = t->d;
    struct dsn_config c = d->config;
    if (!dsn_config_check(&c, t->model, &why))
        return true;
    t->g->legal++;
    struct xpl_stage_point p = {.config = c};
    t->cost->parts = t->cost->buffers = 0;
    struct dsn_config was = d->config;
    d->config = c;
    xpl_parts(t->cost, d, t->stage, d->prompt + d->generate + 1);
    xpl_cost_stage(t->cost, t->stage, &p.n, &p.var);
    bool ok = true;
    for (int k = 0; k < XPL_KIND_COUNT; k++)
        ok = ok && !(p.n.n[k] > t->room.n[k]);
    for (int i = 0; i < t->cost->parts; i++)
        p.uncounted += !t->cost->part[i].counted;
    if (ok) {
        int tokens = d->prompt > 1 ? d->prompt - 1 : 1;
        ok = placed(t, err);
        if (ok)
            p.cycles = t->stage == DSN_PREFILL
                           ? xpl_cycles_prefill(d, &t->place, tokens).cycles
                           : xpl_cycles_decode(d, &t->place, d->prompt).cycles;
        t->g->timed++;
        ok = ok && keep(t->g, t->from, &p, err);
        d->config = was;
        return ok;
    }
    d->config = was;
    return true;
}

/* ---- the grids ----------------------------------------------------------- */

static bool prefill_grid(struct trial *t, struct fl_error *err)
{
    struct dsn_config *c = &t->d->config;
    int usable = 1, at = main_memory(&t->d->dev, &usable);
    for (int i = 0; i < TOKENS; i++)
        for (int w = 0; w < LANES; w++) {
            c->tp = token[i];
            c->wp = lane[w];
            double most = t->room.n[XPL_dsp] * (c->wbits == 4 ? 2 : 1);
            if ((double)c->tp * c->wp > most) /* more products than DSPs */
                continue;
            /* as few channels as bring the weights, or as there are */
            c->pch = 0;
            for (int k = 0; at >= 0 && k < CHANNELS; k++)
                if (channel[k] <= usable && c->wp % channel[k] == 0) {
                    double word = (double)c->wp * c->wbits / channel[k];
                    double rate =
                        8e3 * xpl_bank_rate(t->d, at) / t->d->prefill_mhz;
                    c->pch = channel[k];
                    if (word <= t->bits && !(word > rate))
                        break;
                }
            if (c->pch == 0 || (double)c->wp * c->wbits / c->pch > t->bits)
                continue;
            for (c->ap = c->kp; c->ap >= 1; c->ap /= 2)
                for (c->turns = 1; c->turns <= 2; c->turns++)
                    FL_TRY(try_one(t, err));
        }
    return true;
}

static bool decode_grid(struct trial *t, struct fl_error *err)
{
    struct dsn_config *c = &t->d->config;
    int usable = 1, nkv = t->d->shape.nkv;
    main_memory(&t->d->dev, &usable);
    usable *= usable <= 4 ? 4 : 1; /* a controller alone has more ports */
    for (int k = 0; k < CHANNELS; k++)
        for (int h = 0; h < SHARDS; h++)
            for (c->bp = 1; c->bp <= c->kp; c->bp *= 2)
                for (int w = 0; w < LANES; w++)
                    for (int a = 0; a < AHEADS; a++) {
                        c->dwp = lane[w];
                        c->ch = channel[k];
                        c->hp = shard[h];
                        c->deep = ahead[a];
                        double lanes = (double)c->bp * c->dwp;
                        if (c->ch > usable || nkv % c->hp != 0 ||
                            lanes * c->wbits / c->ch > t->bits ||
                            lanes * c->wbits / c->ch < 8 ||
                            lanes >
                                t->room.n[XPL_dsp] * (c->wbits == 4 ? 2 : 1))
                            continue;
                        FL_TRY(try_one(t, err));
                    }
    return true;
}

bool xpl_grid_add(struct xpl_grid *g, struct xpl_design *d, int stage,
                  struct fl_error *err)
{
    struct dsn_plan plan;
    struct dsn_config was = d->config;
    struct trial t = {.g = g,
                      .d = d,
                      .room = xpl_device_room(&d->dev),
                      .stage = stage,
                      .from = g->points,
                      .bits =
                          port_bits(d, stage == DSN_PREFILL ? d->prefill_mhz
                                                            : d->decode_mhz)};
    t.cost = calloc(1, sizeof *t.cost);
    FL_FAIL_IF(t.cost == 0, err, FL_NOMEM, 0, "out of memory");
    bool ok = dsn_plan_make(&plan, &d->shape, d->scheme, err);
    if (ok) {
        int fm = was.fm;
        t.model = &plan.model;
        d->config = (struct dsn_config){.tp = 1,
                                        .wp = 1,
                                        .pch = 1,
                                        .turns = 1,
                                        .bp = 1,
                                        .dwp = 1,
                                        .ch = 1,
                                        .hp = 1,
                                        .kp = was.kp,
                                        .ap = was.kp,
                                        .fm = fm,
                                        .wbits = was.wbits,
                                        .deep = 2};
        ok =
            stage == DSN_PREFILL ? prefill_grid(&t, err) : decode_grid(&t, err);
        d->config = was;
    }
    dsn_plan_free(&plan);
    free(t.cost);
    return ok;
}

void xpl_grid_free(struct xpl_grid *g)
{
    free(g->point);
    *g = (struct xpl_grid){0};
}
