/* SPDX-License-Identifier: Apache-2.0 */
/* flexllm eval -- accuracy on questions with a known answer. */
#include "cli/commands.h"
#include "cli/gen.h"
#include "base/progress.h"
#include "quant/tasks.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    const char *engine, *isa;
    int64_t limit, threads;
    bool json;
} opt;

struct tally {
    size_t n, right, right_norm;
    double nll; /* LAMBADA: of the last words */
};

/* Tokens of context + continuation; *from is where the continuation begins:
 * tokens of the context alone are those before it. Spaces at the end of the
 * context belong to the continuation, as a word's first token holds them. */
static bool pair_tokens(const struct tok *t, const char *context,
                        const char *continuation, struct tok_ids *ids,
                        int *from, struct fl_error *err)
{
    size_t c = strlen(context), n = strlen(continuation);
    char *whole = malloc(c + n + 1);
    FL_FAIL_IF(!whole, err, FL_NOMEM, 0, "out of memory");
    memcpy(whole, context, c);
    memcpy(whole + c, continuation, n + 1);
    while (c && whole[c - 1] == ' ')
        c--;
    unsigned flags = tok_wants_bos(t) ? TOK_BOS : 0;
    struct tok_ids alone = {0};
    ids->n = 0;
    bool ok = tok_encode(t, whole, c, flags, &alone, err) &&
              tok_encode(t, whole, strlen(whole), flags, ids, err);
    *from = (int)alone.n;
    tok_ids_free(&alone);
    free(whole);
    FL_FAIL_IF(ok && (*from < 1 || (size_t)*from >= ids->n), err, FL_FORMAT, 0,
               "'%.60s': nothing to score", continuation);
    return ok;
}

/* How many tokens two lists begin with alike, at most `most`. */
static int shared_prefix(const struct tok_ids *a, const struct tok_ids *b,
                         int most)
{
    int k = 0;
    while (k < most && (size_t)k < a->n && (size_t)k < b->n &&
           a->id[k] == b->id[k])
        k++;
    return k;
}

static bool ask(struct gen *g, const struct tok *t, const struct task_item *it,
                double *nll, int limit, struct tally *sum, struct fl_error *err)
{
    struct tok_ids ids = {0}, last = {0};
    double best = 0, best_norm = 0;
    int choice = 0, choice_norm = 0;
    bool ok = true, greedy = false;
    for (int k = 0; k < it->choices && ok; k++) {
        int from;
        ok = pair_tokens(t, it->context[k], it->continuation[k], &ids, &from,
                         err);
        if (ok && ids.n > (size_t)limit) { /* keep the end, as others do */
            size_t drop = ids.n - (size_t)limit;
            memmove(ids.id, ids.id + drop, (size_t)limit * sizeof *ids.id);
            ids.n = (size_t)limit;
            from -= (int)drop;
            ok = from >= 1;
            if (!ok)
                fl_fail(err, FL_RANGE, 0,
                        "an answer is longer than the "
                        "model's %d positions",
                        limit);
        }
        if (!ok)
            break;
        int keep = k ? shared_prefix(&ids, &last, from - 1) : 0;
        ok = g->score(g, ids.id, (int)ids.n, keep, from, nll,
                      it->choices == 1 ? &greedy : NULL, err);
        double total = 0;
        for (int i = from; ok && i < (int)ids.n; i++)
            total += nll[i];
        double norm = total / (double)strlen(it->continuation[k] + 1);
        if (k == 0 || total < best) {
            best = total;
            choice = k;
        }
        if (k == 0 || norm < best_norm) {
            best_norm = norm;
            choice_norm = k;
        }
        struct tok_ids swap = last;
        last = ids;
        ids = swap;
    }
    tok_ids_free(&ids);
    tok_ids_free(&last);
    sum->n++;
    sum->right += it->choices == 1 ? greedy : choice == it->gold;
    sum->right_norm += choice_norm == it->gold;
    sum->nll += best;
    return ok;
}

/* Standard error of a share, as the sample standard deviation gives it. */
static double share_error(double p, size_t n)
{
    return n > 1 ? sqrt(p * (1 - p) / (double)(n - 1)) : 0;
}

