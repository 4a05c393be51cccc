/* SPDX-License-Identifier: Apache-2.0 */
#include "report/takes.h"
#include "explore/json.h"
#include <math.h>

/* A number, or null: NAN. */
static bool known(const cJSON *o, const char *path, const char *key, double *to,
                  struct fl_error *err)
{
    *to = (double)NAN;
    return cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(o, key)) ||
           xpl_json_real(o, path, key, 0, 1e15, to, err);
}

/* Two objects of o, each with a number a kind. */
static bool amounts_read(struct rep_amount a[XPL_KIND_COUNT], const cJSON *o,
                         const char *path, const char *count, const char *error,
                         struct fl_error *err)
{
    const cJSON *n, *e;
    FL_TRY(xpl_json_object(o, path, count, &n, err));
    FL_TRY(xpl_json_object(o, path, error, &e, err));
    for (int k = 0; k < XPL_KIND_COUNT; k++) {
        FL_TRY(known(n, path, xpl_kind_name[k], &a[k].n, err));
        FL_TRY(known(e, path, xpl_kind_name[k], &a[k].err, err));
    }
    return true;
}

static bool named(const cJSON *o, const char *path, const char *list,
                  char name[64], char stage[16], int *copies,
                  struct fl_error *err)
{
    FL_FAIL_IF(!cJSON_IsObject(o), err, FL_FORMAT, 0,
               "%s: \"%s\" must be a list of objects", path, list);
    return xpl_json_text(o, path, "name", name, 64, err) &&
           xpl_json_text(o, path, "stage", stage, 16, err) &&
           xpl_json_int(o, path, "copies", 0, 1 << 20, copies, err);
}

static bool parts_read(struct rep_times *t, const cJSON *all, const char *path,
                       struct fl_error *err)
{
    const cJSON *list, *o;
    FL_TRY(xpl_json_array(all, path, "parts", REP_PARTS, &list, err));
    cJSON_ArrayForEach(o, list)
    {
        struct rep_part *p = &t->part[t->parts];
        FL_TRY(named(o, path, "parts", p->name, p->stage, &p->copies, err));
        FL_TRY(xpl_json_bool(o, path, "counted", &p->counted, err));
        FL_TRY(amounts_read(p->amount, o, path, "n", "error", err));
        t->uncounted += !p->counted;
        t->parts++;
    }
    FL_TRY(xpl_json_array(all, path, "buffers", REP_PARTS, &list, err));
    cJSON_ArrayForEach(o, list)
    {
        struct rep_buffer *b = &t->buffer[t->buffers];
        FL_TRY(named(o, path, "buffers", b->name, b->stage, &b->copies, err));
        FL_TRY(xpl_json_text(o, path, "block", b->block, sizeof b->block, err));
        FL_TRY(xpl_json_real(o, path, "blocks", 0, 1e12, &b->blocks, err));
        t->buffers++;
    }
    return true;
}

static bool energy_read(struct rep_times *t, const cJSON *root,
                        const char *path, struct fl_error *err)
{
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(root, "energy");
    t->token_j = t->prompt_j = t->watts = (double)NAN;
    if (o == 0 || cJSON_IsNull(o))
        return true;
    return xpl_json_object(root, path, "energy", &o, err) &&
           known(o, path, "decode_j", &t->token_j, err) &&
           known(o, path, "prefill_j", &t->prompt_j, err) &&
           known(o, path, "watts", &t->watts, err);
}

bool rep_takes_read(struct rep_times *t, const cJSON *root, const char *path,
                    struct fl_error *err)
{
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(root, "resources");
    FL_TRY(energy_read(t, root, path, err));
    if (all == 0 || cJSON_IsNull(all))
        return true;
    FL_TRY(xpl_json_object(root, path, "resources", &all, err));
    FL_TRY(amounts_read(t->amount, all, path, "total", "error", err));
    t->fits = -1;
    if (!cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(all, "fits")))
        FL_TRY(xpl_json_bool(all, path, "fits", &t->fits, err));
    t->resources = 1;
    return parts_read(t, all, path, err);
}
