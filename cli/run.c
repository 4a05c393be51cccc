/* SPDX-License-Identifier: Apache-2.0 */
/* flexllm run -- text from a model, token by token. */
#include "cli/commands.h"
#include "cli/gen.h"
#include "base/progress.h"
#include "designs/hls_hmt.h"
#include "model/chat.h"
#include "model/hmt_int.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *prompt, *file, *engine, *isa, *system, *config, *memory;
    int64_t n, threads, top_k, seed;
    double temperature, top_p;
    bool chat, echo, json, stats, ignore_eos, profile;
} opt;

/* What came out, and how fast. */
struct result {
    struct tok_text text;
    struct tok_ids made;
    const char *stop; /* "eos", "length", "context" */
    double prefill_s, decode_s;
    int prompt_tokens;
    int decoded; /* tokens the decode time stands for */
};

struct sink {
    struct tok_stream stream;
    struct result *res;
    struct fl_error *err;
    bool lost; /* the output can no longer be written, or memory is out */
};

/* Takes a generated token; false: stop. */
static bool take(void *user, int id)
{
    struct sink *s = user;
    size_t had = s->res->text.n;
    if (!tok_ids_push(&s->res->made, id, s->err) ||
        !tok_stream_put(&s->stream, id, &s->res->text)) {
        s->lost = true;
        return false;
    }
    if (!opt.json && s->res->text.n > had) {
        fwrite(s->res->text.s + had, 1, s->res->text.n - had, stdout);
        if (fflush(stdout) != 0)
            s->lost = true;
    }
    return !s->lost;
}

static bool make_prompt(const struct tok *t, struct tok_ids *ids,
                        struct cli_text *in, struct fl_error *err)
{
    FL_TRY(cli_text_get(in, opt.prompt, opt.file, err));
    FL_FAIL_IF(in->n == 0, err, FL_RANGE, 0,
               "the prompt is empty; give some text with -p or --file");
    if (!opt.chat)
        return tok_encode(t, in->s, in->n, tok_wants_bos(t) ? TOK_BOS : 0, ids,
                          err);
    enum chat_kind kind = chat_kind_of(t);
    FL_FAIL_IF(kind == CHAT_NONE, err, FL_UNSUPPORTED, 0,
               "this model has no chat template; leave --chat away");
    struct chat_message m[2];
    size_t n = 0;
    if (opt.system)
        m[n++] = (struct chat_message){"system", opt.system};
    m[n++] = (struct chat_message){"user", in->s};
    return chat_encode(t, kind, m, n, true, ids, err);
}

/* The tokens that end a text, at most `max`. */
static int ends_of(const struct cli_source *s, int *ends, int max)
{
    int n = 0;
    if (opt.ignore_eos)
        return 0;
    if (s->is_pkg) {
        for (; n < s->pkg.end_count && n < max; n++)
            ends[n] = s->pkg.ends[n];
        return n;
    }
    for (int id = 0; id < tok_count(s->tok) && n < max; id++)
        if (tok_is_end(s->tok, id))
            ends[n++] = id;
    return n;
}

static bool is_end(const int *ends, int n, int id)
{
    for (int i = 0; i < n; i++)
        if (ends[i] == id)
            return true;
    return false;
}

static void print_profile(struct engine *e, const char *phase)
{
    struct eng_profile p;
    eng_profile_get(e, &p);
    double sum = 0;
    for (int i = 0; i < ENG_OP_COUNT; i++)
        sum += p.seconds[i];
    fprintf(stderr, "profile of %s: %llu tokens, %.1f ms in operations\n",
            phase, (unsigned long long)p.tokens, 1e3 * sum);
    for (int i = 0; i < ENG_OP_COUNT; i++)
        if (p.seconds[i] > 0)
            fprintf(stderr, "  %-20s %9.3f ms  %5.1f %%\n",
                    eng_op_text((enum eng_op)i), 1e3 * p.seconds[i],
                    100 * p.seconds[i] / sum);
    eng_profile_set(e, 1);
}

