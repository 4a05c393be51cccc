/* SPDX-License-Identifier: Apache-2.0 */
/* engine/engine.h -- the integer engine: runs a quantised model on threads,
 * to the bit as docs/numerics.md says, whatever the instruction set, the
 * number of threads, and whether a token comes by prefill or by decode.
 *
 *     struct engine *e = eng_open(&qmodel, &(struct eng_options){0}, &err);
 *     struct eng_session *s = eng_session_new(e, 2048, &err);
 *     const int32_t *logits = eng_prefill(s, tokens, n, &err);
 *     for (;;) {
 *         token = eng_sample(logits, vocab, &how, eng_session_len(s));
 *         logits = eng_decode(s, token, &err);
 *     }
 *
 * Logits are 27-bit integers with NUM_LOGIT_FRAC fraction bits, (v).
 *
 * An engine owns its repacked weights, its scratch memory and its threads; it
 * borrows the model (embedding, rotary table, scales), which must outlive it.
 * A session owns a KV cache. One call at a time per engine: calls from
 * several threads need a lock around them.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H
#include "base/error.h"
#include "num/qmodel.h"
#include <stddef.h>

struct engine;
struct eng_session;

struct eng_options {
    int threads;     /* 0: one per processor */
    const char *isa; /* a name of eng_isa_list; NULL or "auto": the best */
    int block;       /* tokens a prefill block, 0: the default */
};

/* Names of the instruction sets this build has, best first, NULL at the end.
 * `runs` (may be NULL) gets 1 where this processor has it. */
const char *const *eng_isa_list(int *runs);

/* Checks the model, repacks its weights and starts the threads. NULL: *err
 * says why. Closing NULL does nothing. Sessions must be freed before. */
struct engine *eng_open(const struct num_qmodel *m, const struct eng_options *o,
                        struct fl_error *err);
void eng_close(struct engine *e);

const char *eng_isa(const struct engine *e);
int eng_threads(const struct engine *e);
size_t eng_bytes(const struct engine *e);             /* weights and scratch */
size_t eng_session_bytes(const struct eng_session *); /* KV cache */

/* An empty sequence of at most `max_seq` tokens (0: the model's). */
struct eng_session *eng_session_new(struct engine *e, int max_seq,
                                    struct fl_error *err);
void eng_session_free(struct eng_session *s);
int eng_session_len(const struct eng_session *s);
/* Forgets all but the first `len` tokens; len beyond the end is the end. */
void eng_session_cut(struct eng_session *s, int len);

/* Appends n >= 1 tokens and returns the logits after the last one, valid
 * until the engine's next call. NULL: a token is outside the vocabulary or
 * the session is full; the session is then as it was. */
const int32_t *eng_prefill(struct eng_session *s, const int32_t *tokens, int n,
                           struct fl_error *err);
const int32_t *eng_decode(struct eng_session *s, int32_t token,
                          struct fl_error *err);

/* One token of one of several sequences. Rows of one session stand in the
 * order of their tokens; rows of different sessions may alternate. */
struct eng_row {
    struct eng_session *session;
    int32_t token;
    int32_t target; /* >= 0: see eng_batch; -1: none */
    int logits;     /* 1: the logits after this token are wanted */
};

/* Vectors that may stand in the place of tokens: token vocab + i means row i.
 * Borrowed, and read when a batch runs; NULL, 0: none. */
void eng_vectors(struct engine *e, const struct num_row *row, int count);

/* x (d): the normed residual after the last layer of the last row of the last
 * batch, without gain, NUM_NORM_FRAC fraction bits. */
void eng_state(const struct engine *e, int32_t *x);

/* Appends all rows. After each row that wants logits: on_logits(arg, row,
 * logits (v)), in the order of the rows; it may be NULL. Where target >= 0,
 * nll[row] becomes the negative natural logarithm of the probability the
 * logits give to that token (nll may be NULL where no row has a target). */
bool eng_batch(struct engine *e, const struct eng_row *rows, int n,
               void (*on_logits)(void *arg, int row, const int32_t *logits),
               void *arg, double *nll, struct fl_error *err);

/* -ln softmax(logits / 2^16)[target], in floating point; the same number on
 * every machine. */
double eng_nll(const int32_t *logits, int vocab, int32_t target);

/* ---- sampling: docs/numerics.md, section 4 ------------------------------ */

struct eng_sampling {
    int top_k;                /* 1 .. 64; 1 is greedy */
    uint32_t top_p;           /* Q0.16, 65536: all candidates */
    struct num_scale t_scale; /* log2(e) / temperature */
    uint32_t seed;
};

/* From what a user types. temperature <= 0 is greedy; top_k <= 0 or above 64
 * is 64; top_p outside (0, 1) is 1. */
struct eng_sampling eng_sampling_make(double temperature, int top_k,
                                      double top_p, uint32_t seed);

/* Draws the token for position `step`. */
int32_t eng_sample(const int32_t *logits, int vocab,
                   const struct eng_sampling *how, uint32_t step);

/* ---- where the time goes ------------------------------------------------- */

#define ENG_OPS(X)                                                             \
    X(EMBED, "embedding")                                                      \
    X(NORM, "norm and quantise")                                               \
    X(QKV, "q, k, v")                                                          \
    X(ROPE, "rope and codes")                                                  \
    X(ATTN, "attention")                                                       \
    X(OPROJ, "quantise and o")                                                 \
    X(FFN, "gate, up, silu")                                                   \
    X(FHT, "hadamard, quantise")                                               \
    X(DOWN, "down")                                                            \
    X(HEAD, "head")                                                            \
    X(SCORE, "scores and callbacks")

#define ENG_OP_ENUM(name, text) ENG_##name,
enum eng_op { ENG_OPS(ENG_OP_ENUM) ENG_OP_COUNT };
#undef ENG_OP_ENUM

struct eng_profile {
    double seconds[ENG_OP_COUNT]; /* of each thread that led the work: all of
                                     them in prefill, the caller in decode */
    uint64_t tokens;
};

/* Starts or stops counting; starting sets the counters to zero. */
void eng_profile_set(struct engine *e, int on);
void eng_profile_get(const struct engine *e, struct eng_profile *p);
const char *eng_op_text(enum eng_op op);

#endif
