/* error: fx/mac.h: FX_WBITS must be 4 or 8 */
/* SPDX-License-Identifier: Apache-2.0 */
#define FX_NAME  l
#define FX_BP    4
#define FX_WP    8
#define FX_XBITS 8
#define FX_WBITS 5
#define FX_DIN   64
#define FX_GROUP 0
#include "fx/linear_decode.h"
