/* SPDX-License-Identifier: Apache-2.0 */
/* tests/designs/rtl_hmt_hw.c -- what fxc compiles of rtl_hmt.c. */
#include "tests/designs/rtl_tiny.h"
#define MAX_DM       6
#define MAX_MEMORIES 3
#include "designs/hmt.c"
