/* SPDX-License-Identifier: Apache-2.0 */
#include "train/segments.h"
#include <stdlib.h>
#include <string.h>

bool segments_init(struct segments *g, const struct net *net,
                   const struct segments_options *o, struct fl_error *err)
{
    size_t d = (size_t)net->shape.d, depth = (size_t)o->depth;
    *g = (struct segments){.net = net, .o = *o};
    FL_FAIL_IF(o->distil > 0 && net->embed < net->train, err, FL_UNSUPPORTED, 0,
               "a backbone that is trained cannot be its own teacher");
    g->segment = calloc(depth, sizeof *g->segment);
    g->m = calloc(2 * (size_t)o->most * d, sizeof *g->m);
    bool ok = g->segment != NULL && g->m != NULL;
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    g->dm = g->m + (size_t)o->most * d;
    ok = ok && head_init(&g->head, net, err);
    if (ok && o->distil > 0) {
        ok = pass_init(&g->teacher, net, o->most * o->segment, false, err);
        g->teacher.plain = true;
    }
    for (int i = 0; ok && i < o->depth; i++) {
        struct segment *s = &g->segment[i];
        s->p = calloc(2 * d, sizeof *s->p);
        s->dp = s->p + d;
        ok = s->p != NULL &&
             pass_init(&s->main, net, o->segment + o->sensory + 2, true, err);
        if (ok && o->memories > 0)
            ok =
                pass_init(&s->summary, net, (o->segment + 1) / 2 + 2, true,
                          err) &&
                search_init(&s->search, net,
                            o->memories < o->most ? o->memories : o->most, err);
    }
    if (!ok)
        segments_free(g);
    return ok;
}

void segments_free(struct segments *g)
{
    for (int i = 0; g->segment != NULL && i < g->o.depth; i++) {
        pass_free(&g->segment[i].main);
        pass_free(&g->segment[i].summary);
        search_free(&g->segment[i].search);
        free(g->segment[i].p);
    }
    free(g->segment);
    free(g->m);
    pass_free(&g->teacher);
    head_free(&g->head);
    *g = (struct segments){0};
}

static size_t row(const struct segments *g, int i)
{
    return (size_t)i * (size_t)g->net->shape.d;
}

static void copy(const struct segments *g, const real *from, real *to)
{
    memcpy(to, from, (size_t)g->net->shape.d * sizeof *to);
}

static void add(const struct segments *g, const real *from, real *to)
{
    for (int i = 0; i < g->net->shape.d; i++)
        to[i] += from[i];
}

/* Embedding rows of n tokens from position `at` of a pass on, and their
 * gradient back. */
static void embed(const struct segments *g, struct pass *p, int at,
                  const int32_t *token, int n)
{
    for (int i = 0; i < n; i++)
        copy(g, g->net->value + g->net->embed + row(g, token[i]),
             p->r + row(g, at + i));
}

static void embed_back(const struct segments *g, const struct pass *p, int at,
                       const int32_t *token, int n, real *grad)
{
    for (int i = 0; g->net->embed < g->net->train && i < n; i++)
        add(g, p->dr + row(g, at + i), grad + g->net->embed + row(g, token[i]));
}

/* Steps 1 and 2: P of segment `index`, whose tokens are x. */
static void find(struct segments *g, struct segment *s, int index,
                 const int32_t *x)
{
    const real *t = g->net->value + g->net->t;
    int queue = index < g->o.memories ? index : g->o.memories;
    s->oldest = index - queue;
    s->searched = queue > 1;
    if (queue == 0)
        copy(g, t, s->p);
    if (queue == 1)
        copy(g, g->m + row(g, s->oldest), s->p);
    if (!s->searched)
        return;
    s->half = (s->n + 1) / 2;
    s->summary.n = s->half + 2;
    copy(g, t, s->summary.r);
    embed(g, &s->summary, 1, x, s->half);
    copy(g, t, s->summary.r + row(g, s->half + 1));
    pass_forward(&s->summary);
    s->inv_s =
        state_forward(g->net, s->summary.r + row(g, s->half + 1), s->search.s);
    search_forward(g->net, &s->search, g->m + row(g, s->oldest), queue, s->p);
}

