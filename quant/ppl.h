/* SPDX-License-Identifier: Apache-2.0 */
/* quant/ppl.h -- perplexity of a text, by two protocols.
 *
 *   gptq      windows of ctx tokens that do not overlap, no BOS; positions
 *             1 .. ctx - 1 of each are scored. A rest below ctx is left out.
 *   llamacpp  the same windows, the first token of each replaced by BOS where
 *             the model wants one; only positions from ctx / 2 on are
 *             scored, as llama.cpp's perplexity program does
 *
 *     ppl = exp( - mean of ln p(token t | tokens before t in its window) )
 *
 * Who scores is a function, so that this file needs no engine. Sums are in
 * double and in order: the result does not depend on the block size.
 */
#ifndef QUANT_PPL_H
#define QUANT_PPL_H
#include "base/error.h"
#include <stddef.h>

enum ppl_protocol { PPL_GPTQ, PPL_LLAMACPP };

/* Scores one window: nll[t] = -ln p(token[t] | token[0 .. t-1]) for t in
 * from .. n-1; the rest of nll is left alone. */
typedef bool ppl_scorer(void *state, const int32_t *token, int n, int from,
                        double *nll, struct fl_error *err);

/* Writes the logits (n, vocab) of n tokens that continue the `pos` tokens
 * given since the last call with pos = 0. Real units. n <= PPL_BLOCK. */
typedef bool ppl_engine(void *state, const int32_t *token, int n, int pos,
                        float *logits, struct fl_error *err);

enum { PPL_BLOCK = 64 };

struct ppl_options {
    enum ppl_protocol protocol;
    int ctx;     /* at least 4 */
    int windows; /* at most so many; 0: all */
    int bos;     /* token put first (llamacpp); -1: none */
    int vocab;
    /* Windows shared out among `ranks` processes: this one, `rank`, scores
     * every ranks-th. gather adds the n numbers of all ranks up, element by
     * element, in place. ranks 0 or 1: no sharing, gather may be NULL. As
     * each number comes from one rank and is zero on the others, the result
     * is the same to the last bit as without sharing. */
    int rank, ranks;
    bool (*gather)(double *x, int n, struct fl_error *err);
    /* After each window; may be NULL. */
    void (*progress)(void *state, int done, int windows, double ppl);
    void *progress_state;
};

struct ppl_result {
    double ppl;
    double nll;   /* mean, nats */
    double error; /* standard error of nll over windows; 0 for one window */
    long tokens;  /* scored */
    int windows;
};

/* False: fewer than ctx tokens, or the scorer failed. */
bool ppl_score(const struct ppl_options *o, const int32_t *token, size_t n,
               ppl_scorer *scorer, void *state, struct ppl_result *r,
               struct fl_error *err);

/* The same with an engine that gives logits. */
bool ppl_run(const struct ppl_options *o, const int32_t *token, size_t n,
             ppl_engine *engine, void *state, struct ppl_result *r,
             struct fl_error *err);

#endif
