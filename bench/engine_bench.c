/* SPDX-License-Identifier: Apache-2.0 */
/* bench/engine_bench.c -- speed of the integer engine on a model of
 * SmolLM2-135M's shape with random weights, or on a package.
 *
 *     engine_bench [--package FILE | --scheme w4a8|w4a4|w8a8] [--threads N]
 *                  [--isa NAME] [--block N] [--prompt N] [--gen N] [--reps N]
 *                  [--all] [--profile] [--json]
 *
 * Prints tokens a second of a prompt (logits of the last token; --all: of
 * every token, as a perplexity does) and of decoding from an empty context;
 * the median of --reps.
 */
#include "base/progress.h"
#include "engine/engine.h"
#include "model/package.h"
#include "tests/golden/qmodel_random.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_REPS = 100 };

struct bench {
    struct eng_options o;
    const char *scheme, *package;
    int prompt, gen, reps, all, profile, json;
};

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, compare);
    return x[n / 2];
}

static void profile(struct engine *e, const char *what)
{
    struct eng_profile p;
    eng_profile_get(e, &p);
    double sum = 0;
    for (int i = 0; i < ENG_OP_COUNT; i++)
        sum += p.seconds[i];
    printf("%s, microseconds a token\n", what);
    for (int i = 0; i < ENG_OP_COUNT; i++)
        if (p.seconds[i] > 0)
            printf("  %-22s %8.1f  %4.1f %%\n", eng_op_text((enum eng_op)i),
                   p.seconds[i] / (double)p.tokens * 1e6,
                   100 * p.seconds[i] / sum);
}

static void prefill(struct engine *e, struct eng_session *s,
                    const struct bench *b, const int32_t *token)
{
    if (b->all) {
        struct eng_row *row = calloc((size_t)b->prompt, sizeof *row);
        double *nll = calloc((size_t)b->prompt, sizeof *nll);
        for (int t = 0; t < b->prompt; t++)
            row[t] =
                (struct eng_row){s, token[t], token[(t + 1) % b->prompt], 0};
        eng_batch(e, row, b->prompt, NULL, NULL, nll, NULL);
        free(row);
        free(nll);
    } else {
        eng_prefill(s, token, b->prompt, NULL);
    }
}

static void decode(struct engine *e, struct eng_session *s,
                   const struct bench *b, const int32_t *token)
{
    for (int t = 0; t < b->gen; t++)
        eng_decode(s, token[t % b->prompt], NULL);
}

/* Wall clock: the median. Processor time, summed over the threads: the best,
 * which a busy machine disturbs less. */
static double measure(struct engine *e, struct eng_session *s,
                      const struct bench *b, const int32_t *token,
                      const char *what, int n,
                      void (*run)(struct engine *, struct eng_session *,
                                  const struct bench *, const int32_t *))
{
    double wall[MAX_REPS], best = 1e9;
    eng_profile_set(e, b->profile);
    for (int r = 0; r < b->reps; r++) {
        double start = fl_now();
        clock_t cpu = clock();
        eng_session_cut(s, 0);
        run(e, s, b, token);
        double used = (double)(clock() - cpu) / CLOCKS_PER_SEC;
        best = used < best ? used : best;
        wall[r] = n / (fl_now() - start);
    }
    double rate = median(wall, b->reps);
    if (!b->json)
        printf("%s %d%s: %.1f tokens/s; at best %.1f a second of processor "
               "time\n",
               what, n, b->all && run == prefill ? ", all logits" : "", rate,
               n / best);
    if (b->profile)
        profile(e, what);
    return rate;
}

static int usage(void)
{
    fprintf(stderr, "usage: see the head of bench/engine_bench.c\n");
    return 2;
}

static int parse(struct bench *b, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (!strcmp(a, "--all")) {
            b->all = 1;
            continue;
        }
        if (!strcmp(a, "--json")) {
            b->json = 1;
            continue;
        }
        if (!strcmp(a, "--profile")) {
            b->profile = 1;
            continue;
        }
        const char *v = ++i < argc ? argv[i] : NULL;
        if (!v)
            return 0;
        if (!strcmp(a, "--threads"))
            b->o.threads = atoi(v);
        else if (!strcmp(a, "--isa"))
            b->o.isa = v;
        else if (!strcmp(a, "--block"))
            b->o.block = atoi(v);
        else if (!strcmp(a, "--package"))
            b->package = v;
        else if (!strcmp(a, "--scheme"))
            b->scheme = v;
        else if (!strcmp(a, "--prompt"))
            b->prompt = atoi(v);
        else if (!strcmp(a, "--gen"))
            b->gen = atoi(v);
        else if (!strcmp(a, "--reps"))
            b->reps = atoi(v);
        else
            return 0;
    }
    return b->prompt > 0 && b->gen >= 0 && b->reps > 0 && b->reps <= MAX_REPS;
}

static struct num_qmodel *random_model(const struct bench *b, int seq)
{
    struct qrandom q = {
        .shape = {30, 576, 1536, 9, 3, 64, 49152, seq, 0, 0, 0},
        .seq = seq,
        .wbits = b->scheme[1] == '8' ? 8 : 4,
        .abits = b->scheme[3] == '8' ? 8 : 4,
        .r4 = 1,
        .mean = 1,
        .bias = 1,
    };
    return qrandom_new(&q);
}

static int run(struct bench *b, const struct num_qmodel *m,
               struct fl_error *err)
{
    int longest = b->prompt > b->gen ? b->prompt : b->gen;
    double start = fl_now();
    struct engine *e = eng_open(m, &b->o, err);
    struct eng_session *s = e ? eng_session_new(e, longest, err) : NULL;
    double opened = fl_now() - start;
    int32_t *token = calloc((size_t)longest, sizeof *token);
    if (!s || !token)
        return 1;
    uint64_t seed = 1;
    for (int t = 0; t < longest; t++)
        token[t] = (int32_t)(qrandom_word(&seed) % (uint64_t)m->shape.vocab);
    if (!b->json)
        printf("%s, %s, %d threads, opened in %.3f s, %.1f MB + %.1f MB "
               "cache\n",
               b->package ? b->package : b->scheme, eng_isa(e), eng_threads(e),
               opened, (double)eng_bytes(e) / 1e6,
               (double)eng_session_bytes(s) / 1e6);
    double pp = measure(e, s, b, token, "prompt", b->prompt, prefill);
    double tg = b->gen ? measure(e, s, b, token, "decode", b->gen, decode) : 0;
    if (b->json)
        printf("{\"isa\":\"%s\",\"threads\":%d,\"opened_s\":%.4f,"
               "\"prefill_tok_s\":%.2f,\"decode_tok_s\":%.2f}\n",
               eng_isa(e), eng_threads(e), opened, pp, tg);
    free(token);
    eng_session_free(s);
    eng_close(e);
    return 0;
}

int main(int argc, char **argv)
{
    struct bench b = {.scheme = "w4a8", .prompt = 512, .gen = 128, .reps = 3};
    if (!parse(&b, argc, argv))
        return usage();
    struct fl_error err = {.msg = "out of memory"};
    int status = 1;
    if (b.package) {
        struct pkg p;
        if (pkg_open(&p, b.package, &err)) {
            status = run(&b, &p.model, &err);
            pkg_close(&p);
        }
    } else {
        struct num_qmodel *m =
            random_model(&b, b.prompt > b.gen ? b.prompt : b.gen);
        if (m)
            status = run(&b, m, &err);
        qrandom_free(m);
    }
    if (status)
        fprintf(stderr, "engine_bench: %s\n", err.msg);
    return status;
}
