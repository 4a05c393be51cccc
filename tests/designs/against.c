/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/designs/against.h"
#include "golden/int.h"
#include <stdio.h>
#include <stdlib.h>

struct run {
    struct gold_int g;
    struct gold_sampler s;
    const char *name;
    const int *prompt;
    int n;    /* tokens of the prompt */
    int next; /* what golden draws next */
    int tokens, positions, bad;
    int32_t *logits;
};

static void check(struct run *r, bool ok, const char *what, int is, int wanted)
{
    if (ok)
        return;
    printf("%s, prompt %d: %s is %d, golden says %d\n", r->name, r->n, what, is,
           wanted);
    r->bad++;
}

/* The design's logits of a position: golden makes the same step. */
static void take_logits(void *user, int pos, const int32_t *logits)
{
    struct run *r = user;
    int v = r->g.m->shape.vocab, differ = 0;
    check(r, pos == r->g.pos, "position", pos, r->g.pos);
    gold_int_step(&r->g, pos < r->n ? r->prompt[pos] : r->next, r->logits);
    for (int i = 0; i < v; i++)
        differ += logits[i] != r->logits[i];
    check(r, differ == 0, "number of wrong logits", differ, 0);
    r->next = gold_sample(r->logits, v, &r->s, (uint32_t)pos + 1);
    r->positions++;
}

static bool take_token(void *user, int id)
{
    struct run *r = user;
    check(r, id == r->next, "token", id, r->next);
    r->tokens++;
    return true;
}

int against_golden(struct hls *e, const struct num_qmodel *m, const char *name,
                   const int *prompt, int n, const struct hls_want *want,
                   struct hls_stats *stats)
{
    struct fl_error err;
    struct hls_want w = *want;
    struct run r = {.prompt = prompt, .n = n, .name = name};
    r.s = (struct gold_sampler){w.sampling.k, w.sampling.t_scale,
                                w.sampling.top_p, w.sampling.seed};
    r.logits = calloc((size_t)m->shape.vocab, sizeof *r.logits);
    int cap = n + w.tokens < m->seq ? n + w.tokens : m->seq;
    if (r.logits == 0 || !gold_int_init(&r.g, m, cap))
        abort();
    for (int i = 0; i < n - 1; i++)
        gold_int_step(&r.g, prompt[i], 0);
    w.logits = take_logits;
    if (!hls_generate(e, prompt, n, &w, take_token, &r, stats, &err)) {
        printf("%s, prompt %d: %s\n", name, n, err.msg);
        r.bad++;
    }
    check(&r, r.tokens == stats->generated, "number of tokens", r.tokens,
          stats->generated);
    check(&r, stats->stopped || r.tokens == w.tokens, "number of tokens",
          r.tokens, w.tokens);
    check(&r, r.positions == r.tokens, "number of positions", r.positions,
          r.tokens);
    gold_int_free(&r.g);
    free(r.logits);
    return r.bad;
}
