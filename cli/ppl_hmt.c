/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ppl_hmt.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/progress.h"
#include "cli/opts.h"
#include "train/hmt_eval.h"

struct seen {
    struct fl_progress bar;
    double *weight; /* (segments, ages) */
    int ages;
};

static void on_segment(void *user, int segment, const double *weight, int count)
{
    struct seen *s = user;
    for (int i = 0; s->weight != NULL && i < count && i < s->ages; i++)
        s->weight[(size_t)segment * (size_t)s->ages + (size_t)i] = weight[i];
    fl_progress_set(&s->bar, (uint64_t)segment + 1, NULL);
}

/* The next number of "a,b,..."; 0 at its end. Ends the program where it is
 * none, or is beyond the n tokens there are. */
static size_t next_prefix(const char **at, size_t n)
{
    char *end;
    if (*at == NULL || **at == 0)
        return 0;
    long long want = strtoll(*at, &end, 10);
    if (end == *at || want < 2 || (*end != 0 && *end != ','))
        cli_die("--at '%s' is not a list of numbers of tokens, 2 or more, as "
                "in 4096,16384",
                *at);
    if ((unsigned long long)want > n)
        cli_die("--at %lld: only %zu tokens are scored", want, n);
    *at = *end == ',' ? end + 1 : end;
    return (size_t)want;
}

void ppl_hmt_check(const struct ppl_hmt *o, size_t n)
{
    const char *at = o->at;
    while (next_prefix(&at, n) > 0)
        ;
}

static double mean_of(double sum, long tokens)
{
    return tokens > 0 ? exp(sum / (double)tokens) : 0;
}

void ppl_hmt_print(const struct ppl_hmt *o, const char *engine,
                   const double *nll, size_t n, int segment, double seconds)
{
    struct hmt_sums s = hmt_eval_sums(nll, n, segment);
    const char *at = o->at;
    double all = exp(s.all / (double)s.tokens);
    double second =
        s.second_tokens > 0 ? exp(s.second / (double)s.second_tokens) : all;
    if (!o->json) {
        printf("perplexity %.4f  (%ld tokens; second halves of segments "
               "%.4f, %ld tokens; memory %s, %s, engine %s, %.1f s, %.0f MiB "
               "at most)\n",
               all, s.tokens, second, s.second_tokens, o->memory,
               o->way ? o->way : "as it is", engine, seconds, cli_peak_mib());
        for (size_t k; (k = next_prefix(&at, n)) > 0;) {
            s = hmt_eval_sums(nll, k, segment);
            printf("  first %zu tokens: %.4f  (second halves %.4f)\n", k,
                   mean_of(s.all, s.tokens),
                   mean_of(s.second, s.second_tokens));
        }
        return;
    }
    cJSON *j = cJSON_CreateObject();
    cJSON_AddNumberToObject(j, "ppl", all);
    cJSON_AddNumberToObject(j, "tokens", (double)s.tokens);
    cJSON_AddNumberToObject(j, "ppl_second", second);
    cJSON_AddNumberToObject(j, "tokens_second", (double)s.second_tokens);
    cJSON *list = at == NULL ? NULL : cJSON_AddArrayToObject(j, "at");
    for (size_t k; (k = next_prefix(&at, n)) > 0;) {
        cJSON *one = cJSON_CreateObject();
        s = hmt_eval_sums(nll, k, segment);
        cJSON_AddNumberToObject(one, "tokens", (double)k);
        cJSON_AddNumberToObject(one, "ppl", mean_of(s.all, s.tokens));
        cJSON_AddNumberToObject(one, "ppl_second",
                                mean_of(s.second, s.second_tokens));
        cJSON_AddItemToArray(list, one);
    }
    cJSON_AddStringToObject(j, "memory", o->memory);
    cJSON_AddStringToObject(j, "way", o->way ? o->way : "as-is");
    cJSON_AddStringToObject(j, "engine", engine);
    cJSON_AddNumberToObject(j, "seconds", seconds);
    cJSON_AddNumberToObject(j, "peak_mib", cli_peak_mib());
    cli_json_print(j);
}

static bool net_open(struct net *net, struct hmt *h, const struct ppl_hmt *o,
                     const struct cli_source *src, struct fl_error *err)
{
    struct num_fmodel m;
    FL_TRY(hmt_open(h, o->memory, err));
    bool ok = hmt_fits(h, src->shape, o->memory, err) &&
              model_load(src->model, &m, err);
    if (ok) {
        ok = net_init_hmt(net, &m, h, err);
        model_unload(&m);
    }
    if (!ok)
        hmt_free(h);
    return ok;
}

/* A second thread only waits where matrices are small. */
static int threads(const struct ppl_hmt *o, const struct num_shape *s)
{
    if (o->threads == 0 && s->d < 256)
        return 1;
    return (int)(o->threads ? o->threads : sysconf(_SC_NPROCESSORS_ONLN));
}

int ppl_hmt_fp32(const struct ppl_hmt *o, const struct cli_source *src,
                 const struct tok_ids *ids, struct fl_error *err)
{
    struct hmt h;
    struct net net;
    int way = HMT_AS_IS;
    while (o->way != NULL && way < HMT_WAYS &&
           strcmp(o->way, hmt_way_name[way]) != 0)
        way++;
    if (way == HMT_WAYS)
        cli_die("there is no way '%s' to treat a memory; as-is, zero, t, "
                "shuffled or last",
                o->way);
    if (!net_open(&net, &h, o, src, err))
        cli_die_error(err);
    size_t n = ids->n;
    if (o->tokens > 0 && n > (size_t)o->tokens)
        n = (size_t)o->tokens;
    if (n < 2)
        cli_die("the text has %zu tokens; at least 2 are needed", n);
    ppl_hmt_check(o, n);
    int segments = (int)((n + (size_t)h.segment - 1) / (size_t)h.segment);
    struct seen seen = {.ages = h.memories < segments ? h.memories : segments};
    struct hmt_eval_options eo = {.segment = h.segment,
                                  .sensory = h.sensory,
                                  .memories = h.memories,
                                  .way = (enum hmt_way)way,
                                  .threads = threads(o, src->shape),
                                  .on_segment = on_segment,
                                  .user = &seen};
    double *nll = malloc(n * sizeof *nll);
    if (o->svg != NULL)
        seen.weight = calloc((size_t)segments * (size_t)(seen.ages + 1),
                             sizeof *seen.weight);
    if (nll == NULL || (o->svg != NULL && seen.weight == NULL))
        cli_die("out of memory");
    fl_progress_start(&seen.bar, "scoring segments", (uint64_t)segments);
    double start = fl_now();
    bool ok = hmt_eval(&net, &eo, ids->id, n, nll, err);
    fl_progress_end(&seen.bar);
    if (ok && o->svg != NULL)
        ok = hmt_plot(o->svg, seen.weight, segments, seen.ages,
                      "weights of the memory search", err);
    if (!ok)
        cli_die_error(err);
    ppl_hmt_print(o, "fp32", nll, n, h.segment, fl_now() - start);
    free(nll);
    free(seen.weight);
    net_free(&net);
    hmt_free(&h);
    return cli_flush();
}
