/* SPDX-License-Identifier: Apache-2.0 */
/* engine/hmt.c against golden/hmt.c: every logit after a prompt of any length
 * and after each token that follows, every score, texts in pieces, blocks
 * smaller than a window; what is refused; memory that does not grow. */
#include "engine/hmt.h"
#include "golden/hmt.h"
#include "tests/check.h"
#include "tests/golden/hmt_random.h"
#include "tests/golden/qmodel_random.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 150, VOCAB = 37, D = 24 };

static struct num_qmodel *model(int abits, int mean)
{
    const struct qrandom o = {.shape = {.layers = 2,
                                        .d = D,
                                        .ffn = 32,
                                        .nq = 4,
                                        .nkv = 2,
                                        .head = 8,
                                        .vocab = VOCAB},
                              .seq = 64,
                              .wbits = 4,
                              .abits = abits,
                              .mean = mean,
                              .bias = mean,
                              .r3 = 1,
                              .r4 = 1,
                              .seed = 11};
    return qrandom_new(&o);
}

struct scores {
    const int32_t *token;
    double nll[TEXT];
};

static void score(void *user, int i, const int32_t *logits)
{
    struct scores *s = user;
    s->nll[i] = eng_nll(logits, VOCAB, s->token[i]);
}

static bool same(const int32_t *a, const int32_t *b)
{
    return a && memcmp(a, b, VOCAB * sizeof *a) == 0;
}

static void case_run(const struct num_qmodel *m, struct engine *e,
                     const int *size, const int32_t *text)
{
    struct fl_error err = {0};
    struct num_hmt *h = hrandom_new(D, size[3], size[0], size[1], size[2], 4);
    struct eng_hmt *x = h ? eng_hmt_new(e, h, &err) : NULL;
    CHECK(x, "segment %d: %s", size[0], err.msg);
    if (!x)
        return;
    static const int prompts[] = {1, 4, 8, 9, 33, 64, 150};
    int32_t logits[VOCAB];
    for (size_t j = 0; j < sizeof prompts / sizeof *prompts; j++) {
        struct gold_hmt g;
        int at = prompts[j];
        if (!gold_hmt_init(&g, m, h))
            abort();
        eng_hmt_reset(x);
        gold_hmt_feed(&g, text, at, NULL, NULL, logits);
        const int32_t *got = eng_hmt_feed(x, text, at, &err);
        for (; at < TEXT && at < prompts[j] + 40; at++) {
            CHECK(same(got, logits), "segment %d, prompt %d: token %d differs",
                  size[0], prompts[j], at);
            gold_hmt_feed(&g, text + at, 1, NULL, NULL, logits);
            got = eng_hmt_feed(x, text + at, 1, &err);
        }
        CHECK(same(got, logits), "segment %d, prompt %d: the last differs",
              size[0], prompts[j]);
        CHECK(eng_hmt_tokens(x) == at, "%d tokens", at);
        gold_hmt_free(&g);
    }
    static struct scores want;
    struct gold_hmt g;
    double nll[TEXT];
    want.token = text;
    if (!gold_hmt_init(&g, m, h))
        abort();
    gold_hmt_feed(&g, text, TEXT, score, &want, logits);
    gold_hmt_free(&g);
    for (int pieces = 0; pieces < 2; pieces++) { /* at once, or 3 segments */
        int step = pieces ? 3 * size[0] : TEXT;
        eng_hmt_reset(x);
        for (int from = 0; from < TEXT; from += step) {
            int n = TEXT - from < step ? TEXT - from : step;
            CHECK(eng_hmt_score(x, text + from, n, nll + from, &err), "%s",
                  err.msg);
        }
        for (int i = 0; i < TEXT; i++)
            CHECK(nll[i] == want.nll[i], "segment %d: score %d: %g, not %g",
                  size[0], i, nll[i], want.nll[i]);
    }
    eng_hmt_free(x);
    hrandom_free(h);
}

static void refusals(struct engine *e)
{
    struct fl_error err;
    struct num_hmt *h = hrandom_new(D, 4, 8, 2, 2, 1);
    if (!h)
        abort();
    int32_t token = VOCAB;
    struct eng_hmt *x = eng_hmt_new(e, h, &err);
    CHECK(x && !eng_hmt_feed(x, &token, 1, &err) &&
              strstr(err.msg, "vocabulary"),
          "a vector is no token of a text");
    CHECK(x && !eng_hmt_feed(x, &token, 0, &err), "no tokens");
    eng_hmt_free(x);
    h->segment = 61;
    CHECK(!eng_hmt_new(e, h, &err) && strstr(err.msg, "--ctx"), "a window");
    h->segment = 8;
    h->d = 2 * D;
    CHECK(!eng_hmt_new(e, h, &err) && strstr(err.msg, "width"), "a width");
    h->d = D;
    h->memories = NUM_HMT_MAX_MEMORIES + 1;
    CHECK(!eng_hmt_new(e, h, &err) && strstr(err.msg, "at most"), "a queue");
    h->memories = 2;
    hrandom_free(h);
    struct eng_session *s = eng_session_new(e, 4, &err);
    CHECK(s && !eng_decode(s, VOCAB, &err), "no vectors are set any more");
    eng_session_free(s);
}

int main(void)
{
    static const int sizes[][4] = {/* segment, sensory, memories, dm */
                                   {8, 3, 4, 16}, {40, 10, 3, 8},
                                   {7, 0, 2, 4},  {1, 1, 5, 5},
                                   {9, 4, 0, 4},  {31, 31, 6, 40}};
    int32_t text[TEXT];
    uint64_t rng = 3;
    for (int i = 0; i < TEXT; i++)
        text[i] = (int32_t)(qrandom_word(&rng) % VOCAB);
    for (int k = 0; k < 2; k++) {
        struct fl_error err = {0};
        struct num_qmodel *m = model(k ? 4 : 8, k);
        struct eng_options o = {.threads = 1 + k, .block = k ? 0 : 24};
        struct engine *e = m ? eng_open(m, &o, &err) : NULL;
        CHECK(e, "%s", err.msg);
        for (size_t c = 0; e && c < sizeof sizes / sizeof *sizes; c++)
            case_run(m, e, sizes[c], text);
        if (e)
            refusals(e);
        eng_close(e);
        qrandom_free(m);
    }
    printf("hmt: %s\n", failures ? "FAILED" : "ok");
    return failures != 0;
}
