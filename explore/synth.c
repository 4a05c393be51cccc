/* SPDX-License-Identifier: Apache-2.0 */
/* explore/synth.c -- the rows of docs/synthesis.json and lines through them. */
#include "explore/synth.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char xpl_synthesis_json[]; /* built from docs/ */

enum { KINDS = 3, MODULES = 40, ROWS = 16 }; /* lut ff dsp */

struct module {
    int rows;
    struct xpl_lanes at[ROWS];
    double dsp[ROWS], n[2][ROWS][2]; /* lut, ff of xc7 and of xcup */
    int packed;                      /* rows that have xc7 */
};

static struct module module[MODULES];
static bool loaded;

/* ---- lanes --------------------------------------------------------------- */

/* A result that attention_av normalises takes as much as this many of its
 * lanes (KP HP): 1,369 LUT, as rows with NP 4 and 1 differ, and 29 a lane. */
enum { NORMALISE = 47 };

/* A token of softmax takes as much as this many heads that it keeps maximum and
 * sum of: rows with TP 2 and 1 differ by 1,464 LUT, with HP 4 and 1 (TP 2) by
 * 487. */
enum { EXPONENT = 17 };

#define LANES(name, expression)                                                \
    static double name(const struct xpl_params *p)                             \
    {                                                                          \
        return expression;                                                     \
    }
LANES(tp, p->tp)
LANES(bp, p->bp)
LANES(tp_bp, p->tp * p->bp)
LANES(tp_wp, p->tp * p->wp)
LANES(bp_wp, p->bp * p->wp)
LANES(tp_kp, p->tp * p->kp)
LANES(weigh, p->tp *(EXPONENT + p->hp))
LANES(tp_kp_np, p->tp *(p->kp + 2 * p->np))
LANES(mix, p->tp *(p->kp * p->hp + NORMALISE * p->np))
LANES(tp_bp_m, p->tp * p->bp * p->m)
LANES(wide, p->bits *(p->m > p->n ? p->m : p->n))
LANES(bits, p->bits * p->n)
LANES(bits_ways, p->bits * p->n * p->ways)
LANES(list, p->topk)
LANES(one, 1)

/* A module: what its logic and its multipliers grow with. */
static const struct {
    const char *name;
    double (*logic)(const struct xpl_params *);
    double (*mul)(const struct xpl_params *);
} shape[] = {
    {"linear_prefill", tp_wp, tp_wp},
    {"linear_decode", bp_wp, bp_wp},
    {"softmax", weigh, tp},
    {"quantise", tp_bp, tp_bp},
    {"rmsnorm", tp_bp, tp_bp},
    {"rope", tp_bp, tp_bp},
    {"fht", tp_bp_m, one},
    {"dequantise", tp, tp},
    {"dequantise_decode", bp, bp},
    {"silu_mul", tp_bp, tp_bp},
    {"quantise_static", tp_bp, tp_bp},
    {"residual", tp_bp, one},
    {"attention_qk", tp_kp, tp_kp},
    {"attention_av", mix, tp_kp_np},
    {"embed", tp_bp, tp_bp},
    {"sampler", list, one},
    {"kv_write", tp_bp, one},
    {"kv_read", one, one},
    {"settle", one, one},
    {"widen", wide, one},
    {"narrow", wide, one},
    {"fork", bits_ways, one},
    {"split", bits_ways, one},
    {"join", bits_ways, one},
    {"cast", bits, one},
};
enum { SHAPES = sizeof shape / sizeof *shape };

static int find(const char *name)
{
    for (int k = 0; k < SHAPES; k++)
        if (strcmp(shape[k].name, name) == 0)
            return k;
    return -1;
}

struct xpl_lanes xpl_lanes_of(const char *name, const struct xpl_params *p)
{
    int k = find(name);
    if (k < 0)
        return (struct xpl_lanes){0, 0};
    return (struct xpl_lanes){shape[k].logic(p), shape[k].mul(p)};
}

/* ---- the table ----------------------------------------------------------- */

