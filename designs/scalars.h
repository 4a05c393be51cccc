/* SPDX-License-Identifier: Apache-2.0 */
/* designs/scalars.h -- the run-time scalars of the two designs: the model's
 * sizes, what follows from them, and what a run asks for. The native host
 * (designs/host.c) and the host of a card read them here.
 *
 * DSN_SCALARS(X): X(type, name) of every one; a design has those its ports
 * struct names.
 */
#ifndef DESIGNS_SCALARS_H
#define DESIGNS_SCALARS_H
#include "designs/host.h"

#define DSN_COMMON_SCALARS(X)                                                  \
    X(int, rounds)                                                             \
    X(int, groups)                                                             \
    X(int, passes)                                                             \
    X(int, vectors)                                                            \
    X(int, d)                                                                  \
    X(int, nq)                                                                 \
    X(int, nkv)                                                                \
    X(int, head)                                                               \
    X(int, share)                                                              \
    X(int, chunks)                                                             \
    X(int, sweeps)                                                             \
    X(int, cap)                                                                \
    X(int, slots)                                                              \
    X(int, spread)                                                             \
    X(uint32_t, stripe)                                                        \
    X(int, embed_row)                                                          \
    X(int, r3_blocks)                                                          \
    X(int, r3_m)                                                               \
    X(int, r3_p)                                                               \
    X(int, r4_blocks)                                                          \
    X(int, r4_m)                                                               \
    X(int, r4_p)                                                               \
    X(uint64_t, eps_q)                                                         \
    X(uint32_t, sqrt_d)                                                        \
    X(int, steps)                                                              \
    X(int, first)                                                              \
    X(int, rope_words)
#define DSN_DECODE_SCALARS(X)                                                  \
    X(int, given)                                                              \
    X(int, want_logits)                                                        \
    X(int, vocab)                                                              \
    X(int, k)                                                                  \
    X(uint32_t, t_scale)                                                       \
    X(uint32_t, top_p)                                                         \
    X(uint32_t, seed)
#define DSN_SCALARS(X) DSN_COMMON_SCALARS(X) DSN_DECODE_SCALARS(X)

struct dsn_scalars {
#define DSN_SCALAR_FIELD(type, name) type name;
    DSN_SCALARS(DSN_SCALAR_FIELD)
#undef DSN_SCALAR_FIELD
};

/* Those of a job of `stage` (DSN_PREFILL or DSN_DECODE). */
struct dsn_scalars dsn_scalars_of(int stage, const struct dsn_job *job);

/* The bits of the scalar called `name`, at most 64; false: there is none. */
bool dsn_scalar(const struct dsn_scalars *s, const char *name, uint64_t *bits);

#endif
