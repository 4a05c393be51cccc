/* SPDX-License-Identifier: Apache-2.0 */
/* tests/train/test_train.c -- the trainer in float: against the golden model,
 * the same bits from the same seed, and from a run that was interrupted. */
#include "tests/train/tiny.h"
#include "base/file.h"
#include "golden/fp32.h"
#include "train/hmt_eval.h"
#include "train/ops.h"
#include "train/train.h"

#define WORKS(call)                                                            \
    do {                                                                       \
        if (!(call))                                                           \
            fail_msg("%s", err.msg);                                           \
    } while (0)

static struct fl_error err;
static char dir[] = "/tmp/train_test.XXXXXX";

static const char *in_dir(const char *name)
{
    static char buf[4][256];
    static int turn;
    char *to = buf[turn++ % 4];
    snprintf(to, sizeof buf[0], "%s/%s", dir, name);
    return to;
}

enum { SEGMENT = 6, SENSORY = 2, MEMORIES = 3, TOKENS = 5 * SEGMENT + 3 };

/* A text with a pattern: each token is a function of the one 10 before. */
static void text(int32_t *token, int n, int vocab)
{
    uint64_t rng = 8;
    for (int i = 0; i < n; i++)
        token[i] = i < 10 ? (int32_t)(rng_next(&rng) % (uint64_t)vocab)
                          : (token[i - 10] * 3 + 1) % vocab;
}

static struct net_options usual = {
    .dm = 5, .rank = 2, .alpha = 4, .parts = 127, .first = 1, .seed = 5};

/* The HMT of docs/hmt.md once more, on the golden model: it takes tokens
 * only, so vectors stand in extra rows of its embedding; and a model whose
 * head is the identity gives states as logits. */
struct other {
    struct num_fmodel logits, states; /* share layers and embedding */
    const struct hmt *h;
    int token[64], n; /* a pass */
    float m[16][16];
    int memories; /* made so far */
};

enum { ROW_T = 19, ROW_P, ROWS };

static void other_pass(struct other *o, const struct num_fmodel *m, int want,
                       float *out)
{
    struct gold_fp32 g;
    assert_true(gold_fp32_init(&g, m, o->n));
    gold_fp32_block(&g, o->token, o->n, want, out);
    gold_fp32_free(&g);
}

static void other_state(struct other *o, float *to)
{
    float y[ROWS];
    other_pass(o, &o->states, 1, y);
    for (int i = 0; i < o->h->d; i++)
        to[i] = (float)o->h->scale * y[i];
}

static void other_find(struct other *o, const int32_t *x, int n)
{
    int d = o->h->d, dm = o->h->dm, half = (n + 1) / 2;
    int first = o->memories > o->h->memories ? o->memories - o->h->memories : 0;
    float s[16], *p = o->logits.embed + ROW_P * d;
    double weight[16], sum = 0;
    memcpy(p, o->logits.embed + ROW_T * d, (size_t)d * sizeof *p);
    if (o->memories == 0)
        return;
    o->n = 0;
    o->token[o->n++] = ROW_T;
    for (int i = 0; i < half; i++)
        o->token[o->n++] = x[i];
    o->token[o->n++] = ROW_T;
    other_state(o, s);
    for (int k = first; k < o->memories; k++) {
        double dot = 0;
        for (int j = 0; j < dm; j++) {
            double q = 0, key = 0;
            for (int i = 0; i < d; i++) {
                q += (double)s[i] * o->h->wq[i * dm + j];
                key += (double)o->m[k][i] * o->h->wk[i * dm + j];
            }
            dot += q * key;
        }
        weight[k] = exp(dot / sqrt(dm));
        sum += weight[k];
    }
    for (int i = 0; i < d; i++) {
        double v = 0;
        for (int k = first; k < o->memories; k++)
            v += weight[k] / sum * o->m[k][i];
        p[i] = (float)v;
    }
}

