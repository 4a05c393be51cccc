/* SPDX-License-Identifier: Apache-2.0 */
/* cli/gen.h -- the engines that take tokens and give logits, behind one call.
 *
 *   fp32    golden/fp32.c on a checkpoint; logits rounded to 16 fraction bits
 *   shadow  the same on a package: its codes, everything else in fp32
 *   golden  golden/int.c: the integer specification, plain loops
 *   int     engine/: the same bits, fast
 *
 * The fifth, hls, runs whole texts by itself: designs/hls.h.
 */
#ifndef CLI_GEN_H
#define CLI_GEN_H
#include "cli/source.h"
#include "engine/engine.h"

struct gen_options {
    const char *engine; /* one of the names above */
    int room;           /* positions wanted at a time */
    int threads;        /* 0: all processors */
    const char *isa;    /* int: NULL or a name of eng_isa_list */
    const char *memory; /* int, golden: a memory file, or NULL. Texts are then
                           of any length; score keeps nothing and scores all
                           but the first token. */
};

struct gen {
    const char *engine;
    int vocab;
    int segment; /* with a memory: tokens of a segment */
    /* Appends n >= 1 tokens, gives the logits after the last one; NULL for
     * failure. Valid until the next call. */
    const int32_t *(*feed)(struct gen *g, const int32_t *token, int n,
                           struct fl_error *err);
    /* Scores a text: nll[t] = -ln p(token[t] | those before) for t in
     * from .. n-1 (from >= 1); the rest of nll is left alone. The first
     * `keep` tokens (below from) are those of the previous call, and are not
     * computed again; 0 starts afresh. *best (may be NULL): whether each
     * scored token was the likeliest one, the smaller id among equals. */
    bool (*score)(struct gen *g, const int32_t *token, int n, int keep,
                  int from, double *nll, bool *best, struct fl_error *err);
    void (*close)(struct gen *g);
    void *self;
};

struct cli_command;
/* Opens the model that command `of` runs, for it has to have a shape and a
 * tokenizer, and sets *engine where the user named none: int for a package,
 * fp32 for a checkpoint. Ends the program where there is no such engine; hls
 * counts as one where `hls` is true. */
void gen_source(struct cli_source *src, const char *path,
                const struct cli_command *of, const char **engine, bool hls);
/* Positions the source allows. */
int gen_limit(const struct cli_source *s);
/* On failure *g holds nothing. The source is borrowed. */
bool gen_open(struct gen *g, const struct cli_source *s,
              const struct gen_options *o, struct fl_error *err);
void gen_close(struct gen *g);
/* The engine behind "int", NULL for the others. */
struct engine *gen_engine(const struct gen *g);
/* gen_hmt.c, for gen.c. */
bool gen_open_hmt(struct gen *g, const struct cli_source *s,
                  const struct gen_options *o, struct fl_error *err);
struct engine *gen_hmt_engine(const struct gen *g);

#endif
