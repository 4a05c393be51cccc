/* SPDX-License-Identifier: Apache-2.0 */
/* The integer forward pass against a float forward pass written here on the
 * same codes: every operation of numerics.md in double, no rounding but at
 * the codes. Close logits on several shapes say that no factor, index or sign
 * is wrong; exact bits are the business of test_ops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>
#include "golden/int.h"
#include "num/convert.h"
#include "tests/golden/qmodel_random.h"

enum { SEQ = 12, WIDE = 512 };

static double site_real(const struct num_qsite *s, const double *x, int n,
                        double *y)
{
    double lo = 0, hi = 0, far = 0;
    for (int i = 0; i < n; i++) {
        y[i] = x[i] - (s->mean ? ldexp(s->mean[i], -s->frac) : 0);
        if (i < s->wide) {
            far = fmax(far, fabs(y[i]));
            continue;
        }
        lo = fmin(lo, y[i]);
        hi = fmax(hi, y[i]);
    }
    double clip = s->clip / 65536.0;
    double step =
        s->abits == 4 ? (hi - lo) * clip / 15 : fmax(hi, -lo) * clip / 127;
    step = fmax(step, far * clip / 112);
    double zp = s->abits == 4 ? rint(-lo * clip / step) : 0;
    double min = s->abits == 4 ? 0 : -127, max = s->abits == 4 ? 15 : 127;
    for (int i = 0; i < s->wide; i++)
        y[i] = (fmin(127, fmax(-127, rint(y[i] / step) + zp)) - zp) * step;
    for (int i = s->wide; i < n; i++)
        y[i] = (fmin(max, fmax(min, rint(y[i] / step) + zp)) - zp) * step;
    return step;
}

static void linear_real(const struct num_qlinear *l, const double *x, double *y)
{
    for (int o = 0; o < l->dout; o++) {
        double sum = 0;
        for (int i = 0; i < l->din; i++) {
            int c;
            if (i < l->wide) {
                c = l->w8[o * l->wide + i];
            } else if (l->wbits == 8) {
                c = (int8_t)l->w[o * l->din + i];
            } else {
                int k = i - l->wide;
                int b = l->w[o * ((l->din - l->wide + 1) / 2) + k / 2];
                c = ((k & 1 ? b >> 4 : b & 15) ^ 8) - 8;
                c *= l->wide > 0 ? 8 : 1;
            }
            int m =
                l->group ? l->mul[o * (l->din / l->group) + i / l->group] : 1;
            sum += x[i] * c * m;
        }
        y[o] = sum * ldexp(l->mant[o], l->exp[o]) +
               (l->bias ? ldexp(l->bias[o], -l->frac) : 0);
    }
}

static void norm_real(const double *r, int d, double eps, double *y)
{
    double ms = 0;
    for (int i = 0; i < d; i++)
        ms += r[i] * r[i] / d;
    for (int i = 0; i < d; i++)
        y[i] = r[i] / sqrt(ms + eps);
}

static void had_real(double *x, int n)
{
    struct num_had h = num_had_split(n);
    double y[WIDE];
    for (int i = 0; i < n; i++) {
        y[i] = 0;
        for (int j = 0; j < n; j++)
            y[i] += num_had_entry(h, i, j) * x[j];
    }
    for (int i = 0; i < n; i++)
        x[i] = ldexp(y[i], -num_fht_shift(h.m * h.p));
}

static double kc[4][SEQ][WIDE], vc[4][SEQ][WIDE]; /* codes */

static void code_real(const double *x, int frac, struct num_scale s, int n,
                      double *y)
{
    for (int i = 0; i < n; i++)
        y[i] =
            fmin(127, fmax(-127, rint(ldexp(x[i], frac) * num_scale_real(s))));
}

