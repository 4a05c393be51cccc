/* SPDX-License-Identifier: Apache-2.0 */
/* tests/train/tiny.h -- a random Llama of any small shape in fp32. */
#ifndef TESTS_TRAIN_TINY_H
#define TESTS_TRAIN_TINY_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "num/fmodel.h"
#include "train/rng.h"

static const struct num_shape tiny_shape = {.layers = 2,
                                            .d = 12,
                                            .ffn = 20,
                                            .nq = 4,
                                            .nkv = 2,
                                            .head = 4,
                                            .vocab = 19,
                                            .seq = 64,
                                            .tied = 0,
                                            .qkv_bias = 1,
                                            .eps = 1e-5};

static float *tiny_floats(uint64_t *rng, int n, double mean, double dev)
{
    float *x = malloc((size_t)n * sizeof *x);
    assert_non_null(x);
    for (int i = 0; i < n; i++)
        x[i] = (float)(mean + dev * rng_normal(rng));
    return x;
}

static struct num_fmodel tiny_new(const struct num_shape *s, uint64_t seed)
{
    struct num_fmodel m = {.shape = *s};
    int d = s->d, q = s->nq * s->head, kv = s->nkv * s->head;
    uint64_t r = seed;
    m.layer = calloc((size_t)s->layers, sizeof *m.layer);
    assert_non_null(m.layer);
    for (int i = 0; i < s->layers; i++)
        m.layer[i] = (struct num_flayer){
            .norm_attn = tiny_floats(&r, d, 1, 0.2),
            .norm_ffn = tiny_floats(&r, d, 1, 0.2),
            .wq = tiny_floats(&r, q * d, 0, 1 / sqrt(d)),
            .wk = tiny_floats(&r, kv * d, 0, 1 / sqrt(d)),
            .wv = tiny_floats(&r, kv * d, 0, 1 / sqrt(d)),
            .wo = tiny_floats(&r, d * q, 0, 1 / sqrt(q)),
            .gate = tiny_floats(&r, s->ffn * d, 0, 1 / sqrt(d)),
            .up = tiny_floats(&r, s->ffn * d, 0, 1 / sqrt(d)),
            .down = tiny_floats(&r, d * s->ffn, 0, 1 / sqrt(s->ffn)),
            .bq = s->qkv_bias ? tiny_floats(&r, q, 0, 0.3) : NULL,
            .bk = s->qkv_bias ? tiny_floats(&r, kv, 0, 0.3) : NULL,
            .bv = s->qkv_bias ? tiny_floats(&r, kv, 0, 0.3) : NULL};
    m.embed = tiny_floats(&r, s->vocab * d, 0, 0.5);
    m.norm_final = tiny_floats(&r, d, 1, 0.2);
    m.head =
        s->tied ? m.embed : tiny_floats(&r, s->vocab * d, 0, 1.5 / sqrt(d));
    m.inv_freq = malloc((size_t)s->head / 2 * sizeof *m.inv_freq);
    assert_non_null(m.inv_freq);
    for (int i = 0; i < s->head / 2; i++)
        m.inv_freq[i] = pow(100, -2.0 * i / s->head);
    return m;
}

static void tiny_free(struct num_fmodel *m)
{
    for (int i = 0; i < m->shape.layers; i++) {
        struct num_flayer *l = &m->layer[i];
        float *p[] = {l->norm_attn, l->norm_ffn, l->wq,   l->wk, l->wv, l->wo,
                      l->gate,      l->up,       l->down, l->bq, l->bk, l->bv};
        for (size_t k = 0; k < sizeof p / sizeof *p; k++)
            free(p[k]);
    }
    if (m->head != m->embed)
        free(m->head);
    free(m->embed);
    free(m->norm_final);
    free(m->inv_freq);
    free(m->layer);
}

#endif
