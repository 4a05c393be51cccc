/* SPDX-License-Identifier: Apache-2.0 */
/* flexllm info -- what a checkpoint or a package is. */
#include "cli/commands.h"
#include "cli/source.h"
#include <cjson/cJSON.h>
#include <stdio.h>

static const char *const part_names[] = {
#define PART_NAME(part, rows, cols) #part,
    MODEL_PARTS(PART_NAME)
#undef PART_NAME
};

static cJSON *shape_json(const struct num_shape *s)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "layers", s->layers);
    cJSON_AddNumberToObject(o, "d", s->d);
    cJSON_AddNumberToObject(o, "ffn", s->ffn);
    cJSON_AddNumberToObject(o, "nq", s->nq);
    cJSON_AddNumberToObject(o, "nkv", s->nkv);
    cJSON_AddNumberToObject(o, "head", s->head);
    cJSON_AddNumberToObject(o, "vocab", s->vocab);
    cJSON_AddNumberToObject(o, "seq", s->seq);
    cJSON_AddBoolToObject(o, "tied", s->tied);
    cJSON_AddBoolToObject(o, "qkv_bias", s->qkv_bias);
    cJSON_AddNumberToObject(o, "eps", s->eps);
    return o;
}

static void shape_text(const struct num_shape *s)
{
    printf("shape      %d layers, d %d, ffn %d, %d query and %d kv heads of "
           "%d, vocabulary %d, %d positions\n",
           s->layers, s->d, s->ffn, s->nq, s->nkv, s->head, s->vocab, s->seq);
    printf("           %s head, %s, eps %g\n", s->tied ? "tied" : "own",
           s->qkv_bias ? "biases on q, k, v" : "no biases", s->eps);
}

static void tok_text_line(const struct tok *t)
{
    printf("tokenizer  %s, %d tokens, bos %d, eos %d\n", tok_family(t),
           tok_count(t), tok_bos(t), tok_eos(t));
}

static void model_info(const struct cli_source *s, bool json)
{
    const struct model *m = s->model;
    if (json) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "format", model_format(m));
        cJSON_AddStringToObject(o, "name", model_name(m));
        cJSON_AddItemToObject(o, "shape", shape_json(s->shape));
        cJSON_AddNumberToObject(o, "weights", (double)model_weights(m));
        cJSON_AddNumberToObject(o, "bytes", (double)model_bytes(m));
        cJSON_AddStringToObject(o, "tokenizer",
                                s->tok ? tok_family(s->tok) : "");
        cJSON_AddNumberToObject(o, "tokens", s->tok ? tok_count(s->tok) : 0);
        cli_json_print(o);
        return;
    }
    printf("%s: %s%s%s\n", s->path, model_format(m), *model_name(m) ? ", " : "",
           model_name(m));
    shape_text(s->shape);
    printf("weights    %llu in %.1f MB: %.2f bits a weight\n",
           (unsigned long long)model_weights(m), (double)model_bytes(m) / 1e6,
           8.0 * (double)model_bytes(m) / (double)model_weights(m));
    printf("types     ");
    for (int p = 0; p < MODEL_PART_COUNT; p++)
        if (model_has(m, (enum model_part)p))
            printf(" %s:%s", part_names[p],
                   model_type(m, (enum model_part)p, 0));
    putchar('\n');
    if (s->tok)
        tok_text_line(s->tok);
    else
        printf("tokenizer  none: %s\n", model_tok_why(m));
}

static void pkg_show(const struct cli_source *s, bool json)
{
    const struct pkg *p = &s->pkg;
    const struct num_qmodel *m = &p->model;
    char hash[17];
    pkg_hash_text(p->data_hash, hash);
    if (json) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "format", "package");
        cJSON_AddStringToObject(o, "scheme", p->info.scheme);
        cJSON_AddItemToObject(o, "shape", shape_json(s->shape));
        cJSON_AddNumberToObject(o, "seq", m->seq);
        cJSON_AddNumberToObject(o, "bytes", (double)p->map.size);
        cJSON_AddNumberToObject(o, "res_frac", m->res_frac);
        cJSON_AddStringToObject(o, "data_hash", hash);
        cJSON_AddStringToObject(o, "model_hash", p->info.model_hash);
        cJSON_AddStringToObject(o, "calib_hash", p->info.calib_hash);
        cJSON *recipe = cJSON_Parse(p->info.recipe);
        cJSON_AddItemToObject(
            o, "recipe", recipe ? recipe : cJSON_CreateString(p->info.recipe));
        cJSON_AddStringToObject(o, "maker", p->info.maker);
        cli_json_print(o);
        return;
    }
    printf("%s: package, %s, by %s\n", s->path, p->info.scheme, p->info.maker);
    shape_text(s->shape);
    printf("usable     %d positions, KV cache %d bits, %s%s\n", m->seq,
           m->kvbits, m->r3 ? "R3 " : "", m->r4 ? "R4" : "no R4");
    printf("bytes      %.1f MB\n", (double)p->map.size / 1e6);
    printf("numbers    residual stream with %d fraction bits\n", m->res_frac);
    printf("hashes     data %s, model %s, calibration %s\n", hash,
           p->info.model_hash, p->info.calib_hash);
    printf("recipe     %s\n", p->info.recipe);
    if (s->tok)
        tok_text_line(s->tok);
    else
        puts("tokenizer  none");
}

static int info_run(int argc, char **argv)
{
    bool json = false;
    const struct cli_opt opts[] = {
        {"json", 0, CLI_FLAG, NULL, "print one JSON object", &json, 0, 0},
    };
    const char *word[1];
    cli_parse(&cli_info, opts, 1, argc, argv, word, 1, 1);
    struct fl_error err = {0};
    struct cli_source s;
    if (!cli_source_open(&s, word[0], &err))
        cli_die_error(&err);
    if (s.is_pkg)
        pkg_show(&s, json);
    else if (s.model)
        model_info(&s, json);
    else if (json) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "format", "tokenizer");
        cJSON_AddStringToObject(o, "tokenizer", tok_family(s.tok));
        cJSON_AddNumberToObject(o, "tokens", tok_count(s.tok));
        cli_json_print(o);
    } else {
        printf("%s: a tokenizer\n", s.path);
        tok_text_line(s.tok);
    }
    cli_source_close(&s);
    return cli_flush();
}

const struct cli_command cli_info = {
    "info",
    "MODEL|PKG [--json]",
    "what a checkpoint or a package is",
    "  Prints the shape, the number formats, the tokenizer and, of a package, "
    "how it\n  was made. Everything in the file is checked on the way.",
    "  flexllm info SmolLM2-135M-Instruct.Q4_1.gguf\n"
    "  flexllm info smollm2.fxq --json",
    info_run,
};
