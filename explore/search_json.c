/* SPDX-License-Identifier: Apache-2.0 */
/* explore/search_json.c -- a search as JSON; docs/explorer.md has the keys. */
#include "explore/search.h"
#include <math.h>

static void number(cJSON *o, const char *key, double v)
{
    if (isfinite(v))
        cJSON_AddNumberToObject(o, key, v);
    else
        cJSON_AddNullToObject(o, key);
}

static cJSON *point_json(const struct xpl_point *p, bool chosen)
{
    cJSON *o = cJSON_CreateObject();
    cJSON *par = cJSON_AddObjectToObject(o, "parallelism");
    struct dsn_config c = p->config;
    for (int k = 0; dsn_config_name(k) != 0; k++)
        cJSON_AddNumberToObject(par, dsn_config_name(k), *dsn_config_at(&c, k));
    cJSON_AddNumberToObject(o, "images", p->images);
    number(o, "prefill_s", p->prefill_s);
    number(o, "prefill_cycles", p->prefill_cycles);
    number(o, "decode_tok_s", p->decode_tok_s);
    number(o, "decode_cycles", p->decode_cycles);
    number(o, "answer_s", p->answer_s);
    number(o, "answer_j", p->answer_j);
    number(o, "area", p->area);
    cJSON_AddStringToObject(o, "limit",
                            p->limit < 0 ? "" : xpl_kind_name[p->limit]);
    xpl_fabric_json(o, "total", &p->total);
    xpl_fabric_json(o, "error", &p->err);
    xpl_fabric_json(o, "share", &p->share);
    cJSON_AddNumberToObject(o, "uncounted", p->uncounted);
    cJSON_AddBoolToObject(o, "chosen", chosen);
    return o;
}

cJSON *xpl_search_json(const struct xpl_search *s, const struct xpl_want *w)
{
    cJSON *root = cJSON_CreateObject(), *o;
    const struct xpl_design *d = &s->design;
    cJSON_AddStringToObject(root, "model", w->model);
    cJSON_AddStringToObject(root, "device", d->dev.name);
    cJSON_AddStringToObject(root, "scheme", w->scheme);
    cJSON_AddNumberToObject(root, "prompt", w->prompt);
    cJSON_AddNumberToObject(root, "generate", w->generate);
    cJSON_AddStringToObject(root, "objective",
                            xpl_objective_name[w->objective]);
    cJSON_AddNumberToObject(root, "legal", s->legal);
    cJSON_AddNumberToObject(root, "timed", s->timed);
    cJSON_AddBoolToObject(root, "exhaustive", true);
    cJSON_AddNumberToObject(root, "seconds", s->seconds);
    o = cJSON_AddObjectToObject(root, "bound");
    number(o, "decode_tok_s", s->bound_tok_s);
    number(o, "prefill_s", s->bound_prefill_s);
    o = cJSON_AddArrayToObject(root, "points");
    for (int i = 0; i < s->points; i++)
        cJSON_AddItemToArray(o, point_json(&s->point[i], i == s->chosen));
    cJSON_AddNumberToObject(root, "chosen", s->chosen);
    if (isnan(s->crossings)) {
        cJSON_AddNullToObject(root, "floorplan");
    } else {
        o = cJSON_AddObjectToObject(root, "floorplan");
        cJSON *regions = cJSON_AddObjectToObject(o, "regions");
        for (int i = 0; i < d->parts; i++)
            cJSON_AddStringToObject(regions, d->floor[i].part,
                                    d->dev.region[d->floor[i].region].name);
        cJSON_AddNumberToObject(o, "crossings", s->crossings);
        cJSON_AddBoolToObject(o, "optimal", s->floor_optimal);
    }
    cJSON_AddItemToObject(root, "design", xpl_design_json(d));
    return root;
}