static void step_real(const struct num_qmodel *m, int token, int pos,
                      double *logits)
{
    const struct num_shape *s = &m->shape;
    int head = s->head, per = s->nq / s->nkv;
    double r[WIDE], x[WIDE], c[WIDE], q[WIDE], k[WIDE], v[WIDE], a[WIDE];
    for (int i = 0; i < s->d; i++)
        r[i] = m->embed[token * s->d + i] *
               ldexp(m->embed_mant[token], m->embed_exp[token]);
    for (int li = 0; li < s->layers; li++) {
        const struct num_qlayer *l = &m->layer[li];
        norm_real(r, s->d, s->eps, x);
        site_real(&l->site[NUM_SITE_ATTN], x, s->d, c);
        linear_real(&l->lin[NUM_Q], c, q);
        linear_real(&l->lin[NUM_K], c, k);
        linear_real(&l->lin[NUM_V], c, v);
        for (int h = 0; h < s->nq + s->nkv; h++) {
            double *z = h < s->nq ? q + h * head : k + (h - s->nq) * head;
            for (int j = 0; j < head / 2; j++) {
                double co = m->rope[pos * head + 2 * j] / 32768.0;
                double si = m->rope[pos * head + 2 * j + 1] / 32768.0;
                double e = z[2 * j], f = z[2 * j + 1];
                z[2 * j] = e * co - f * si;
                z[2 * j + 1] = e * si + f * co;
            }
            if (m->r3)
                had_real(z, head);
        }
        for (int h = 0; h < s->nkv; h++) {
            code_real(k + h * head, l->lin[NUM_K].frac, l->k_scale[h], head,
                      kc[li][pos] + h * head);
            code_real(v + h * head, l->lin[NUM_V].frac, l->v_scale[h], head,
                      vc[li][pos] + h * head);
        }
        for (int h = 0; h < s->nq; h++) {
            int kv = h / per;
            double qc[WIDE], sc[SEQ], max = -1e30, sum = 0;
            code_real(q + h * head, l->lin[NUM_Q].frac, l->q_scale[h], head,
                      qc);
            for (int t = 0; t <= pos; t++) {
                sc[t] = 0;
                for (int i = 0; i < head; i++)
                    sc[t] += qc[i] * kc[li][t][kv * head + i];
                max = fmax(max, sc[t]);
            }
            for (int t = 0; t <= pos; t++) {
                double t2 = (max - sc[t]) * num_scale_real(l->s_scale[h]);
                sc[t] = rint(255 * exp2(-t2 / 65536));
                sum += sc[t];
            }
            for (int i = 0; i < head; i++) {
                double av = 0;
                for (int t = 0; t <= pos; t++)
                    av += sc[t] * vc[li][t][kv * head + i];
                a[h * head + i] =
                    ldexp(av / sum * num_scale_real(l->o_scale[kv]),
                          -l->site[NUM_SITE_O].frac);
            }
        }
        site_real(&l->site[NUM_SITE_O], a, s->nq * head, c);
        linear_real(&l->lin[NUM_O], c, x);
        for (int i = 0; i < s->d; i++)
            r[i] += x[i];
        norm_real(r, s->d, s->eps, x);
        site_real(&l->site[NUM_SITE_FFN], x, s->d, c);
        linear_real(&l->lin[NUM_GATE], c, q);
        linear_real(&l->lin[NUM_UP], c, k);
        for (int i = 0; i < s->ffn; i++)
            q[i] = q[i] / (1 + exp(-q[i])) * k[i];
        if (m->r4)
            had_real(q, s->ffn);
        site_real(&l->site[NUM_SITE_DOWN], q, s->ffn, c);
        linear_real(&l->lin[NUM_DOWN], c, x);
        for (int i = 0; i < s->d; i++)
            r[i] += x[i];
    }
    norm_real(r, s->d, s->eps, x);
    site_real(&m->head_site, x, s->d, c);
    linear_real(&m->head, c, logits);
}

