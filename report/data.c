/* SPDX-License-Identifier: Apache-2.0 */
/* report/data.c -- reads what the page is about. */
#include "report/data.h"
#include "report/takes.h"
#include "explore/json.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const rep_stage_name[REP_STAGES] = {"prefill", "decode"};

/* The run's figures are of the design as it is now. */
static bool same_design(const cJSON *root, const char *path,
                        const struct xpl_design *d, struct fl_error *err)
{
    char name[64];
    const cJSON *o;
    double mhz;
    struct dsn_config c = d->config;
    FL_TRY(xpl_json_text(root, path, "design", name, sizeof name, err));
    FL_FAIL_IF(strcmp(name, d->name) != 0, err, FL_FORMAT, 0,
               "%s: times the design '%s', not '%s'", path, name, d->name);
    FL_TRY(xpl_json_object(root, path, "clock_mhz", &o, err));
    for (int s = 0; s < REP_STAGES; s++) {
        double now = s == REP_PREFILL ? d->prefill_mhz : d->decode_mhz;
        FL_TRY(xpl_json_real(o, path, rep_stage_name[s], 0, 1e6, &mhz, err));
        FL_FAIL_IF(fabs(mhz - now) > 1e-6 * now, err, FL_FORMAT, 0,
                   "%s: %s was timed at %g MHz, the design says %g; time it "
                   "again",
                   path, rep_stage_name[s], mhz, now);
    }
    FL_TRY(xpl_json_object(root, path, "parallelism", &o, err));
    for (int k = 0; dsn_config_name(k) != 0; k++) {
        const char *key = dsn_config_name(k);
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
        int now = *dsn_config_at(&c, k);
        FL_FAIL_IF((v == 0 ? 0 : cJSON_GetNumberValue(v)) != now, err,
                   FL_FORMAT, 0,
                   "%s: was timed with another %s than the design's %d; "
                   "time it again",
                   path, key, now);
    }
    return true;
}

static bool activity_read(struct rep_span *s, const cJSON *o, const char *path,
                          struct fl_error *err)
{
    FL_TRY(xpl_json_text(o, path, "activity", s->activity, sizeof s->activity,
                         err));
    FL_FAIL_IF(strspn(s->activity, "0123456789") != strlen(s->activity), err,
               FL_FORMAT, 0, "%s: \"activity\" must be digits", path);
    return true;
}

static bool spans_read(struct rep_stage *s, const cJSON *o, const char *path,
                       struct fl_error *err)
{
    const cJSON *list, *item;
    FL_TRY(xpl_json_array(o, path, "spans", REP_SPANS, &list, err));
    cJSON_ArrayForEach(item, list)
    {
        struct rep_span *p = &s->span[s->spans];
        FL_FAIL_IF(!cJSON_IsObject(item), err, FL_FORMAT, 0,
                   "%s: \"spans\" must be a list of objects", path);
        FL_TRY(xpl_json_text(item, path, "module", p->module, sizeof p->module,
                             err));
        FL_TRY(xpl_json_int(item, path, "tasks", 1, 1 << 20, &p->tasks, err));
        FL_TRY(xpl_json_real(item, path, "start", 0, 1e18, &p->start, err));
        FL_TRY(xpl_json_real(item, path, "end", 0, 1e18, &p->end, err));
        FL_TRY(xpl_json_real(item, path, "busy", 0, 1.01, &p->busy, err));
        FL_TRY(activity_read(p, item, path, err));
        s->spans++;
    }
    return true;
}

static bool stage_read(struct rep_stage *s, const cJSON *o, const char *path,
                       const struct xpl_design *d, struct fl_error *err)
{
    const cJSON *banks, *v;
    FL_TRY(xpl_json_object(o, path, "gb_s", &banks, err));
    cJSON_ArrayForEach(v, banks)
    {
        int b = xpl_device_bank(&d->dev, v->string);
        FL_FAIL_IF(b < 0, err, FL_FORMAT, 0, "%s: %s has no channel '%s'", path,
                   d->dev.name, v->string);
        FL_TRY(xpl_json_real(banks, path, v->string, 0, 1e5, &s->gb_s[b], err));
        s->bytes += s->gb_s[b] * 1e9 * s->seconds;
    }
    return spans_read(s, o, path, err);
}

static bool stages_read(struct rep_times *t, const cJSON *root,
                        const char *path, const struct xpl_design *d,
                        struct fl_error *err)
{
    static const char *const cycles[REP_STAGES] = {"prefill_cycles",
                                                   "decode_cycles"};
    for (int k = 0; k < REP_STAGES; k++) {
        struct rep_stage *s = &t->stage[k];
        const cJSON *o;
        FL_TRY(xpl_json_real(root, path, cycles[k], k == REP_DECODE, 1e18,
                             &s->cycles, err));
        FL_TRY(xpl_json_object(root, path, rep_stage_name[k], &o, err));
        s->mhz = k == REP_PREFILL ? d->prefill_mhz : d->decode_mhz;
        s->seconds = s->cycles / (s->mhz * 1e6);
        if (s->cycles > 0)
            FL_TRY(stage_read(s, o, path, d, err));
    }
    return true;
}

/* A number that need not be there. */
static double perhaps(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    double n = cJSON_IsNumber(v) ? v->valuedouble : (double)NAN;
    return isfinite(n) && fabs(n) < 1e15 ? n : (double)NAN;
}

/* What the closed formulas say of the run; need not be there. */
static void formula_read(struct rep_times *t, const cJSON *root)
{
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(root, "formula");
    t->formula[REP_PREFILL] = perhaps(o, "prefill_error");
    t->formula[REP_DECODE] = perhaps(o, "decode_error");
}

