/* SPDX-License-Identifier: Apache-2.0 */
/* engine/select.h -- which kernels run here. */
#ifndef ENGINE_SELECT_H
#define ENGINE_SELECT_H
#include "base/error.h"
#include "engine/kernel.h"

/* The kernels of that name, or the best for NULL and "auto". NULL: unknown,
 * or this processor lacks it. */
const struct eng_kernels *eng_select(const char *name, struct fl_error *err);

#endif
