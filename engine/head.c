/* SPDX-License-Identifier: Apache-2.0 */
/* engine/head.c -- the last linear: logits for callers, or only the score of
 * one token, which needs no logits in memory: a segment of the vocabulary is
 * made, reduced to its maximum and sum, and forgotten.
 */
#include "base/progress.h"
#include "engine/engine_int.h"

struct segments {
    struct engine *e;
    const struct eng_row *row;
    const int *list;
    int n, count;   /* rows, segments a row */
    int32_t *value; /* (n) logits of the targets */
    struct eng_in *in;
};

static void segment_item(void *arg, int s, int thread)
{
    struct segments *j = arg;
    struct engine *e = j->e;
    struct eng_scratch *w = &e->scratch[thread];
    int first = s * ENG_SEGMENT, left = e->m->shape.vocab - first;
    int size = left < ENG_SEGMENT ? left : ENG_SEGMENT, p = e->k->vec / 2;
    struct eng_mm mm = {.e = e,
                        .in = j->in,
                        .rows = j->n,
                        .count = 1,
                        .lin = {&e->head},
                        /* column 0 of y is row 0 of the matrix */
                        .y = {w->part},
                        .y_first = first,
                        .ys = {ENG_SEGMENT}};
    eng_matmul_panels(&mm, first / p, (first + size + p - 1) / p);
    for (int t = 0; t < j->n; t++) {
        const int32_t *l = w->part + t * ENG_SEGMENT;
        int target = j->row[j->list[t]].target - first;
        if (target >= 0 && target < size)
            j->value[t] = l[target];
        e->part[t * j->count + s] = eng_score_part(l, size);
    }
}

/* Scores of n <= ENG_CHUNK rows whose input is in p->w->in. */
static void score_rows(struct eng_pass *p, const int *list, double *nll)
{
    struct engine *e = p->e;
    int32_t value[ENG_CHUNK];
    struct segments j = {.e = e,
                         .row = p->row,
                         .list = list,
                         .n = p->n,
                         .count = (e->m->shape.vocab + ENG_SEGMENT - 1) /
                                  ENG_SEGMENT,
                         .value = value,
                         .in = &p->w->in};
    pool_run(e->pool, segment_item, &j, j.count);
    for (int t = 0; t < p->n; t++)
        nll[list[t]] = eng_score(e->part + t * j.count, j.count, value[t]);
}

static void logit_rows(struct eng_pass *p)
{
    struct engine *e = p->e;
    eng_matmul(&(struct eng_mm){.e = e,
                                .in = &p->w->in,
                                .rows = p->n,
                                .count = 1,
                                .lin = {&e->head},
                                .y = {e->logits},
                                .ys = {e->m->shape.vocab},
                                .parallel = 1});
}

void eng_finish(struct engine *e, const struct eng_row *row, int n, int base,
                void (*on_logits)(void *arg, int row, const int32_t *logits),
                void *arg, double *nll)
{
    int vocab = e->m->shape.vocab;
    for (int logits = 0; logits < 2; logits++) {
        int count = 0;
        for (int t = 0; t < n; t++)
            if (logits ? row[t].logits
                       : nll && row[t].target >= 0 && !row[t].logits)
                e->want[count++] = t;
        for (int from = 0; from < count; from += ENG_HEAD_ROWS) {
            const int *list = e->want + from;
            struct eng_pass p = {.e = e,
                                 .row = row,
                                 .w = e->scratch,
                                 .n = count - from,
                                 .clock = e->profile ? fl_now() : 0};
            p.n = p.n < ENG_HEAD_ROWS ? p.n : ENG_HEAD_ROWS;
            eng_head_in(&p, list);
            if (!logits) {
                score_rows(&p, list, nll + base);
                eng_clock(&p, ENG_HEAD);
                continue;
            }
            logit_rows(&p);
            eng_clock(&p, ENG_HEAD);
            for (int i = 0; i < p.n; i++) {
                const int32_t *l = e->logits + (ptrdiff_t)i * vocab;
                if (nll && row[list[i]].target >= 0)
                    nll[base + list[i]] =
                        eng_nll(l, vocab, row[list[i]].target);
                if (on_logits)
                    on_logits(arg, base + list[i], l);
            }
            eng_clock(&p, ENG_SCORE);
        }
    }
}