static bool run_gen(const struct cli_source *src, const struct tok_ids *prompt,
                    int n, const struct eng_sampling *how, struct sink *sink,
                    struct fl_error *err)
{
    struct result *res = sink->res;
    struct gen g;
    int ends[PKG_ENDS], end_count = ends_of(src, ends, PKG_ENDS);
    struct gen_options go = {opt.engine, (int)prompt->n + n, (int)opt.threads,
                             opt.isa, opt.memory};
    FL_TRY(gen_open(&g, src, &go, err));
    struct engine *e = opt.profile ? gen_engine(&g) : NULL;
    if (e)
        eng_profile_set(e, 1);
    double start = fl_now();
    const int32_t *logits = g.feed(&g, prompt->id, (int)prompt->n, err);
    res->prefill_s = fl_now() - start;
    if (e)
        print_profile(e, "the prompt");
    start = fl_now();
    for (int i = 0; i < n && logits; i++) {
        int32_t id =
            eng_sample(logits, g.vocab, how, (uint32_t)prompt->n + (uint32_t)i);
        if (!take(sink, id))
            break;
        if (is_end(ends, end_count, id)) {
            res->stop = "eos";
            break;
        }
        if (i + 1 < n) {
            logits = g.feed(&g, &id, 1, err);
            res->decoded++;
        }
    }
    res->decode_s = fl_now() - start;
    if (e)
        print_profile(e, "the answer");
    gen_close(&g);
    return logits != NULL;
}

/* The designs with the HMT plug-in round them. */
static bool hls_through_memory(const struct cli_source *src,
                               const struct hls_options *o,
                               const struct tok_ids *prompt,
                               const struct hls_want *want, struct sink *sink,
                               struct hls_stats *st, struct fl_error *err)
{
    struct hmt_int h;
    FL_TRY(hmt_int_open(&h, opt.memory, &src->pkg, src->path, err));
    struct hls_hmt *e = hls_hmt_open(&src->pkg.model, &h.m, o, err);
    bool ok = e && hls_hmt_generate(e, prompt->id, (int)prompt->n, want, take,
                                    sink, st, err);
    hls_hmt_close(e);
    hmt_int_free(&h);
    return ok;
}

static bool run_hls(const struct cli_source *src, const struct tok_ids *prompt,
                    int n, const struct eng_sampling *how, struct sink *sink,
                    struct fl_error *err)
{
    FL_FAIL_IF(!src->is_pkg, err, FL_UNSUPPORTED, 0,
               "%s: --engine hls needs a package; make one with flexllm "
               "quantize %s -o model.fxq",
               src->path, src->path);
    struct dsn_config config = dsn_config_for(&src->pkg.model);
    if (opt.config)
        FL_TRY(dsn_config_parse(&config, opt.config, err));
    struct hls_options ho = {.config = &config,
                             .cap = (int)prompt->n + n,
                             .progress = !opt.json && isatty(2) && !isatty(1)};
    struct hls_want want = {
        .tokens = n,
        .sampling = {how->top_k, how->t_scale, how->top_p, how->seed}};
    want.eos_count = ends_of(src, want.eos, HLS_MAX_EOS);
    struct hls_stats st = {0};
    bool ok;
    if (opt.memory) {
        ok = hls_through_memory(src, &ho, prompt, &want, sink, &st, err);
    } else {
        struct hls *e = hls_open(&src->pkg.model, &ho, err);
        ok = e && hls_generate(e, prompt->id, (int)prompt->n, &want, take, sink,
                               &st, err);
        hls_close(e);
    }
    struct result *res = sink->res;
    res->prefill_s = st.prefill_s;
    res->decode_s = st.decode_s;
    res->decoded = st.generated;
    if (st.stopped)
        res->stop = "eos";
    return ok || sink->lost;
}

