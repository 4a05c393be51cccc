/* SPDX-License-Identifier: Apache-2.0 */
#include "train/hmt_eval.h"
#include <stdlib.h>
#include <string.h>
#include "train/rng.h"

const char *const hmt_way_name[HMT_WAYS] = {"as-is", "zero", "t", "shuffled",
                                            "last"};

struct eval {
    const struct net *net;
    const struct hmt_eval_options *o;
    struct pass pass;
    struct search search;
    struct head head;
    real *m, *spare; /* (memories, d) the ring; the same, shuffled */
    real *p;         /* (d) */
    double *weight;  /* (memories) newest first */
    uint64_t rng;
};

static size_t row(const struct eval *e, int i)
{
    return (size_t)i * (size_t)e->net->shape.d;
}

static void copy(const struct eval *e, const real *from, real *to)
{
    memcpy(to, from, row(e, 1) * sizeof *to);
}

static void embed(struct eval *e, int at, const int32_t *token, int n)
{
    for (int i = 0; i < n; i++)
        copy(e, e->net->value + e->net->embed + row(e, token[i]),
             e->pass.r + row(e, at + i));
}

/* The rows of the queue in a random order that leaves none in its place. */
static void shuffle(struct eval *e, int count)
{
    int turn = 1 + (int)(rng_uniform(&e->rng) * (count - 1));
    for (int i = 0; i < count; i++)
        copy(e, e->m + row(e, (i + turn) % count), e->spare + row(e, i));
}

/* Steps 1 and 2 of docs/hmt.md. */
static void find(struct eval *e, int index, const int32_t *x, int n)
{
    const real *t = e->net->value + e->net->t;
    int slots = e->o->memories, half = (n + 1) / 2;
    int count = index < slots ? index : slots;
    copy(e, t, e->p);
    if (count == 0 || e->o->way == HMT_T)
        return;
    int newest = (index - 1) % slots;
    copy(e, e->m + row(e, newest), e->p);
    e->weight[0] = 1;
    if (e->o->way == HMT_ZERO)
        memset(e->p, 0, row(e, 1) * sizeof *e->p);
    if (count == 1 || e->o->way == HMT_LAST || e->o->way == HMT_ZERO)
        return;
    e->pass.n = half + 2;
    copy(e, t, e->pass.r);
    embed(e, 1, x, half);
    copy(e, t, e->pass.r + row(e, half + 1));
    pass_forward(&e->pass);
    state_forward(e->net, e->pass.r + row(e, half + 1), e->search.s);
    search_forward(e->net, &e->search, e->m, count, e->p);
    for (int age = 0; age < count; age++)
        e->weight[age] = e->search.p[(newest - age + count) % count];
    if (e->o->way == HMT_SHUFFLED) {
        shuffle(e, count);
        real_ab(1, e->net->shape.d, count, 1, e->search.p, count, e->spare,
                e->net->shape.d, 0, e->p, e->net->shape.d);
    }
}

/* Steps 3 and 4; x is the segment in its text. */
static void score(struct eval *e, int index, const int32_t *x, int n,
                  double *nll)
{
    struct pass *p = &e->pass;
    int lead = index == 0 ? 0 : e->o->sensory, from = index == 0;
    p->n = lead + n + 2;
    copy(e, e->p, p->r);
    embed(e, 1, x - lead, lead + n);
    copy(e, e->p, p->r + row(e, p->n - 1));
    pass_forward(p);
    if (from)
        nll[0] = 0;
    head_loss(e->net, &e->head, p->r + row(e, lead + from),
              &(struct aim){.token = x + from}, n - from, nll + from, 1, NULL,
              NULL);
    if (e->o->memories > 0)
        state_forward(e->net, p->r + row(e, p->n - 1),
                      e->m + row(e, index % e->o->memories));
}

static bool start(struct eval *e, struct fl_error *err)
{
    int slots = e->o->memories > 0 ? e->o->memories : 1;
    e->m = malloc((2 * row(e, slots) + row(e, 1)) * sizeof *e->m);
    e->weight = calloc((size_t)slots, sizeof *e->weight);
    FL_FAIL_IF(e->m == NULL || e->weight == NULL, err, FL_NOMEM, 0,
               "out of memory");
    e->spare = e->m + row(e, slots);
    e->p = e->spare + row(e, slots);
    return pass_init(&e->pass, e->net, e->o->segment + e->o->sensory + 2, false,
                     err) &&
           search_init(&e->search, e->net, slots, err) &&
           head_init(&e->head, e->net, err);
}

bool hmt_eval(const struct net *net, const struct hmt_eval_options *o,
              const int32_t *token, size_t n, double *nll, struct fl_error *err)
{
    struct eval e = {.net = net, .o = o, .rng = 1};
    size_t size = (size_t)o->segment;
    for (size_t i = 0; i < n; i++)
        FL_FAIL_IF(token[i] < 0 || token[i] >= net->shape.vocab, err, FL_RANGE,
                   i, "token %d is outside the vocabulary of %d", token[i],
                   net->shape.vocab);
    openblas_set_num_threads(o->threads);
    bool ok = start(&e, err);
    for (size_t at = 0; ok && at < n; at += size) {
        int index = (int)(at / size);
        int len = (int)(n - at < size ? n - at : size);
        memset(e.weight, 0,
               (size_t)(o->memories > 0 ? o->memories : 1) * sizeof *e.weight);
        find(&e, index, token + at, len);
        score(&e, index, token + at, len, nll + at);
        if (o->on_segment != NULL)
            o->on_segment(o->user, index, e.weight,
                          index < o->memories ? index : o->memories);
    }
    pass_free(&e.pass);
    search_free(&e.search);
    head_free(&e.head);
    free(e.m);
    free(e.weight);
    return ok;
}

struct hmt_sums hmt_eval_sums(const double *nll, size_t n, int segment)
{
    struct hmt_sums s = {0};
    for (size_t i = 1; i < n; i++) {
        size_t at = i % (size_t)segment, from = i - at;
        size_t len = n - from < (size_t)segment ? n - from : (size_t)segment;
        s.all += nll[i];
        s.tokens++;
        if (at >= (len + 1) / 2) {
            s.second += nll[i];
            s.second_tokens++;
        }
    }
    return s;
}