static void report(const struct task *task, const char *file,
                   const struct tally *s, double seconds, cJSON *list)
{
    double n = (double)s->n, acc = (double)s->right / n;
    double norm = (double)s->right_norm / n;
    bool lambada = task->kind == TASK_LAMBADA;
    if (list) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "task", task_name(task->kind));
        cJSON_AddStringToObject(o, "file", file);
        cJSON_AddNumberToObject(o, "questions", n);
        cJSON_AddNumberToObject(o, "acc", acc);
        cJSON_AddNumberToObject(o, "acc_error", share_error(acc, s->n));
        if (lambada) {
            cJSON_AddNumberToObject(o, "ppl", exp(s->nll / n));
        } else {
            cJSON_AddNumberToObject(o, "acc_norm", norm);
            cJSON_AddNumberToObject(o, "acc_norm_error",
                                    share_error(norm, s->n));
        }
        cJSON_AddStringToObject(o, "engine", opt.engine);
        cJSON_AddNumberToObject(o, "seconds", seconds);
        cJSON_AddItemToArray(list, o);
        return;
    }
    printf("%-10s %5zu questions  acc %.4f +- %.4f", task_name(task->kind),
           s->n, acc, share_error(acc, s->n));
    if (lambada)
        printf("  perplexity of the last word %.3f", exp(s->nll / n));
    else
        printf("  length-normalised %.4f +- %.4f", norm,
               share_error(norm, s->n));
    printf("  (%s, %.1f s)\n", opt.engine, seconds);
    fflush(stdout);
}

static int eval_run(int argc, char **argv)
{
    const struct cli_opt opts[] = {
        {"limit", 'n', CLI_INT, "N", "only the first N questions of a file",
         &opt.limit, 1, 1e9},
        {"engine", 'e', CLI_TEXT, "E",
         "fp32 (a checkpoint); int, golden, "
         "shadow (a package). Default: fp32 or int",
         &opt.engine, 0, 0},
        {"threads", 't', CLI_INT, "N",
         "threads of the int engine (all "
         "processors)",
         &opt.threads, 1, 1024},
        {"isa", 0, CLI_TEXT, "NAME", "instruction set of the int engine",
         &opt.isa, 0, 0},
        {"json", 0, CLI_FLAG, NULL,
         "print a JSON list, an object a file: "
         "task, questions, acc, acc_error, acc_norm, acc_norm_error, ppl",
         &opt.json, 0, 0},
    };
    const char *word[8];
    cli_parse(&cli_eval, opts, sizeof opts / sizeof *opts, argc, argv, word, 2,
              8);
    struct fl_error err = {0};
    struct cli_source src;
    gen_source(&src, word[0], &cli_eval, &opt.engine, false);
    const struct tok *t = cli_source_tok(&src);
    int limit = gen_limit(&src) < 2048 ? gen_limit(&src) : 2048;
    struct gen g;
    struct gen_options go = {.engine = opt.engine,
                             .room = limit,
                             .threads = (int)opt.threads,
                             .isa = opt.isa};
    if (!gen_open(&g, &src, &go, &err))
        cli_die_error(&err);
    double *nll = calloc((size_t)limit, sizeof *nll);
    if (!nll)
        cli_die("out of memory");
    cJSON *list = opt.json ? cJSON_CreateArray() : NULL;
    for (int f = 1; f < 8 && word[f]; f++) {
        struct cli_text in;
        struct task task;
        if (!cli_text_get(&in, NULL, word[f], &err) ||
            !task_read(&task, in.s, in.n, (size_t)opt.limit, word[f], &err))
            cli_die_error(&err);
        struct fl_progress bar;
        fl_progress_start(&bar, task_name(task.kind), task.n);
        double start = fl_now();
        struct tally sum = {0};
        for (size_t i = 0; i < task.n; i++) {
            if (!ask(&g, t, &task.item[i], nll, limit, &sum, &err)) {
                fl_progress_end(&bar);
                cli_die("%s: question %zu: %s", word[f], i + 1, err.msg);
            }
            fl_progress_set(&bar, i + 1, NULL);
        }
        fl_progress_end(&bar);
        report(&task, word[f], &sum, fl_now() - start, list);
        task_free(&task);
        cli_text_free(&in);
    }
    if (list)
        cli_json_print(list);
    free(nll);
    gen_close(&g);
    cli_source_close(&src);
    return cli_flush();
}

const struct cli_command cli_eval = {
    "eval",
    "MODEL|PKG FILE.jsonl ... [options]",
    "accuracy on multiple-choice and last-word questions",
    "  Each file holds one question a line: HellaSwag, PIQA, ARC, WinoGrande "
    "or "
    "LAMBADA,\n  told apart by their keys. A choice's score is the sum of its "
    "tokens' log\n  probabilities, as it is and divided by its length in "
    "bytes; "
    "LAMBADA counts a\n  word as right where each of its tokens was the "
    "likeliest. +- is one standard error.",
    "  flexllm eval smollm2.fxq piqa.jsonl hellaswag.jsonl\n"
    "  flexllm eval SmolLM2.gguf lambada.jsonl --limit 200",
    eval_run,
};