static void print_json(const struct result *r)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "text", r->text.s ? r->text.s : "");
    cJSON_AddNumberToObject(o, "tokens", (double)r->made.n);
    cJSON_AddNumberToObject(o, "prompt_tokens", r->prompt_tokens);
    cJSON_AddNumberToObject(o, "prefill_tok_s",
                            r->prompt_tokens / (r->prefill_s + 1e-9));
    cJSON_AddNumberToObject(o, "decode_tok_s",
                            r->decoded ? r->decoded / (r->decode_s + 1e-9) : 0);
    cJSON_AddStringToObject(o, "engine", opt.engine);
    cJSON_AddStringToObject(o, "stop_reason", r->stop);
    cJSON *ids = cJSON_AddArrayToObject(o, "ids");
    for (size_t i = 0; i < r->made.n; i++)
        cJSON_AddItemToArray(ids, cJSON_CreateNumber(r->made.id[i]));
    cJSON_AddNumberToObject(o, "peak_mib", cli_peak_mib());
    cli_json_print(o);
}

static int run_run(int argc, char **argv)
{
    opt.n = 128;
    opt.top_p = 1;
    const struct cli_opt opts[] = {
        {"prompt", 'p', CLI_TEXT, "TEXT", "the prompt", &opt.prompt, 0, 0},
        {"file", 'f', CLI_TEXT, "FILE",
         "a file with the prompt; - is "
         "standard input",
         &opt.file, 0, 0},
        {"tokens", 'n', CLI_INT, "N", "tokens to generate at most (128)",
         &opt.n, 1, NUM_MAX_SEQ},
        {"engine", 'e', CLI_TEXT, "E",
         "fp32 (a checkpoint); int, golden, "
         "hls, shadow (a package). Default: fp32 or int",
         &opt.engine, 0, 0},
        {"chat", 'c', CLI_FLAG, NULL,
         "the prompt is a question: put it into "
         "the model's chat template",
         &opt.chat, 0, 0},
        {"system", 0, CLI_TEXT, "TEXT", "system message, with --chat",
         &opt.system, 0, 0},
        {"temperature", 0, CLI_REAL, "T", "0 is greedy (0)", &opt.temperature,
         0, 100},
        {"top-k", 0, CLI_INT, "K", "draw among the K best, 1 to 64 (64)",
         &opt.top_k, 1, 64},
        {"top-p", 0, CLI_REAL, "P",
         "and among those, the fewest that have "
         "this share of the probability (1)",
         &opt.top_p, 0, 1},
        {"seed", 's', CLI_INT, "S", "of the random draws (0)", &opt.seed, 0,
         4294967295.0},
        {"ignore-eos", 0, CLI_FLAG, NULL, "go on after an end token",
         &opt.ignore_eos, 0, 0},
        {"echo", 0, CLI_FLAG, NULL, "print the prompt too", &opt.echo, 0, 0},
        {"threads", 't', CLI_INT, "N",
         "threads of the int engine (all "
         "processors)",
         &opt.threads, 1, 1024},
        {"isa", 0, CLI_TEXT, "NAME",
         "instruction set of the int engine: "
         "avx512, avx2, c ... (the best there is)",
         &opt.isa, 0, 0},
        {"config", 0, CLI_TEXT, "LIST",
         "parallelism of the hls engine, like "
         "tp=4,wp=24,bp=8",
         &opt.config, 0, 0},
        {"hmt", 0, CLI_TEXT, "MEMORY",
         "read and write texts of any length through this memory "
         "(docs/hmt.md); engines int, golden and hls",
         &opt.memory, 0, 0},
        {"stats", 0, CLI_FLAG, NULL,
         "print speed and memory on standard "
         "error",
         &opt.stats, 0, 0},
        {"profile", 0, CLI_FLAG, NULL,
         "print where the int engine's time "
         "goes, on standard error",
         &opt.profile, 0, 0},
        {"json", 0, CLI_FLAG, NULL,
         "print one JSON object at the end: text, "
         "tokens, prompt_tokens, prefill_tok_s, decode_tok_s, engine, "
         "stop_reason, ids",
         &opt.json, 0, 0},
    };
    const char *word[1];
    cli_parse(&cli_run, opts, sizeof opts / sizeof *opts, argc, argv, word, 1,
              1);
    if (!opt.prompt == !opt.file)
        cli_usage(&cli_run, "give -p TEXT or --file FILE, one of them");

    struct fl_error err = {0};
    struct cli_source src;
    gen_source(&src, word[0], &cli_run, &opt.engine, true);
    const struct tok *t = cli_source_tok(&src);
    bool hls = strcmp(opt.engine, "hls") == 0;

    struct tok_ids prompt = {0};
    struct cli_text in;
    if (!make_prompt(t, &prompt, &in, &err))
        cli_die_error(&err);
    cli_warn_lost(&prompt);
    int limit = opt.memory ? NUM_MAX_SEQ : gen_limit(&src);
    if (prompt.n >= (size_t)limit)
        cli_die("the prompt has %zu tokens, and %s holds %d positions: "
                "shorten it%s",
                prompt.n, src.path, limit,
                src.is_pkg ? " or quantise with a larger --ctx" : "");
    struct result res = {.stop = "length", .prompt_tokens = (int)prompt.n};
    int n = (int)opt.n;
    if (n > limit - (int)prompt.n) {
        n = limit - (int)prompt.n;
        res.stop = "context";
    }

    struct eng_sampling how = eng_sampling_make(opt.temperature, (int)opt.top_k,
                                                opt.top_p, (uint32_t)opt.seed);
    struct sink sink = {.res = &res, .err = &err};
    tok_stream_start(&sink.stream, t, false);
    if (opt.echo && !opt.json) {
        fwrite(in.s, 1, in.n, stdout);
        fflush(stdout);
    }
    bool ok = hls ? run_hls(&src, &prompt, n, &how, &sink, &err)
                  : run_gen(&src, &prompt, n, &how, &sink, &err);
    if (!ok)
        cli_die_error(&err);
    size_t had = res.text.n;
    tok_stream_end(&sink.stream, &res.text);
    if (opt.json) {
        print_json(&res);
    } else {
        if (res.text.n > had)
            fwrite(res.text.s + had, 1, res.text.n - had, stdout);
        putchar('\n');
    }
    int status = cli_flush();
    if (opt.stats || (isatty(2) && !opt.json))
        fprintf(stderr,
                "[%s: prompt %d tokens, %.1f tokens/s; %zu tokens, %.1f "
                "tokens/s; stopped by %s; %.0f MiB]\n",
                opt.engine, res.prompt_tokens,
                res.prompt_tokens / (res.prefill_s + 1e-9), res.made.n,
                res.decoded ? res.decoded / (res.decode_s + 1e-9) : 0.0,
                res.stop, cli_peak_mib());
    tok_text_free(&res.text);
    tok_ids_free(&res.made);
    tok_ids_free(&prompt);
    cli_text_free(&in);
    cli_source_close(&src);
    return status;
}

const struct cli_command cli_run = {
    "run",
    "MODEL|PKG -p PROMPT [-n N] [options]",
    "text from a model",
    "  Generates text and prints it as it comes. A package runs through the "
    "integer\n  engine (int), the golden integer model (golden) or the HLS "
    "designs compiled\n  natively (hls): the three give the same tokens. A "
    "checkpoint runs in fp32.",
    "  flexllm run smollm2.fxq -p 'Once upon a time' -n 100 --echo\n"
    "  flexllm run smollm2.fxq --chat -p 'What is the capital of France?'\n"
    "  flexllm run smollm2.fxq -p 'The sea' --temperature 0.8 --top-p 0.95 "
    "--seed 7\n"
    "  flexllm run smollm2.fxq --hmt book.hmt --file book.txt -n 200\n"
    "  flexllm run smollm2.fxq -p 'The sea' -n 8 --engine hls --json",
    run_run,
};
