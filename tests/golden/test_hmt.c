/* SPDX-License-Identifier: Apache-2.0 */
/* The memory in integers: each operation against the same in double, and a
 * text against the passes of docs/hmt.md, written out here one by one from the
 * whole text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>
#include "golden/hmt.h"
#include "num/convert.h"
#include "tests/golden/hmt_random.h"
#include "tests/golden/qmodel_random.h"

enum { D = 24, TEXT = 40, WIDE = 64 };

static struct num_qmodel *model(void)
{
    const struct qrandom o = {.shape = {.layers = 2,
                                        .d = D,
                                        .ffn = 32,
                                        .nq = 4,
                                        .nkv = 2,
                                        .head = 8,
                                        .vocab = 37},
                              .seq = 32,
                              .wbits = 4,
                              .abits = 8,
                              .r3 = 1,
                              .r4 = 1,
                              .seed = 9};
    struct num_qmodel *m = qrandom_new(&o);
    assert_non_null(m);
    return m;
}

/* ---- operations ---------------------------------------------------------- */

static void operations_are_near(void **state)
{
    static const int memories[] = {1, 2, 7, 64, NUM_HMT_MAX_MEMORIES};
    for (int c = 0; c < 5; c++) {
        int n = memories[c], dm = c == 1 ? 1 : 16;
        uint64_t rng = (uint64_t)c + 1;
        struct num_hmt *h = hrandom_new(D, dm, 4, 2, n, (uint32_t)c);
        int16_t *key = calloc((size_t)n * 16, sizeof *key);
        int16_t *m = calloc((size_t)n * D, sizeof *m);
        double *score = calloc((size_t)n, sizeof *score);
        assert_true(h && key && m && score);
        double sizes = num_scale_real(h->size), top = -INFINITY, total = 0;
        struct num_scale s = num_scale_of(0.02);
        int8_t code[D];
        int16_t q[16];
        double qr[16], mean[D] = {0};
        for (int slot = -1; slot < n; slot++) {
            for (int i = 0; i < D; i++)
                code[i] = (int8_t)(qrandom_word(&rng) % 255 - 127);
            const struct num_hmt_matrix *w = slot < 0 ? &h->q : &h->k;
            int16_t *y = slot < 0 ? q : key + slot * dm;
            gold_hmt_project(w, dm, D, code, s, y);
            double dot = 0;
            for (int o = 0; o < dm; o++) {
                double v = 0;
                struct num_scale row = {w->mant[o], w->exp[o]};
                for (int i = 0; i < D; i++)
                    v += code[i] * w->w[o * D + i];
                v *= num_scale_real(s) * num_scale_real(row);
                assert_true(fabs(v - ldexp(y[o], -7)) < 0.005);
                dot += (slot < 0 ? 0 : qr[o]) * v;
                if (slot < 0)
                    qr[o] = v;
            }
            if (slot < 0)
                continue;
            gold_hmt_memory(code, s, h->size, h->m_frac, D, m + slot * D);
            for (int i = 0; i < D; i++)
                assert_true(fabs(code[i] * num_scale_real(s) * sizes -
                                 ldexp(m[slot * D + i], -9)) < 0.0015);
            score[slot] = dot / sqrt(dm);
            top = fmax(top, score[slot]);
        }
        for (int slot = 0; slot < n; slot++) {
            double p = exp(score[slot] - top);
            total += p;
            for (int i = 0; i < D; i++)
                mean[i] += p * ldexp(m[slot * D + i], -9);
        }
        int32_t y[D];
        gold_hmt_search(q, key, m, n, dm, D, h->s_scale, y);
        double most = 0;
        for (int i = 0; i < D; i++) {
            assert_true(fabs(mean[i] / total - ldexp(y[i], -17)) < 0.02);
            most = fmax(most, fabs(ldexp(y[i], -17)));
        }
        int8_t row[D];
        struct num_scale rs = gold_hmt_row(y, D, 17, row);
        for (int i = 0; i < D; i++)
            assert_true(fabs(row[i] * num_scale_real(rs) - ldexp(y[i], -17)) <
                        0.6 * most / 127);
        free(key);
        free(m);
        free(score);
        hrandom_free(h);
    }
}

/* The halves of every code are 4-bit numbers that make it again. */
static void halves_fit(void **state)
{
    for (int w = -NUM_HMT_CODE; w <= NUM_HMT_CODE; w++) {
        int hi = num_hmt_hi(w), lo = num_hmt_lo(w);
        assert_int_equal(16 * hi + lo, w);
        assert_true(hi >= -8 && hi <= 7 && lo >= -8 && lo <= 7);
    }
    assert_int_equal(num_hmt_i16(1 << 26, 0), 32767);
    assert_int_equal(num_hmt_i16(-(1 << 26), -1), -32768);
    assert_int_equal(num_hmt_i16(1024, 0), 1);
    assert_int_equal(num_hmt_weight(-1), 65536);
    assert_int_equal(num_hmt_weight(16 << 16), 1);
    assert_int_equal(num_hmt_weight((int64_t)1 << 33), 0);
}

/* ---- a text: the passes written out -------------------------------------- */

struct memory {
    int16_t key[16], m[D];
};

/* A pass over row, tokens, then row (where `trail`): logits after each element
 * (elements, vocab), and the state's codes. */
static struct num_scale pass(const struct num_qmodel *m, struct num_row first,
                             const int32_t *token, int n, bool trail,
                             int32_t *logits, int8_t *code)
{
    struct gold_int g;
    int vocab = m->shape.vocab;
    assert_true(gold_int_init(&g, m, n + 2));
    gold_int_row(&g, first, logits);
    for (int i = 0; i < n; i++)
        gold_int_step(&g, token[i], logits + (i + 1) * vocab);
    if (trail)
        gold_int_row(&g, first, logits + (n + 1) * vocab);
    struct num_qsite site = {.abits = 8, .frac = 16, .clip = 65536};
    gold_rmsnorm(g.r, D, m->eps_q, m->sqrt_d, g.x);
    struct num_scale s = gold_quantise(&site, g.x, D, code).scale;
    gold_int_free(&g);
    return s;
}

