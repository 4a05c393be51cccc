/* SPDX-License-Identifier: Apache-2.0 */
/* emit/host/device.h -- the two kernels on a card as a device of the hls
 * engine (designs/hls.h): memory image, checks and run loop are the engine's. */
#ifndef EMIT_HOST_DEVICE_H
#define EMIT_HOST_DEVICE_H
#include "designs/hls.h"
#include "emit/host/card.h"

/* An engine for model m on a card that takes these images, one a stage (the
 * same twice where one holds both kernels). NULL: no card, or the model does
 * not fit the kernels. */
struct hls *device_open(const char *const image[DSN_STAGES],
                        const struct num_qmodel *m, struct fl_error *err);

#endif
