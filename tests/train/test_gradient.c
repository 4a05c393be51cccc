/* SPDX-License-Identifier: Apache-2.0 */
/* tests/train/test_gradient.c -- every gradient against finite differences,
 * in double, through the whole graph of an HMT: five segments (the last one
 * short), a queue of two or three memories, so that search, ring and sensory
 * tokens all take part; and that a group of segments really ends gradients.
 *
 * The difference is of fourth order: (8 (f1 - f-1) - (f2 - f-2)) / 12 h.
 */
#include "tests/train/tiny.h"
#include "train/segments.h"

enum { SEGMENT = 6, SENSORY = 2, TOKENS = 4 * SEGMENT + 3, SEGMENTS = 5 };

static int32_t token[TOKENS];

struct problem {
    struct num_fmodel m;
    struct net net;
    struct segments g;
    real *grad;
};

static void start(struct problem *p, bool full, bool tied, int memories,
                  int depth, real distil)
{
    struct fl_error err = {0};
    struct num_shape s = tiny_shape;
    s.tied = tied;
    s.qkv_bias = !tied;
    p->m = tiny_new(&s, 5);
    struct net_options o = {.dm = 5,
                            .rank = 2,
                            .alpha = 3,
                            .parts = 127,
                            .full = full,
                            .first = -1,
                            .seed = 11};
    if (!net_init(&p->net, &p->m, &o, &err))
        fail_msg("%s", err.msg);
    uint64_t rng = 3; /* LoRA's b begins as zero, which would hide a */
    for (int i = 0; i < p->net.groups; i++) {
        const struct net_group *g = &p->net.group[i];
        if (strstr(g->name, ".b") != NULL && strstr(g->name, "bias") == NULL)
            for (size_t k = 0; k < g->n; k++)
                p->net.value[g->at + k] = 0.3 * rng_normal(&rng);
    }
    struct segments_options so = {SEGMENT, SENSORY,  memories,
                                  depth,   SEGMENTS, distil};
    if (!segments_init(&p->g, &p->net, &so, &err))
        fail_msg("%s", err.msg);
    p->grad = calloc(p->net.train, sizeof *p->grad);
    assert_non_null(p->grad);
    for (int i = 0; i < TOKENS; i++)
        token[i] = (int32_t)(rng_next(&rng) % (uint64_t)s.vocab);
}

static void finish(struct problem *p)
{
    segments_free(&p->g);
    net_free(&p->net);
    tiny_free(&p->m);
    free(p->grad);
}

/* The loss as a function of one number moved by h. */
static double loss(struct problem *p, size_t at, double h, int first)
{
    real kept = p->net.value[at];
    p->net.value[at] += h;
    double l = segments_run(&p->g, token, TOKENS, first, first, 1, NULL);
    p->net.value[at] = kept;
    return l;
}

/* ||grad - difference|| / ||difference|| of a group, on at most 60 of its
 * numbers. */
static double group_error(struct problem *p, const struct net_group *g,
                          int first)
{
    double h = 1e-3, wrong = 0, size = 0;
    size_t step = g->n > 60 ? g->n / 60 : 1;
    for (size_t i = 0; i < g->n; i += step) {
        size_t at = g->at + i;
        double d = (8 * (loss(p, at, h, first) - loss(p, at, -h, first)) -
                    (loss(p, at, 2 * h, first) - loss(p, at, -2 * h, first))) /
                   (12 * h);
        wrong += (d - p->grad[at]) * (d - p->grad[at]);
        size += d * d;
    }
    assert_true(size > 1e-12);
    return sqrt(wrong / size);
}

static void check_all(struct problem *p, int first)
{
    double worst = 0;
    for (int i = 0; i < p->net.groups; i++) {
        double e = group_error(p, &p->net.group[i], first);
        worst = e > worst ? e : worst;
        if (!(e < 1e-6))
            fail_msg("%s: relative error %.2e", p->net.group[i].name, e);
    }
    print_message("%d groups of %zu numbers, worst relative error %.1e\n",
                  p->net.groups, p->net.train, worst);
}

static void whole_graph(void **state)
{
    static const struct {
        bool full, tied;
        int memories;
        real distil;
    } cases[] = {{1, 0, 3, 0}, {1, 1, 2, 0}, {0, 0, 1, 0}, {0, 1, 3, 0.7}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct problem p;
        start(&p, cases[i].full, cases[i].tied, cases[i].memories, SEGMENTS,
              cases[i].distil);
        segments_run(&p.g, token, TOKENS, 0, 0, 1, p.grad);
        if (cases[i].memories == 1) { /* one memory is not searched for */
            for (int k = 0; k < p.net.groups; k++)
                if (p.net.group[k].at == p.net.wq ||
                    p.net.group[k].at == p.net.wk)
                    p.net.group[k] = p.net.group[p.net.groups - 1];
        }
        check_all(&p, 0);
        finish(&p);
    }
}

/* With groups of one segment, the loss of the last segment is differentiated
 * with its memories held: exactly the function that starts from them. */
static void detaches(void **state)
{
    struct problem p, q;
    start(&p, false, false, 3, 1, 0);
    segments_run(&p.g, token, TOKENS, 0, SEGMENTS - 1, 1, p.grad);
    for (int i = 0; i < SEGMENTS * p.net.shape.d; i++)
        assert_true(p.g.dm[i] == 0); /* nothing reached any memory */
    check_all(&p, SEGMENTS - 1);     /* its g.m is still that of the run */
    start(&q, false, false, 3, SEGMENTS, 0);
    segments_run(&q.g, token, TOKENS, 0, SEGMENTS - 1, 1, q.grad);
    double apart = 0;
    for (size_t i = 0; i < p.net.train; i++)
        apart += fabs(p.grad[i] - q.grad[i]);
    assert_true(apart > 0.1); /* the old segments do matter */
    finish(&p);
    finish(&q);

    /* Groups of two: segments 2 and 3 are one, 0 and 1 before it constant. */
    start(&p, false, false, 3, 2, 0);
    segments_run(&p.g, token, 4 * SEGMENT, 0, 3, 1, p.grad);
    int d = p.net.shape.d;
    for (int i = 0; i < 2 * d; i++)
        assert_true(p.g.dm[i] == 0);
    double live = 0;
    for (int i = 2 * d; i < 3 * d; i++)
        live += fabs(p.g.dm[i]);
    assert_true(live > 1e-3);
    finish(&p);
}

/* weight scales, and gradients of two runs add up. */
static void adds(void **state)
{
    struct problem p;
    start(&p, false, false, 2, 2, 0);
    double a = segments_run(&p.g, token, TOKENS, 0, 0, 1, p.grad);
    real *once = malloc(p.net.train * sizeof *once);
    assert_non_null(once);
    memcpy(once, p.grad, p.net.train * sizeof *once);
    double b = segments_run(&p.g, token, TOKENS, 0, 0, 0.5, p.grad);
    assert_true(a == b);
    for (size_t i = 0; i < p.net.train; i++)
        assert_true(fabs(p.grad[i] - 1.5 * once[i]) < 1e-12);
    assert_int_equal(segments_scored(&p.g.o, TOKENS, 0), TOKENS - 1);
    assert_int_equal(segments_scored(&p.g.o, TOKENS, 4), 3);
    free(once);
    finish(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_graph),
        cmocka_unit_test(detaches),
        cmocka_unit_test(adds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
