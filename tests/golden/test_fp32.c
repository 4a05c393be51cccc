/* SPDX-License-Identifier: Apache-2.0 */
/* The fp32 pass against a forward pass in double written as the formulas are,
 * and the shadow against the integer pass it stands beside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>
#include "golden/fp32.h"
#include "golden/int.h"
#include "golden/matmul.h"
#include "golden/shadow.h"
#include "num/convert.h"
#include "tests/golden/qmodel_random.h"

enum { D = 20, F = 28, NQ = 4, NKV = 2, H = 6, V = 30, L = 2, SEQ = 90 };

static uint64_t rng = 3;

static float *rnd(size_t n, double size)
{
    float *p = malloc(n * sizeof *p);
    for (size_t i = 0; i < n; i++)
        p[i] =
            (float)(size * ((double)(qrandom_word(&rng) >> 11) * 0x1p-52 - 1));
    return p;
}

static double dot(const float *w, const double *x, int n)
{
    double s = 0;
    for (int i = 0; i < n; i++)
        s += w[i] * x[i];
    return s;
}

static void norm(const double *r, const float *gamma, double *y)
{
    double ms = 1e-5;
    for (int i = 0; i < D; i++)
        ms += r[i] * r[i] / D;
    for (int i = 0; i < D; i++)
        y[i] = r[i] / sqrt(ms) * gamma[i];
}

static double kc[L][SEQ][NKV * H], vc[L][SEQ][NKV * H];

static void forward(const struct num_fmodel *m, int token, int pos, double *out)
{
    double r[D], x[D], q[NQ * H], a[NQ * H], h[F];
    for (int i = 0; i < D; i++)
        r[i] = m->embed[token * D + i];
    for (int l = 0; l < L; l++) {
        const struct num_flayer *w = &m->layer[l];
        double *k = kc[l][pos], *v = vc[l][pos];
        norm(r, w->norm_attn, x);
        for (int o = 0; o < NQ * H; o++)
            q[o] = dot(w->wq + o * D, x, D) + w->bq[o];
        for (int o = 0; o < NKV * H; o++) {
            k[o] = dot(w->wk + o * D, x, D) + w->bk[o];
            v[o] = dot(w->wv + o * D, x, D) + w->bv[o];
        }
        for (int o = 0; o < (NQ + NKV) * H; o += 2) {
            double *z = o < NQ * H ? q + o : k + o - NQ * H;
            double t = pos * m->inv_freq[o % H / 2], b = z[0];
            z[0] = b * cos(t) - z[1] * sin(t);
            z[1] = b * sin(t) + z[1] * cos(t);
        }
        for (int o = 0; o < NQ * H; o++) {
            int head = o / H, at = head / (NQ / NKV) * H;
            double sum = 0, y = 0;
            for (int t = 0; t <= pos; t++) {
                double s = 0;
                for (int i = 0; i < H; i++)
                    s += q[head * H + i] * kc[l][t][at + i];
                s = exp(s / sqrt(H));
                sum += s;
                y += s * vc[l][t][at + o % H];
            }
            a[o] = y / sum;
        }
        for (int o = 0; o < D; o++)
            r[o] += dot(w->wo + o * NQ * H, a, NQ * H);
        norm(r, w->norm_ffn, x);
        for (int o = 0; o < F; o++) {
            double g = dot(w->gate + o * D, x, D);
            h[o] = g / (1 + exp(-g)) * dot(w->up + o * D, x, D);
        }
        for (int o = 0; o < D; o++)
            r[o] += dot(w->down + o * F, h, F);
    }
    norm(r, m->norm_final, x);
    for (int o = 0; o < V; o++)
        out[o] = dot(m->head + o * D, x, D);
}

static void fp32(void **state)
{
    struct num_flayer layer[L];
    double inv[H / 2] = {1, 0.1, 0.01};
    struct num_fmodel m = {.shape = {L, D, F, NQ, NKV, H, V, SEQ, 0, 1, 1e-5},
                           .layer = layer,
                           .embed = rnd(V * D, 1),
                           .norm_final = rnd(D, 2),
                           .head = rnd(V * D, 1),
                           .inv_freq = inv};
    for (int l = 0; l < L; l++)
        layer[l] = (struct num_flayer){.norm_attn = rnd(D, 2),
                                       .norm_ffn = rnd(D, 2),
                                       .wq = rnd(NQ * H * D, 0.4),
                                       .wk = rnd(NKV * H * D, 0.4),
                                       .wv = rnd(NKV * H * D, 0.4),
                                       .wo = rnd(D * NQ * H, 0.4),
                                       .gate = rnd(F * D, 0.4),
                                       .up = rnd(F * D, 0.4),
                                       .down = rnd(D * F, 0.4),
                                       .bq = rnd(NQ * H, 1),
                                       .bk = rnd(NKV * H, 1),
                                       .bv = rnd(NKV * H, 1)};
    int token[SEQ];
    double want[SEQ][V];
    static float got[SEQ * V], one[SEQ * V];
    for (int t = 0; t < SEQ; t++) {
        token[t] = (t * t + 5) % V;
        forward(&m, token[t], t, want[t]);
    }
    struct gold_fp32 g;
    assert_true(gold_fp32_init(&g, &m, SEQ));
    gold_fp32_block(&g, token, 64, 64, got);
    gold_fp32_block(&g, token + 64, SEQ - 64, SEQ - 64, got + 64 * V);
    for (int t = 0; t < SEQ; t++)
        for (int i = 0; i < V; i++)
            assert_true(fabs(got[t * V + i] - want[t][i]) < 2e-4);
    gold_fp32_reset(&g); /* token by token: the very same */
    for (int t = 0; t < SEQ; t++)
        gold_fp32_block(&g, token + t, 1, 1, one + t * V);
    assert_memory_equal(got, one, sizeof got);
    gold_fp32_reset(&g); /* the last of a block only */
    gold_fp32_block(&g, token, 10, 1, one);
    assert_memory_equal(got + 9 * V, one, V * sizeof *one);
    gold_fp32_free(&g);
    for (int l = 0; l < L; l++) {
        float *p[] = {layer[l].norm_attn, layer[l].norm_ffn, layer[l].wq,
                      layer[l].wk,        layer[l].wv,       layer[l].wo,
                      layer[l].gate,      layer[l].up,       layer[l].down,
                      layer[l].bq,        layer[l].bk,       layer[l].bv};
        for (int i = 0; i < 12; i++)
            free(p[i]);
    }
    free(m.embed);
    free(m.head);
    free(m.norm_final);
}

