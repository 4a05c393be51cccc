/* SPDX-License-Identifier: Apache-2.0 */
/* tests/rtl/view/tests/fx/harness.h -- tests/fx/harness.h as fxc reads it.
 *
 * fxc compiles tests/fx/NAME.c for the module instances in it. The test
 * around them is never reached from --top; it only has to be C. */
#ifndef TESTS_FX_HARNESS_H
#define TESTS_FX_HARNESS_H
#include "fx/fx.h"
#include "sim/memory.h"
#include "sim/sim.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t h_rand(int64_t lo, int64_t hi);
void h_args(int argc, char **argv);
void h_begin(const char *name, unsigned depth);
void h_end(void);
int h_done(const char *test);
void h_run(uint64_t cycles);
void h_run_ideal(uint64_t cycles);
void fx_spawn(const char *name, int index, void (*entry)(const void *ports),
              const void *ports, size_t bytes);
extern unsigned h_depth, h_seed;
extern int h_bad;
extern struct sim *h_sim;

#define CHECK(cond)         ((void)(cond))
#define CHECK_EQ(got, want) ((void)(got), (void)(want))
#define H_INPUT(T, n, x)    FX_STREAM(T, n, x, 1)
#define H_OUTPUT(T, n, y)   FX_STREAM(T, n, y, 1)
#define H_PUT(x, b)         ((void)((x)[0].w = (b)))
#define H_HAVE(y)           1
#define H_TAKE(y)           ((y)[0].w)
#define H_RUN(fn, p)        ((void)(p))
/* Its streams lie in another address space here. */
#define sim_memory_read(...)  ((void)0)
#define sim_memory_write(...) ((void)0)
#undef FX_ENTRY
#define FX_ENTRY(fn)  FX_ENTRY_(fn)
#define FX_ENTRY_(fn) void fn##_task(const void *p);
#endif
