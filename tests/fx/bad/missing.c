/* error: fx/widen.h needs FX_NAME, FX_ELEM, FX_N and FX_M */
/* SPDX-License-Identifier: Apache-2.0 */
#define FX_NAME w
#define FX_ELEM i8
#define FX_N    2
#include "fx/widen.h"
