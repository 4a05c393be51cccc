/* error: fx/linear_decode.h: FX_WP must be a multiple of FX_BP */
/* SPDX-License-Identifier: Apache-2.0 */
#define FX_NAME  l
#define FX_BP    4
#define FX_WP    6
#define FX_XBITS 8
#define FX_WBITS 4
#define FX_DIN   64
#define FX_GROUP 0
#include "fx/linear_decode.h"
