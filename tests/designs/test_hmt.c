/* SPDX-License-Identifier: Apache-2.0 */
/* tests/designs/test_hmt.c -- designs/hmt.c in the native view against the
 * integer engine and the golden model: random models and memories, queues as
 * deep as declared; prompts of less than a segment, of whole segments, of
 * twelve and a bit; generation over several windows, greedy and drawn; an end
 * token. And stories260K where it is there.
 *
 *     test_designs_hmt [MODEL]
 */
#include "designs/hls_hmt.h"
#include "engine/hmt.h"
#include "golden/hmt.h"
#include "model/package.h"
#include "quant/quant.h"
#include "tests/check.h"
#include "tests/golden/hmt_random.h"
#include "tests/golden/qmodel_random.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 512 };

struct list {
    int n, id[MOST];
};

static bool take(void *user, int id)
{
    struct list *l = user;
    if (l->n < MOST)
        l->id[l->n++] = id;
    return true;
}

/* What the integer engine makes of it; golden too, for its last logits. */
static struct list wanted(const struct num_qmodel *m, const struct num_hmt *h,
                          const int *prompt, int n, const struct hls_want *w)
{
    struct fl_error err = {0};
    struct list l = {0};
    struct engine *e = eng_open(m, &(struct eng_options){.threads = 1}, &err);
    struct eng_hmt *x = e ? eng_hmt_new(e, h, &err) : NULL;
    struct gold_hmt g;
    int32_t *logits = calloc((size_t)m->shape.vocab, sizeof *logits);
    struct eng_sampling how = {w->sampling.k, w->sampling.top_p,
                               w->sampling.t_scale, w->sampling.seed};
    CHECK(x, "%s", err.msg);
    if (!x || !logits || !gold_hmt_init(&g, m, h))
        abort();
    const int32_t *now = eng_hmt_feed(x, prompt, n, &err);
    gold_hmt_feed(&g, prompt, n, NULL, NULL, logits);
    for (int i = 0; i < w->tokens; i++) {
        CHECK(memcmp(now, logits, (size_t)m->shape.vocab * sizeof *logits) == 0,
              "prompt %d, token %d: the engine is not golden", n, i);
        int32_t id = eng_sample(now, m->shape.vocab, &how, (uint32_t)(n + i));
        bool end = false;
        take(&l, id);
        for (int k = 0; k < w->eos_count; k++)
            end = end || w->eos[k] == id;
        if (end)
            break;
        now = eng_hmt_feed(x, &id, 1, &err);
        gold_hmt_feed(&g, &id, 1, NULL, NULL, logits);
    }
    gold_hmt_free(&g);
    eng_hmt_free(x);
    eng_close(e);
    free(logits);
    return l;
}

static void compare(struct hls_hmt *e, const struct num_qmodel *m,
                    const struct num_hmt *h, const char *name, int n,
                    const struct hls_want *w)
{
    struct fl_error err = {0};
    struct hls_stats stats;
    static int prompt[MOST];
    for (int i = 0; i < n; i++)
        prompt[i] = (i * 37 + n) % m->shape.vocab;
    struct list want = wanted(m, h, prompt, n, w), got = {0};
    CHECK(hls_hmt_generate(e, prompt, n, w, take, &got, &stats, &err),
          "%s, prompt %d: %s", name, n, err.msg);
    CHECK(got.n == want.n && stats.generated == got.n,
          "%s, prompt %d: %d tokens, not %d", name, n, got.n, want.n);
    for (int i = 0; i < got.n && i < want.n; i++)
        CHECK(got.id[i] == want.id[i], "%s, prompt %d: token %d is %d, not %d",
              name, n, i, got.id[i], want.id[i]);
}

static void run(const struct num_qmodel *m, const char *name, const char *lanes,
                const int *size, int tokens)
{
    struct fl_error err = {0};
    struct dsn_config c = dsn_config_for(m);
    struct num_hmt *h =
        hrandom_new(m->shape.d, size[3], size[0], size[1], size[2], 8);
    CHECK(dsn_config_parse(&c, lanes, &err), "%s", err.msg);
    struct hls_options o = {.config = &c, .exact_depth = 1};
    struct hls_hmt *e = h ? hls_hmt_open(m, h, &o, &err) : NULL;
    CHECK(e, "%s: %s", name, err.msg);
    if (e) {
        int l = size[0];
        const int prompts[] = {1,      l - 1 > 0 ? l - 1 : 1, l, l + 1,
                               12 * l, 12 * l + (l + 1) / 2};
        struct hls_want w = {.tokens = tokens, .sampling = {.k = 1}};
        for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++)
            compare(e, m, h, name, prompts[i], &w);
        w.sampling = (struct hls_sampling){9, {47274, -15}, 60000, 7};
        compare(e, m, h, name, 3 * l + 1, &w);
        for (w.eos_count = 0; w.eos_count < 8; w.eos_count++)
            w.eos[w.eos_count] = w.eos_count * m->shape.vocab / 8 + 1;
        compare(e, m, h, name, 2 * l, &w);
    }
    hls_hmt_close(e);
    hrandom_free(h);
    printf("%-8s %s\n", name, failures ? "FAILED" : "equal");
}