/* One block of the prompt; need not be there. */
static bool block_read(struct rep_times *t, const cJSON *root, const char *path,
                       const struct xpl_design *d, struct fl_error *err)
{
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(root, "block");
    if (o == 0)
        return true;
    FL_TRY(xpl_json_object(root, path, "block", &o, err));
    FL_TRY(xpl_json_int(o, path, "tokens", 1, 1 << 30, &t->block_tokens, err));
    FL_TRY(xpl_json_real(o, path, "cycles", 1, 1e18, &t->block.cycles, err));
    t->block.mhz = d->prefill_mhz;
    t->block.seconds = t->block.cycles / (d->prefill_mhz * 1e6);
    return spans_read(&t->block, o, path, err);
}

bool rep_times_read(struct rep_times *t, const cJSON *root, const char *path,
                    const struct xpl_design *d, struct fl_error *err)
{
    const struct {
        const char *key;
        double hi;
        double *to;
    } f[] = {
        {"prefill_s", 1e9, &t->prefill_s},
        {"decode_tok_s", 1e12, &t->decode_tok_s},
        {"answer_s", 1e12, &t->answer_s},
        {"answer_tok_s", 1e12, &t->answer_tok_s},
        {"hbm_utilisation", 2, &t->hbm_utilisation},
        {"bound_tok_s", 1e12, &t->bound_tok_s},
    };
    *t = (struct rep_times){0};
    FL_TRY(same_design(root, path, d, err));
    FL_TRY(xpl_json_int(root, path, "prompt", 1, 1 << 30, &t->prompt, err));
    FL_TRY(xpl_json_int(root, path, "generate", 0, 1 << 30, &t->generate, err));
    FL_TRY(xpl_json_int(root, path, "context", 1, 1 << 30, &t->context, err));
    for (size_t i = 0; i < sizeof f / sizeof *f; i++)
        FL_TRY(xpl_json_real(root, path, f[i].key, 0, f[i].hi, f[i].to, err));
    FL_FAIL_IF(t->decode_tok_s <= 0 || t->bound_tok_s <= 0, err, FL_RANGE, 0,
               "%s: a decode of %g tokens/s, its bound %g", path,
               t->decode_tok_s, t->bound_tok_s);
    formula_read(t, root);
    FL_TRY(block_read(t, root, path, d, err));
    FL_TRY(rep_takes_read(t, root, path, err));
    return stages_read(t, root, path, d, err);
}

static void lanes_read(char *out, size_t size, const cJSON *point)
{
    const cJSON *v, *o = cJSON_GetObjectItemCaseSensitive(point, "parallelism");
    size_t n = 0;
    cJSON_ArrayForEach(v, o)
    {
        if (!cJSON_IsNumber(v) || v->string == 0 || n + 1 >= size)
            continue;
        int more = snprintf(out + n, size - n, "%s%s %g", n > 0 ? ", " : "",
                            v->string, v->valuedouble);
        n += more > 0 ? (size_t)more : 0;
    }
}

static bool point_read(struct rep_point *p, const cJSON *o, const char *path,
                       struct fl_error *err)
{
    FL_FAIL_IF(!cJSON_IsObject(o), err, FL_FORMAT, 0,
               "%s: \"points\" must be a list of objects", path);
    FL_TRY(
        xpl_json_real(o, path, "decode_tok_s", 0, 1e12, &p->decode_tok_s, err));
    FL_TRY(xpl_json_real(o, path, "prefill_s", 0, 1e9, &p->prefill_s, err));
    p->area = perhaps(o, "area");
    p->images = perhaps(o, "images") == 2 ? 2 : 1;
    return true;
}

/* A model's name, which may be given as the path of its file. */
static int same_model(const char *a, const char *b)
{
    const char *x = strrchr(a, '/'), *y = strrchr(b, '/');
    x = x != 0 ? x + 1 : a;
    y = y != 0 ? y + 1 : b;
    size_t n = strcspn(x, "."), m = strcspn(y, ".");
    return n == m && strncmp(x, y, n) == 0;
}

bool rep_search_read(struct rep_search *s, const cJSON *root, const char *path,
                     const struct xpl_design *d, struct fl_error *err)
{
    const cJSON *list, *o, *bound;
    *s = (struct rep_search){0};
    FL_TRY(xpl_json_text(root, path, "model", s->model, sizeof s->model, err));
    FL_TRY(
        xpl_json_text(root, path, "device", s->device, sizeof s->device, err));
    FL_FAIL_IF(strcmp(s->device, d->dev.name) != 0 ||
                   !same_model(s->model, d->model),
               err, FL_FORMAT, 0, "%s: a search for %s on %s, not for %s on %s",
               path, s->model, s->device, d->model, d->dev.name);
    FL_TRY(xpl_json_array(root, path, "points", REP_POINTS, &list, err));
    cJSON_ArrayForEach(o, list)
        FL_TRY(point_read(&s->point[s->points++], o, path, err));
    FL_TRY(
        xpl_json_int(root, path, "chosen", -1, s->points - 1, &s->chosen, err));
    if (s->chosen >= 0)
        lanes_read(s->parallelism, sizeof s->parallelism,
                   cJSON_GetArrayItem(list, s->chosen));
    if (!xpl_json_text(root, path, "objective", s->objective,
                       sizeof s->objective, 0))
        s->objective[0] = 0;
    s->prompt = perhaps(root, "prompt");
    s->legal = perhaps(root, "legal");
    s->seconds = perhaps(root, "seconds");
    bound = cJSON_GetObjectItemCaseSensitive(root, "bound");
    s->bound_tok_s = perhaps(bound, "decode_tok_s");
    s->bound_prefill_s = perhaps(bound, "prefill_s");
    return true;
}