static void other_score(struct other *o, const int32_t *token, int n,
                        double *nll)
{
    float y[64 * ROWS];
    int size = o->h->segment;
    for (int at = 0; at < n; at += size) {
        int len = n - at < size ? n - at : size;
        int lead = at == 0 ? 0 : o->h->sensory;
        other_find(o, token + at, len);
        o->n = 0;
        o->token[o->n++] = ROW_P;
        for (int i = -lead; i < len; i++)
            o->token[o->n++] = token[at + i];
        o->token[o->n++] = ROW_P;
        other_state(o, o->m[o->memories++]);
        other_pass(o, &o->logits, o->n, y);
        for (int i = at == 0; i < len; i++) {
            const float *z = y + (lead + i) * ROWS;
            double sum = 0;
            for (int v = 0; v < ROW_T; v++)
                sum += exp(z[v]);
            nll[at + i] = log(sum) - z[token[at + i]];
        }
    }
}

static void other_make(struct other *o, struct num_fmodel *m, struct hmt *h)
{
    int d = m->shape.d;
    *o = (struct other){.h = h};
    hmt_merge(h, m);
    o->logits = o->states = *m;
    o->logits.shape.vocab = o->states.shape.vocab = ROWS;
    float *embed = calloc((size_t)(ROWS * d), sizeof *embed);
    float *head = calloc((size_t)(ROWS * d), sizeof *head);
    float *one = calloc((size_t)(ROWS * d), sizeof *one);
    float *gain = calloc((size_t)d, sizeof *gain);
    assert_true(embed && head && one && gain);
    memcpy(embed, m->embed, (size_t)(ROW_T * d) * sizeof *embed);
    memcpy(embed + ROW_T * d, h->t, (size_t)d * sizeof *embed);
    memcpy(head, m->head, (size_t)(ROW_T * d) * sizeof *head);
    for (int i = 0; i < d; i++)
        one[i * d + i] = gain[i] = 1;
    o->logits.embed = o->states.embed = embed;
    o->logits.head = head;
    o->states.head = one;
    o->states.norm_final = gain;
}

static void other_free(struct other *o)
{
    free(o->logits.embed);
    free(o->logits.head);
    free(o->states.head);
    free(o->states.norm_final);
}

static void against_golden(void **state)
{
    struct num_fmodel m = tiny_new(&tiny_shape, 9);
    struct net net;
    struct hmt h = {
        .segment = SEGMENT, .sensory = SENSORY, .memories = MEMORIES};
    struct segments g;
    struct other o;
    int32_t token[TOKENS];
    double nll[TOKENS], want[TOKENS] = {0}, merged[TOKENS], sum = 0;
    text(token, TOKENS, tiny_shape.vocab);
    WORKS(net_init(&net, &m, &usual, &err));
    uint64_t rng = 3;
    for (int i = 0; i < net.groups; i++)
        if (strstr(net.group[i].name, ".b") != NULL)
            for (size_t k = 0; k < net.group[i].n; k++)
                net.value[net.group[i].at + k] = (real)(0.2 * rng_normal(&rng));
    struct hmt_eval_options eo = {.segment = SEGMENT,
                                  .sensory = SENSORY,
                                  .memories = MEMORIES,
                                  .threads = 1};
    WORKS(hmt_eval(&net, &eo, token, TOKENS, nll, &err));
    struct segments_options so = {SEGMENT, SENSORY, MEMORIES, 2, 6};
    WORKS(segments_init(&g, &net, &so, &err));
    double all = segments_run(&g, token, TOKENS, 0, 0, 1, NULL);
    WORKS(net_to_hmt(&net, &h, &err));
    net_free(&net);
    WORKS(net_init_hmt(&net, &m, &h, &err));
    WORKS(hmt_eval(&net, &eo, token, TOKENS, merged, &err));
    other_make(&o, &m, &h);
    other_score(&o, token, TOKENS, want);
    for (int i = 1; i < TOKENS; i++) {
        assert_true(fabs(nll[i] - want[i]) < 1e-4);
        assert_true(fabs(merged[i] - want[i]) < 1e-4);
        sum += nll[i];
    }
    assert_true(nll[0] == 0 && fabs(all - sum) < 1e-4);
    struct hmt_sums s = hmt_eval_sums(nll, TOKENS, SEGMENT);
    assert_true(s.tokens == TOKENS - 1 && s.second_tokens == 5 * 3 + 1);
    other_free(&o);
    hmt_free(&h);
    segments_free(&g);
    net_free(&net);
    tiny_free(&m);
}

