/* SPDX-License-Identifier: Apache-2.0 */
/* flexllm export -- a package's weights as an ordinary checkpoint. */
#include "cli/commands.h"
#include "cli/source.h"
#include "quant/export.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int export_run(int argc, char **argv)
{
    const char *out = NULL;
    bool bf16 = false;
    const struct cli_opt opts[] = {
        {"output", 'o', CLI_TEXT, "DIR", "the folder to write into", &out, 0,
         0},
        {"bf16", 0, CLI_FLAG, NULL, "BF16 instead of F32", &bf16, 0, 0},
    };
    const char *word[1];
    cli_parse(&cli_export, opts, sizeof opts / sizeof *opts, argc, argv, word,
              1, 1);
    if (!out)
        cli_usage(&cli_export, "name the folder with -o DIR");
    struct fl_error err = {0};
    struct pkg p;
    if (!pkg_open(&p, word[0], &err))
        cli_die_error(&err);
    if (mkdir(out, 0777) != 0 && errno != EEXIST)
        cli_die("%s: %s", out, strerror(errno));
    if (!quant_export(&p, out, bf16, &err))
        cli_die_error(&err);
    pkg_close(&p);
    return cli_flush();
}

const struct cli_command cli_export = {
    "export",
    "PKG -o DIR [--bf16]",
    "a package's weights as an ordinary checkpoint",
    "  Writes config.json and model.safetensors in the layout of Hugging "
    "Face's Llama:\n  the real values of the codes with all rotations undone. "
    "Rounding of activations\n  is not in it. Copy the original's tokenizer "
    "files beside them.\n  docs/quantization.md says what becomes of means and "
    "biases.",
    "  flexllm export smollm2.fxq -o smollm2-w4\n"
    "  cp SmolLM2/tokenizer*.json smollm2-w4 && flexllm ppl smollm2-w4 --text "
    "t.txt",
    export_run,
};
