/* SPDX-License-Identifier: Apache-2.0 */
/* quant/bits.c -- which tensor has how many bits: the scheme's, unless
 * quant_options.abits says otherwise for a site in every layer, unless
 * quant_options.mix says otherwise for one tensor. And the other way round:
 * what a quantised model spends.
 */
#include "quant/mix.h"
#include "quant/run.h"
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static const char *const site_name[QUANT_SITES] = {"attn", "o", "ffn", "down",
                                                   "head"};
static const int site_of[NUM_LINEARS] = {
    NUM_SITE_ATTN, NUM_SITE_ATTN, NUM_SITE_ATTN, NUM_SITE_O,
    NUM_SITE_FFN,  NUM_SITE_FFN,  NUM_SITE_DOWN};

const char *quant_site_name(int site)
{
    return site_name[site];
}

int quant_site_find(const char *name, size_t n)
{
    for (int i = 0; i < QUANT_SITES; i++)
        if (strlen(site_name[i]) == n && memcmp(site_name[i], name, n) == 0)
            return i;
    return -1;
}

static const struct quant_pick *pick(const struct run *r, int layer, int site)
{
    for (int i = 0; i < r->o->mix.n; i++)
        if (r->o->mix.pick[i].layer == layer && r->o->mix.pick[i].site == site)
            return &r->o->mix.pick[i];
    return NULL;
}

int run_abits(const struct run *r, int layer, int site)
{
    const struct quant_pick *p = pick(r, site == QUANT_HEAD ? -1 : layer, site);
    if (p != NULL && p->abits != 0)
        return p->abits;
    if (r->o->abits[site] != 0)
        return r->o->abits[site];
    return site == QUANT_HEAD ? 8 : r->o->scheme[3] - '0';
}

int run_wbits(const struct run *r, int layer, int which)
{
    bool head = which == NUM_LINEARS;
    const struct quant_pick *p =
        head ? pick(r, -1, QUANT_HEAD) : pick(r, layer, site_of[which]);
    if (p != NULL && p->wbits != 0)
        return p->wbits;
    if (head && r->o->head_wbits != 0)
        return r->o->head_wbits;
    return r->o->scheme[1] - '0';
}

/* A number of bits under `name`, 4 or 8; absent: 0. */
static bool bits(const cJSON *o, const char *name, const char *file, int at,
                 int *to, struct fl_error *err)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);
    *to = cJSON_IsNumber(v) ? (int)cJSON_GetNumberValue(v) : 0;
    FL_FAIL_IF(v != NULL && *to != 4 && *to != 8, err, FL_FORMAT, 0,
               "%s: entry %d: %s is not 4 or 8", file, at, name);
    return true;
}

static bool entry(const cJSON *o, const char *file, int at,
                  struct quant_pick *p, struct fl_error *err)
{
    const char *site =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, "site"));
    const cJSON *layer = cJSON_GetObjectItemCaseSensitive(o, "layer");
    p->site = site == NULL ? -1 : quant_site_find(site, strlen(site));
    FL_FAIL_IF(p->site < 0, err, FL_FORMAT, 0,
               "%s: entry %d: site is not one of attn, o, ffn, down, head",
               file, at);
    double n = p->site == QUANT_HEAD   ? -1
               : cJSON_IsNumber(layer) ? cJSON_GetNumberValue(layer)
                                       : -2;
    FL_FAIL_IF(!(n >= -1 && n < 65536) || (n < 0 && p->site != QUANT_HEAD), err,
               FL_FORMAT, 0, "%s: entry %d: no layer", file, at);
    p->layer = (int)n;
    return bits(o, "abits", file, at, &p->abits, err) &&
           bits(o, "wbits", file, at, &p->wbits, err);
}

bool quant_mix_parse(struct quant_mix *m, const char *text, size_t size,
                     const char *name, struct fl_error *err)
{
    *m = (struct quant_mix){0};
    cJSON *root = cJSON_ParseWithLength(text, size);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "mix");
    int n = cJSON_GetArraySize(list);
    bool ok = cJSON_IsArray(list);
    if (!ok)
        fl_fail(err, FL_FORMAT, 0,
                "%s: no JSON object with a list \"mix\" in it", name);
    m->pick = ok ? calloc((size_t)n + 1, sizeof *m->pick) : NULL;
    if (ok && m->pick == NULL) {
        fl_fail(err, FL_NOMEM, 0, "out of memory");
        ok = false;
    }
    int at = 0;
    for (const cJSON *o = ok ? list->child : NULL; ok && o; o = o->next, at++)
        ok = entry(o, name, at, &m->pick[at], err);
    m->n = ok ? n : 0;
    cJSON_Delete(root);
    if (!ok)
        quant_mix_free(m);
    return ok;
}

