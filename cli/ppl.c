/* SPDX-License-Identifier: Apache-2.0 */
/* flexllm ppl -- perplexity of a text, by any engine. */
#include "cli/commands.h"
#include "cli/gen.h"
#include "cli/ppl_hmt.h"
#include "cli/ranks.h"
#include "base/progress.h"
#include "designs/hls.h"
#include "quant/ppl.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *text, *engine, *isa, *protocol;
    int64_t ctx, windows, threads;
    bool json;
    struct ppl_hmt hmt;
} opt;

static bool score_gen(void *state, const int32_t *token, int n, int from,
                      double *nll, struct fl_error *err)
{
    struct gen *g = state;
    return g->score(g, token, n, 0, from, nll, NULL, err);
}

struct hls_state {
    struct hls *e;
    const int32_t *token;
    double *nll;
    int n, from, vocab;
};

static void hls_position(void *user, int pos, const int32_t *logits)
{
    struct hls_state *s = user;
    if (pos + 1 >= s->from && pos + 1 < s->n)
        s->nll[pos + 1] = eng_nll(logits, s->vocab, s->token[pos + 1]);
}

static bool score_hls(void *state, const int32_t *token, int n, int from,
                      double *nll, struct fl_error *err)
{
    struct hls_state *s = state;
    s->token = token;
    s->nll = nll;
    s->n = n;
    s->from = from;
    return hls_logits(s->e, token, n, hls_position, s, err);
}

static void on_window(void *state, int done, int windows, double ppl)
{
    char note[40];
    snprintf(note, sizeof note, "perplexity %.4f", ppl);
    fl_progress_set(state, (uint64_t)done, note);
}

/* Opens the engine and runs the text through it. */
static bool evaluate(const struct cli_source *src, struct ppl_options *po,
                     const struct tok_ids *ids, struct ppl_result *r,
                     struct fl_error *err)
{
    if (strcmp(opt.engine, "hls") == 0) {
        FL_FAIL_IF(!src->is_pkg, err, FL_UNSUPPORTED, 0,
                   "%s: --engine hls needs a package; make one with flexllm "
                   "quantize %s -o model.fxq",
                   src->path, src->path);
        struct hls_state s = {.vocab = src->shape->vocab};
        s.e = hls_open(&src->pkg.model, &(struct hls_options){.cap = po->ctx},
                       err);
        bool ok = s.e && ppl_score(po, ids->id, ids->n, score_hls, &s, r, err);
        hls_close(s.e);
        return ok;
    }
    struct gen g;
    struct gen_options go = {.engine = opt.engine,
                             .room = po->ctx,
                             .threads = (int)opt.threads,
                             .isa = opt.isa};
    FL_TRY(gen_open(&g, src, &go, err));
    bool ok = ppl_score(po, ids->id, ids->n, score_gen, &g, r, err);
    gen_close(&g);
    return ok;
}

/* The text as one stream through a memory. */
static int hmt_of_package(const struct cli_source *src,
                          const struct tok_ids *ids, struct fl_error *err)
{
    struct gen g;
    struct gen_options go = {.engine = opt.engine,
                             .threads = (int)opt.threads,
                             .isa = opt.isa,
                             .memory = opt.hmt.memory};
    if (opt.hmt.way || opt.hmt.svg)
        cli_usage(&cli_ppl, "--hmt-way and --hmt-svg are for checkpoints");
    if (strcmp(opt.engine, "hls") == 0)
        cli_usage(&cli_ppl, "--hmt runs on the engines int and golden");
    if (ids->n < 2 || ids->n > INT32_MAX)
        cli_die("the text has %zu tokens; 2 to 2^31 can be scored", ids->n);
    ppl_hmt_check(&opt.hmt, ids->n);
    double *nll = calloc(ids->n, sizeof *nll);
    if (!nll)
        cli_die("out of memory");
    if (!gen_open(&g, src, &go, err))
        cli_die_error(err);
    double start = fl_now();
    if (!g.score(&g, ids->id, (int)ids->n, 0, 1, nll, NULL, err))
        cli_die_error(err);
    opt.hmt.json = opt.json;
    ppl_hmt_print(&opt.hmt, opt.engine, nll, ids->n, g.segment,
                  fl_now() - start);
    gen_close(&g);
    free(nll);
    return cli_flush();
}

