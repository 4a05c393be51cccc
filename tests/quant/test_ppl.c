/* SPDX-License-Identifier: Apache-2.0 */
/* Perplexity with engines whose answers are known on paper. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <math.h>
#include <cmocka.h>
#include "quant/ppl.h"

enum { V = 11, N = 103 };

struct probe {
    int calls, fed, firsts, bos_seen, last_pos;
    int32_t token[N];
};

/* The next token is (token + 1) mod V with probability 3/4. */
static bool successor(void *state, const int32_t *token, int n, int pos,
                      float *logits, struct fl_error *err)
{
    struct probe *p = state;
    p->calls++;
    p->fed += n;
    p->firsts += pos == 0;
    p->bos_seen += pos == 0 && token[0] == 10;
    p->last_pos = pos + n;
    for (int t = 0; t < n; t++)
        for (int i = 0; i < V; i++)
            logits[t * V + i] =
                i == (token[t] + 1) % V ? (float)log(0.75 * (V - 1) / 0.25) : 0;
    return true;
}

static bool broken(void *state, const int32_t *token, int n, int pos,
                   float *logits, struct fl_error *err)
{
    fl_fail(err, FL_IO, 0, "it broke");
    return false;
}

static void protocols(void **state)
{
    int32_t token[N];
    for (int i = 0; i < N; i++)
        token[i] = i % V;
    struct ppl_options o = {.ctx = 20, .bos = 10, .vocab = V};
    struct ppl_result r;
    struct fl_error err;
    struct probe p = {0};
    assert_true(ppl_run(&o, token, N, successor, &p, &r, &err));
    assert_int_equal(r.windows, 5);
    assert_int_equal(r.tokens, 5 * 19);
    assert_true(fabs(r.ppl - 1 / 0.75) < 1e-5);
    assert_true(r.error < 1e-9);
    assert_int_equal(p.firsts, 5);
    assert_int_equal(p.bos_seen, 0);

    token[25] = 0; /* one wrong guess into it and one out of it */
    assert_true(ppl_run(&o, token, N, successor, &p, &r, &err));
    double want = (93 * log(0.75) + 2 * log(0.025)) / -95;
    assert_true(fabs(r.nll - want) < 1e-5);
    assert_true(r.error > 0.01);

    p = (struct probe){0};
    o.protocol = PPL_LLAMACPP; /* scored: positions 11 .. 19 */
    o.windows = 2;
    assert_true(ppl_run(&o, token, N, successor, &p, &r, &err));
    assert_int_equal(r.windows, 2);
    assert_int_equal(r.tokens, 2 * 9);
    assert_int_equal(p.bos_seen, 2);
    assert_true(fabs(r.ppl - 1 / 0.75) < 1e-5);

    o = (struct ppl_options){.ctx = 100, .bos = -1, .vocab = V};
    p = (struct probe){0}; /* several blocks a window */
    assert_true(ppl_run(&o, token, N, successor, &p, &r, &err));
    assert_int_equal(p.calls, 2);
    assert_int_equal(p.last_pos, 100);
    assert_int_equal(r.tokens, 99);
}

static void refusals(void **state)
{
    int32_t token[N] = {0};
    struct ppl_options o = {.ctx = 104, .bos = -1, .vocab = V};
    struct ppl_result r;
    struct fl_error err;
    assert_false(ppl_run(&o, token, N, successor, NULL, &r, &err));
    assert_int_equal(err.code, FL_RANGE);
    o.ctx = 3;
    assert_false(ppl_run(&o, token, N, successor, NULL, &r, &err));
    o.ctx = 20;
    assert_false(ppl_run(&o, token, N, broken, NULL, &r, &err));
    assert_string_equal(err.msg, "it broke");
    token[50] = V;
    assert_false(ppl_run(&o, token, N, successor, NULL, &r, &err));
    assert_int_equal(err.pos, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(protocols),
                                       cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