/* Share of the logits' energy that is error, over SEQ tokens. */
static double run(const struct qrandom *o)
{
    struct num_qmodel *m = qrandom_new(o);
    assert_non_null(m);
    struct gold_int g;
    assert_true(gold_int_init(&g, m, SEQ));
    int32_t *li = calloc((size_t)o->shape.vocab, sizeof *li);
    double *lr = calloc((size_t)o->shape.vocab, sizeof *lr);
    double err = 0, all = 0;
    for (int t = 0; t < SEQ; t++) {
        int token = (t * 7 + 3) % o->shape.vocab;
        gold_int_step(&g, token, li);
        step_real(m, token, t, lr);
        for (int i = 0; i < o->shape.vocab; i++) {
            double e = ldexp(li[i], -NUM_LOGIT_FRAC) - lr[i];
            err += e * e;
            all += lr[i] * lr[i];
        }
    }
    free(li);
    free(lr);
    gold_int_free(&g);
    qrandom_free(m);
    return err / all;
}

/* Roundings that fall the other way move a code by one step: up to 1e-3 of
 * the energy at 4 bits, 1e-5 at 8. A wrong factor or index gives over 0.1. */
static void close_to_real(void **state)
{
    struct qrandom a = {.shape = {2, 64, 172, 8, 4, 8, 50, SEQ, 0, 0, 0},
                        .seq = SEQ,
                        .wbits = 4,
                        .abits = 8,
                        .r4 = 1,
                        .seed = 1};
    struct qrandom b = {.shape = {2, 36, 60, 6, 2, 8, 33, SEQ, 0, 0, 1e-6},
                        .seq = SEQ,
                        .wbits = 8,
                        .abits = 8,
                        .r3 = 1,
                        .r4 = 1,
                        .mean = 1,
                        .bias = 1,
                        .seed = 2};
    struct qrandom c = {.shape = {3, 96, 80, 3, 1, 24, 64, SEQ, 0, 0, 0},
                        .seq = SEQ,
                        .wbits = 4,
                        .abits = 4,
                        .head_wbits = 8,
                        .group = 16,
                        .mean = 1,
                        .bias = 1,
                        .r4 = 1,
                        .seed = 3};
    struct qrandom d = {.shape = {1, 10, 7, 1, 1, 6, 5, SEQ, 0, 0, 0},
                        .seq = SEQ,
                        .wbits = 4,
                        .abits = 4,
                        .head_abits = 4,
                        .seed = 4};
    struct qrandom e8 = {.shape = {2, 67, 40, 3, 1, 24, 64, SEQ, 0, 0, 0},
                         .seq = SEQ,
                         .wbits = 4,
                         .abits = 4,
                         .head_abits = 4,
                         .mean = 1,
                         .bias = 1,
                         .wide = 24,
                         .seed = 5};
    struct qrandom *all[] = {&a, &b, &c, &d, &e8};
    const double limit[] = {1e-3, 1e-3, 2e-2, 2e-2, 2e-2};
    for (int i = 0; i < 5; i++) {
        double e = run(all[i]);
        print_message("case %d: error energy %.3g\n", i, e);
        assert_true(e < limit[i]);
    }
}

/* Two runs of one model agree, and the cache's size changes nothing. */
static void cache_size_is_free(void **state)
{
    struct qrandom o = {.shape = {2, 64, 172, 8, 4, 8, 50, SEQ, 0, 0, 0},
                        .seq = SEQ,
                        .wbits = 4,
                        .abits = 4,
                        .r4 = 1,
                        .seed = 9};
    struct num_qmodel *m = qrandom_new(&o);
    struct gold_int a, b;
    int32_t la[50], lb[50];
    assert_true(gold_int_init(&a, m, 5));
    assert_true(gold_int_init(&b, m, SEQ));
    for (int t = 0; t < 5; t++) {
        gold_int_step(&a, t, t == 4 ? la : NULL);
        gold_int_step(&b, t, lb);
    }
    assert_memory_equal(la, lb, sizeof la);
    gold_int_free(&a);
    gold_int_free(&b);
    assert_false(gold_int_init(&a, m, 0));
    assert_false(gold_int_init(&a, m, SEQ + 1));
    qrandom_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(close_to_real),
        cmocka_unit_test(cache_size_is_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