void quant_mix_free(struct quant_mix *m)
{
    free(m->pick);
    *m = (struct quant_mix){0};
}

cJSON *quant_mix_json(const struct quant_mix *m)
{
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < m->n; i++) {
        const struct quant_pick *p = &m->pick[i];
        cJSON *o = cJSON_CreateObject();
        if (p->layer >= 0)
            cJSON_AddNumberToObject(o, "layer", p->layer);
        cJSON_AddStringToObject(o, "site", site_name[p->site]);
        if (p->abits)
            cJSON_AddNumberToObject(o, "abits", p->abits);
        if (p->wbits)
            cJSON_AddNumberToObject(o, "wbits", p->wbits);
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

static void spend(const struct num_qlinear *l, int abits,
                  struct quant_spending *s)
{
    double macs = (double)l->din * l->dout, wide = (double)l->wide * l->dout;
    bool all = abits == 8 || l->wbits == 8;
    s->macs += macs;
    s->macs8 += all ? macs : wide;
    s->weight_bits += wide * 4 + macs * l->wbits;
}

struct quant_spending quant_spending(const struct num_qmodel *m)
{
    struct quant_spending s = {0};
    for (int l = 0; l < m->shape.layers; l++)
        for (int i = 0; i < NUM_LINEARS; i++)
            spend(&m->layer[l].lin[i], m->layer[l].site[site_of[i]].abits, &s);
    spend(&m->head, m->head_site.abits, &s);
    s.weight_bits /= s.macs;
    return s;
}

double quant_site_macs(const struct num_shape *s, int site)
{
    double d = s->d, q = (double)s->nq * s->head, kv = (double)s->nkv * s->head;
    const double macs[QUANT_SITES] = {d * (q + 2 * kv), d * q, 2 * d * s->ffn,
                                      d * s->ffn, d * s->vocab};
    return macs[site];
}

bool quant_tokens(const struct quant_options *o, const struct tok *t,
                  int32_t **token, int *sequences, struct fl_error *err)
{
    char hash[17];
    return qt_calibration(o, t, token, sequences, hash, err);
}

struct ratio {
    double key;
    int i;
};

static int falling(const void *a, const void *b)
{
    const struct ratio *x = a, *y = b;
    return x->key != y->key ? (x->key < y->key) - (x->key > y->key)
                            : x->i - y->i;
}

/* Of a site's multiplications that its wide channels make 8-bit. */
static double share8(const struct num_shape *s, int site, int wide)
{
    return site == NUM_SITE_O || site == NUM_SITE_DOWN ? 0
                                                       : (double)wide / s->d;
}

bool quant_mix_choose(struct quant_mix *m, const struct num_shape *s,
                      const double *gain, double budget, int wbits, int wide,
                      struct fl_error *err)
{
    int n = s->layers * 4 + 1;
    struct ratio *order = malloc((size_t)n * sizeof *order);
    *m = (struct quant_mix){0};
    m->pick = calloc((size_t)n, sizeof *m->pick);
    FL_FAIL_IF(order == NULL || (m->pick == NULL && (free(order), 1)), err,
               FL_NOMEM, 0, "out of memory");
    double all = quant_site_macs(s, QUANT_HEAD), used = 0;
    for (int i = 0; i < n; i++) {
        int site = i == n - 1 ? QUANT_HEAD : i % 4;
        double macs = quant_site_macs(s, site), had = share8(s, site, wide);
        all += i == n - 1 ? 0 : macs;
        used += had * macs;
        order[i] = (struct ratio){gain[i] / (macs * (1 - had)), i};
    }
    qsort(order, (size_t)n, sizeof *order, falling);
    for (int k = 0; k < n; k++) {
        int i = order[k].i, site = i == n - 1 ? QUANT_HEAD : i % 4;
        double macs = quant_site_macs(s, site) * (1 - share8(s, site, wide));
        if (gain[i] <= 0 || used + macs > budget * all)
            continue;
        used += macs;
        m->pick[m->n++] = (struct quant_pick){site == QUANT_HEAD ? -1 : i / 4,
                                              site, 8, wbits};
    }
    free(order);
    return true;
}
