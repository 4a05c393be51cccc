/* SPDX-License-Identifier: Apache-2.0 */
/* explore/json.c -- checked members of JSON objects. */
#include "explore/json.h"
#include "base/file.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

cJSON *xpl_json_open(const char *path, struct fl_error *err)
{
    struct fl_map m;
    if (!fl_map_open(&m, path, err))
        return 0;
    if (m.size > (size_t)1 << 20) {
        fl_fail(err, FL_RANGE, 0,
                "%s: %zu bytes, a file like this has less "
                "than a million",
                path, m.size);
        fl_map_close(&m);
        return 0;
    }
    const char *end = 0;
    cJSON *root =
        cJSON_ParseWithLengthOpts((const char *)m.data, m.size, &end, false);
    uint64_t at = end != 0 ? (uint64_t)(end - (const char *)m.data) : 0;
    int line = 1;
    for (uint64_t i = 0; i < at && i < m.size; i++)
        line += m.data[i] == '\n';
    if (root == 0)
        fl_fail(err, FL_FORMAT, at, "%s, line %d: this is not JSON", path,
                line);
    fl_map_close(&m);
    if (root != 0 && !cJSON_IsObject(root)) {
        fl_fail(err, FL_FORMAT, 0, "%s: an object {...} is wanted", path);
        cJSON_Delete(root);
        root = 0;
    }
    return root;
}

bool xpl_json_path(char *out, size_t n, const char *folder, const char *name,
                   struct fl_error *err)
{
    size_t len = strlen(name);
    int file = strchr(name, '/') != 0 ||
               (len > 5 && strcmp(name + len - 5, ".json") == 0);
    int used = file ? snprintf(out, n, "%s", name)
                    : snprintf(out, n, "%s/designs/%s/%s.json", XPL_SOURCE_DIR,
                               folder, name);
    FL_FAIL_IF(used < 0 || (size_t)used >= n, err, FL_RANGE, 0,
               "the name of a file is too long: %.60s...", name);
    return true;
}

static const cJSON *member(const cJSON *o, const char *path, const char *key,
                           struct fl_error *err)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    if (v == 0)
        fl_fail(err, FL_FORMAT, 0, "%s: \"%s\" is missing", path, key);
    return v;
}

bool xpl_json_object(const cJSON *o, const char *path, const char *key,
                     const cJSON **out, struct fl_error *err)
{
    FL_TRY((*out = member(o, path, key, err)) != 0);
    FL_FAIL_IF(!cJSON_IsObject(*out), err, FL_FORMAT, 0,
               "%s: \"%s\" must be an object {...}", path, key);
    return true;
}

bool xpl_json_array(const cJSON *o, const char *path, const char *key, int most,
                    const cJSON **out, struct fl_error *err)
{
    FL_TRY((*out = member(o, path, key, err)) != 0);
    FL_FAIL_IF(!cJSON_IsArray(*out), err, FL_FORMAT, 0,
               "%s: \"%s\" must be a list [...]", path, key);
    FL_FAIL_IF(cJSON_GetArraySize(*out) > most, err, FL_RANGE, 0,
               "%s: \"%s\" has %d members, at most %d", path, key,
               cJSON_GetArraySize(*out), most);
    return true;
}

bool xpl_json_text(const cJSON *o, const char *path, const char *key, char *out,
                   size_t n, struct fl_error *err)
{
    const cJSON *v = member(o, path, key, err);
    FL_TRY(v != 0);
    FL_FAIL_IF(!cJSON_IsString(v) || v->valuestring[0] == 0, err, FL_FORMAT, 0,
               "%s: \"%s\" must be a text", path, key);
    FL_FAIL_IF(strlen(v->valuestring) >= n, err, FL_RANGE, 0,
               "%s: \"%s\" is longer than %zu bytes", path, key, n - 1);
    for (const char *c = v->valuestring; *c != 0; c++)
        FL_FAIL_IF((unsigned char)*c < ' ', err, FL_FORMAT, 0,
                   "%s: \"%s\" has a control character", path, key);
    memcpy(out, v->valuestring, strlen(v->valuestring) + 1);
    return true;
}

static bool number(const cJSON *v, const char *path, const char *key, double lo,
                   double hi, double *out, struct fl_error *err)
{
    FL_FAIL_IF(!cJSON_IsNumber(v), err, FL_FORMAT, 0,
               "%s: \"%s\" must be a number", path, key);
    FL_FAIL_IF(!(v->valuedouble >= lo && v->valuedouble <= hi), err, FL_RANGE,
               0, "%s: \"%s\" is %g, must be %g to %g", path, key,
               v->valuedouble, lo, hi);
    *out = v->valuedouble;
    return true;
}

bool xpl_json_real(const cJSON *o, const char *path, const char *key, double lo,
                   double hi, double *out, struct fl_error *err)
{
    const cJSON *v = member(o, path, key, err);
    return v != 0 && number(v, path, key, lo, hi, out, err);
}

bool xpl_json_int(const cJSON *o, const char *path, const char *key, int lo,
                  int hi, int *out, struct fl_error *err)
{
    double v;
    FL_TRY(xpl_json_real(o, path, key, lo, hi, &v, err));
    FL_FAIL_IF(v != floor(v), err, FL_RANGE, 0,
               "%s: \"%s\" is %g, must be a whole number", path, key, v);
    *out = (int)v;
    return true;
}

bool xpl_json_bool(const cJSON *o, const char *path, const char *key, int *out,
                   struct fl_error *err)
{
    const cJSON *v = member(o, path, key, err);
    FL_TRY(v != 0);
    FL_FAIL_IF(!cJSON_IsBool(v), err, FL_FORMAT, 0,
               "%s: \"%s\" must be true or false", path, key);
    *out = cJSON_IsTrue(v);
    return true;
}

bool xpl_json_figure(const cJSON *o, const char *path, const char *key,
                     double lo, double hi, double *out, struct fl_error *err)
{
    const cJSON *f;
    char source[512];
    FL_TRY(xpl_json_object(o, path, key, &f, err));
    const cJSON *v = member(f, path, "value", err);
    FL_TRY(v != 0);
    FL_FAIL_IF(!xpl_json_text(f, path, "source", source, sizeof source, 0), err,
               FL_FORMAT, 0,
               "%s: \"%s\" needs a \"source\": where its value is from", path,
               key);
    if (cJSON_IsNull(v)) {
        *out = (double)NAN;
        return true;
    }
    return number(v, path, key, lo, hi, out, err);
}
