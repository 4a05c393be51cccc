/* SPDX-License-Identifier: Apache-2.0 */
/* emit/host/card.h -- the card as the host program sees it: buffers in its
 * memory, kernels that run to their end. card_opencl.c is a card behind an
 * OpenCL driver (XRT), card_sim.cpp the kernels' SystemVerilog in Verilator.
 */
#ifndef EMIT_HOST_CARD_H
#define EMIT_HOST_CARD_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#include "base/error.h"

struct card;
struct card_buffer;

/* A kernel's argument: a buffer, or a scalar of `bits` bits. */
struct card_arg {
    const struct card_buffer *buffer;
    uint64_t value;
    int bits;
};

/* image: the .xclbin, which a simulated card ignores; stages: bit s is set where
 * it holds kernel s. */
struct card *card_open(const char *image, int stages, struct fl_error *err);
void card_close(struct card *c);

/* Memory that argument `arg` of kernel `stage` (0, 1) reaches: the driver
 * takes the bank from there. The card's until card_close. */
struct card_buffer *card_alloc(struct card *c, int stage, int arg, size_t bytes,
                               struct fl_error *err);
bool card_write(struct card *c, struct card_buffer *b, const void *data,
                size_t bytes, struct fl_error *err);
bool card_read(struct card *c, struct card_buffer *b, void *data, size_t bytes,
               struct fl_error *err);

/* Runs kernel `stage` with its n arguments, waits until it is done. */
bool card_run(struct card *c, int stage, const struct card_arg *arg, int n,
              struct fl_error *err);

/* Kernel clock cycles so far; 0 where nobody counts. */
uint64_t card_cycles(const struct card *c);

#ifdef __cplusplus
}
#endif
#endif
