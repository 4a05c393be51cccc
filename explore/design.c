/* SPDX-License-Identifier: Apache-2.0 */
/* explore/design.c -- reads and writes design files. */
#include "explore/design.h"
#include "base/file.h"
#include "explore/json.h"
#include "explore/shape.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- reading ------------------------------------------------------------- */

static bool channel_read(struct xpl_channels *c, const cJSON *v,
                         const char *path, const char *key,
                         const struct xpl_device *dev, struct fl_error *err)
{
    FL_FAIL_IF(!cJSON_IsString(v) || xpl_device_bank(dev, v->valuestring) < 0,
               err, FL_RANGE, 0,
               "%s: \"%s\" names a memory channel that %s does not have", path,
               key, dev->name);
    snprintf(c->name[c->n++], sizeof c->name[0], "%s", v->valuestring);
    return true;
}

static bool channels_read(struct xpl_channels *c, const cJSON *o,
                          const char *path, const char *key,
                          const struct xpl_device *dev, struct fl_error *err)
{
    const cJSON *list, *v = cJSON_GetObjectItemCaseSensitive(o, key);
    if (v != 0 && cJSON_IsString(v))
        return channel_read(c, v, path, key, dev, err);
    FL_TRY(xpl_json_array(o, path, key, DSN_MAX_CH, &list, err));
    FL_FAIL_IF(cJSON_GetArraySize(list) < 1, err, FL_FORMAT, 0,
               "%s: \"%s\" is an empty list", path, key);
    cJSON_ArrayForEach(v, list) FL_TRY(channel_read(c, v, path, key, dev, err));
    return true;
}

static bool placement_read(struct xpl_design *d, const cJSON *root,
                           const char *path, struct fl_error *err)
{
    const struct {
        const char *key;
        struct xpl_channels *to;
    } f[] = {{"prefill", &d->prefill}, {"decode", &d->decode},
             {"keys", &d->keys},       {"values", &d->values},
             {"side", &d->side},       {"embed", &d->embed},
             {"rope", &d->rope}};
    const cJSON *o;
    FL_TRY(xpl_json_object(root, path, "placement", &o, err));
    for (size_t i = 0; i < sizeof f / sizeof *f; i++)
        FL_TRY(channels_read(f[i].to, o, path, f[i].key, &d->dev, err));
    return true;
}

static bool parallelism_read(struct xpl_design *d, const cJSON *root,
                             const char *path, struct fl_error *err)
{
    const cJSON *o, *v;
    FL_TRY(xpl_json_object(root, path, "parallelism", &o, err));
    cJSON_ArrayForEach(v, o)
    {
        int k = dsn_config_find(v->string, strlen(v->string));
        FL_FAIL_IF(
            k < 0, err, FL_FORMAT, 0,
            "%s: \"parallelism\" has no \"%.20s\"; docs/designs.md lists "
            "its members",
            path, v->string);
        FL_TRY(xpl_json_int(o, path, v->string, 1, dsn_config_most(k),
                            dsn_config_at(&d->config, k), err));
    }
    for (int k = 0; dsn_config_name(k) != 0; k++)
        FL_FAIL_IF(*dsn_config_at(&d->config, k) == 0 &&
                       !dsn_config_optional(k),
                   err, FL_FORMAT, 0, "%s: \"parallelism\" needs \"%s\"", path,
                   dsn_config_name(k));
    return true;
}

static bool floor_read(struct xpl_design *d, const cJSON *root,
                       const char *path, struct fl_error *err)
{
    const cJSON *v, *o = cJSON_GetObjectItemCaseSensitive(root, "floorplan");
    if (o == 0)
        return true;
    FL_TRY(xpl_json_object(root, path, "floorplan", &o, err));
    FL_FAIL_IF(cJSON_GetArraySize(o) > XPL_PARTS, err, FL_RANGE, 0,
               "%s: \"floorplan\" has %d parts, at most %d", path,
               cJSON_GetArraySize(o), XPL_PARTS);
    cJSON_ArrayForEach(v, o)
    {
        FL_FAIL_IF(strlen(v->string) >= sizeof d->floor->part, err, FL_RANGE, 0,
                   "%s: \"floorplan\": the name of a part is too long", path);
        memcpy(d->floor[d->parts].part, v->string, strlen(v->string) + 1);
        FL_TRY(xpl_json_int(o, path, v->string, 0, d->dev.regions - 1,
                            &d->floor[d->parts].region, err));
        d->parts++;
    }
    return true;
}

static bool assume_read(struct xpl_design *d, const cJSON *root,
                        const char *path, struct fl_error *err)
{
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(root, "assume");
    d->efficiency = d->latency_ns = (double)NAN;
    if (o == 0)
        return true;
    FL_TRY(xpl_json_object(root, path, "assume", &o, err));
    if (cJSON_GetObjectItemCaseSensitive(o, "efficiency") != 0)
        FL_TRY(
            xpl_json_real(o, path, "efficiency", 0.01, 1, &d->efficiency, err));
    if (cJSON_GetObjectItemCaseSensitive(o, "latency_ns") != 0)
        FL_TRY(
            xpl_json_real(o, path, "latency_ns", 1, 1e5, &d->latency_ns, err));
    return true;
}

