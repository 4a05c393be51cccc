/* SPDX-License-Identifier: Apache-2.0 */
/* tests/designs/against.h -- a run of the hls engine held to the golden
 * integer model, logit by logit and token by token. */
#ifndef TESTS_DESIGNS_AGAINST_H
#define TESTS_DESIGNS_AGAINST_H
#include "designs/hls.h"

/* Prints what differs; the number of faults. want->logits is taken over. */
int against_golden(struct hls *e, const struct num_qmodel *m, const char *name,
                   const int *prompt, int n, const struct hls_want *want,
                   struct hls_stats *stats);

#endif
