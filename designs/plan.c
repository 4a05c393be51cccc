/* SPDX-License-Identifier: Apache-2.0 */
/* designs/plan.c -- formats of a scheme, put on a shape. */
#include "designs/plan.h"
#include <stdlib.h>
#include <string.h>

static const struct scheme {
    const char *name;
    int wbits, abits;
} scheme[] = {{"w4a8kv8", 4, 8}, {"w4a4kv8", 4, 4}, {"w8a8kv8", 8, 8}};

static struct num_qlinear linear(int din, int dout, int wbits, int obits)
{
    return (struct num_qlinear){
        .din = din, .dout = dout, .wbits = wbits, .obits = obits};
}

static void layer_fill(struct num_qlayer *y, const struct num_shape *s,
                       const struct scheme *f)
{
    int q = s->nq * s->head, kv = s->nkv * s->head, act = NUM_ACT_BITS;
    for (int i = 0; i < 4; i++)
        y->site[i] = (struct num_qsite){.abits = f->abits, .clip = 65536};
    y->lin[NUM_Q] = linear(s->d, q, f->wbits, act);
    y->lin[NUM_K] = linear(s->d, kv, f->wbits, act);
    y->lin[NUM_V] = linear(s->d, kv, f->wbits, act);
    y->lin[NUM_O] = linear(q, s->d, f->wbits, NUM_RES_BITS);
    y->lin[NUM_GATE] = linear(s->d, s->ffn, f->wbits, act);
    y->lin[NUM_UP] = linear(s->d, s->ffn, f->wbits, act);
    y->lin[NUM_DOWN] = linear(s->ffn, s->d, f->wbits, NUM_RES_BITS);
}

static bool shape_check(const struct num_shape *s, struct fl_error *err)
{
    FL_FAIL_IF(s->layers < 1 || s->layers > NUM_MAX_LAYERS || s->d < 1 ||
                   s->d > NUM_MAX_DIM || s->ffn < 1 || s->ffn > NUM_MAX_DIM ||
                   s->head < 2 || s->head > NUM_MAX_HEAD || s->head % 2 != 0 ||
                   s->vocab < 1 || s->vocab > NUM_MAX_VOCAB || s->seq < 1 ||
                   s->seq > NUM_MAX_SEQ,
               err, FL_RANGE, 0,
               "a model of %d layers, d %d, ffn %d, head %d, vocab %d, seq %d "
               "is out of range",
               s->layers, s->d, s->ffn, s->head, s->vocab, s->seq);
    FL_FAIL_IF(s->nkv < 1 || s->nq < s->nkv || s->nq % s->nkv != 0 ||
                   s->nq > NUM_MAX_DIM / s->head,
               err, FL_RANGE, 0,
               "%d query heads cannot share %d key/value heads", s->nq, s->nkv);
    return true;
}

bool dsn_plan_make(struct dsn_plan *p, const struct num_shape *s,
                   const char *name, struct fl_error *err)
{
    *p = (struct dsn_plan){0};
    const struct scheme *f = 0;
    for (size_t i = 0; i < sizeof scheme / sizeof *scheme; i++)
        if (strcmp(name, scheme[i].name) == 0)
            f = &scheme[i];
    FL_FAIL_IF(f == 0, err, FL_RANGE, 0,
               "no scheme \"%.40s\"; there are w4a8kv8, w4a4kv8 and w8a8kv8",
               name);
    FL_TRY(shape_check(s, err));
    p->layer = calloc((size_t)s->layers, sizeof *p->layer);
    FL_FAIL_IF(p->layer == 0, err, FL_NOMEM, 0, "out of memory");
    for (int l = 0; l < s->layers; l++)
        layer_fill(&p->layer[l], s, f);
    p->model = (struct num_qmodel){
        .shape = *s,
        .seq = s->seq,
        .kvbits = 8,
        .r4 = 1,
        .layer = p->layer,
        .head_site = {.abits = f->abits, .clip = 65536},
        .head = linear(s->d, s->vocab, f->wbits, NUM_ACT_BITS),
    };
    return true;
}

void dsn_plan_free(struct dsn_plan *p)
{
    free(p->layer);
    *p = (struct dsn_plan){0};
}
