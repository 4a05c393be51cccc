/* SPDX-License-Identifier: Apache-2.0 */
/* cli/commands.h -- every subcommand: one file, one record. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H
#include "cli/opts.h"

extern const struct cli_command cli_info, cli_tokenize, cli_quantize, cli_run,
    cli_eval, cli_export, cli_ppl, cli_train, cli_time, cli_report, cli_build,
    cli_explore;

#endif
