/* SPDX-License-Identifier: Apache-2.0 */
/* emit/host/kernels.h -- the kernels that this host was written for; flexllm
 * build writes kernels.c. */
#ifndef EMIT_HOST_KERNELS_H
#define EMIT_HOST_KERNELS_H
#include "designs/defs.h"

enum { KERNEL_MAX_ARGS = 400 };

struct kernel_arg {
    const char *name; /* "run", "weights_0", "rounds" */
    int pointer, bits, at;
};

struct kernel_info {
    const char *name; /* "flexllm_prefill" */
    const struct kernel_arg *arg;
    int args;
};

extern const struct kernel_info kernel_info[2]; /* prefill, decode */
/* 1: one image holds both kernels; 2: one each. Where make puts them. */
extern const int kernel_images;
extern const char *const kernel_image[2];
extern const char *const kernel_config; /* as dsn_config_parse reads it */
extern const struct dsn_room kernel_room;
/* Prefill counts 2^kernel_part_bits words from a stripe of the cache to the
 * next, each a buffer of its own; 0: there is one stripe. */
extern const int kernel_part_bits;

#endif