/* A spoilt memory changes what comes after the first segment only. */
static void ways(void **state)
{
    struct num_fmodel m = tiny_new(&tiny_shape, 9);
    struct net net;
    int32_t token[TOKENS];
    double nll[HMT_WAYS][TOKENS];
    text(token, TOKENS, tiny_shape.vocab);
    WORKS(net_init(&net, &m, &usual, &err));
    for (int way = 0; way < HMT_WAYS; way++) {
        struct hmt_eval_options eo = {
            SEGMENT, SENSORY, MEMORIES, (enum hmt_way)way, 1, NULL, NULL};
        WORKS(hmt_eval(&net, &eo, token, TOKENS, nll[way], &err));
        assert_memory_equal(nll[way], nll[0], SEGMENT * sizeof(double));
        for (int other = 0; other < way; other++)
            assert_true(nll[way][TOKENS - 1] != nll[other][TOKENS - 1]);
    }
    token[3] = 99;
    struct hmt_eval_options eo = {SEGMENT, SENSORY, MEMORIES, HMT_AS_IS,
                                  1,       NULL,    NULL};
    assert_false(hmt_eval(&net, &eo, token, TOKENS, nll[0], &err));
    assert_non_null(strstr(err.msg, "outside the vocabulary"));
    net_free(&net);
    tiny_free(&m);
}

enum { STEPS = 40, TEXT = 400 };

/* Trains from step 0 or from a checkpoint up to `until`; writes out. */
static float run(int threads, const char *from, int until, const char *to,
                 const char *out)
{
    struct num_fmodel m = tiny_new(&tiny_shape, 9);
    struct net net;
    struct train t;
    static int32_t token[TEXT];
    text(token, TEXT, tiny_shape.vocab);
    WORKS(net_init(&net, &m, &usual, &err));
    struct train_options o = {.seg = {SEGMENT, SENSORY, MEMORIES, 2, 0},
                              .sequence = 4,
                              .batch = 3,
                              .steps = STEPS,
                              .warmup = 4,
                              .rate = 0.01,
                              .decay = 0.01,
                              .clip = 1,
                              .seed = 7,
                              .threads = threads};
    WORKS(train_init(&t, &net, &o, token, TEXT, &err));
    if (from != NULL)
        WORKS(train_load(&t, from, &err));
    while (t.step < until)
        train_step(&t);
    if (to != NULL)
        WORKS(train_save(&t, to, &err));
    struct hmt h = {
        .segment = SEGMENT, .sensory = SENSORY, .memories = MEMORIES};
    WORKS(net_to_hmt(&net, &h, &err));
    WORKS(hmt_write(out, &h, false, &err));
    float first = (t.loss[0] + t.loss[1] + t.loss[2]) / 3;
    float gained = first - t.loss[until - 1];
    if (from == NULL && until == STEPS)
        WORKS(train_plot(in_dir("loss.svg"), t.loss, t.step, "a < b", &err));
    hmt_free(&h);
    train_free(&t);
    net_free(&net);
    tiny_free(&m);
    return gained;
}

static void same(const char *a, const char *b)
{
    struct fl_map m[2];
    WORKS(fl_map_open(&m[0], a, &err) && fl_map_open(&m[1], b, &err));
    assert_int_equal(m[0].size, m[1].size);
    assert_memory_equal(m[0].data, m[1].data, m[0].size);
    fl_map_close(&m[0]);
    fl_map_close(&m[1]);
}

