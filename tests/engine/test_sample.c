/* SPDX-License-Identifier: Apache-2.0 */
/* tests/engine/test_sample.c -- the sampler against a direct reading of
 * docs/numerics.md section 4 (sort everything), the score of a token against
 * libm, and what the engine refuses.
 */
#include "engine/engine.h"
#include "tests/golden/qmodel_random.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void check(int ok, const char *what, int i)
{
    if (!ok && failures++ < 20)
        printf("FAIL %s: %d\n", what, i);
}

enum { MOST = 5000 };
static int32_t logits[MOST];

static int better(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    if (logits[x] != logits[y])
        return logits[x] > logits[y] ? -1 : 1;
    return x < y ? -1 : 1;
}

static int32_t reference(int vocab, const struct eng_sampling *how,
                         uint32_t step)
{
    static int32_t order[MOST];
    for (int i = 0; i < vocab; i++)
        order[i] = i;
    qsort(order, (size_t)vocab, sizeof *order, better);
    int k = how->top_k < vocab ? how->top_k : vocab;
    uint64_t w[64], all = 0, cut = 0, u;
    for (int j = 0; j < k; j++) {
        w[j] = num_sample_weight((int64_t)logits[order[0]] - logits[order[j]],
                                 how->t_scale);
        all += w[j];
    }
    int m = 0;
    do
        cut += w[m++];
    while (m < k && cut < (all * how->top_p + 65535) >> 16);
    u = (uint64_t)num_rand(how->seed, step) * cut >> 32;
    uint64_t seen = 0;
    for (int j = 0; j < m; j++)
        if ((seen += w[j]) > u)
            return order[j];
    return -1;
}

static void sampling(void)
{
    uint64_t seed = 7;
    static const int sizes[] = {1, 2, 63, 64, 65, 128, 1000, MOST};
    int different = 0;
    for (int i = 0; i < 4000; i++) {
        int vocab = sizes[i % 8];
        int shift = 37 + (int)(qrandom_word(&seed) % 24);
        for (int t = 0; t < vocab; t++)
            logits[t] = (int32_t)((int64_t)qrandom_word(&seed) >> shift);
        struct eng_sampling how = eng_sampling_make(
            0.1 + (double)(qrandom_word(&seed) % 300) / 100,
            (int)(qrandom_word(&seed) % 70),
            (double)(qrandom_word(&seed) % 110) / 100, (uint32_t)i);
        int32_t got = eng_sample(logits, vocab, &how, (uint32_t)i * 3);
        check(got == reference(vocab, &how, (uint32_t)i * 3), "sample", i);
        how.top_k = 1;
        int32_t top = eng_sample(logits, vocab, &how, 0);
        for (int t = 0; t < vocab; t++)
            check(logits[t] < logits[top] ||
                      (logits[t] == logits[top] && t >= top),
                  "greedy", i);
        different += got != top;
    }
    check(different > 500, "draws that are not the best", different);
    /* u exactly at the first weight: the second candidate */
    struct eng_sampling s = eng_sampling_make(1, 0, 1, 0);
    logits[0] = logits[1] = 5;
    uint32_t step = 0;
    while ((uint64_t)num_rand(0, step) * 131072 >> 32 != 65536)
        step++;
    check(eng_sample(logits, 2, &s, step) == 1, "u at a boundary", 0);
    double real = ldexp(s.t_scale.mant, s.t_scale.exp);
    check(fabs(real - 1.4426950408889634) < 2e-5, "temperature 1", 0);
    s = eng_sampling_make(0, 40, 0.5, 0);
    check(s.top_k == 1, "temperature 0 is greedy", 0);
}

static void scores(void)
{
    uint64_t seed = 9;
    for (int i = 0; i < 200; i++) {
        int vocab = 1 + (int)(qrandom_word(&seed) % MOST);
        int shift = 37 + i % 24;
        for (int t = 0; t < vocab; t++)
            logits[t] = (int32_t)((int64_t)qrandom_word(&seed) >> shift);
        int target = vocab / 2;
        double max = logits[0] / 65536.0, sum = 0;
        for (int t = 0; t < vocab; t++)
            max = logits[t] / 65536.0 > max ? logits[t] / 65536.0 : max;
        for (int t = 0; t < vocab; t++)
            sum += exp(logits[t] / 65536.0 - max);
        double want = log(sum) + max - logits[target] / 65536.0;
        double got = eng_nll(logits, vocab, target);
        check(fabs(got - want) < 1e-5 + 1e-6 * fabs(want), "score", i);
    }
}

static void refused(struct num_qmodel *m, const char *word)
{
    struct fl_error err = {0};
    struct engine *e = eng_open(m, &(struct eng_options){.threads = 1}, &err);
    check(!e && strstr(err.msg, word) != NULL, err.msg, 0);
    eng_close(e);
}

static void errors(void)
{
    struct qrandom q = {.shape = {1, 16, 24, 2, 1, 8, 20, 8, 0, 0, 0},
                        .seq = 8,
                        .wbits = 4,
                        .abits = 8};
    struct num_qmodel *m = qrandom_new(&q);
    struct fl_error err = {0};
    if (!m)
        exit(2);
    check(!eng_open(m, &(struct eng_options){.isa = "mmx"}, &err) &&
              strstr(err.msg, "portable") != NULL,
          "unknown instruction set", 0);
    struct engine *e = eng_open(m, &(struct eng_options){.threads = 2}, &err);
    struct eng_session *s = e ? eng_session_new(e, 4, &err) : NULL;
    if (!s)
        exit(2);
    int32_t good[5] = {1, 2, 3, 4, 5}, bad[2] = {1, 20};
    check(!eng_session_new(e, 9, &err), "longer than the model takes", 0);
    check(!eng_prefill(s, bad, 2, &err) && eng_session_len(s) == 0,
          "token outside", 0);
    check(!eng_prefill(s, good, 0, &err), "no tokens", 0);
    check(!eng_prefill(s, good, 5, &err) && eng_session_len(s) == 0,
          "too many tokens", 0);
    check(eng_prefill(s, good, 4, &err) && eng_session_len(s) == 4, "full", 0);
    check(!eng_decode(s, 1, &err) && eng_session_len(s) == 4, "over full", 0);
    struct eng_row row[2] = {{s, 1, -1, 1}, {s, 1, -1, 1}};
    eng_session_cut(s, 3);
    check(!eng_batch(e, row, 2, NULL, NULL, NULL, &err) &&
              eng_session_len(s) == 3,
          "batch over full", 0);
    row[0].target = 20;
    check(!eng_batch(e, row, 1, NULL, NULL, NULL, &err), "target outside", 0);
    eng_session_free(s);
    eng_close(e);
    m->shape.head = 7;
    refused(m, "even");
    m->shape.head = 8;
    m->layer[0].lin[NUM_GATE].frac = 40;
    refused(m, "gate");
    m->layer[0].lin[NUM_GATE].frac = 16;
    m->layer[0].lin[NUM_DOWN].din = 25;
    refused(m, "down");
    m->layer[0].lin[NUM_DOWN].din = 24;
    m->kvbits = 4;
    refused(m, "cache");
    m->kvbits = 8;
    qrandom_free(m);
}

int main(void)
{
    sampling();
    scores();
    errors();
    return failures != 0;
}
