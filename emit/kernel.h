/* SPDX-License-Identifier: Apache-2.0 */
/* emit/kernel.h -- a compiled design seen from outside, from fxc's report: its
 * memories, its streams to and from the host, its scalars.
 *
 * A port X_req with X behind it is a memory read; X_write_req, X_write, X_ack
 * one that is written; X_read and X_write are one memory X. What is neither
 * must be table, ids, ends or y; other outputs are not wanted on a card and are
 * thrown away.
 *
 * Decode has a port for every stripe of the cache, prefill one for all of them
 * (designs/llama_cache.h). On a card each stripe is a buffer of its own, so
 * that port of prefill has `parts` buffers, 2^part_bits words from one to the
 * next as the design counts.
 */
#ifndef EMIT_KERNEL_H
#define EMIT_KERNEL_H
#include "base/error.h"
#include "designs/defs.h"

enum { EMIT_NAME = 48, EMIT_MEMS = 256, EMIT_SCALARS = 64, EMIT_DROPS = 8 };

struct emit_mem {
    char name[EMIT_NAME];  /* "weights_3", "k_0" */
    char read[EMIT_NAME];  /* the data port read from, "" if none */
    char rreq[EMIT_NAME];  /* and its requests */
    char write[EMIT_NAME]; /* the data port written to, "" if none */
    char wreq[EMIT_NAME], ack[EMIT_NAME];
    int bits, bytes; /* of a word: on the wire, in memory */
    int beat;        /* bits of a beat of its AXI port */
    int parts;       /* buffers behind the port, mostly 1 */
};

struct emit_scalar {
    char name[EMIT_NAME];
    int bits;
};

struct emit_kernel {
    int stage;
    int stripes;   /* of the cache */
    int part_bits; /* prefill with several stripes, else 0 */
    int split;     /* 1: a memory that is read and written has two pointers */
    char top[EMIT_NAME];  /* "llama_decode", what fxc made */
    char name[EMIT_NAME]; /* "flexllm_decode", the kernel around it */
    struct emit_mem mem[EMIT_MEMS];
    int mems;
    struct emit_scalar scalar[EMIT_SCALARS];
    int scalars;
    struct emit_scalar dropped[EMIT_DROPS]; /* streams */
    int drops;
    int table, ids; /* 32-bit words of a step record, of a beat of tokens */
    int ends, y;    /* 1 where there is such a stream */
};

/* An argument of the kernel, as the host sets it: first the pointers (run, out,
 * the memories), then the scalars. `at` is its register. */
struct emit_arg {
    char name[EMIT_NAME], port[EMIT_NAME]; /* port: without "m_axi_" */
    char memory[EMIT_NAME]; /* what lies there; of a scalar its name */
    int pointer, bits, at;  /* bits of the register */
    int beat, write;        /* of a pointer: bits there; 1: written to */
};
int emit_args(const struct emit_kernel *k);
struct emit_arg emit_arg(const struct emit_kernel *k, int i);

/* The kernel of k->stage. Set before: stage, split, and the stripes of the
 * cache, of at most `stripe_words` words. `report`: a file of fxc's, which must
 * say what the plan (emit/plan.h) does; NULL: the plan is taken as it is.
 * False: not a report, a port that no kernel can have, or a cache beyond 2^32
 * words. */
bool emit_kernel_make(struct emit_kernel *k, const struct dsn_config *c,
                      const struct dsn_room *room, uint64_t stripe_words,
                      const char *report, struct fl_error *err);

#endif