static void same_bits(void **state)
{
    float gained = run(1, NULL, STEPS, in_dir("a.ckpt"), in_dir("a.hmt"));
    print_message("loss fell by %.3f nats in %d steps\n", gained, STEPS);
    assert_true(gained > 0.3f);
    run(2, NULL, STEPS, in_dir("b.ckpt"), in_dir("b.hmt"));
    same(in_dir("a.hmt"), in_dir("b.hmt")); /* one thread or two */
    same(in_dir("a.ckpt"), in_dir("b.ckpt"));
    run(2, NULL, 17, in_dir("half.ckpt"), in_dir("c.hmt"));
    run(1, in_dir("half.ckpt"), STEPS, in_dir("c.ckpt"), in_dir("c.hmt"));
    same(in_dir("a.hmt"), in_dir("c.hmt")); /* interrupted */
    same(in_dir("a.ckpt"), in_dir("c.ckpt"));
}

static void load_fails(struct train *t, const char *name, const char *part)
{
    assert_false(train_load(t, in_dir(name), &err));
    if (strstr(err.msg, part) == NULL)
        fail_msg("says '%s', should say '%s'", err.msg, part);
}

/* Checkpoints of another run, cut short, damaged; texts that do not do. */
static void refused(void **state)
{
    struct num_fmodel m = tiny_new(&tiny_shape, 9);
    struct net net;
    struct train t;
    int32_t token[TEXT];
    text(token, TEXT, tiny_shape.vocab);
    WORKS(net_init(&net, &m, &usual, &err));
    struct train_options o = {.seg = {SEGMENT, SENSORY, MEMORIES, 2, 0},
                              .sequence = 4,
                              .batch = 3,
                              .steps = STEPS,
                              .warmup = 4,
                              .rate = 0.01,
                              .decay = 0.01,
                              .clip = 1,
                              .seed = 7,
                              .threads = 1};
    WORKS(train_init(&t, &net, &o, token, TEXT, &err));
    load_fails(&t, "none.ckpt", "cannot open");
    load_fails(&t, "a.hmt", "not a checkpoint");
    FILE *f = fopen(in_dir("a.ckpt"), "r+b");
    assert_non_null(f);
    fseek(f, -1, SEEK_END);
    int c = fgetc(f);
    long size = ftell(f);
    fseek(f, -1, SEEK_END);
    fputc(c ^ 1, f);
    fclose(f);
    load_fails(&t, "a.ckpt", "damaged");
    assert_int_equal(truncate(in_dir("a.ckpt"), size - 1), 0);
    load_fails(&t, "a.ckpt", "not complete");
    train_free(&t);
    o.seed++;
    WORKS(train_init(&t, &net, &o, token, TEXT, &err));
    load_fails(&t, "b.ckpt", "of another run");
    train_free(&t);
    assert_false(train_init(&t, &net, &o, token, 20, &err));
    assert_non_null(strstr(err.msg, "the text has 20 tokens"));
    token[5] = -1;
    assert_false(train_init(&t, &net, &o, token, TEXT, &err));
    assert_non_null(strstr(err.msg, "outside the vocabulary"));
    net_free(&net);
    tiny_free(&m);
}

/* Rounding: codes of one scale a row, and a network that computes with them
 * has the loss of one whose weights were rounded before. */