/* "TP=2 WP=4 ELEM=i27" */
static struct xpl_params params(const char *text)
{
    struct xpl_params p = {0};
    const struct {
        const char *name;
        double *to;
    } f[] = {{"TP", &p.tp},     {"BP", &p.bp},     {"WP", &p.wp},
             {"KP", &p.kp},     {"HP", &p.hp},     {"NP", &p.np},
             {"N", &p.n},       {"M", &p.m},       {"WAYS", &p.ways},
             {"TOPK", &p.topk}, {"ELEM", &p.bits}, {"ELEM_X", &p.bits}};
    while (*text != 0) {
        size_t n = strcspn(text, "= "), end = strcspn(text, " ");
        for (size_t k = 0; n < end && k < sizeof f / sizeof *f; k++)
            if (strlen(f[k].name) == n && strncmp(f[k].name, text, n) == 0) {
                const char *v = text + n + 1;
                *f[k].to = strtod(v + (*v == 'i' || *v == 'u'), 0);
            }
        text += end + (text[end] == ' ');
    }
    return p;
}

static double figure(const cJSON *row, const char *target, const char *key)
{
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(row, target);
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsNumber(v) && v->valuedouble >= 0 ? v->valuedouble
                                                    : (double)NAN;
}

static void row_read(const cJSON *row)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(row, "module");
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(row, "parameters");
    int k = cJSON_IsString(name) ? find(name->valuestring) : -1;
    double dsp = figure(row, "xcup", "dsp");
    if (k < 0 || !cJSON_IsString(text) || isnan(dsp) || module[k].rows == ROWS)
        return;
    struct xpl_params p = params(text->valuestring);
    struct module *m = &module[k];
    m->at[m->rows] = xpl_lanes_of(name->valuestring, &p);
    static const char *const target[] = {"xc7", "xcup"};
    for (int t = 0; t < 2; t++) {
        m->n[t][m->rows][XPL_lut] = figure(row, target[t], "lut");
        m->n[t][m->rows][XPL_ff] = figure(row, target[t], "ff");
    }
    m->dsp[m->rows] = dsp;
    m->packed += !isnan(m->n[0][m->rows][XPL_lut]);
    m->rows++;
}

bool xpl_synth_use(const char *json)
{
    memset(module, 0, sizeof module);
    loaded = true;
    cJSON *root =
        cJSON_Parse(json != 0 ? json : (const char *)xpl_synthesis_json);
    const cJSON *row;
    bool ok = cJSON_IsArray(root);
    if (ok)
        cJSON_ArrayForEach(row, root) row_read(row);
    cJSON_Delete(root);
    return ok;
}

/* ---- the line ------------------------------------------------------------ */

/* Value and error at x of the line through (x[i], y[i]). */
static void line(const double *x, const double *y, int n, double at,
                 double *value, double *error)
{
    double mx = 0, my = 0, xx = 0, xy = 0, rest = 0, top = 0, top_y = 0;
    for (int i = 0; i < n; i++) {
        mx += x[i] / n;
        my += y[i] / n;
        if (x[i] > top) {
            top = x[i];
            top_y = y[i];
        }
    }
    for (int i = 0; i < n; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        xy += (x[i] - mx) * (y[i] - my);
    }
    double scaled = top > 0 ? top_y * at / top : top_y;
    if (xx == 0) {
        *value = my;
        *error = 0;
        return;
    }
    double slope = xy / xx > 0 ? xy / xx : 0;
    for (int i = 0; i < n; i++)
        rest += pow(y[i] - my - slope * (x[i] - mx), 2);
    *value = fmax(my + slope * (at - mx), 0);
    *error =
        n == 2
            ? fabs(*value - scaled)
            : sqrt(rest / (n - 2) * (1 + 1.0 / n + (at - mx) * (at - mx) / xx));
}

/* True where the rows say something of that width: of two widths, or of that
 * very one. */
static bool spans(const struct module *m, const struct xpl_lanes *at)
{
    for (int i = 0; i < m->rows; i++)
        if (m->at[i].logic != m->at[0].logic || m->at[i].logic == at->logic)
            return true;
    return false;
}

int xpl_synth(const char *name, const struct xpl_lanes *at,
              struct xpl_fabric *n, struct xpl_fabric *err)
{
    *n = *err = (struct xpl_fabric){{0}};
    if (!loaded)
        xpl_synth_use(0);
    int k = find(name);
    const struct module *m = k < 0 ? 0 : &module[k];
    if (m == 0 || !spans(m, at))
        return 0;
    for (int kind = 0; kind < KINDS; kind++) {
        double x[ROWS], y[ROWS];
        int mul = kind == XPL_dsp;
        for (int i = 0; i < m->rows; i++) {
            x[i] = mul ? m->at[i].mul : m->at[i].logic;
            y[i] = mul ? m->dsp[i] : m->n[m->packed < m->rows][i][kind];
        }
        line(x, y, m->rows, mul ? at->mul : at->logic, &n->n[kind],
             &err->n[kind]);
    }
    return m->rows;
}
