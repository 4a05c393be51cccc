/* SPDX-License-Identifier: Apache-2.0 */
/* cli/ppl_hmt.h -- ppl --hmt of a checkpoint: fp32, by train/hmt_eval.h. */
#ifndef CLI_PPL_HMT_H
#define CLI_PPL_HMT_H
#include "cli/source.h"

struct ppl_hmt {
    const char *memory; /* the memory file */
    const char *way;    /* NULL: as it is */
    const char *svg;    /* weights of the search, NULL: none */
    int64_t tokens;     /* the first of the text; 0: all */
    int64_t threads;    /* 0: all processors */
    bool json;
};

/* Scores the text, prints; exit status. */
int ppl_hmt_fp32(const struct ppl_hmt *o, const struct cli_source *src,
                 const struct tok_ids *ids, struct fl_error *err);

/* Prints what both arithmetics print: perplexity of all tokens and of the
 * second halves of segments. */
void ppl_hmt_print(const struct ppl_hmt *o, const char *engine,
                   const double *nll, size_t n, int segment, double seconds);

#endif
