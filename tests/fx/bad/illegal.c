/* error: fx/widen.h: FX_M must be a multiple of FX_N */
/* SPDX-License-Identifier: Apache-2.0 */
#define FX_NAME w
#define FX_ELEM i8
#define FX_N    2
#define FX_M    5
#include "fx/widen.h"
