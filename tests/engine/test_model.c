/* SPDX-License-Identifier: Apache-2.0 */
/* tests/engine/test_model.c -- the engine against golden/int.c: logits of
 * every token, bit for bit, on random models of many shapes and schemes; every
 * instruction set this processor has, 1 to 3 threads, by prefill in blocks, by
 * decode, by a mixture, and in a batch of several sequences.
 */
#include "engine/engine.h"
#include "golden/int.h"
#include "tests/golden/qmodel_random.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void check(int ok, const char *what, int i, int t)
{
    if (!ok && failures++ < 20)
        printf("FAIL %s: case %d, token %d\n", what, i, t);
}

static const struct qrandom cases[] = {
    {.shape = {2, 64, 172, 8, 4, 8, 512, 64, 0, 0, 0},
     .seq = 160,
     .wbits = 4,
     .abits = 8,
     .mean = 1,
     .bias = 1,
     .r4 = 1},
    {.shape = {2, 64, 172, 8, 4, 8, 512, 64, 0, 0, 0},
     .seq = 160,
     .wbits = 4,
     .abits = 4,
     .r3 = 1,
     .r4 = 1},
    {.shape = {2, 96, 384, 6, 2, 16, 100, 64, 0, 0, 0},
     .seq = 200,
     .wbits = 8,
     .abits = 8,
     .r3 = 1,
     .r4 = 1,
     .bias = 1},
    {.shape = {1, 192, 768, 3, 1, 64, 333, 64, 0, 0, 0},
     .seq = 300,
     .wbits = 4,
     .abits = 8,
     .group = 32,
     .r3 = 1,
     .r4 = 1,
     .mean = 1,
     .bias = 1},
    {.shape = {1, 128, 320, 4, 4, 32, 77, 64, 0, 0, 0},
     .seq = 64,
     .wbits = 4,
     .abits = 4,
     .head_abits = 4,
     .group = 64,
     .r4 = 1,
     .mean = 1},
    {.shape = {1, 80, 100, 5, 1, 10, 33, 64, 0, 0, 0},
     .seq = 64,
     .wbits = 8,
     .abits = 4,
     .group = 20,
     .r4 = 1,
     .bias = 1},
    {.shape = {1, 2, 3, 1, 1, 2, 2, 8, 0, 0, 0},
     .seq = 8,
     .wbits = 4,
     .abits = 8},
    {.shape = {1, 576, 1536, 9, 3, 64, 1000, 64, 0, 0, 0},
     .seq = 200,
     .wbits = 4,
     .abits = 8,
     .mean = 1,
     .bias = 1,
     .r3 = 1,
     .r4 = 1},
    {.shape = {1, 72, 224, 4, 2, 18, 40, 64, 0, 0, 0},
     .seq = 40,
     .wbits = 4,
     .head_wbits = 8,
     .abits = 8,
     .r3 = 1,
     .r4 = 1},
    {.shape = {1, 192, 320, 3, 1, 64, 77, 64, 0, 0, 0},
     .seq = 96,
     .wbits = 4,
     .abits = 4,
     .head_abits = 4,
     .mean = 1,
     .bias = 1,
     .r4 = 1,
     .wide = 24},
    {.shape = {1, 51, 90, 3, 1, 18, 40, 64, 0, 0, 0},
     .seq = 40,
     .wbits = 4,
     .head_wbits = 8,
     .abits = 8,
     .head_abits = 4,
     .r4 = 1,
     .wide = 40},
};

enum { CASES = sizeof cases / sizeof *cases };

struct want {
    int n, vocab;
    int32_t *token;
    int32_t *logits; /* (n, vocab) */
};

static void golden(const struct num_qmodel *m, struct want *w, uint64_t seed)
{
    w->n = m->seq;
    w->vocab = m->shape.vocab;
    w->token = malloc((size_t)w->n * sizeof *w->token);
    w->logits = malloc((size_t)w->n * (size_t)w->vocab * sizeof *w->logits);
    struct gold_int g;
    if (!w->token || !w->logits || !gold_int_init(&g, m, w->n))
        exit(2);
    for (int t = 0; t < w->n; t++) {
        w->token[t] = (int32_t)(qrandom_word(&seed) % (uint64_t)w->vocab);
        gold_int_step(&g, w->token[t], w->logits + (ptrdiff_t)t * w->vocab);
    }
    gold_int_free(&g);
}

static int same(const struct want *w, int t, const int32_t *logits)
{
    return logits && memcmp(logits, w->logits + (ptrdiff_t)t * w->vocab,
                            (size_t)w->vocab * sizeof *logits) == 0;
}

