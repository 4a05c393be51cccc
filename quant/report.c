/* SPDX-License-Identifier: Apache-2.0 */
#include "quant/report.h"
#include "quant/mix.h"
#include "quant/run.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool quant_report_init(struct quant_report *r, int layers)
{
    size_t n = (size_t)layers;
    *r = (struct quant_report){.layers = layers};
    r->site = calloc(n * 4 + 1, sizeof *r->site);
    r->snr = calloc(n * NUM_LINEARS + 1, sizeof *r->snr);
    if (r->site != NULL && r->snr != NULL)
        return true;
    quant_report_free(r);
    return false;
}

void quant_report_free(struct quant_report *r)
{
    free(r->site);
    free(r->snr);
    *r = (struct quant_report){0};
}

/* Up to `most` tokens of the site's input, spread over the text, into x. */
static size_t sample(const struct run *r, size_t most, float *x)
{
    enum { PART = 16 };
    size_t parts = r->n / PART, take = most / PART, n = 0;
    take = take < parts ? take : parts;
    for (size_t i = 0; i < take; i++, n += PART)
        run_fetch(r, r->in, i * parts / take * PART, PART,
                  x + n * (size_t)r->in.width);
    return n;
}

static double decibel(double signal, double noise)
{
    return 10 * log10((signal + 1e-300) / (noise + 1e-300));
}

void run_report_site(struct run *r, int layer, int site)
{
    if (r->o->report == NULL)
        return;
    struct quant_site_report *to = &r->o->report->site[layer * 4 + site % 4];
    size_t w = (size_t)r->in.width, n = sample(r, 512, r->x);
    double all = 0, constant = 0, noise = 0;
    memcpy(r->y, r->x, n * w * sizeof *r->y);
    run_code(r, r->y, n, r->in.width, r->in_abits);
    *to = (struct quant_site_report){.abits = r->in_abits, .clip = r->act_clip};
    for (size_t t = 0; t < n; t++) {
        double energy = 1e-30, max = 0;
        for (size_t i = 0; i < w; i++) {
            double x = r->x[t * w + i], m = r->o->no_mean ? 0 : r->mean_q[i];
            double e = r->y[t * w + i] + m - x;
            energy += x * x;
            max = fabs(x) > max ? fabs(x) : max;
            noise += e * e;
        }
        double crest = max / sqrt(energy / (double)w);
        to->crest += crest / (double)n;
        to->crest_max = crest > to->crest_max ? crest : to->crest_max;
        all += energy;
    }
    for (size_t i = 0; i < w; i++)
        constant += (double)n * r->mean_q[i] * r->mean_q[i];
    to->mean = constant / (all + 1e-300);
    to->snr = decibel(all - constant, noise);
}

void run_report_linear(struct run *r, int layer, int which, const float *w,
                       const float *own, const float *real, const float *bias,
                       int dout)
{
    if (r->o->report == NULL)
        return;
    /* x lies in r->x; y and y' share r->y */
    size_t out = (size_t)dout, din = (size_t)r->in.width;
    size_t room = (size_t)CHUNK * (size_t)r->widest / (2 * out);
    size_t n = sample(r, room < 512 ? room : 512, r->x);
    float *y = r->y, *z = r->y + n * out;
    if (n == 0)
        return;
    qt_apply(w, own, r->x, y, n, (int)din, dout);
    run_code(r, r->x, n, (int)din, r->in_abits);
    qt_apply(real, bias, r->x, z, n, (int)din, dout);
    double signal = 0, noise = 0;
    for (size_t o = 0; o < out; o++) {
        double sum = 0, square = 0;
        for (size_t t = 0; t < n; t++) {
            double a = y[t * out + o], e = z[t * out + o] - a;
            sum += a;
            square += a * a;
            noise += e * e;
        }
        signal += square - sum * sum / (double)n;
    }
    r->o->report->snr[layer * NUM_LINEARS + which % NUM_LINEARS] =
        decibel(signal, noise);
}

static void site_json(cJSON *layer, const char *name,
                      const struct quant_site_report *s)
{
    cJSON *o = cJSON_AddObjectToObject(layer, name);
    cJSON_AddNumberToObject(o, "abits", s->abits);
    cJSON_AddNumberToObject(o, "clip", s->clip);
    cJSON_AddNumberToObject(o, "crest", s->crest);
    cJSON_AddNumberToObject(o, "crest_max", s->crest_max);
    cJSON_AddNumberToObject(o, "mean", s->mean);
    cJSON_AddNumberToObject(o, "snr", s->snr);
}

cJSON *quant_report_json(const struct quant_report *r)
{
    static const char *const linear[NUM_LINEARS] = {"q",    "k",  "v",   "o",
                                                    "gate", "up", "down"};
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(root, "layers");
    for (int l = 0; l < r->layers; l++) {
        cJSON *o = cJSON_CreateObject();
        cJSON *in = cJSON_AddObjectToObject(o, "inputs");
        cJSON *snr = cJSON_AddObjectToObject(o, "snr");
        for (int i = 0; i < 4; i++)
            site_json(in, quant_site_name(i), &r->site[l * 4 + i]);
        for (int i = 0; i < NUM_LINEARS; i++)
            cJSON_AddNumberToObject(snr, linear[i],
                                    r->snr[l * NUM_LINEARS + i]);
        cJSON_AddItemToArray(list, o);
    }
    cJSON *head = cJSON_AddObjectToObject(root, "head");
    site_json(head, "input", &r->site[r->layers * 4]);
    cJSON_AddNumberToObject(head, "snr", r->snr[r->layers * NUM_LINEARS]);
    return root;
}