static int ppl_main(int argc, char **argv)
{
    opt.ctx = 2048;
    opt.protocol = "gptq";
    const struct cli_opt opts[] = {
        {"text", 0, CLI_TEXT, "FILE", "the text; - is standard input",
         &opt.text, 0, 0},
        {"ctx", 0, CLI_INT, "N", "tokens a window (2048)", &opt.ctx, 4,
         NUM_MAX_SEQ},
        {"protocol", 0, CLI_TEXT, "P",
         "gptq: all positions of a window but "
         "the first are scored; llamacpp: its second half (gptq)",
         &opt.protocol, 0, 0},
        {"windows", 0, CLI_INT, "N", "only the first N windows (all)",
         &opt.windows, 1, 1e9},
        {"engine", 'e', CLI_TEXT, "E",
         "fp32 (a checkpoint); int, golden, "
         "hls, shadow (a package). Default: fp32 or int",
         &opt.engine, 0, 0},
        {"threads", 't', CLI_INT, "N",
         "threads of the int engine (all "
         "processors)",
         &opt.threads, 1, 1024},
        {"isa", 0, CLI_TEXT, "NAME", "instruction set of the int engine",
         &opt.isa, 0, 0},
        {"json", 0, CLI_FLAG, NULL,
         "print one JSON object: ppl, tokens, "
         "windows, ctx, protocol, engine, seconds",
         &opt.json, 0, 0},
        {"hmt", 0, CLI_TEXT, "FILE",
         "score the text as one stream through this memory (docs/hmt.md)",
         &opt.hmt.memory, 0, 0},
        {"hmt-way", 0, CLI_TEXT, "W",
         "spoil the memory: zero, t, shuffled or last (fp32)", &opt.hmt.way, 0,
         0},
        {"hmt-svg", 0, CLI_TEXT, "FILE",
         "draw the weights of the memory search (fp32)", &opt.hmt.svg, 0, 0},
        {"at", 0, CLI_TEXT, "N,N,...",
         "with --hmt: also print the perplexity of the first N tokens alone",
         &opt.hmt.at, 0, 0},
        {"tokens", 0, CLI_INT, "N", "only the first N tokens (all)",
         &opt.hmt.tokens, 2, 1e12},
    };
    const char *word[1];
    cli_parse(&cli_ppl, opts, sizeof opts / sizeof *opts, argc, argv, word, 1,
              1);
    if (!opt.text)
        cli_usage(&cli_ppl, "give the text with --text FILE");
    if (opt.hmt.at && !opt.hmt.memory)
        cli_usage(&cli_ppl, "--at goes with --hmt");
    struct ppl_options po = {.ctx = (int)opt.ctx, .windows = (int)opt.windows};
    if (strcmp(opt.protocol, "llamacpp") == 0)
        po.protocol = PPL_LLAMACPP;
    else if (strcmp(opt.protocol, "gptq") != 0)
        cli_usage(&cli_ppl, "the protocol is gptq or llamacpp, not '%s'",
                  opt.protocol);

    struct fl_error err = {0};
    struct cli_source src;
    gen_source(&src, word[0], &cli_ppl, &opt.engine, true);
    const struct tok *t = cli_source_tok(&src);
    if (!opt.hmt.memory && po.ctx > gen_limit(&src))
        cli_die("%s holds %d positions: --ctx %d is too long", src.path,
                gen_limit(&src), po.ctx);
    po.vocab = src.shape->vocab;
    po.bos = po.protocol == PPL_LLAMACPP && tok_wants_bos(t) ? tok_bos(t) : -1;

    struct cli_text in;
    struct tok_ids ids = {0};
    if (!cli_text_get(&in, NULL, opt.text, &err))
        cli_die_error(&err);
    if (!tok_encode(t, in.s, in.n, 0, &ids, &err))
        cli_die("%s: %s", opt.text, err.msg);

    if (ranks_me() == 0)
        cli_warn_lost(&ids);
    if (opt.hmt.tokens && ids.n > (size_t)opt.hmt.tokens)
        ids.n = (size_t)opt.hmt.tokens;
    if (opt.hmt.memory && !src.is_pkg) {
        opt.hmt.threads = opt.threads;
        opt.hmt.json = opt.json;
        return ppl_hmt_fp32(&opt.hmt, &src, &ids, &err);
    }
    if (opt.hmt.memory)
        return hmt_of_package(&src, &ids, &err);
    size_t windows = ids.n / (size_t)po.ctx;
    if (po.windows && windows > (size_t)po.windows)
        windows = (size_t)po.windows;
    struct fl_progress bar = {0};
    bool first = ranks_me() == 0;
    po.rank = ranks_me();
    po.ranks = ranks_count();
    po.gather = ranks_add;
    if (!opt.threads && ranks_here() > 1)
        opt.threads = 1 + (sysconf(_SC_NPROCESSORS_ONLN) - 1) / ranks_here();
    if (first) {
        fl_progress_start(&bar, "scoring windows", windows / (size_t)po.ranks);
        po.progress = on_window;
        po.progress_state = &bar;
    }
    double start = fl_now();
    struct ppl_result r;
    bool ok = evaluate(&src, &po, &ids, &r, &err);
    fl_progress_end(&bar);
    if (!ok)
        cli_die_error(&err);
    double seconds = fl_now() - start;
    if (!first)
        return 0;
    if (opt.json) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddNumberToObject(o, "ppl", r.ppl);
        cJSON_AddNumberToObject(o, "nll", r.nll);
        cJSON_AddNumberToObject(o, "nll_error", r.error);
        cJSON_AddNumberToObject(o, "tokens", (double)r.tokens);
        cJSON_AddNumberToObject(o, "windows", r.windows);
        cJSON_AddNumberToObject(o, "ctx", po.ctx);
        cJSON_AddStringToObject(o, "protocol", opt.protocol);
        cJSON_AddStringToObject(o, "engine", opt.engine);
        cJSON_AddNumberToObject(o, "seconds", seconds);
        cJSON_AddNumberToObject(o, "peak_mib", cli_peak_mib());
        cli_json_print(o);
    } else {
        printf("perplexity %.4f  (mean %.5f +- %.5f nats; %ld tokens of %d "
               "windows of %d, protocol %s, engine %s, %.1f s)\n",
               r.ppl, r.nll, r.error, r.tokens, r.windows, po.ctx, opt.protocol,
               opt.engine, seconds);
    }
    tok_ids_free(&ids);
    cli_text_free(&in);
    cli_source_close(&src);
    return cli_flush();
}

const struct cli_command cli_ppl = {
    "ppl",
    "MODEL|PKG --text FILE [--ctx N] [--windows N] [options]",
    "perplexity of a text",
    "  Cuts the text into windows that do not overlap and prints exp of the "
    "mean\n  negative log probability of their tokens. No beginning token is "
    "put in front\n  (with --protocol llamacpp the first token of a window "
    "becomes one where the\n  model wants it, as in llama.cpp).",
    "  flexllm ppl SmolLM2.gguf --text wiki.test.txt --windows 16\n"
    "  flexllm ppl smollm2.fxq --text wiki.test.txt --json\n"
    "  flexllm ppl smollm2.fxq --text wiki.test.txt --engine shadow\n"
    "  mpirun -n 4 flexllm ppl smollm2.fxq --text wiki.test.txt   windows are "
    "shared out,\n                                         and the number is "
    "the same",
    ppl_main,
};
