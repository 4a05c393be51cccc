/* SPDX-License-Identifier: Apache-2.0 */
/* explore/device.c -- reads designs/devices/NAME.json. */
#include "explore/device.h"
#include "explore/json.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const xpl_kind_name[XPL_KIND_COUNT] = {
#define XPL_KIND(name) #name,
    XPL_KINDS(XPL_KIND)
#undef XPL_KIND
};

static bool fabric_read(struct xpl_fabric *f, const cJSON *o, const char *path,
                        double most, struct fl_error *err)
{
    for (int k = 0; k < XPL_KIND_COUNT; k++)
        FL_TRY(
            xpl_json_figure(o, path, xpl_kind_name[k], 0, most, &f->n[k], err));
    return true;
}

static bool memory_read(struct xpl_memory *m, const cJSON *o, const char *path,
                        struct fl_error *err)
{
    const struct {
        const char *key;
        double lo, hi;
        double *to;
    } f[] = {
        {"channels", 1, 64, &m->channels},
        {"usable", 1, 64, &m->usable},
        {"gb_s", 0.001, 1e4, &m->gb_s},
        {"efficiency", 0.01, 1, &m->efficiency},
        {"latency_ns", 1, 1e5, &m->latency_ns},
        {"gib", 0.001, 1e4, &m->gib},
        {"port_bits", 8, 4096, &m->port_bits},
    };
    FL_FAIL_IF(!cJSON_IsObject(o), err, FL_FORMAT, 0,
               "%s: \"memories\" must be a list of objects", path);
    FL_TRY(xpl_json_text(o, path, "name", m->name, sizeof m->name, err));
    FL_TRY(xpl_json_text(o, path, "kind", m->kind, sizeof m->kind, err));
    for (size_t i = 0; i < sizeof f / sizeof *f; i++)
        FL_TRY(
            xpl_json_figure(o, path, f[i].key, f[i].lo, f[i].hi, f[i].to, err));
    FL_FAIL_IF(m->usable > m->channels, err, FL_RANGE, 0,
               "%s: memory %s has %g usable of %g channels", path, m->name,
               m->usable, m->channels);
    return true;
}

static bool lists_read(struct xpl_device *d, const cJSON *root,
                       const char *path, struct fl_error *err)
{
    const cJSON *list, *o;
    FL_TRY(xpl_json_array(root, path, "regions", XPL_REGIONS, &list, err));
    cJSON_ArrayForEach(o, list)
    {
        FL_FAIL_IF(!cJSON_IsObject(o), err, FL_FORMAT, 0,
                   "%s: \"regions\" must be a list of objects", path);
        FL_TRY(xpl_json_text(o, path, "name", d->region[d->regions].name,
                             sizeof d->region->name, err));
        FL_TRY(fabric_read(&d->region[d->regions].fabric, o, path, 1e9, err));
        d->regions++;
    }
    FL_FAIL_IF(d->regions < 1, err, FL_FORMAT, 0, "%s: no \"regions\"", path);
    FL_TRY(xpl_json_array(root, path, "memories", XPL_MEMORIES, &list, err));
    double banks = 0;
    cJSON_ArrayForEach(o, list)
    {
        FL_TRY(memory_read(&d->memory[d->memories], o, path, err));
        double n = d->memory[d->memories++].channels;
        banks += isnan(n) ? 1 : n;
    }
    FL_FAIL_IF(banks > XPL_BANKS, err, FL_RANGE, 0,
               "%s: %g memory channels, at most %d", path, banks, XPL_BANKS);
    return true;
}

static bool device_read(struct xpl_device *d, const cJSON *root,
                        const char *path, struct fl_error *err)
{
    const cJSON *o;
    FL_TRY(xpl_json_text(root, path, "name", d->name, sizeof d->name, err));
    FL_TRY(xpl_json_text(root, path, "title", d->title, sizeof d->title, err));
    FL_TRY(xpl_json_text(root, path, "chip", d->chip, sizeof d->chip, err));
    FL_TRY(
        xpl_json_text(root, path, "family", d->family, sizeof d->family, err));
    FL_TRY(xpl_json_object(root, path, "fabric", &o, err));
    FL_TRY(fabric_read(&d->fabric, o, path, 1e9, err));
    FL_TRY(xpl_json_object(root, path, "shell", &o, err));
    FL_TRY(fabric_read(&d->shell, o, path, 1e9, err));
    FL_TRY(xpl_json_object(root, path, "limits", &o, err));
    FL_TRY(fabric_read(&d->limits, o, path, 1, err));
    FL_TRY(lists_read(d, root, path, err));
    FL_TRY(xpl_json_figure(root, path, "crossing_wires", 0, 1e7,
                           &d->crossing_wires, err));
    FL_TRY(
        xpl_json_figure(root, path, "clock_mhz", 1, 2000, &d->clock_mhz, err));
    FL_TRY(xpl_json_object(root, path, "power", &o, err));
    FL_TRY(xpl_json_figure(o, path, "tdp_w", 0, 1e4, &d->tdp_w, err));
    FL_TRY(xpl_json_figure(o, path, "idle_w", 0, 1e4, &d->idle_w, err));
    return xpl_json_figure(o, path, "run_w", 0, 1e4, &d->run_w, err);
}

bool xpl_device_load(struct xpl_device *d, const char *name,
                     struct fl_error *err)
{
    char path[4096];
    *d = (struct xpl_device){0};
    FL_TRY(xpl_json_path(path, sizeof path, "devices", name, err));
    cJSON *root = xpl_json_open(path, err);
    bool ok = root != 0 && device_read(d, root, path, err);
    cJSON_Delete(root);
    return ok;
}

struct xpl_fabric xpl_device_room(const struct xpl_device *d)
{
    struct xpl_fabric room;
    for (int k = 0; k < XPL_KIND_COUNT; k++) {
        double shell = isnan(d->shell.n[k]) ? 0 : d->shell.n[k];
        double share = isnan(d->limits.n[k]) ? 1 : d->limits.n[k];
        room.n[k] = (d->fabric.n[k] - shell) * share;
    }
    return room;
}

const struct xpl_memory *xpl_device_memory(const struct xpl_device *d, int bank,
                                           int *channel)
{
    for (int m = 0; m < d->memories && bank >= 0; m++) {
        double n = d->memory[m].channels;
        int channels = isnan(n) ? 1 : (int)n;
        *channel = bank;
        if (bank < channels)
            return &d->memory[m];
        bank -= channels;
    }
    return 0;
}

int xpl_device_bank(const struct xpl_device *d, const char *name)
{
    const struct xpl_memory *m;
    char text[32];
    int channel;
    for (int b = 0; (m = xpl_device_memory(d, b, &channel)) != 0; b++) {
        snprintf(text, sizeof text, "%s%d", m->name, channel);
        if (strcmp(text, name) == 0)
            return b;
    }
    return -1;
}
