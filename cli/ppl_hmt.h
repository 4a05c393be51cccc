/* SPDX-License-Identifier: Apache-2.0 */
/* cli/ppl_hmt.h -- ppl --hmt of a checkpoint: fp32, by train/hmt_eval.h. */
#ifndef CLI_PPL_HMT_H
#define CLI_PPL_HMT_H
#include "cli/source.h"

struct ppl_hmt {
    const char *memory; /* the memory file */
    const char *way;    /* NULL: as it is */
    const char *svg;    /* weights of the search, NULL: none */
    const char *at;     /* "4096,16384": also the first tokens alone */
    int64_t tokens;     /* the first of the text; 0: all */
    int64_t threads;    /* 0: all processors */
    bool json;
};

/* Scores the text, prints; exit status. */
int ppl_hmt_fp32(const struct ppl_hmt *o, const struct cli_source *src,
                 const struct tok_ids *ids, struct fl_error *err);

/* Ends the program where o->at is not a list of prefixes of n tokens. */
void ppl_hmt_check(const struct ppl_hmt *o, size_t n);

/* Prints what both arithmetics print: perplexity of all tokens and of the
 * second halves of segments, for each prefix of o->at as well. */
void ppl_hmt_print(const struct ppl_hmt *o, const char *engine,
                   const double *nll, size_t n, int segment, double seconds);

#endif