/* All logits that predict text[1 .. n], by the definition; `prompt` tokens are
 * there at once, the others come one by one. */
static void defined(const struct num_qmodel *model, const struct num_hmt *h,
                    const int32_t *text, int n, int prompt, int32_t *out)
{
    static struct memory all[TEXT + 1];
    static int32_t logits[(TEXT + 4) * WIDE];
    int vocab = model->shape.vocab;
    int8_t code[D], p_code[D];
    for (int seg = 0; seg * h->segment <= n; seg++) {
        int from = seg * h->segment;
        int len = n - from < h->segment ? n - from : h->segment;
        int known = prompt - from < len ? prompt - from : len;
        int k = seg == 0 ? 0 : h->sensory;
        int slots = seg < h->memories ? seg : h->memories;
        struct num_row p = h->t;
        if (slots > 0) {
            int16_t q[16], key[TEXT * 16], m[TEXT * D];
            int32_t y[D];
            struct num_scale s =
                known > 0
                    ? pass(model, h->t, text + from, (known + 1) / 2, true,
                           logits, code)
                    : pass(model, h->t, text + from - k, k, true, logits, code);
            gold_hmt_project(&h->q, h->dm, D, code, s, q);
            for (int i = 0; i < slots; i++) { /* the newest first */
                memcpy(key + i * h->dm, all[seg - 1 - i].key,
                       (size_t)h->dm * sizeof *key);
                memcpy(m + i * D, all[seg - 1 - i].m, D * sizeof *m);
            }
            gold_hmt_search(q, key, m, slots, h->dm, D, h->s_scale, y);
            p.scale = gold_hmt_row(y, D, h->m_frac - 3, p_code);
            p.code = p_code;
        }
        struct num_scale s =
            pass(model, p, text + from - k, k + len, true, logits, code);
        gold_hmt_project(&h->k, h->dm, D, code, s, all[seg].key);
        gold_hmt_memory(code, s, h->size, h->m_frac, D, all[seg].m);
        int rest = len < h->segment ? len + 1 : len; /* logits used */
        memcpy(out + from * vocab, logits + k * vocab,
               (size_t)(rest * vocab) * sizeof *out);
    }
}

struct seen {
    const struct num_qmodel *m;
    const int32_t *want; /* the logits that predict token i of the call */
    int count, bad;
};

static void look(void *user, int i, const int32_t *logits)
{
    struct seen *s = user;
    int vocab = s->m->shape.vocab;
    s->count++;
    s->bad += memcmp(logits, s->want + i * vocab,
                     (size_t)vocab * sizeof *logits) != 0;
}

static void texts_are_as_defined(void **state)
{
    static const int sizes[][4] = {/* segment, sensory, memories, dm */
                                   {8, 3, 2, 4}, {5, 5, 3, 16}, {7, 0, 4, 8},
                                   {1, 1, 3, 5}, {6, 2, 0, 4},  {30, 0, 4, 4}};
    static const int prompts[] = {1, 3, 5, 7, 8, 9, 15, 16, 24, 35, 40};
    struct num_qmodel *m = model();
    int32_t text[TEXT];
    static int32_t want[(TEXT + 1) * WIDE], logits[WIDE];
    size_t row = (size_t)m->shape.vocab;
    uint64_t rng = 5;
    for (int i = 0; i < TEXT; i++)
        text[i] = (int32_t)(qrandom_word(&rng) % row);
    for (size_t c = 0; c < sizeof sizes / sizeof *sizes; c++)
        for (size_t j = 0; j < sizeof prompts / sizeof *prompts; j++) {
            int prompt = prompts[j];
            const int *z = sizes[c];
            struct num_hmt *h = hrandom_new(D, z[3], z[0], z[1], z[2], 3);
            struct gold_hmt g;
            assert_non_null(h);
            defined(m, h, text, TEXT, prompt, want);
            assert_true(gold_hmt_init(&g, m, h));
            struct seen s = {m, want, 0, 0};
            bool look_on = j % 2 != 0; /* with and without the logits between */
            gold_hmt_feed(&g, text, prompt, look_on ? look : NULL, &s, logits);
            assert_int_equal(s.count, look_on ? prompt - 1 : 0);
            assert_int_equal(s.bad, 0);
            for (int at = prompt; at < TEXT; at++) {
                assert_memory_equal(logits, want + (size_t)at * row,
                                    row * sizeof *logits);
                gold_hmt_feed(&g, text + at, 1, NULL, NULL, logits);
            }
            assert_memory_equal(logits, want + TEXT * row,
                                row * sizeof *logits);
            gold_hmt_free(&g);
            hrandom_free(h);
        }
    qrandom_free(m);
}

static void misfits_are_refused(void **state)
{
    struct num_qmodel *m = model();
    struct gold_hmt g;
    struct num_hmt *h = hrandom_new(D, 4, 29, 2, 3, 1);
    assert_non_null(h);
    assert_false(gold_hmt_init(&g, m, h)); /* 33 positions of 32 */
    h->segment = 28;
    assert_true(gold_hmt_init(&g, m, h));
    gold_hmt_free(&g);
    h->d = D + 4;
    assert_false(gold_hmt_init(&g, m, h));
    h->d = D;
    hrandom_free(h);
    qrandom_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_are_near),
        cmocka_unit_test(halves_fit),
        cmocka_unit_test(texts_are_as_defined),
        cmocka_unit_test(misfits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