struct seen {
    const struct want *w;
    const int *pos; /* (rows) position of each row */
    int id, count;
};

static void on_logits(void *arg, int row, const int32_t *logits)
{
    struct seen *s = arg;
    s->count++;
    check(same(s->w, s->pos[row], logits), "batch", s->id, s->pos[row]);
}

/* The same tokens in two sessions, in runs of uneven length. */
static void batch(struct engine *e, const struct want *w, int id)
{
    struct eng_session *s[2] = {eng_session_new(e, 0, NULL),
                                eng_session_new(e, w->n, NULL)};
    struct eng_row *row = calloc((size_t)w->n * 2, sizeof *row);
    int *pos = calloc((size_t)w->n * 2, sizeof *pos);
    double *nll = calloc((size_t)w->n * 2, sizeof *nll);
    int n = 0, wanted = 0, at[2] = {0, 0};
    while (at[0] < w->n || at[1] < w->n)
        for (int i = 0; i < 2; i++)
            for (int k = 0; k < 1 + 3 * i && at[i] < w->n; k++, n++) {
                pos[n] = at[i];
                row[n] = (struct eng_row){s[i], w->token[at[i]++], n % 3 - 1,
                                          n % 5 != 0};
                wanted += n % 5 != 0;
                if (row[n].target >= w->vocab)
                    row[n].target = 0;
            }
    struct seen seen = {w, pos, id, 0};
    check(eng_batch(e, row, n, on_logits, &seen, nll, NULL), "batch", id, -1);
    check(seen.count == wanted, "callbacks", id, seen.count);
    for (int i = 0; i < n; i++)
        if (row[i].target >= 0)
            check(nll[i] == eng_nll(w->logits + (ptrdiff_t)pos[i] * w->vocab,
                                    w->vocab, row[i].target),
                  "nll", id, i);
    free(row);
    free(pos);
    free(nll);
    eng_session_free(s[0]);
    eng_session_free(s[1]);
}

static void run(const struct num_qmodel *m, const struct want *w, int id,
                const char *isa, int threads, int block)
{
    struct fl_error err = {0};
    struct eng_options o = {.threads = threads, .isa = isa, .block = block};
    struct engine *e = eng_open(m, &o, &err);
    struct eng_session *s = e ? eng_session_new(e, 0, &err) : NULL;
    if (!s) {
        printf("FAIL open: %s\n", err.msg);
        failures++;
        return;
    }
    for (int t = 0; t < w->n; t++) /* decode */
        check(same(w, t, eng_decode(s, w->token[t], &err)), "decode", id, t);
    check(!eng_decode(s, 0, &err) && eng_session_len(s) == w->n, "full", id, 0);
    eng_session_cut(s, 0);
    check(same(w, w->n - 1, eng_prefill(s, w->token, w->n, &err)), "prefill",
          id, w->n);
    eng_session_cut(s, w->n / 3); /* prefill, decode, prefill */
    int t = w->n / 3;
    if (t + 2 < w->n) {
        check(same(w, t, eng_decode(s, w->token[t], &err)), "mix", id, t);
        check(same(w, w->n - 2,
                   eng_prefill(s, w->token + t + 1, w->n - t - 2, &err)),
              "mix", id, w->n - 2);
        check(same(w, w->n - 1, eng_decode(s, w->token[w->n - 1], &err)), "mix",
              id, w->n - 1);
    }
    batch(e, w, id);
    eng_session_free(s);
    eng_close(e);
}

int main(int argc, char **argv)
{
    int only = argc > 1 ? atoi(argv[1]) : -1;
    int runs[8];
    const char *const *isa = eng_isa_list(runs);
    for (int i = 0; i < CASES; i++) {
        if (only >= 0 && i != only)
            continue;
        struct num_qmodel *m = qrandom_new(&cases[i]);
        struct want w;
        if (!m)
            return 2;
        golden(m, &w, 99 + (uint64_t)i);
        for (int k = 0; isa[k]; k++)
            if (runs[k]) {
                run(m, &w, i, isa[k], 1, 0);
                run(m, &w, i, isa[k], 2, 0);
                run(m, &w, i, isa[k], 3, 30);
            }
        free(w.token);
        free(w.logits);
        qrandom_free(m);
    }
    for (int k = 0; isa[k]; k++)
        printf("%-10s %s\n", isa[k],
               runs[k] ? "equal to golden"
                       : "NOT CHECKED: not on this machine");
    return failures != 0;
}
