/* SPDX-License-Identifier: Apache-2.0 */
/* designs/step.h -- the step table: what the sequencer of a design reads and
 * hands to every task on the path. A step is one matrix through the linear
 * engine; a layer has four, the model's head is one more.
 *
 *   kind   input comes from      rows of the matrix            output goes to
 *   kvq    norm of the residual  k, v, q one after another     the heads
 *   kv     the same              k, v (prefill's last layer)   the heads
 *   o      attention             o                             residual
 *   gu     norm                  gate, up in turn, bp each     silu
 *   down   silu, Hadamard        down                          residual
 *   head   norm                  logits                        sampler
 *
 * The table is data: designs/image.c writes it for a model, nobody else knows
 * an address.
 */
#ifndef DESIGNS_STEP_H
#define DESIGNS_STEP_H

enum dsn_kind {
    DSN_KVQ,
    DSN_KV,
    DSN_O,
    DSN_GU,
    DSN_DOWN,
    DSN_HEAD,
    DSN_NONE, /* not in a table: nothing to do, after an end token */
};

/* A record: DSN_WORDS words of 32 bits, one beat. Addresses and lengths count
 * beats of the port they are for. */
enum dsn_word {
    DSN_OP,   /* kind | abits << 8 | obits << 16 | wide channels / 8 << 24 */
    DSN_DIN,  /* inputs */
    DSN_DOUT, /* outputs, a multiple of bp */
    DSN_CLIP, /* share of the range the quantiser keeps, Q0.16 */
    DSN_FRAC, /* gu: fraction bits of gate | up << 8 | h << 16 */
    DSN_W,    /* address of its weights, the same in every channel */
    DSN_WLEN, /* their beats in a channel */
    DSN_SIDE, /* address of its side words */
    DSN_SLEN, /* their beats */
    DSN_M,    /* address of its weight groups' multipliers */
    DSN_MLEN, /* their beats, 0 in a model without groups */
    DSN_LAYER,
    DSN_POS, /* 0 in the table; the sequencer puts the position here */
    DSN_WORDS
};

#endif