static void rounding(void **state)
{
    real x[6] = {0.1f, -0.7f, 0.34f, 0, 0, 0};
    op_fake_quant(x, 2, 3, 4);
    assert_true(fabsf(x[0] - 0.1f) < 1e-6f && fabsf(x[1] + 0.7f) < 1e-6f);
    assert_true(fabsf(x[2] - 0.3f) < 1e-6f && x[3] == 0 && x[5] == 0);

    struct num_fmodel m = tiny_new(&tiny_shape, 9);
    struct net rough, exact;
    int32_t token[TOKENS];
    double a[TOKENS], b[TOKENS];
    text(token, TOKENS, tiny_shape.vocab);
    struct net_options o = usual;
    o.wbits = 4;
    WORKS(net_init(&rough, &m, &o, &err));
    for (int i = 0; i < m.shape.layers; i++) {
        struct num_flayer *l = &m.layer[i];
        op_fake_quant(l->wq, 16, 12, 4);
        op_fake_quant(l->wk, 8, 12, 4);
        op_fake_quant(l->wv, 8, 12, 4);
        op_fake_quant(l->wo, 12, 16, 4);
        op_fake_quant(l->gate, 20, 12, 4);
        op_fake_quant(l->up, 20, 12, 4);
        op_fake_quant(l->down, 12, 20, 4);
    }
    WORKS(net_init(&exact, &m, &usual, &err));
    struct hmt_eval_options eo = {SEGMENT, SENSORY, MEMORIES, HMT_AS_IS,
                                  1,       NULL,    NULL};
    WORKS(hmt_eval(&rough, &eo, token, TOKENS, a, &err));
    WORKS(hmt_eval(&exact, &eo, token, TOKENS, b, &err));
    for (int i = 0; i < TOKENS; i++)
        assert_true(fabs(a[i] - b[i]) < 1e-5);

    /* Straight through: the gradient of the rounded network by LoRA's a and
     * b is that of the exact network with rounded weights, while b = 0. */
    struct segments g;
    struct segments_options so = {SEGMENT, SENSORY, MEMORIES, 6, 6};
    real *grad[2];
    for (int i = 0; i < 2; i++) {
        const struct net *n = i ? &exact : &rough;
        grad[i] = calloc(n->train, sizeof *grad[i]);
        assert_non_null(grad[i]);
        WORKS(segments_init(&g, n, &so, &err));
        segments_run(&g, token, TOKENS, 0, 0, 1, grad[i]);
        segments_free(&g);
    }
    double size = 0, apart = 0;
    for (size_t i = 0; i < rough.train; i++) {
        size += fabsf(grad[1][i]);
        apart += fabsf(grad[0][i] - grad[1][i]);
    }
    assert_true(size > 1 && apart < 1e-4 * size);
    free(grad[0]);
    free(grad[1]);
    net_free(&rough);
    net_free(&exact);
    tiny_free(&m);
}

/* A text whose every second token stays the same for a long while, cut into
 * segments of two without sensory tokens: only a memory can know it. */
static float recall(int memories)
{
    enum { N = 6000, KEYS = 8, RECALL_STEPS = 400, LATE = 50 };
    static int32_t token[N];
    uint64_t rng = 4;
    for (int i = 0, key = 1; i < N; i += 2) {
        if (i % 60 == 0)
            key = 1 + (int)(rng_next(&rng) % KEYS);
        token[i] = 0;
        token[i + 1] = key;
    }
    struct num_shape s = tiny_shape;
    s.d = 16;
    s.layers = 1;
    struct num_fmodel m = tiny_new(&s, 9);
    struct net net;
    struct train t;
    struct net_options no = {.dm = 8, .full = true, .first = -1, .seed = 5};
    WORKS(net_init(&net, &m, &no, &err));
    struct train_options o = {.seg = {2, 0, memories, 4, 0},
                              .sequence = 4,
                              .batch = 8,
                              .steps = RECALL_STEPS,
                              .warmup = 4,
                              .rate = 0.01,
                              .clip = 1,
                              .seed = 7,
                              .threads = 1};
    WORKS(train_init(&t, &net, &o, token, N, &err));
    while (t.step < RECALL_STEPS)
        train_step(&t);
    float late = 0;
    for (int i = RECALL_STEPS - LATE; i < RECALL_STEPS; i++)
        late += t.loss[i] / LATE;
    train_free(&t);
    net_free(&net);
    tiny_free(&m);
    return late;
}

static void recalls(void **state)
{
    float with = recall(2), without = recall(0);
    print_message("loss %.3f with a memory, %.3f without\n", with, without);
    assert_true(with < 0.6f * without);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_golden), cmocka_unit_test(ways),
        cmocka_unit_test(same_bits),      cmocka_unit_test(refused),
        cmocka_unit_test(rounding),       cmocka_unit_test(recalls),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    static const char *const made[] = {"a.ckpt",    "b.ckpt",  "c.ckpt",
                                       "half.ckpt", "a.hmt",   "b.hmt",
                                       "c.hmt",     "loss.svg"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        unlink(in_dir(made[i]));
    rmdir(dir);
    return failed;
}