static void shadow(void **state)
{
    const struct qrandom all[] = {
        {.shape = {2, 64, 172, 8, 4, 8, 50, SEQ, 0, 0, 0},
         .seq = SEQ,
         .wbits = 4,
         .abits = 8,
         .r4 = 1,
         .seed = 1},
        {.shape = {2, 36, 60, 6, 2, 8, 33, SEQ, 0, 0, 1e-6},
         .seq = SEQ,
         .wbits = 8,
         .abits = 8,
         .r3 = 1,
         .r4 = 1,
         .mean = 1,
         .bias = 1,
         .seed = 2},
        {.shape = {1, 96, 80, 3, 1, 24, 64, SEQ, 0, 0, 0},
         .seq = SEQ,
         .wbits = 4,
         .abits = 4,
         .group = 16,
         .mean = 1,
         .bias = 1,
         .r4 = 1,
         .seed = 3}};
    for (int k = 0; k < 3; k++) {
        struct num_qmodel *q = qrandom_new(&all[k]);
        struct gold_fp32 g;
        struct gold_int gi;
        int v = q->shape.vocab, token[40];
        assert_true(gold_shadow_init(&g, q, 40, NULL));
        assert_true(gold_int_init(&gi, q, 40));
        float *lf = malloc(sizeof *lf * 40 * (size_t)v);
        int32_t *li = malloc(sizeof *li * (size_t)v);
        for (int t = 0; t < 40; t++)
            token[t] = (t * 7 + 3) % v;
        gold_fp32_block(&g, token, 40, 40, lf);
        double err = 0, size = 0;
        for (int t = 0; t < 40; t++) {
            gold_int_step(&gi, token[t], li);
            for (int i = 0; i < v; i++) {
                double e = lf[t * v + i] - ldexp(li[i], -NUM_LOGIT_FRAC);
                err += e * e;
                size += (double)lf[t * v + i] * lf[t * v + i];
            }
        }
        print_message("shadow %d: error energy %.3g\n", k, err / size);
        assert_true(err / size < (all[k].abits == 4 ? 3e-2 : 2e-3));
        free(lf);
        free(li);
        gold_int_free(&gi);
        gold_fp32_free(&g);
        qrandom_free(q);
    }
}

static void pieces(void **state)
{
    for (double x = -86.9; x < 80; x += 0.0137) {
        float y = (float)x;
        gold_exp_fp32(&y, 1);
        assert_true(fabs(y / exp((float)x) - 1) < 3e-7);
    }
    float low = -200;
    gold_exp_fp32(&low, 1);
    assert_true(low == 0);
    const int sizes[] = {6, 16, 36, 112, 172, 192};
    for (int k = 0; k < 6; k++) {
        int n = sizes[k];
        struct num_had h = num_had_split(n);
        float *x = rnd((size_t)n, 1), y[192];
        memcpy(y, x, (size_t)n * sizeof *x);
        gold_fht_fp32(y, n);
        for (int i = 0; i < n; i++) {
            double s = 0;
            for (int j = 0; j < n; j++)
                s += num_had_entry(h, i, j) * x[j];
            assert_true(fabs(ldexp(s, -num_fht_shift(h.m * h.p)) - y[i]) <
                        1e-5);
        }
        free(x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pieces),
                                       cmocka_unit_test(fp32),
                                       cmocka_unit_test(shadow)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