static bool design_read(struct xpl_design *d, const cJSON *root,
                        const char *path, struct fl_error *err)
{
    const cJSON *o;
    FL_TRY(xpl_json_text(root, path, "name", d->name, sizeof d->name, err));
    FL_TRY(xpl_json_text(root, path, "model", d->model, sizeof d->model, err));
    FL_TRY(
        xpl_json_text(root, path, "device", d->device, sizeof d->device, err));
    FL_TRY(
        xpl_json_text(root, path, "scheme", d->scheme, sizeof d->scheme, err));
    FL_TRY(xpl_json_int(root, path, "images", 1, 2, &d->images, err));
    FL_TRY(xpl_json_object(root, path, "clock_mhz", &o, err));
    FL_TRY(xpl_json_real(o, path, "prefill", 1, 2000, &d->prefill_mhz, err));
    FL_TRY(xpl_json_real(o, path, "decode", 1, 2000, &d->decode_mhz, err));
    FL_TRY(xpl_json_int(root, path, "prompt", 1, NUM_MAX_SEQ, &d->prompt, err));
    FL_TRY(xpl_json_int(root, path, "generate", 1, NUM_MAX_SEQ, &d->generate,
                        err));
    FL_TRY(xpl_shape_load(&d->shape, d->model, err));
    FL_TRY(xpl_device_load(&d->dev, d->device, err));
    FL_TRY(parallelism_read(d, root, path, err));
    FL_TRY(placement_read(d, root, path, err));
    FL_TRY(assume_read(d, root, path, err));
    return floor_read(d, root, path, err);
}

bool xpl_design_load(struct xpl_design *d, const char *path,
                     struct fl_error *err)
{
    *d = (struct xpl_design){0};
    cJSON *root = xpl_json_open(path, err);
    bool ok = root != 0 && design_read(d, root, path, err);
    cJSON_Delete(root);
    return ok;
}

/* ---- writing ------------------------------------------------------------- */

static void channels_write(cJSON *o, const char *key,
                           const struct xpl_channels *c)
{
    if (c->n == 1) {
        cJSON_AddStringToObject(o, key, c->name[0]);
        return;
    }
    cJSON *list = cJSON_AddArrayToObject(o, key);
    for (int i = 0; i < c->n; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(c->name[i]));
}

cJSON *xpl_design_json(const struct xpl_design *d)
{
    cJSON *root = cJSON_CreateObject(), *o;
    cJSON_AddStringToObject(root, "name", d->name);
    cJSON_AddStringToObject(root, "model", d->model);
    cJSON_AddStringToObject(root, "device", d->device);
    cJSON_AddStringToObject(root, "scheme", d->scheme);
    cJSON_AddNumberToObject(root, "images", d->images);
    o = cJSON_AddObjectToObject(root, "clock_mhz");
    cJSON_AddNumberToObject(o, "prefill", d->prefill_mhz);
    cJSON_AddNumberToObject(o, "decode", d->decode_mhz);
    o = cJSON_AddObjectToObject(root, "parallelism");
    struct dsn_config c = d->config;
    for (int k = 0; dsn_config_name(k) != 0; k++)
        if (*dsn_config_at(&c, k) != 0)
            cJSON_AddNumberToObject(o, dsn_config_name(k),
                                    *dsn_config_at(&c, k));
    o = cJSON_AddObjectToObject(root, "placement");
    channels_write(o, "prefill", &d->prefill);
    channels_write(o, "decode", &d->decode);
    channels_write(o, "keys", &d->keys);
    channels_write(o, "values", &d->values);
    channels_write(o, "side", &d->side);
    channels_write(o, "embed", &d->embed);
    channels_write(o, "rope", &d->rope);
    if (!isnan(d->efficiency) || !isnan(d->latency_ns)) {
        o = cJSON_AddObjectToObject(root, "assume");
        if (!isnan(d->efficiency))
            cJSON_AddNumberToObject(o, "efficiency", d->efficiency);
        if (!isnan(d->latency_ns))
            cJSON_AddNumberToObject(o, "latency_ns", d->latency_ns);
    }
    if (d->parts > 0)
        o = cJSON_AddObjectToObject(root, "floorplan");
    for (int i = 0; i < d->parts; i++)
        cJSON_AddNumberToObject(o, d->floor[i].part, d->floor[i].region);
    cJSON_AddNumberToObject(root, "prompt", d->prompt);
    cJSON_AddNumberToObject(root, "generate", d->generate);
    return root;
}

bool xpl_design_save(const struct xpl_design *d, const char *path,
                     struct fl_error *err)
{
    struct fl_out out;
    cJSON *root = xpl_design_json(d);
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    FL_FAIL_IF(text == 0, err, FL_NOMEM, 0, "out of memory");
    bool ok = fl_out_open(&out, path, err);
    if (ok) {
        fprintf(out.f, "%s\n", text);
        ok = fl_out_commit(&out, err);
    }
    cJSON_free(text);
    return ok;
}
