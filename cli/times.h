/* SPDX-License-Identifier: Apache-2.0 */
/* cli/times.h -- what a subcommand that makes a timed run lets the user set. */
#ifndef CLI_TIMES_H
#define CLI_TIMES_H
#include "explore/times.h"

struct cli_times {
    int64_t prompt, generate, context; /* 0: the design's */
};

/* Three rows of a table of struct cli_opt, which fill *t. */
/* clang-format off */
#define CLI_TIMES_OPTS(t)                                                      \
    {"prompt", 'p', CLI_INT, "N", "tokens of the prompt (the design's)",       \
     &(t)->prompt, 1, 1 << 22},                                                \
    {"generate", 'n', CLI_INT, "N", "tokens of the answer (the design's)",     \
     &(t)->generate, 1, 1 << 22},                                              \
    {"context", 'c', CLI_INT, "N",                                             \
     "positions that the timed token attends to (the prompt)",                 \
     &(t)->context, 1, 1 << 22}
/* clang-format on */

static inline struct xpl_times_options
cli_times_options(const struct cli_times *t, bool block, bool progress)
{
    return (struct xpl_times_options){.prompt = (int)t->prompt,
                                      .generate = (int)t->generate,
                                      .context = (int)t->context,
                                      .block = block,
                                      .progress = progress};
}

#endif
