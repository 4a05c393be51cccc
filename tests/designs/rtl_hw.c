/* SPDX-License-Identifier: Apache-2.0 */
/* tests/designs/rtl_hw.c -- what fxc compiles of rtl_run.c. */
#include "tests/designs/rtl_tiny.h"
#if DSN_STAGE
#include "designs/llama_decode.c"
#else
#include "designs/llama_prefill.c"
#endif
