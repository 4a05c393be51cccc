/* SPDX-License-Identifier: Apache-2.0 */
/* num/convert.h -- scales and real numbers, for the host side only: what a
 * quantiser, a command line or a test needs. No engine converts at run time.
 */
#ifndef NUM_CONVERT_H
#define NUM_CONVERT_H
#include <math.h>
#include "num/num.h"

/* The scale nearest to x; {0, 0} unless x is finite and positive. Exponents
 * stay within +-16383 for every double. */
static inline struct num_scale num_scale_of(double x)
{
    struct num_scale s = {0, 0};
    if (!(x > 0) || !(x < HUGE_VAL))
        return s;
    int e;
    double m = frexp(x, &e); /* [0.5, 1) */
    long mant = lrint(ldexp(m, 16));
    if (mant == 65536) {
        mant = 32768;
        e++;
    }
    s.mant = (uint16_t)mant;
    s.exp = (int16_t)(e - 16);
    return s;
}

static inline double num_scale_real(struct num_scale s)
{
    return ldexp(s.mant, s.exp);
}

#endif
