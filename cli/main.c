/* SPDX-License-Identifier: Apache-2.0 */
/* flexllm -- from a language-model checkpoint to a verified accelerator.
 *
 * main() only finds the subcommand; each one is a file of this folder.
 */
#include "cli/commands.h"
#include "cli/ranks.h"
#include <stdio.h>
#include <string.h>

static const struct cli_command *const commands[] = {
    &cli_info, &cli_tokenize, &cli_quantize, &cli_export,
    &cli_run,  &cli_ppl,      &cli_eval,     &cli_train,
    &cli_time, &cli_explore,  &cli_report,   &cli_build,
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void overview(FILE *f)
{
    fputs("flexllm - from a model file to text through an accelerator's own "
          "arithmetic\n\nusage: flexllm COMMAND ...\n\n",
          f);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(f, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\nflexllm COMMAND --help tells the rest; flexllm --version.\n", f);
}

static int run(const struct cli_command *c, int argc, char **argv)
{
    ranks_start(&argc, &argv);
    int status = c->run(argc - 1, argv + 1);
    ranks_end();
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        overview(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        overview(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("flexllm " FL_VERSION);
        return 0;
    }
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i]->name) == 0)
            return run(commands[i], argc, argv);
    fprintf(stderr, "flexllm: there is no command '%s'; see flexllm --help\n",
            argv[1]);
    return 2;
}
