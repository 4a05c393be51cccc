/* SPDX-License-Identifier: Apache-2.0 */
/* explore/cost.c -- adds up the parts; traffic and energy. */
#include "explore/cost.h"
#include "designs/plan.h"
#include "explore/cycles.h"
#include "explore/floor.h"
#include "explore/parts.h"
#include "explore/place.h"
#include <math.h>
#include <stdio.h>

const char *const xpl_block_name[] = {"lutram", "bram36", "uram"};

static const enum xpl_kind kind_of[] = {XPL_lut, XPL_bram36, XPL_uram};

void xpl_cost_stage(const struct xpl_cost *c, int stage, struct xpl_fabric *n,
                    struct xpl_fabric *var)
{
    for (int i = 0; i < c->parts; i++)
        for (int k = 0; k < XPL_KIND_COUNT && c->part[i].stage == stage; k++) {
            n->n[k] += c->part[i].n.n[k];
            var->n[k] += c->part[i].err.n[k] * c->part[i].err.n[k];
        }
    for (int i = 0; i < c->buffers; i++)
        if (c->buffer[i].stage == stage)
            n->n[kind_of[c->buffer[i].block]] += c->buffer[i].blocks;
}

void xpl_cost_sum(struct xpl_cost *c, const struct xpl_device *dev, int images)
{
    struct xpl_fabric n[DSN_STAGES] = {{{0}}}, var[DSN_STAGES] = {{{0}}};
    for (int s = 0; s < DSN_STAGES; s++)
        xpl_cost_stage(c, s, &n[s], &var[s]);
    c->room = xpl_device_room(dev);
    c->fits = 1;
    c->limit = -1;
    for (int k = 0; k < XPL_KIND_COUNT; k++) {
        double a = n[0].n[k], b = n[1].n[k], va = var[0].n[k], vb = var[1].n[k];
        c->total.n[k] = images == 1 ? a + b : fmax(a, b);
        c->err.n[k] = sqrt(images == 1 ? va + vb : a > b ? va : vb);
        double room = c->room.n[k], need = c->total.n[k];
        c->share.n[k] = isnan(room) ? room : need == 0 ? 0 : need / room;
        if (c->fits != 0 && isnan(room))
            c->fits = -1;
        if (c->share.n[k] > 1)
            c->fits = 0;
        if (!isnan(room) &&
            (c->limit < 0 || c->share.n[k] > c->share.n[c->limit]))
            c->limit = k;
    }
    c->uncounted = 0;
    for (int i = 0; i < c->parts; i++)
        c->uncounted += !c->part[i].counted;
}

static void channels(struct xpl_cost *c, const struct xpl_design *d,
                     const struct xpl_cycles *pre, const struct xpl_cycles *dec)
{
    const struct xpl_memory *m;
    int channel;
    for (int b = 0; (m = xpl_device_memory(&d->dev, b, &channel)) != 0; b++) {
        if (pre->bytes[b] + dec->bytes[b] <= 0)
            continue;
        struct xpl_channel_use *u = &c->channel[c->channels++];
        snprintf(u->name, sizeof u->name, "%.12s%d", m->name, channel);
        u->prefill_bytes = pre->bytes[b];
        u->decode_bytes = dec->bytes[b];
        u->gb_s = xpl_bank_rate(d, b);
    }
}

bool xpl_cost(struct xpl_cost *c, const struct xpl_design *design, int context,
              struct fl_error *err)
{
    static const int stages[] = {DSN_PREFILL, DSN_DECODE};
    struct xpl_design d = *design;
    struct dsn_plan plan;
    struct dsn_place place[DSN_STAGES];
    *c = (struct xpl_cost){0};
    bool ok = dsn_plan_make(&plan, &d.shape, d.scheme, err) &&
              dsn_config_check(&d.config, &plan.model, err);
    dsn_plan_free(&plan);
    for (int s = 0; ok && s < DSN_STAGES; s++) {
        ok = xpl_place(&place[s], &d, s, err);
        xpl_parts(c, &d, stages[s], d.prompt + d.generate + 1);
    }
    if (!ok)
        return false;
    xpl_cost_sum(c, &d.dev, d.images);
    for (int i = 0; i < c->parts; i++)
        for (int f = d.parts - 1; f >= 0; f--)
            if (xpl_floor_is(d.floor[f].part, &c->part[i]))
                c->part[i].region = d.floor[f].region;
    int tokens = d.prompt > 1 ? d.prompt - 1 : 0;
    struct xpl_cycles pre = {0},
                      dec = xpl_cycles_decode(&d, &place[DSN_DECODE], context);
    if (tokens > 0)
        pre = xpl_cycles_prefill(&d, &place[DSN_PREFILL], tokens);
    channels(c, &d, &pre, &dec);
    c->prefill_cycles = pre.cycles;
    c->decode_cycles = dec.cycles;
    c->watts = d.dev.run_w;
    c->prefill_j = c->watts * pre.cycles / (d.prefill_mhz * 1e6);
    c->decode_j = c->watts * dec.cycles / (d.decode_mhz * 1e6);
    return true;
}

