/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/hmt.c -- memory files: written, read, merged, refused. */
#include "tests/model/check.h"
#include "model/hmt.h"
#include <math.h>

static char path[4096];

enum { D = 6, DM = 4, LAYERS = 2, RANK = 2, KV = 3 };

static void fill(float *x, int n, float from)
{
    for (int i = 0; i < n; i++)
        x[i] = from + (float)i / 8; /* exact in BF16 up to 32 */
}

static void make(struct hmt *h)
{
    struct fl_error err;
    *h = (struct hmt){.d = D,
                      .dm = DM,
                      .layers = LAYERS,
                      .segment = 16,
                      .sensory = 4,
                      .memories = 3,
                      .scale = 0.1,
                      .info = {.maker = "test", .seed = 7, .steps = 9}};
    WORKS(hmt_init(h, &err), err);
    fill(h->t, D, 1);
    fill(h->wq, D * DM, -1);
    fill(h->wk, D * DM, 0);
    struct hmt_lora *l = &h->lora[1 * HMT_PARTS + HMT_WK];
    WORKS(hmt_lora_init(l, RANK, D, KV, &err), err);
    fill(l->a, RANK * D, 0);
    fill(l->b, KV * RANK, -0.5f);
}

static void round_trip(void **state)
{
    struct hmt h, g;
    struct fl_error err;
    make(&h);
    for (int bf16 = 0; bf16 < 2; bf16++) {
        WORKS(hmt_write(path, &h, bf16, &err), err);
        WORKS(hmt_open(&g, path, &err), err);
        assert_true(g.d == D && g.dm == DM && g.layers == LAYERS);
        assert_true(g.segment == 16 && g.sensory == 4 && g.memories == 3);
        assert_true(g.scale == 0.1 && g.info.seed == 7 && g.info.steps == 9);
        assert_string_equal(g.info.maker, "test");
        assert_memory_equal(g.t, h.t, D * sizeof(float));
        assert_memory_equal(g.wq, h.wq, D * DM * sizeof(float));
        assert_memory_equal(g.wk, h.wk, D * DM * sizeof(float));
        for (int i = 0; i < LAYERS * HMT_PARTS; i++)
            assert_int_equal(g.lora[i].rank, h.lora[i].rank);
        struct hmt_lora *l = &g.lora[HMT_PARTS + HMT_WK];
        assert_true(l->in == D && l->out == KV);
        assert_memory_equal(l->a, h.lora[HMT_PARTS + HMT_WK].a,
                            RANK * D * sizeof(float));
        assert_memory_equal(l->b, h.lora[HMT_PARTS + HMT_WK].b,
                            KV * RANK * sizeof(float));
        hmt_free(&g);
    }
    hmt_free(&h);
}

static void merges(void **state)
{
    struct hmt h;
    make(&h);
    float w[7][32] = {0};
    struct num_flayer l = {.wq = w[0],
                           .wk = w[1],
                           .wv = w[2],
                           .wo = w[3],
                           .up = w[4],
                           .down = w[5],
                           .gate = w[6]};
    for (int i = 0; i < KV * D; i++)
        w[1][i] = 1;
    hmt_merge_layer(&h, 0, &l);
    assert_true(w[1][0] == 1);
    hmt_merge_layer(&h, 1, &l);
    const struct hmt_lora *a = &h.lora[HMT_PARTS + HMT_WK];
    for (int o = 0; o < KV; o++)
        for (int i = 0; i < D; i++) {
            float want = 1;
            for (int r = 0; r < RANK; r++)
                want += a->b[o * RANK + r] * a->a[r * D + i];
            assert_true(fabsf(w[1][o * D + i] - want) < 1e-6f);
        }
    assert_true(w[0][0] == 0 && w[2][0] == 0);
    hmt_free(&h);
}

static void fits(void **state)
{
    struct hmt h;
    struct fl_error err;
    make(&h);
    struct num_shape s = {
        .layers = LAYERS, .d = D, .ffn = 8, .nq = 2, .nkv = 1, .head = KV};
    WORKS(hmt_fits(&h, &s, "x.hmt", &err), err);
    s.nkv = 2;
    FAILS(hmt_fits(&h, &s, "x.hmt", &err), err, "layer.1.wk is for");
    s.layers = 3;
    FAILS(hmt_fits(&h, &s, "x.hmt", &err), err, "made for a model of width 6");
    hmt_free(&h);
}

/* Replaces `from` by `to`, of equal length, in the written file. */
static void spoil(const char *from, const char *to)
{
    struct hmt h;
    struct fl_error err;
    make(&h);
    WORKS(hmt_write(path, &h, false, &err), err);
    hmt_free(&h);
    static char bytes[1 << 16];
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f), len = strlen(from);
    assert_int_equal(len, strlen(to));
    for (size_t i = 0; i + len <= n; i++)
        if (memcmp(bytes + i, from, len) == 0) {
            assert_int_equal(fseek(f, (long)i, SEEK_SET), 0);
            assert_int_equal(fwrite(to, 1, len, f), len);
            fclose(f);
            return;
        }
    fail_msg("'%s' is not in the file", from);
}

static void refused(void **state)
{
    static const char *const bad[][3] = {
        {"flexllm memory", "flexllm nemory", "not a memory file"},
        {"\"version\":\"1\"", "\"version\":\"2\"", "version '2'"},
        {"\"sensory\":\"4\"", "\"sensory\":\"x\"", "metadata 'sensory'"},
        {"\"segment\":\"16\"", "\"segment\":\"02\"", "4 sensory tokens"},
        {"\"d\":\"6\"", "\"d\":\"5\"", "do not fit together"},
        {"\"scale\":\"0", "\"scale\":\"-", "metadata 'scale'"},
        {"\"wk\":", "\"xk\":", "no tensor wk"},
        {"layer.1.wk.a", "layer.1.wk.c", "no tensor layer.1.wk.a"},
        {"[2,6]", "[3,4]", "absurd ranks"},
        {"\"F32\"", "\"I32\"", "not F32, F16 or BF16"},
    };
    struct hmt h;
    struct fl_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        spoil(bad[i][0], bad[i][1]);
        FAILS(hmt_open(&h, path, &err), err, bad[i][2]);
        assert_null(h.t);
    }
    spoil("\"d\":\"6\"", "\"d\":\"6\"");
    FILE *f = fopen(path, "r+b"); /* the last value becomes infinite */
    assert_int_equal(fseek(f, -4, SEEK_END), 0);
    float inf = INFINITY;
    assert_int_equal(fwrite(&inf, 4, 1, f), 1);
    long size = ftell(f);
    fclose(f);
    FAILS(hmt_open(&h, path, &err), err, "not finite");
    assert_int_equal(truncate(path, size - 4), 0);
    FAILS(hmt_open(&h, path, &err), err, "end of the file");
    FAILS(hmt_open(&h, "no/such.hmt", &err), err, "cannot open");
}

int main(void)
{
    char dir[] = "/tmp/model_hmt.XXXXXX";
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/x.hmt", dir);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(merges),
        cmocka_unit_test(fits),
        cmocka_unit_test(refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    rmdir(dir);
    return failed;
}
