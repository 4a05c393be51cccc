/* SPDX-License-Identifier: Apache-2.0 */
/* designs/build.h -- compiles a design into a shared object, once: the result
 * is kept in the cache under the hash of every source it may include and of
 * the command line. */
#ifndef DESIGNS_BUILD_H
#define DESIGNS_BUILD_H
#include "designs/hls.h"

/* Opens the design `stage` (DSN_PREFILL or DSN_DECODE) compiled for the
 * options' config (given) and the model's sizes. NULL: no compiler, it failed,
 * or the cache cannot be written. */
void *dsn_build(int stage, const struct hls_options *o,
                const struct dsn_config *c, const struct num_qmodel *m, int cap,
                struct fl_error *err);

#endif
