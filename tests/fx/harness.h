/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/harness.h -- what a module test is made of.
 *
 *     for (depth = 1; ...) {
 *         h_begin("pow2", depth);            // a fresh sim
 *         H_INPUT(i8, 8, x);                 // stream x of that depth, fed
 *         H_OUTPUT(i32, 8, y);               // stream y, collected
 *         H_PUT(x, beat);                    // any number, before h_run
 *         struct m_ports p = {.x = FX_FROM(x), .y = FX_TO(y), .tokens = 3};
 *         H_RUN(m, p);                       // runs; checks cycles (timed)
 *         FX_BEAT(i32, 8) b = H_TAKE(y);     // in order
 *         CHECK_EQ(FX_GET(i32, b, k), want);
 *         h_end();                           // leftovers must be zero
 *     }
 *     return h_done();
 *
 * A test that starts more than one task starts readers before writers. Random
 * numbers come from h_rand; the seed is argv[1] or 1 and is printed on failure. FX_EXACT makes accumulators exactly as wide as in hardware.
 */
#ifndef TESTS_FX_HARNESS_H
#define TESTS_FX_HARNESS_H
#define FX_EXACT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fx/fx.h"
#ifndef __cplusplus
#include "sim/sim.h"
#endif

static uint64_t h_state = 1;
static unsigned h_seed = 1, h_depth;
static int h_bad;
static long h_checks;
static const char *h_case = "";
static uint64_t h_formula; /* cycles the last run must take; 0: not known */
static const char *h_top;  /* the task that takes them; NULL: all */

static inline void h_args(int argc, char **argv)
{
    h_seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
    h_state = h_seed * 2654435761u + 1;
}

/* Uniform in lo .. hi. */
static inline int64_t h_rand(int64_t lo, int64_t hi)
{
    h_state = h_state * 6364136223846793005u + 1442695040888963407u;
    uint64_t span = (uint64_t)(hi - lo) + 1, r = h_state;
    r = (r ^ r >> 31) * 0xBF58476D1CE4E5B9u;
    r ^= r >> 29;
    return span ? lo + (int64_t)(r % span) : (int64_t)r;
}

#define CHECK(cond)                                                            \
    do {                                                                       \
        h_checks++;                                                            \
        if (!(cond) && h_bad++ < 10)                                           \
            printf("%s:%d: %s, depth %u, seed %u: %s\n", __FILE__, __LINE__,   \
                   h_case, h_depth, h_seed, #cond);                            \
    } while (0)
#define CHECK_EQ(got, want)                                                    \
    do {                                                                       \
        long long h_g = (long long)(got), h_w = (long long)(want);             \
        h_checks++;                                                            \
        if (h_g != h_w && h_bad++ < 10)                                        \
            printf("%s:%d: %s, depth %u, seed %u: %s is %lld, not %lld\n",     \
                   __FILE__, __LINE__, h_case, h_depth, h_seed, #got, h_g,     \
                   h_w);                                                       \
    } while (0)

static inline int h_done(const char *test)
{
    printf("%s: %ld checks, seed %u: %s\n", test, h_checks, h_seed,
           h_bad ? "FAILED" : "ok");
    return h_bad != 0;
}

#ifdef __cplusplus
#include "tests/fx/vitis/harness.h" /* the same test as Vitis C++ */
#else

static struct sim *h_sim;

static inline void h_begin(const char *name, unsigned depth)
{
    h_case = name;
    h_depth = depth;
    h_formula = 0;
    h_top = NULL;
    h_sim = sim_new(&(struct sim_config){0});
    sim_enter(h_sim);
}

/* Moves beats from one queue to another for ever. */
struct h_mover {
    struct fx_fifo *from, *to;
};

static void h_move(void *arg)
{
    struct h_mover m = *(struct h_mover *)arg;
    free(arg);
    for (;;) {
        const void *beat = fx_pop(m.from, "tape");
        memcpy(fx_push(m.to, "tape"), beat, m.from->beat_bytes);
    }
}

static inline void h_mover(void *from, void *to)
{
    struct h_mover *m = malloc(sizeof *m);
    if (!m)
        abort();
    *m = (struct h_mover){from, to};
    sim_daemon(h_sim, "tape", h_move, m);
}

#define H_INPUT(T, n, x)                                                       \
    FX_STREAM(T, n, x, h_depth);                                               \
    FX_STREAM(T, n, x##_tape, 1);                                              \
    sim_unbounded(x##_tape);                                                   \
    h_mover(x##_tape, x)
#define H_OUTPUT(T, n, y)                                                      \
    FX_STREAM(T, n, y, h_depth);                                               \
    FX_STREAM(T, n, y##_tape, 1);                                              \
    sim_unbounded(y##_tape);                                                   \
    h_mover(y, y##_tape)
#define H_PUT(x, beat) FX_WRITE(FX_TO(x##_tape), beat)
#define H_HAVE(y)                                                              \
    (((struct fx_fifo *)y##_tape)->head > ((struct fx_fifo *)y##_tape)->tail)
/* The next beat that was collected; zeros and a failure if there is none. */
#define H_TAKE(y)                                                              \
    ({                                                                         \
        CHECK(H_HAVE(y));                                                      \
        if (!H_HAVE(y))                                                        \
            memset(fx_push((struct fx_fifo *)y##_tape, "tape"), 0,             \
                   ((struct fx_fifo *)y##_tape)->beat_bytes);                  \
        FX_READ(FX_FROM(y##_tape));                                            \
    })

static inline void h_run(uint64_t cycles)
{
    if (!sim_run(h_sim)) {
        h_bad++;
        printf("%s, depth %u, seed %u: %s\n", h_case, h_depth, h_seed,
               sim_message(h_sim));
    }
    h_checks++;
    h_formula = cycles == FX_UNKNOWN ? 0 : cycles;
#ifdef FX_VIEW_TIMED
    if (h_depth > 1 && cycles != FX_UNKNOWN)
        CHECK_EQ(h_top ? sim_cycles_of(h_sim, h_top) : sim_cycles(h_sim),
                 cycles);
#endif
}

/* The number is the ideal machine's (sim/timing.h): not checked otherwise. */
static inline void h_run_ideal(uint64_t cycles)
{
    h_run(fx_way_cycles ? FX_UNKNOWN : cycles);
}

#define H_RUN(fn, ports)                                                       \
    do {                                                                       \
        fx_spawn(FX_STR(fn), -1, FX_JOIN(fn, _task), &(ports), sizeof(ports)); \
        h_top = FX_STR(fn);                                                    \
        h_run(FX_JOIN(fn, _cycles)(&(ports)));                                 \
    } while (0)

static inline void h_end(void)
{
    h_checks++;
    if (sim_left(h_sim) && h_bad++ < 10)
        printf("%s, depth %u, seed %u: %s\n", h_case, h_depth, h_seed,
               sim_message(h_sim));
    sim_free(h_sim);
}
#endif

#endif
