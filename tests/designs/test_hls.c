/* SPDX-License-Identifier: Apache-2.0 */
/* tests/designs/test_hls.c -- the designs against the golden integer model:
 * random models of awkward shapes, several parallelisms, both schemes, prompts
 * of 1, 2, TP and not a multiple of TP tokens; every logit of every position,
 * every token, greedy and sampled, and the end token.
 *
 * Without arguments: all cases. With one: the case of that name.
 */
#include "tests/check.h"
#include "tests/designs/against.h"
#include "tests/golden/qmodel_random.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test {
    const char *name;
    struct qrandom model;
    const char *lanes;
};

#define SHAPE(l, dd, f, q, kv, h, v)                                           \
    {.layers = l,                                                              \
     .d = dd,                                                                  \
     .ffn = f,                                                                 \
     .nq = q,                                                                  \
     .nkv = kv,                                                                \
     .head = h,                                                                \
     .vocab = v,                                                               \
     .eps = 1e-5}

/* The third shape has dq != d, 3 query heads a group, and 12 * 4 in its
 * Hadamard; the vocabularies are no multiple of bp. */
static const struct test tests[] = {
    {"small",
     {SHAPE(2, 16, 24, 4, 2, 8, 37), 40, 4, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0},
     "tp=4,wp=8,bp=2,dwp=4,ch=2,kp=4,hp=1,ap=2,pch=2,deep=7"},
    {"ones",
     {SHAPE(2, 16, 24, 4, 2, 8, 37), 40, 4, 0, 8, 0, 0, 1, 1, 1, 1, 2, 0},
     "tp=1,wp=1,bp=1,dwp=1,ch=1,kp=1,hp=1"},
    {"odd",
     {SHAPE(3, 40, 48, 6, 2, 4, 53), 40, 4, 8, 4, 0, 0, 1, 1, 0, 1, 3, 0},
     "tp=3,wp=24,bp=4,dwp=12,ch=3,kp=4,hp=2,pch=3,turns=1"},
    {"groups",
     {SHAPE(2, 32, 48, 4, 2, 8, 40), 40, 4, 0, 8, 0, 16, 1, 1, 0, 1, 5, 0},
     "tp=2,wp=5,bp=4,dwp=12,ch=1,kp=8,hp=2,ap=2,fm=4"},
    {"split", /* 24 does not divide 16 and 40: those linears have no groups */
     {SHAPE(2, 40, 48, 2, 1, 8, 40), 40, 4, 8, 4, 0, 24, 0, 0, 0, 1, 6, 0},
     "tp=3,wp=7,bp=2,dwp=6,ch=2,kp=4,hp=1"},
    {"channels", /* some of them wide */
     {SHAPE(2, 40, 48, 6, 2, 4, 53), 40, 4, 0, 4, 4, 0, 1, 1, 0, 1, 7, 16},
     "tp=3,wp=24,bp=4,dwp=12,ch=3,kp=4,hp=2,pch=3,turns=1"},
    {"wide",
     {SHAPE(1, 64, 172, 8, 4, 8, 64), 40, 8, 0, 8, 0, 0, 1, 1, 1, 1, 4, 0},
     "tp=8,wp=5,bp=2,dwp=6,ch=4,kp=8,hp=3,ap=1,pch=5"},
};

static void generate(struct hls *e, const struct num_qmodel *m,
                     const char *name, int n, const struct hls_want *want)
{
    struct hls_stats stats;
    int prompt[64];
    uint64_t seed = (uint64_t)n;
    for (int i = 0; i < n; i++)
        prompt[i] = (int)(qrandom_word(&seed) % (uint64_t)m->shape.vocab);
    failures += against_golden(e, m, name, prompt, n, want, &stats);
    if (want->eos_count > 0)
        CHECK(stats.stopped && stats.generated < want->tokens,
              "%s: no end token in %d", name, stats.generated);
}

/* What a caller may get wrong, and a caller that has had enough. */
static bool enough(void *user, int id)
{
    return ++*(int *)user < 2 && id >= 0;
}

static void ask(struct hls *e, const struct num_qmodel *m)
{
    struct fl_error err;
    int ids[64] = {0}, count = 0;
    struct hls_want want = {.tokens = 4, .sampling = {.k = 1}};
    CHECK(!hls_generate(e, ids, 0, &want, 0, 0, 0, &err) &&
              strstr(err.msg, "empty") != 0,
          "an empty prompt");
    CHECK(!hls_generate(e, ids, m->seq, &want, 0, 0, 0, &err) &&
              strstr(err.msg, "positions") != 0,
          "a prompt too long");
    ids[1] = m->shape.vocab;
    CHECK(!hls_generate(e, ids, 2, &want, 0, 0, 0, &err) &&
              strstr(err.msg, "vocabulary") != 0,
          "a token out of range");
    ids[1] = 0;
    want.sampling.k = 65;
    CHECK(!hls_generate(e, ids, 2, &want, 0, 0, 0, &err) &&
              strstr(err.msg, "candidates") != 0,
          "too many candidates");
    want.sampling.k = 1;
    CHECK(hls_generate(e, ids, 2, &want, enough, &count, 0, &err) && count == 2,
          "a caller that stops: %d tokens", count);
}

static void case_run(const struct test *t)
{
    struct fl_error err;
    struct num_qmodel *m = qrandom_new(&t->model);
    struct dsn_config c = {0};
    if (m == 0)
        abort();
    CHECK(dsn_config_parse(&c, t->lanes, &err), "%s", err.msg);
    struct hls_options o = {.config = &c, .exact_depth = 1};
    struct hls *e = hls_open(m, &o, &err);
    CHECK(e != 0, "%s: %s", t->name, e != 0 ? "" : err.msg);
    if (e != 0) {
        struct hls_want greedy = {.tokens = 6, .sampling = {.k = 1}};
        static const int prompts[] = {1, 2, 9, 17};
        for (int i = 0; i < 4; i++)
            generate(e, m, t->name, prompts[i], &greedy);
        struct hls_want draw = {
            .tokens = 12,
            .sampling = {5, {47274, -15}, 60000, 7},
        };
        generate(e, m, t->name, 3, &draw);
        draw.sampling.t_scale.exp = 300; /* almost no temperature */
        generate(e, m, t->name, 2, &draw);
        draw.sampling.t_scale.exp = -300; /* all alike */
        generate(e, m, t->name, 2, &draw);
        draw.sampling.t_scale.exp = -15;
        draw.sampling.k = m->shape.vocab < 64 ? m->shape.vocab : 64;
        draw.sampling.top_p = 65536;
        draw.tokens = 20;
        generate(e, m, t->name, 5, &draw);
        draw.eos[0] = m->shape.vocab - 1; /* every second token is an end */
        for (int k = 0; k < 8; k++)
            draw.eos[k] = k * 4 + 1;
        draw.eos_count = 8;
        generate(e, m, t->name, 4, &draw);
        ask(e, m);
        hls_close(e);
    }
    qrandom_free(m);
    printf("%-8s %s\n", t->name, failures ? "FAILED" : "ok");
}

int main(int argc, char **argv)
{
    int ran = 0;
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        if (argc < 2 || strcmp(argv[1], tests[i].name) == 0) {
            case_run(&tests[i]);
            ran++;
        }
    CHECK(ran > 0, "no such case");
    return failures != 0;
}
