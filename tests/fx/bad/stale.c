/* error: fx/widen.h needs FX_NAME, FX_ELEM, FX_N and FX_M */
/* SPDX-License-Identifier: Apache-2.0 */
#define FX_NAME a /* the second instance inherits nothing */
#define FX_ELEM i8
#define FX_N    2
#define FX_M    4
#include "fx/widen.h"
#define FX_NAME b
#include "fx/widen.h"
