/* SPDX-License-Identifier: Apache-2.0 */
/* tests/train/test_golden.c -- the trainer in float against an HMT, and a
 * teacher, on the golden model; and what spoils a memory. */
#include "tests/train/usual.h"
#include "golden/fp32.h"
#include "train/hmt_eval.h"
#include "train/segments.h"

enum { ROW_T = 19, ROW_P, ROWS };

/* The HMT of docs/hmt.md once more, on the golden model: it takes tokens
 * only, so vectors stand in extra rows of its embedding; and a model whose
 * head is the identity gives states as logits. */
struct other {
    struct num_fmodel logits, states; /* share layers and embedding */
    const struct hmt *h;
    int token[64], n; /* a pass */
    float m[16][16];
    int memories;           /* made so far */
    float zt[TOKENS][ROWS]; /* what the untouched model says */
    double kl;              /* sum of the divergences from it */
};

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
            const float *zt = o->zt[at + i - 1];
            double sum_t = 0;
            for (int v = 0; v < ROW_T; v++)
                sum_t += exp(zt[v]);
            for (int v = 0; v < ROW_T; v++)
                o->kl +=
                    exp(zt[v]) / sum_t * (zt[v] - log(sum_t) - z[v] + log(sum));
        }
    }
}

/* The whole text in one pass of the model as it is. */
static void other_teacher(struct other *o, const struct num_fmodel *m,
                          const int32_t *token)
{
    static float y[TOKENS * ROW_T];
    int id[TOKENS];
    struct gold_fp32 g;
    for (int i = 0; i < TOKENS; i++)
        id[i] = token[i];
    assert_true(gold_fp32_init(&g, m, TOKENS));
    gold_fp32_block(&g, id, TOKENS, TOKENS, y);
    gold_fp32_free(&g);
    for (int i = 0; i < TOKENS; i++)
        memcpy(o->zt[i], y + i * ROW_T, ROW_T * sizeof *y);
}

static void other_make(struct other *o, struct num_fmodel *m, struct hmt *h,
                       const int32_t *token)
{
    int d = m->shape.d;
    *o = (struct other){.h = h};
    other_teacher(o, m, token);
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
    struct segments_options so = {SEGMENT, SENSORY, MEMORIES, 2, 6, 0};
    WORKS(segments_init(&g, &net, &so, &err));
    double all = segments_run(&g, token, TOKENS, 0, 0, 1, NULL);
    segments_free(&g);
    so.distil = 0.7f;
    WORKS(segments_init(&g, &net, &so, &err));
    double taught = segments_run(&g, token, TOKENS, 0, 0, 1, NULL);
    WORKS(net_to_hmt(&net, &h, &err));
    net_free(&net);
    WORKS(net_init_hmt(&net, &m, &h, &err));
    WORKS(hmt_eval(&net, &eo, token, TOKENS, merged, &err));
    other_make(&o, &m, &h, token);
    other_score(&o, token, TOKENS, want);
    for (int i = 1; i < TOKENS; i++) {
        assert_true(fabs(nll[i] - want[i]) < 1e-4);
        assert_true(fabs(merged[i] - want[i]) < 1e-4);
        sum += nll[i];
    }
    assert_true(nll[0] == 0 && fabs(all - sum) < 1e-4);
    assert_true(fabs(taught - 0.3 * sum - 0.7 * o.kl) < 1e-4 * sum);
    assert_true(o.kl > 0.01 * sum);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_golden),
        cmocka_unit_test(ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
