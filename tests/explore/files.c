/* SPDX-License-Identifier: Apache-2.0 */
/* Every device, model and design file of the tree loads; every number of a
 * device has a source; a file cut or changed anywhere gives one line or loads,
 * and never more. */
#include "base/file.h"
#include "explore/design.h"
#include "explore/json.h"
#include "explore/shape.h"
#include "tests/check.h"
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { DEVICE, MODEL, DESIGN };

static bool load(enum kind kind, const char *path, struct fl_error *err)
{
    static struct xpl_device device;
    static struct xpl_design design;
    struct num_shape shape;
    return kind == DEVICE  ? xpl_device_load(&device, path, err)
           : kind == MODEL ? xpl_shape_load(&shape, path, err)
                           : xpl_design_load(&design, path, err);
}

/* A number of a device file stands in "value" beside a "source". */
static void sourced(const cJSON *o, const char *file)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, o)
    {
        const cJSON *s = cJSON_GetObjectItemCaseSensitive(o, "source");
        if (cJSON_IsNumber(v) || cJSON_IsNull(v))
            CHECK(strcmp(v->string, "value") == 0 && cJSON_IsString(s) &&
                      strlen(s->valuestring) > 3,
                  "%s: %s has no source", file, v->string);
        sourced(v, file);
    }
}

static void spoil(enum kind kind, const char *path)
{
    struct fl_map m;
    struct fl_error err;
    char temp[] = "spoiled-XXXXXX.json";
    int fd = mkstemps(temp, 5);
    CHECK(fd >= 0 && fl_map_open(&m, path, &err), "%s: not opened", path);
    if (fd < 0)
        return;
    close(fd);
    char *text = malloc(m.size + 1);
    uint64_t seed = 88172645463325252u;
    for (size_t round = 0; text != 0 && round < 300; round++) {
        size_t size = m.size;
        memcpy(text, m.data, size);
        if (round % 2 == 0)
            size = size * round / 300;
        for (int k = 0; round % 2 == 1 && k < 1 + (int)round / 100; k++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            text[seed % size] = "0}]{[,:\"-e9\n\x80z"[(seed >> 40) % 14];
        }
        FILE *f = fopen(temp, "w");
        if (f == 0)
            break;
        fwrite(text, 1, size, f);
        fclose(f);
        err = (struct fl_error){0};
        bool ok = load(kind, temp, &err);
        CHECK(ok || (err.msg[0] != 0 && strchr(err.msg, '\n') == 0),
              "%s, change %zu: no message", path, round);
        CHECK(!ok || round % 2 == 1, "%s, cut to %zu bytes: loads", path, size);
    }
    free(text);
    fl_map_close(&m);
    remove(temp);
}

static int folder(enum kind kind, const char *name, int want)
{
    DIR *dir = opendir(name);
    struct dirent *e;
    int n = 0;
    CHECK(dir != 0, "%s: no such folder", name);
    while (dir != 0 && (e = readdir(dir)) != 0) {
        char path[512];
        struct fl_error err = {0};
        size_t len = strlen(e->d_name);
        if (len < 5 || strcmp(e->d_name + len - 5, ".json") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", name, e->d_name);
        CHECK(load(kind, path, &err), "%s", err.msg);
        if (kind == DEVICE) {
            cJSON *root = xpl_json_open(path, &err);
            sourced(root, path);
            cJSON_Delete(root);
        }
        spoil(kind, path);
        n++;
    }
    if (dir != 0)
        closedir(dir);
    CHECK(n >= want, "%s: %d files, at least %d wanted", name, n, want);
    return n;
}

/* What is written is read back; what is wrong is named. */
static void designs(void)
{
    static struct xpl_design a, b;
    struct fl_error err = {0};
    CHECK(xpl_shape_load(&a.shape, "stories260K", &err), "%s", err.msg);
    CHECK(xpl_device_load(&a.dev, "kv260", &err), "%s", err.msg);
    strcpy(a.name, "test");
    strcpy(a.model, "stories260K");
    strcpy(a.device, "kv260");
    strcpy(a.scheme, "w4a8kv8");
    a.images = 1;
    a.prefill_mhz = a.decode_mhz = 300;
    a.config = (struct dsn_config){
        .tp = 4, .wp = 8, .bp = 4, .dwp = 8, .ch = 1, .kp = 8, .hp = 1};
    struct xpl_channels one = {{"ddr0"}, 1};
    a.prefill = a.decode = a.keys = a.values = a.side = a.embed = a.rope = one;
    a.efficiency = (double)NAN;
    a.latency_ns = 150;
    a.parts = 1;
    strcpy(a.floor[0].part, "prefill");
    a.prompt = 16;
    a.generate = 8;
    const char *path = "design-test.json";
    CHECK(xpl_design_save(&a, path, &err), "%s", err.msg);
    CHECK(xpl_design_load(&b, path, &err), "%s", err.msg);
    CHECK(memcmp(&a.config, &b.config, sizeof a.config) == 0, "config differs");
    CHECK(isnan(b.efficiency) && b.latency_ns == 150, "assumptions differ");
    CHECK(b.parts == 1 && b.floor[0].region == 0, "floorplan differs");
    CHECK(b.shape.d == 64 && b.prompt == 16, "model or prompt differ");
    spoil(DESIGN, path);
    strcpy(a.keys.name[0], "hbm0");
    CHECK(xpl_design_save(&a, path, &err), "%s", err.msg);
    CHECK(!xpl_design_load(&b, path, &err) && strstr(err.msg, "keys") != 0,
          "a channel that is not there passes: %s", err.msg);
    strcpy(a.keys.name[0], "ddr0");
    a.config.bp = 0;
    CHECK(xpl_design_save(&a, path, &err), "%s", err.msg);
    CHECK(!xpl_design_load(&b, path, &err) && strstr(err.msg, "\"bp\"") != 0,
          "a design without bp passes: %s", err.msg);
    remove(path);
}

int main(void)
{
    folder(DEVICE, "designs/devices", 9);
    folder(MODEL, "designs/models", 10);
    designs();
    struct xpl_device d;
    struct fl_error err;
    CHECK(xpl_device_load(&d, "u280", &err), "%s", err.msg);
    struct xpl_fabric room = xpl_device_room(&d);
    CHECK(fabs(room.n[XPL_dsp] - 0.75 * 9020) < 0.01, "%g DSP of room",
          room.n[XPL_dsp]);
    CHECK(xpl_device_bank(&d, "hbm31") == 31 &&
              xpl_device_bank(&d, "ddr1") == 33 &&
              xpl_device_bank(&d, "hbm32") < 0,
          "banks are not numbered");
    CHECK(!xpl_device_load(&d, "u281", &err), "a device that is not there");
    printf("%d failures\n", failures);
    return failures != 0;
}
