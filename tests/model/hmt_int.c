/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/hmt_int.c -- a memory in the integers of a package: what comes
 * out of num/hmt.h with it, against the same in double in the checkpoint's own
 * basis; what does not belong together. */
#include "tests/model/check.h"
#include "golden/hmt.h"
#include "model/hmt_int.h"
#include "num/convert.h"
#include "num/hadamard.h"
#include <math.h>

enum { D = 48, DM = 10, N = 5 }; /* 48 = 12 * 4 */

static uint64_t rng = 1;

static double uniform(double lo, double hi)
{
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    return lo + (hi - lo) * (double)(rng >> 11) * 0x1p-53;
}

static void make(struct hmt *h, double scale)
{
    struct fl_error err;
    *h = (struct hmt){.d = D,
                      .dm = DM,
                      .layers = 1,
                      .segment = 16,
                      .sensory = 4,
                      .memories = N,
                      .scale = scale};
    WORKS(hmt_init(h, &err), err);
    for (int i = 0; i < D; i++)
        h->t[i] = (float)uniform(-0.2, 0.2);
    for (int i = 0; i < D * DM; i++) {
        h->wq[i] = (float)uniform(-0.4 / scale, 0.4 / scale);
        h->wk[i] = (float)uniform(-0.4 / scale, 0.4 / scale);
    }
}

/* x in the package's basis, entry by entry. */
static void turned(const double *x, const int8_t *turn, double *y)
{
    struct num_had had = num_had_split(D);
    for (int r = 0; r < D; r++) {
        y[r] = turn[0] ? 0 : x[r];
        for (int c = 0; turn[0] && c < D; c++)
            y[r] +=
                num_had_entry(had, r, c) * turn[c] * x[c] / sqrt(had.m * had.p);
    }
}

/* A state of the model: length sqrt(d). Its codes in the package's basis. */
static struct num_scale random_state(const int8_t *turn, double *x,
                                     int8_t *code)
{
    double sum = 0, y[D];
    int32_t fixed[D];
    for (int i = 0; i < D; i++) {
        x[i] = uniform(-1, 1);
        sum += x[i] * x[i];
    }
    for (int i = 0; i < D; i++)
        x[i] *= sqrt(D / sum);
    turned(x, turn, y);
    for (int i = 0; i < D; i++)
        fixed[i] = (int32_t)lrint(ldexp(y[i], NUM_NORM_FRAC));
    return gold_hmt_row(fixed, D, NUM_NORM_FRAC, code);
}

static double product(const float *w, int o, const double *x, double size)
{
    double sum = 0;
    for (int i = 0; i < D; i++)
        sum += size * x[i] * w[i * DM + o];
    return sum;
}

static void search_is_near(const int8_t *turn, double scale)
{
    struct hmt h;
    struct hmt_int q;
    struct fl_error err;
    make(&h, scale);
    WORKS(hmt_int_make(&q, &h, &(struct hmt_basis){turn, NULL}, "x", &err),
          err);
    const struct num_hmt *m = &q.m;
    double t[D], y[D];
    for (int i = 0; i < D; i++)
        t[i] = h.t[i];
    turned(t, turn, y);
    for (int i = 0; i < D; i++)
        assert_true(fabs(m->t.code[i] * num_scale_real(m->t.scale) - y[i]) <
                    0.002);

    double s[D], mem[N][D], score[N], top = -INFINITY, total = 0, p[D] = {0};
    int8_t code[D];
    int16_t query[DM], key[N * DM], rows[N * D];
    struct num_scale cs = random_state(turn, s, code);
    gold_hmt_project(&m->q, DM, D, code, cs, query);
    for (int n = 0; n < N; n++) {
        cs = random_state(turn, mem[n], code);
        gold_hmt_project(&m->k, DM, D, code, cs, key + n * DM);
        gold_hmt_memory(code, cs, m->size, m->m_frac, D, rows + n * D);
        score[n] = 0;
        for (int o = 0; o < DM; o++)
            score[n] += product(h.wq, o, s, scale) *
                        product(h.wk, o, mem[n], scale) / sqrt(DM);
        top = fmax(top, score[n]);
    }
    for (int n = 0; n < N; n++) {
        double w = exp(score[n] - top);
        total += w;
        turned(mem[n], turn, y);
        for (int i = 0; i < D; i++)
            p[i] += w * scale * y[i];
    }
    int32_t got[D];
    gold_hmt_search(query, key, rows, N, DM, D, m->s_scale, got);
    double off = 0; /* the 8 bits of states, mostly */
    for (int i = 0; i < D; i++)
        off += pow(ldexp(got[i], 3 - m->m_frac) - p[i] / total, 2) / D;
    assert_true(sqrt(off) < 0.04 * scale);
    hmt_free(&h);
    hmt_int_free(&q);
}

