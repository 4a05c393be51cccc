/* SPDX-License-Identifier: Apache-2.0 */
/* quant/clip.c -- a row's scale: the share of its largest weight that gives
 * the least weighted squared error when codes are the nearest ones. */
#include "golden/matmul.h"
#include "num/convert.h"
#include "quant/work.h"
#include <math.h>

static inline float nearest(float x)
{
    return (x + 12582912.0f) - 12582912.0f;
}

static GOLD_CLONES float error(const float *w, const float *weight, int n,
                               float step, float lo, float hi)
{
    float inv = 1 / step, e[8] = {0};
    for (int i = 0; i < n; i++) {
        float c = w[i] * inv;
        c = nearest(c < lo ? lo : c > hi ? hi : c);
        float d = w[i] - c * step;
        e[i % 8] += d * d * (weight == NULL ? 1 : weight[i]);
    }
    return ((e[0] + e[1]) + (e[2] + e[3])) + ((e[4] + e[5]) + (e[6] + e[7]));
}

/* The step of w[0 .. n). 0 where all are 0. */
static float best_step(const float *w, const float *weight, int n, int wbits,
                       bool clip)
{
    float lo = wbits == 4 ? -8 : -127, hi = wbits == 4 ? 7 : 127;
    float max = 0;
    for (int i = 0; i < n; i++)
        max = fabsf(w[i]) > max ? fabsf(w[i]) : max;
    float best = max / hi;
    if (!clip || max == 0)
        return best;
    float least = error(w, weight, n, best, lo, hi);
    for (int k = 49; k >= (wbits == 4 ? 18 : 35); k--) {
        float step = max / hi * (float)k / 50;
        float e = error(w, weight, n, step, lo, hi);
        if (e < least) {
            least = e;
            best = step;
        }
    }
    return best;
}

void qt_scales(struct qt_linear *l, const float *weight, int wbits, int group,
               bool clip)
{
    int size = l->mul == NULL ? l->din : group, groups = l->din / size;
#pragma omp parallel for schedule(dynamic, 16)
    for (int o = 0; o < l->dout; o++) {
        const float *row = l->w + (size_t)o * (size_t)l->din;
        float step[NUM_MAX_DIM / 8], most = 0;
        for (int g = 0; g < groups; g++) {
            int from = g * size + l->wide; /* no groups where wide */
            step[g] =
                best_step(row + from, weight == NULL ? NULL : weight + from,
                          size - l->wide, wbits, clip);
            most = step[g] > most ? step[g] : most;
        }
        most = most < 1e-20f ? 1e-20f : most;
        struct num_scale s = num_scale_of(l->mul == NULL ? most : most / 255);
        l->scale[o] = (float)num_scale_real(s);
        for (int g = 0; l->mul != NULL && g < groups; g++)
            l->mul[(size_t)o * (size_t)groups + (size_t)g] =
                (uint8_t)num_clamp(lrintf(step[g] / l->scale[o]), 1, 255);
    }
}
