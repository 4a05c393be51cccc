/* SPDX-License-Identifier: Apache-2.0 */
/* engine/pool.h -- threads that share the items of one job after another.
 *
 * pool_run(p, fn, arg, n) calls fn(arg, item, thread) for item 0 .. n - 1,
 * each once, on whichever thread is free, and returns when all are done. The
 * caller works too. Jobs last microseconds, so helpers spin for the next one
 * for a moment before they sleep; but the processor may have been given to
 * someone else, so
 *   - items are claimed one at a time: a helper that does not run costs
 *     nothing, the caller does its share;
 *   - a caller that waits for a helper's last item sleeps after a moment,
 *     which frees a processor for that helper;
 *   - after a long wait the caller works alone for a while (50 times as long),
 *     so that a busy machine costs a few per cent and not a multiple.
 */
#ifndef ENGINE_POOL_H
#define ENGINE_POOL_H
#include <stdbool.h>

struct pool;
typedef void pool_fn(void *arg, int item, int thread);

/* threads >= 1, the caller's included. NULL: no memory or no threads. */
struct pool *pool_new(int threads);
void pool_free(struct pool *p);
int pool_threads(const struct pool *p);

/* 0 <= n < 2^20. Not reentrant. */
void pool_run(struct pool *p, pool_fn *fn, void *arg, int n);

/* Processors this process may use. */
int pool_processors(void);

#endif