/* ---- JSON ---------------------------------------------------------------- */

/* NAN becomes null. */
static void number(cJSON *o, const char *key, double v)
{
    if (isfinite(v))
        cJSON_AddNumberToObject(o, key, v);
    else
        cJSON_AddNullToObject(o, key);
}

void xpl_fabric_json(cJSON *o, const char *key, const struct xpl_fabric *f)
{
    cJSON *k = cJSON_AddObjectToObject(o, key);
    for (int i = 0; i < XPL_KIND_COUNT; i++)
        number(k, xpl_kind_name[i], f->n[i]);
}

static cJSON *item(cJSON *list, const char *name)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "name", name);
    cJSON_AddItemToArray(list, o);
    return o;
}

static void parts_json(cJSON *root, const struct xpl_cost *c,
                       const struct xpl_design *d)
{
    static const char *const stage[] = {"prefill", "decode"};
    cJSON *missing = cJSON_AddArrayToObject(root, "uncounted");
    cJSON *list = cJSON_AddArrayToObject(root, "parts"), *o;
    for (int i = 0; i < c->parts; i++) {
        const struct xpl_part *p = &c->part[i];
        char name[64];
        snprintf(name, sizeof name, "%s %s", stage[p->stage], p->name);
        if (!p->counted)
            cJSON_AddItemToArray(missing, cJSON_CreateString(name));
        o = item(list, p->name);
        cJSON_AddStringToObject(o, "module", p->module);
        cJSON_AddStringToObject(o, "stage", stage[p->stage]);
        cJSON_AddNumberToObject(o, "copies", p->copies);
        cJSON_AddNumberToObject(o, "lanes", p->lanes);
        cJSON_AddNumberToObject(o, "rows", p->rows);
        cJSON_AddBoolToObject(o, "counted", p->counted);
        xpl_fabric_json(o, "n", &p->n);
        xpl_fabric_json(o, "error", &p->err);
        if (p->region < 0)
            cJSON_AddNullToObject(o, "region");
        else
            cJSON_AddStringToObject(o, "region", d->dev.region[p->region].name);
    }
    list = cJSON_AddArrayToObject(root, "buffers");
    for (int i = 0; i < c->buffers; i++) {
        const struct xpl_buffer *b = &c->buffer[i];
        o = item(list, b->name);
        cJSON_AddStringToObject(o, "stage", stage[b->stage]);
        cJSON_AddNumberToObject(o, "copies", b->copies);
        cJSON_AddNumberToObject(o, "width", b->width);
        cJSON_AddNumberToObject(o, "depth", b->depth);
        cJSON_AddStringToObject(o, "block", xpl_block_name[b->block]);
        cJSON_AddNumberToObject(o, "blocks", b->blocks);
    }
}

cJSON *xpl_cost_json(const struct xpl_cost *c, const struct xpl_design *d)
{
    cJSON *root = cJSON_CreateObject(), *o;
    xpl_fabric_json(root, "total", &c->total);
    xpl_fabric_json(root, "error", &c->err);
    xpl_fabric_json(root, "room", &c->room);
    xpl_fabric_json(root, "share", &c->share);
    xpl_fabric_json(root, "device", &d->dev.fabric);
    xpl_fabric_json(root, "shell", &d->dev.shell);
    if (c->fits < 0)
        cJSON_AddNullToObject(root, "fits");
    else
        cJSON_AddBoolToObject(root, "fits", c->fits);
    if (c->limit >= 0)
        cJSON_AddStringToObject(root, "limit", xpl_kind_name[c->limit]);
    else
        cJSON_AddNullToObject(root, "limit");
    parts_json(root, c, d);
    cJSON *list = cJSON_AddArrayToObject(root, "channels");
    for (int i = 0; i < c->channels; i++) {
        o = item(list, c->channel[i].name);
        number(o, "prefill_bytes", c->channel[i].prefill_bytes);
        number(o, "decode_bytes", c->channel[i].decode_bytes);
        number(o, "gb_s", c->channel[i].gb_s);
    }
    return root;
}

cJSON *xpl_energy_json(const struct xpl_cost *c)
{
    cJSON *o = cJSON_CreateObject();
    number(o, "watts", c->watts);
    number(o, "decode_j", c->decode_j);
    number(o, "prefill_j", c->prefill_j);
    cJSON_AddStringToObject(o, "basis",
                            isnan(c->watts)
                                ? "no power of this device is published"
                                : "power.run_w of the device file, all the "
                                  "time: a published design, not this one");
    return o;
}