static void find_back(struct segments *g, struct segment *s, int index,
                      int group, const int32_t *x, real *grad)
{
    real *t = grad + g->net->t;
    if (index == s->oldest)
        add(g, s->dp, t);
    else if (!s->searched && s->oldest >= group)
        add(g, s->dp, g->dm + row(g, s->oldest));
    if (!s->searched)
        return;
    struct pass *p = &s->summary;
    int live = group > s->oldest ? group - s->oldest : 0;
    search_back(g->net, &s->search, g->m + row(g, s->oldest), s->dp, live,
                g->dm + row(g, s->oldest), grad);
    memset(p->dr, 0, row(g, p->n) * sizeof *p->dr);
    state_back(g->net, p->r + row(g, s->half + 1), s->inv_s, s->search.ds,
               p->dr + row(g, s->half + 1));
    pass_backward(p, grad);
    add(g, p->dr, t);
    add(g, p->dr + row(g, s->half + 1), t);
    embed_back(g, p, 1, x, s->half, grad);
}

/* Step 3, and the loss. x is the segment in its text. */
static double main_forward(struct segments *g, struct segment *s, int index,
                           const int32_t *x, bool last, bool scored,
                           real weight, real *grad)
{
    struct pass *p = &s->main;
    int lead = s->lead, n = s->n;
    p->n = 1 + lead + n + !last;
    copy(g, s->p, p->r);
    embed(g, p, 1, x - lead, lead + n);
    if (!last)
        copy(g, s->p, p->r + row(g, 1 + lead + n));
    pass_forward(p);
    if (!last)
        s->inv = state_forward(g->net, p->r + row(g, p->n - 1),
                               g->m + row(g, index));
    memset(p->dr, 0, row(g, p->n) * sizeof *p->dr);
    if (!scored)
        return 0;
    int from = index == 0; /* the text's first token is not predicted */
    struct aim aim = {.token = x + from, .soft = g->o.distil};
    if (g->o.distil > 0) /* its row t predicts token t + 1 */
        aim.teacher = g->teacher.r + row(g, index * g->o.segment + from - 1);
    return head_loss(g->net, &g->head, p->r + row(g, lead + from), &aim,
                     n - from, NULL, weight, p->dr + row(g, lead + from), grad);
}

static void main_backward(struct segments *g, struct segment *s, int index,
                          const int32_t *x, bool last, real *grad)
{
    struct pass *p = &s->main;
    if (!last)
        state_back(g->net, p->r + row(g, p->n - 1), s->inv,
                   g->dm + row(g, index), p->dr + row(g, p->n - 1));
    pass_backward(p, grad);
    copy(g, p->dr, s->dp);
    if (!last)
        add(g, p->dr + row(g, p->n - 1), s->dp);
    embed_back(g, p, 1, x - s->lead, s->lead + s->n, grad);
}

double segments_run(struct segments *g, const int32_t *token, int n, int first,
                    int scored, real weight, real *grad)
{
    int size = g->o.segment, count = (n + size - 1) / size;
    double loss = 0;
    if (g->o.distil > 0) {
        g->teacher.n = n;
        embed(g, &g->teacher, 0, token, n);
        pass_forward(&g->teacher);
    }
    for (int group = first; group < count; group += g->o.depth) {
        int end = group + g->o.depth < count ? group + g->o.depth : count;
        for (int i = group; i < end; i++) {
            struct segment *s = &g->segment[i - group];
            s->n = n - i * size < size ? n - i * size : size;
            s->lead = i == 0 ? 0 : g->o.sensory;
            if (!g->o.memories && i < scored) /* nothing comes of it */
                continue;
            find(g, s, i, token + i * size);
            loss += main_forward(g, s, i, token + i * size, i == count - 1,
                                 i >= scored, weight, grad);
        }
        if (grad == NULL)
            continue;
        memset(g->dm, 0, row(g, g->o.most) * sizeof *g->dm);
        for (int i = end - 1; i >= group; i--) {
            struct segment *s = &g->segment[i - group];
            if (!g->o.memories && i < scored)
                continue;
            main_backward(g, s, i, token + i * size, i == count - 1, grad);
            find_back(g, s, i, group, token + i * size, grad);
        }
    }
    return loss;
}

int segments_scored(const struct segments_options *o, int n, int scored)
{
    return scored == 0 ? n - 1 : n - scored * o->segment;
}
