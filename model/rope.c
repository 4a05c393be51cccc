/* SPDX-License-Identifier: Apache-2.0 */
/* model/rope.c -- angles of rotary position embedding, one a channel pair.
 *
 *     inv_freq[i] = base^(-2i/head),  i in 0..head/2
 *
 * and the scalings that stretch them for contexts longer than trained on.
 *
 * source   Su et al., arXiv 2104.09864; Llama 3's scaling as its published
 *          configuration defines it (factor, low and high frequency factor,
 *          original length)
 */
#include "model/source.h"
#include <math.h>
#include <stdlib.h>

bool model_rope(struct model *m, double base, const float *factor,
                struct fl_error *err)
{
    FL_FAIL_IF(!(base > 1 && base <= 1e12), err, FL_RANGE, 0,
               "%s: RoPE base %g", m->path, base);
    int pairs = m->shape.head / 2;
    m->inv_freq = malloc((size_t)pairs * sizeof *m->inv_freq);
    FL_FAIL_IF(!m->inv_freq, err, FL_NOMEM, 0, "%s: out of memory", m->path);
    for (int i = 0; i < pairs; i++) {
        m->inv_freq[i] = pow(base, -2.0 * i / m->shape.head);
        if (!factor)
            continue;
        FL_FAIL_IF(!(factor[i] >= 1e-6f && factor[i] <= 1e6f), err, FL_RANGE,
                   (uint64_t)i, "%s: RoPE factor %d is %g", m->path, i,
                   (double)factor[i]);
        m->inv_freq[i] /= (double)factor[i];
    }
    return true;
}

bool model_rope_linear(struct model *m, double factor, struct fl_error *err)
{
    FL_FAIL_IF(!(factor >= 1 && factor <= 1e6), err, FL_RANGE, 0,
               "%s: RoPE scaling factor %g", m->path, factor);
    for (int i = 0; i < m->shape.head / 2; i++)
        m->inv_freq[i] /= factor;
    return true;
}

bool model_rope_llama3(struct model *m, const struct model_rope3 *r,
                       struct fl_error *err)
{
    FL_FAIL_IF(!(r->factor >= 1 && r->factor <= 1e6 && r->low > 0 &&
                 r->high > r->low && r->seq >= 1),
               err, FL_RANGE, 0,
               "%s: RoPE scaling with factor %g, low %g, high %g, original "
               "length %g",
               m->path, r->factor, r->low, r->high, r->seq);
    for (int i = 0; i < m->shape.head / 2; i++) {
        /* Turns in the original length: many stay, few are stretched. */
        double f = m->inv_freq[i];
        double turns = r->seq * f / (2 * M_PI);
        double keep = (turns - r->low) / (r->high - r->low);
        keep = keep < 0 ? 0 : keep > 1 ? 1 : keep;
        m->inv_freq[i] = keep * f + (1 - keep) * f / r->factor;
    }
    return true;
}
