/* SPDX-License-Identifier: Apache-2.0 */
/* quant/report.h -- where a quantisation loses what, on the calibration text.
 *
 *   input of a site   crest = largest / root mean square of a token's channels,
 *                     its mean and its maximum over tokens; mean = share of
 *                     the energy that is the constant vector; snr of its codes
 *   linear            snr of y' = W' c + b' against y = W x + b on the same x
 *                     (what the quantised layers before it produce)
 *
 *     snr = 10 log10( sum (y - mean y)^2 / sum (y' - y)^2 )       in dB
 *
 * With targets (asym > 0) weights do not aim at W x, and the snr of a linear
 * is lower for that.
 */
#ifndef QUANT_REPORT_H
#define QUANT_REPORT_H
#include "quant/quant.h"
#include <stdio.h>

struct cJSON;

struct quant_site_report {
    double abits, clip, crest, crest_max, mean, snr;
};

struct quant_report {
    int layers;
    struct quant_site_report *site; /* (layers * 4 + 1), the head's last */
    double *snr;                    /* (layers * 7 + 1), the head last */
};

/* False: out of memory. */
bool quant_report_init(struct quant_report *r, int layers);
void quant_report_free(struct quant_report *r);

struct cJSON *quant_report_json(const struct quant_report *r);
/* A picture: snr of the linears, crest of the inputs, layer by layer. */
void quant_report_svg(const struct quant_report *r, const char *title, FILE *f);

#endif