static void searches(void **state)
{
    int8_t turn[D], none[D] = {0};
    for (int i = 0; i < D; i++)
        turn[i] = uniform(-1, 1) < 0 ? -1 : 1;
    static const double scale[] = {1, 0.05, 0.3, 4};
    for (int i = 0; i < 40; i++) {
        search_is_near(turn, scale[i % 4]);
        search_is_near(none, scale[i % 4]);
    }
}

static void odd_numbers(void **state)
{
    struct hmt h;
    struct hmt_int q;
    struct fl_error err;
    int8_t none[D] = {0};
    make(&h, 1);
    for (int i = 0; i < D * DM; i++)
        h.wq[i] = 0; /* nothing learned: all weights alike */
    WORKS(hmt_int_make(&q, &h, &(struct hmt_basis){none, NULL}, "x", &err),
          err);
    hmt_int_free(&q);
    for (int i = 0; i < D * DM; i++)
        h.wk[i] = 1e30f;
    FAILS(hmt_int_make(&q, &h, &(struct hmt_basis){none, NULL}, "x", &err), err,
          "too large");
    h.memories = NUM_HMT_MAX_MEMORIES + 1;
    FAILS(hmt_int_make(&q, &h, &(struct hmt_basis){none, NULL}, "x", &err), err,
          "at most");
    hmt_free(&h);
}

static char path[4096];

static void pairs(void **state)
{
    struct hmt h;
    struct hmt_int q;
    struct fl_error err;
    char hash[17], recipe[64];
    int8_t turn[D] = {0};
    struct pkg p = {.model = {.shape = {.layers = 1,
                                        .d = D,
                                        .ffn = 8,
                                        .nq = 2,
                                        .nkv = 1,
                                        .head = 4}},
                    .info = {.recipe = "{}"}};
    make(&h, 1);
    WORKS(hmt_write(path, &h, false, &err), err);
    FAILS(hmt_int_open(&q, path, &p, "pkg", &err), err, "does not state");
    p.model.turn = turn;
    WORKS(hmt_int_open(&q, path, &p, "pkg", &err), err);
    hmt_int_free(&q);
    p.model.shape.d = D / 2;
    FAILS(hmt_int_open(&q, path, &p, "pkg", &err), err, "width");
    p.model.shape.d = D;
    WORKS(hmt_lora_init(&h.lora[HMT_WK], 2, D, 4, &err), err);
    WORKS(hmt_write(path, &h, false, &err), err);
    FAILS(hmt_int_open(&q, path, &p, "pkg", &err), err, "--hmt");
    WORKS(pkg_hash_file(path, hash, &err), err);
    snprintf(recipe, sizeof recipe, "{\"seed\":1,\"hmt\":\"%s\"}", hash);
    p.info.recipe = recipe;
    WORKS(hmt_int_open(&q, path, &p, "pkg", &err), err);
    hmt_int_free(&q);
    p.info.recipe = "{\"hmt\":\"0123456789abcdef\"}";
    FAILS(hmt_int_open(&q, path, &p, "pkg", &err), err, "--hmt");
    hmt_free(&h);
}

int main(void)
{
    const char *temp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/flexllm-hmt-int-XXXXXX",
             temp ? temp : P_tmpdir);
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(searches),
        cmocka_unit_test(odd_numbers),
        cmocka_unit_test(pairs),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    remove(path);
    return rc;
}