#define SHAPE(l, dd, f, q, kv, hd, v)                                          \
    {.layers = l,                                                              \
     .d = dd,                                                                  \
     .ffn = f,                                                                 \
     .nq = q,                                                                  \
     .nkv = kv,                                                                \
     .head = hd,                                                               \
     .vocab = v,                                                               \
     .eps = 1e-5}

static void random_models(void)
{
    static const struct {
        const char *name;
        struct qrandom model;
        const char *lanes;
        int size[4]; /* segment, sensory, memories, dm */
    } tests[] = {
        {"small",
         {SHAPE(2, 16, 24, 4, 2, 8, 37), 40, 4, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0},
         "tp=4,wp=8,bp=2,dwp=4,ch=2,kp=4,hp=1",
         {7, 3, 4, 10}},
        {"groups",
         {SHAPE(2, 32, 48, 4, 2, 8, 40), 40, 4, 8, 4, 0, 16, 1, 1, 0, 1, 5, 0},
         "tp=3,wp=5,bp=4,dwp=12,ch=1,kp=8,hp=2",
         {6, 6, 3, 8}},
        {"none", /* no queue: T everywhere */
         {SHAPE(1, 64, 172, 8, 4, 8, 64), 40, 8, 0, 8, 0, 0, 1, 1, 1, 1, 4, 0},
         "tp=8,wp=5,bp=2,dwp=6,ch=4,kp=8,hp=3",
         {8, 2, 0, 4}},
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        struct num_qmodel *m = qrandom_new(&tests[i].model);
        if (!m)
            abort();
        run(m, tests[i].name, tests[i].lanes, tests[i].size, 20);
        qrandom_free(m);
    }
}

static void refusals(void)
{
    const struct qrandom o = {
        SHAPE(1, 16, 24, 4, 2, 8, 37), 40, 4, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0};
    struct fl_error err;
    struct num_qmodel *m = qrandom_new(&o);
    struct num_hmt *h = hrandom_new(16, 3, 7, 3, 4, 1);
    struct dsn_config c = {0};
    if (!m || !h ||
        !dsn_config_parse(&c, "tp=1,wp=4,bp=2,dwp=4,ch=1,kp=4,hp=1", &err))
        abort();
    struct hls_options ho = {.config = &c};
    CHECK(!hls_hmt_open(m, h, &ho, &err) && strstr(err.msg, "divide"),
          "a search width that bp does not divide");
    h->d = 32;
    CHECK(!hls_hmt_open(m, h, &ho, &err) && strstr(err.msg, "width"),
          "another width");
    h->d = 16;
    h->segment = 40;
    CHECK(!hls_hmt_open(m, h, &ho, &err) && strstr(err.msg, "positions"),
          "a window too long");
    hrandom_free(h);
    qrandom_free(m);
}

/* Twelve segments of 16 tokens with 4 again, 8 memories. */
static void real_model(const char *path)
{
    struct fl_error err = {0};
    struct quant_options q;
    struct pkg pkg;
    char out[4096];
    const char *temp = getenv("TMPDIR");
    if (access(path, R_OK) != 0) {
        printf("NOT CHECKED: %s is not here\n", path);
        return;
    }
    snprintf(out, sizeof out, "%s/flexllm-test-XXXXXX", temp ? temp : P_tmpdir);
    int fd = mkstemp(out);
    if (fd < 0 || !quant_defaults(&q, "w4a8kv8", &err))
        abort();
    close(fd);
    q.rtn = 1;
    q.calib_sequences = 2;
    q.calib_length = 32;
    q.seq = 128;
    static const int size[4] = {16, 4, 8, 16};
    CHECK(quant_run(&q, path, out, &err) && pkg_open(&pkg, out, &err), "%s",
          err.msg);
    if (failures == 0) {
        run(&pkg.model, "stories", "tp=8,wp=24,bp=4,dwp=24,ch=2,kp=8,hp=2",
            size, 64);
        pkg_close(&pkg);
    }
    remove(out);
}

int main(int argc, char **argv)
{
    const char *shared = getenv("FL_SHARED");
    char path[4096];
    random_models();
    refusals();
    snprintf(path, sizeof path, "%s/data/models/stories260K.bin",
             shared ? shared : "../shared");
    real_model(argc > 1 ? argv[1] : path);
    return failures != 0;
}
