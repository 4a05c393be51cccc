/* SPDX-License-Identifier: Apache-2.0 */
/* tests/train/test_train.c -- training in float: the same bits from the same
 * seed, and from a run that was interrupted; what it can learn. */
#include "tests/train/usual.h"
#include "base/file.h"
#include "train/hmt_eval.h"
#include "train/ops.h"
#include "train/train.h"

static char dir[] = "/tmp/train_test.XXXXXX";

static const char *in_dir(const char *name)
{
    static char buf[4][256];
    static int turn;
    char *to = buf[turn++ % 4];
    snprintf(to, sizeof buf[0], "%s/%s", dir, name);
    return to;
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
    struct train_options o = {.seg = {SEGMENT, SENSORY, MEMORIES, 2, 0, 0.3f},
                              .sequence = 4,
                              .batch = 3,
                              .echo = 0.4,
                              .skip = 1,
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

/* A net that begins from a memory file writes the same file again; another
 * width or rank is refused. */
static void from_memory(void **state)
{
    struct num_fmodel m = tiny_new(&tiny_shape, 9);
    struct net net;
    struct hmt h,
        again = {.segment = SEGMENT, .sensory = SENSORY, .memories = 3};
    struct net_options o = usual;
    o.seed++;
    WORKS(hmt_open(&h, in_dir("a.hmt"), &err));
    WORKS(net_init(&net, &m, &o, &err));
    WORKS(net_from_hmt(&net, &h, "a.hmt", &err));
    WORKS(net_to_hmt(&net, &again, &err));
    WORKS(hmt_write(in_dir("d.hmt"), &again, false, &err));
    same(in_dir("a.hmt"), in_dir("d.hmt"));
    hmt_free(&again);
    net_free(&net);
    for (int i = 0; i < 2; i++) {
        o.dm = i ? usual.dm : 6;
        o.rank = i ? 3 : usual.rank;
        WORKS(net_init(&net, &m, &o, &err));
        assert_false(net_from_hmt(&net, &h, "a.hmt", &err));
        assert_non_null(strstr(err.msg, i ? "give --lora 2" : "give --dm 5"));
        net_free(&net);
    }
    hmt_free(&h);
    tiny_free(&m);
}

/* An echo: with every sequence ending in one, the last segment of what was
 * drawn is one of the earlier ones, and not always the same. */
static void echoes(void **state)
{
    struct num_fmodel m = tiny_new(&tiny_shape, 9);
    struct net net;
    struct train t;
    int32_t token[TEXT];
    int from[3] = {0};
    uint64_t rng = 2;
    for (int i = 0; i < TEXT; i++)
        token[i] = (int32_t)(rng_next(&rng) % (uint64_t)tiny_shape.vocab);
    WORKS(net_init(&net, &m, &usual, &err));
    struct train_options o = {.seg = {SEGMENT, SENSORY, MEMORIES, 4, 0, 0},
                              .sequence = 4,
                              .batch = 1,
                              .steps = 40,
                              .echo = 1,
                              .threads = 1};
    WORKS(train_init(&t, &net, &o, token, TEXT, &err));
    while (t.step < o.steps) {
        bool whole = t.step >= o.steps / 4;
        int last = whole ? 3 : 1, found = -1;
        train_step(&t);
        for (int i = 0; i < last; i++)
            if (memcmp(t.drawn + i * SEGMENT, t.drawn + last * SEGMENT,
                       SEGMENT * sizeof *t.drawn) == 0)
                found = i;
        assert_true(found >= 0);
        from[found] += whole;
    }
    assert_true(from[0] > 0 && from[1] > 0 && from[2] > 0);
    train_free(&t);
    net_free(&net);

    /* A backbone that moves is no teacher. */
    struct net_options full = usual;
    full.full = true;
    o.seg.distil = 1;
    WORKS(net_init(&net, &m, &full, &err));
    assert_false(train_init(&t, &net, &o, token, TEXT, &err));
    assert_non_null(strstr(err.msg, "its own teacher"));
    net_free(&net);
    tiny_free(&m);
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
    struct train_options o = {.seg = {SEGMENT, SENSORY, MEMORIES, 2, 0, 0.3f},
                              .sequence = 4,
                              .batch = 3,
                              .echo = 0.4,
                              .skip = 1,
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
    struct segments_options so = {SEGMENT, SENSORY, MEMORIES, 6, 6, 0};
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
    struct train_options o = {.seg = {2, 0, memories, 4, 0, 0},
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
        cmocka_unit_test(same_bits), cmocka_unit_test(from_memory),
        cmocka_unit_test(echoes),    cmocka_unit_test(refused),
        cmocka_unit_test(rounding),  cmocka_unit_test(recalls),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    static const char *const made[] = {"a.ckpt",    "b.ckpt", "c.ckpt",
                                       "half.ckpt", "a.hmt",  "b.hmt",
                                       "c.hmt",     "d.hmt",  "loss.svg"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        unlink(in_dir(made[i]));
    rmdir(dir);
    return failed;
}
