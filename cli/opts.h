/* SPDX-License-Identifier: Apache-2.0 */
/* cli/opts.h -- a subcommand's options as one table: the parser, the checks
 * and --help all read it, so they cannot disagree.
 *
 * A usage error prints one line to standard error and exits with status 2; a
 * failure prints one line and exits with 1 (cli_die).
 */
#ifndef CLI_OPTS_H
#define CLI_OPTS_H
#include "base/error.h"

enum cli_kind { CLI_FLAG, CLI_INT, CLI_REAL, CLI_TEXT };

struct cli_opt {
    const char *name; /* "threads": given as --threads */
    char letter;      /* 't': given as -t too; 0: none */
    enum cli_kind kind;
    const char *arg; /* "N", for the help; NULL for a flag */
    const char *help;
    void *to;      /* bool, int64_t, double, const char * */
    double lo, hi; /* CLI_INT, CLI_REAL: allowed range, ends included */
};

struct cli_command {
    const char *name;
    const char *synopsis;    /* "MODEL -o PKG [options]" */
    const char *summary;     /* one line, for the list of commands */
    const char *description; /* paragraphs, for --help */
    const char *examples;    /* lines, for --help */
    int (*run)(int argc, char **argv);
};

/* Parses argv[1..]: options may stand anywhere, "--" ends them. At least
 * `min` and at most `max` (<= 8) other words go to words[]; the rest of
 * words[] is NULL. */
void cli_parse(const struct cli_command *c, const struct cli_opt *opts,
               int opt_count, int argc, char **argv, const char **words,
               int min, int max);

/* `flexllm: MESSAGE` on standard error, exit 1. */
_Noreturn __attribute__((format(printf, 1, 2))) void cli_die(const char *fmt,
                                                             ...);
_Noreturn void cli_die_error(const struct fl_error *err);

/* `flexllm COMMAND: MESSAGE` and where help is, exit 2. */
_Noreturn __attribute__((format(printf, 2, 3))) void
cli_usage(const struct cli_command *c, const char *fmt, ...);

#endif
