/* SPDX-License-Identifier: Apache-2.0 */
/* cli/source.h -- what the user named: a checkpoint or a package; and the
 * small things every subcommand shares (text input, JSON output). */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H
#include "model/model.h"
#include "model/package.h"
#include <stddef.h>

struct cJSON;

struct cli_source {
    const char *path;
    bool is_pkg;
    struct pkg pkg;                /* where is_pkg */
    struct model *model;           /* else, NULL for a bare tokenizer file */
    struct tok *own;               /* of a bare tokenizer file */
    const struct tok *tok;         /* NULL: none, and cli_source_tok says why */
    const struct num_shape *shape; /* NULL for a bare tokenizer file */
};

/* On failure *s holds nothing. */
bool cli_source_open(struct cli_source *s, const char *path,
                     struct fl_error *err);
void cli_source_close(struct cli_source *s);
/* The tokenizer; ends the program with one line where there is none. */
const struct tok *cli_source_tok(const struct cli_source *s);

/* A text from the command line or from a file ("-": standard input). */
struct cli_text {
    char *s;
    size_t n;
};

bool cli_text_get(struct cli_text *t, const char *text, const char *file,
                  struct fl_error *err);
void cli_text_free(struct cli_text *t);

/* Says on standard error how many bytes of a text the vocabulary lacks, if
 * any. */
void cli_warn_lost(const struct tok_ids *ids);

/* Prints the object on one line and frees it. */
void cli_json_print(struct cJSON *o);
/* Flushes standard output; exit status 0, or the end with one line where it
 * could not be written. */
int cli_flush(void);

/* Greatest memory this process has used, in MiB. */
double cli_peak_mib(void);

#endif
