/* SPDX-License-Identifier: Apache-2.0 */
/* quant/work.h -- what the files of quant/ share: a linear on its way from
 * real weights to codes, and the passes over it. Inside quant/ only.
 *
 * Matrices are fp32, row-major; n counts tokens; H is (din, din).
 */
#ifndef QUANT_WORK_H
#define QUANT_WORK_H
#include "num/fmodel.h"
#include "num/qmodel.h"
#include "quant/quant.h"
#include <stddef.h>

/* ---- rotate.c: exact changes of basis --------------------------------- */

enum { QT_PART = 64 };

/* An orthogonal matrix of order n: x -> H (sign * x) / sqrt(block), or x -> M x. */
struct qt_rotation {
    int n;
    float *sign;   /* (n) +-1 */
    float *matrix; /* (n, n) M; both NULL: the identity */
    float *room;   /* (QT_PART, n) for products with M */
};

bool qt_rotation_init(struct qt_rotation *r, int n, uint64_t seed, bool on);
void qt_rotation_free(struct qt_rotation *r);
/* Each row of x (rows, n). */
void qt_rotate_rows(const struct qt_rotation *r, float *x, size_t rows);
/* Each column of x (n, columns). False: out of memory. */
bool qt_rotate_columns(const struct qt_rotation *r, float *x, size_t columns);

/* R itself, (n, n), times `factor`; signs by seed where `signs`. The caller
 * frees it; NULL: out of memory. */
float *qt_rotation_matrix(int n, bool signs, uint64_t seed, double factor);

/* ---- gptq.c: a linear's codes ------------------------------------ */

struct qt_linear {
    int din, dout;
    float *w;     /* (dout, din) the target; after rounding: its real values */
    int8_t *code; /* (dout, din) */
    float *scale; /* (dout) real value of one code, representable */
    uint8_t *mul; /* (dout, groups), NULL: no groups */
    int wide;     /* columns with i8 codes of an eighth of the step */
};

struct qt_rounding {
    int wbits, group;
    bool clip, gptq;
    double damp;
    int sweeps;
};

/* Rounds l->w; h is the second moment of its (centred, quantised) input, NULL
 * for none. Fills code, scale, mul and puts the real values into w. */
bool qt_round(struct qt_linear *l, const float *h, const struct qt_rounding *o,
              struct fl_error *err);

/* w = w C H^-1 moved by `share`: the weights that give the same outputs on
 * this input as w on the input that C = sum x_target x^T was made with. */
bool qt_retarget(float *w, int dout, int din, const float *h, const float *c,
                 double share, double damp, struct fl_error *err);

/* ---- clip.c: scales ----------------------------------------------------- */

/* Scales (and multipliers) of all rows: for each row or group the clip with
 * the least sum of weight[i] (w - s code)^2; weight NULL: ones. */
void qt_scales(struct qt_linear *l, const float *weight, int wbits, int group,
               bool clip);

/* Real value of a code step of input i in row o. */
static inline float qt_step(const struct qt_linear *l, int group, int o, int i)
{
    if (l->mul == NULL)
        return l->scale[o] / (i < l->wide ? NUM_WIDE_UNIT : 1);
    return l->scale[o] * (float)l->mul[(size_t)o * (size_t)(l->din / group) +
                                       (size_t)(i / group)];
}

/* ---- balance.c ---------------------------------------------------------- */

/* Variances (width) of n tokens scaled to length one; mean gets the mean. */
void qt_variance(const float *x, size_t n, int width, bool centred,
                 double *mean, double *var);
/* The gains of n channels from their variances and the squared norms of the
 * columns that read them. */
void qt_gains(const double *var, const double *norm2, int n, float *gain);

/* ---- calib.c ------------------------------------------------------------ */

/* (sequences, length) tokens; the caller frees. */
struct tok;
bool qt_calibration(const struct quant_options *o, const struct tok *t,
                    int32_t **token, int *sequences, char hash[17],
                    struct fl_error *err);

/* ---- act.c: what happens between linears, on many tokens -------------- */

/* x (n, d) = rmsnorm(r). */
void qt_norm(const float *r, float *x, size_t n, int d, double eps);
/* mean (width) over n rows. */
void qt_mean(const float *x, size_t n, int width, double *mean);
/* A site's codes as real values, in place: mean (NULL: none) out, then abits
 * a token. 16: only the mean. The first `wide` channels have i8 codes where
 * abits is 4, else wide is 0. */
void qt_site(float *x, size_t n, int width, const float *mean, int abits,
             double clip, int wide);
/* y (n, dout) = x w^T + bias. */
void qt_apply(const float *w, const float *bias, const float *x, float *y,
              size_t n, int din, int dout);
/* h += x^T x; c += a^T x, all (din, din). */
void qt_moment(float *h, const float *x, size_t n, int din);
void qt_cross(float *c, const float *a, const float *x, size_t n, int din);
/* u = silu(g) * u. */
void qt_silu_mul(const float *g, float *u, size_t n);

/* Attention of sequences of `length` tokens: q (n, qh h), k, v (n, kvh h)
 * before RoPE; a (n, qh h). Quantised where `codes`: q, k, v by max values
 * per head, probabilities by u8. */
struct qt_attention {
    const struct num_shape *s;
    const double *inv_freq;
    int length;
    bool codes;
    float score;                  /* factor of q k beside 1 / sqrt(h); 0: 1 */
    float *q_max, *k_max, *v_max; /* (heads): real value of code 127 */
};
void qt_rope(const struct qt_attention *at, float *x, size_t n, int heads);
void qt_head_max(const float *x, size_t n, int heads, int head, float *max);
bool qt_attend(const struct qt_attention *at, float *q, float *k, float *v,
               float *a, size_t n);

/* ---- export.c ------------------------------------------------------------ */

struct pkg;
bool qt_export_weights(const struct pkg *p, const char *path, bool bf16,
                       struct fl_error *err);

#endif
