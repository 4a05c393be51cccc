/* SPDX-License-Identifier: Apache-2.0 */
/* flexllm tokenize -- text to token ids, and back to see what they are. */
#include "cli/commands.h"
#include "cli/source.h"
#include "base/file.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tokenize_run(int argc, char **argv)
{
    const char *text = NULL, *file = NULL;
    bool bos = false, special = false, count = false, json = false;
    const struct cli_opt opts[] = {
        {"text", 't', CLI_TEXT, "TEXT", "the text", &text, 0, 0},
        {"file", 'f', CLI_TEXT, "FILE",
         "a file with the text; - is standard "
         "input",
         &file, 0, 0},
        {"bos", 0, CLI_FLAG, NULL, "put the beginning token in front", &bos, 0,
         0},
        {"special", 0, CLI_FLAG, NULL,
         "let the names of special tokens in "
         "the text mean those tokens",
         &special, 0, 0},
        {"count", 'c', CLI_FLAG, NULL, "print only how many tokens there are",
         &count, 0, 0},
        {"json", 0, CLI_FLAG, NULL,
         "print one JSON object: tokens, ids, "
         "pieces",
         &json, 0, 0},
    };
    const char *word[1];
    cli_parse(&cli_tokenize, opts, sizeof opts / sizeof *opts, argc, argv, word,
              1, 1);
    if (!text == !file)
        cli_usage(&cli_tokenize, "give --text or --file, one of them");

    struct fl_error err = {0};
    struct cli_source src;
    if (!cli_source_open(&src, word[0], &err))
        cli_die_error(&err);
    struct cli_text in;
    if (!cli_text_get(&in, text, file, &err))
        cli_die_error(&err);

    struct tok_ids ids = {0};
    unsigned flags = (bos ? TOK_BOS : 0) | (special ? TOK_SPECIAL : 0);
    if (!tok_encode(cli_source_tok(&src), in.s, in.n, flags, &ids, &err))
        cli_die("%s: %s", file ? file : "--text", err.msg);

    cli_warn_lost(&ids);
    if (json) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddNumberToObject(o, "tokens", (double)ids.n);
        cJSON *list = cJSON_AddArrayToObject(o, "ids");
        cJSON *pieces = cJSON_AddArrayToObject(o, "pieces");
        for (size_t i = 0; i < ids.n && !count; i++) {
            struct tok_stream s;
            struct tok_text piece = {0};
            tok_stream_start(&s, src.tok, false);
            s.show = true;
            tok_stream_put(&s, ids.id[i], &piece);
            tok_stream_end(&s, &piece);
            cJSON_AddItemToArray(list, cJSON_CreateNumber(ids.id[i]));
            cJSON_AddItemToArray(pieces,
                                 cJSON_CreateString(piece.s ? piece.s : ""));
            tok_text_free(&piece);
        }
        cli_json_print(o);
    } else if (count) {
        printf("%zu\n", ids.n);
    } else {
        for (size_t i = 0; i < ids.n; i++)
            printf("%s%d", i ? " " : "", ids.id[i]);
        putchar('\n');
    }
    tok_ids_free(&ids);
    cli_text_free(&in);
    cli_source_close(&src);
    return cli_flush();
}

const struct cli_command cli_tokenize = {
    "tokenize",
    "MODEL --text TEXT | --file FILE [options]",
    "text to token ids",
    "  Prints the ids of the tokens that MODEL's own tokenizer makes of a "
    "text. MODEL\n  is a GGUF file, a llama2.c .bin with its tokenizer beside "
    "it, a Hugging Face\n  folder, a tokenizer file, or a package.",
    "  flexllm tokenize SmolLM2.gguf --text 'Hello world'\n"
    "  flexllm tokenize SmolLM2.gguf --file wiki.test.raw --count",
    tokenize_run,
};
