/* SPDX-License-Identifier: Apache-2.0 */
/* emit/host/device.h -- the two kernels on a card as a device of the hls
 * engine (designs/hls.h): image, checks and run loop are the engine's. */
#ifndef EMIT_HOST_DEVICE_H
#define EMIT_HOST_DEVICE_H
#include "designs/hls.h"
#include "emit/host/card.h"

/* An engine for model m on the card, which it closes. NULL: the model does not
 * fit the kernels, or memory is short. */
struct hls *device_open(struct card *c, const struct num_qmodel *m,
                        struct fl_error *err);

#endif
