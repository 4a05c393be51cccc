/* SPDX-License-Identifier: Apache-2.0 */
/* designs/config.h -- the parallelism of the two Llama designs: what is fixed
 * when the hardware is made. Everything else is data of the device memory
 * image (designs/image.h), so one design runs every model that fits it.
 *
 *   tp    prefill: tokens side by side in a beat
 *   wp    prefill: outputs side by side in the linear engine
 *   pch   prefill: memory channels that a beat of wp weights comes from
 *   ap    prefill: channels of a key or value worked on at once
 *   turns prefill: groups of tp tokens that take turns, 1 or 2: while one is in
 *         the linear engine the other is normed, attended or rotated
 *   bp    decode: channels of the token side by side in a beat
 *   dwp   decode: outputs side by side in the linear engine, bp weights each
 *   ch    decode: memory channels that a beat of bp * dwp weights comes from
 *   kp    both: channels of a key or value in a word of the cache; decode:
 *         channels worked on at once
 *   hp    both: stripes of the cache; decode: each has its own memory channels
 *         and its own attention
 *   wbits both: bits of a weight as stored, 4 or 8
 *   deep  decode: beats of weights that are fetched ahead, so that the memory
 *         works on while the engine waits for its input
 *   fm    both: sums side by side in the Hadamard transforms, up to 36: a pass
 *         over the vector takes a digit of log2(fm) bits
 */
#ifndef DESIGNS_CONFIG_H
#define DESIGNS_CONFIG_H
#include "base/error.h"
#include "num/qmodel.h"
#include <stddef.h>

enum {
    DSN_MAX_LANES = 1024,
    DSN_MAX_CH = 64,
    DSN_MAX_HP = 64,
    DSN_MAX_DEEP = 1 << 16
};

struct dsn_config {
    int tp, wp, bp, dwp, ch, kp, hp;
    int wbits; /* 0: the widest of the model's */
    int deep;  /* 0: 2 */
    int fm;    /* 0: what the model needs at least */
    int pch;   /* 0: 1 */
    int ap;    /* 0: kp */
    int turns; /* 0: 2 */
};

/* Sensible lanes for any model on a CPU: the shape decides bp, kp and hp. */
struct dsn_config dsn_config_for(const struct num_qmodel *m);

/* The members by number, 0 on: name (NULL past the last), the largest value,
 * where it is in *c, and whether 0 stands for a value of its own; and the
 * number of a name, -1 for none. */
const char *dsn_config_name(int k);
int dsn_config_most(int k);
int *dsn_config_at(struct dsn_config *c, int k);
bool dsn_config_optional(int k);
int dsn_config_find(const char *name, size_t n);

/* Reads "tp=8,wp=24,..." over *c; names not given keep their value. */
bool dsn_config_parse(struct dsn_config *c, const char *text,
                      struct fl_error *err);

/* Inputs that share a multiplier in the model's linears; 0: none do, -1: not
 * the same number everywhere. */
int dsn_group(const struct num_qmodel *m);

/* True where the model can run on the design. Fills wbits where it is 0. */
bool dsn_config_check(struct dsn_config *c, const struct num_qmodel *m,
                      struct fl_error *err);

#endif
