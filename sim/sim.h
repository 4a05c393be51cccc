/* SPDX-License-Identifier: Apache-2.0 */
/* sim/sim.h -- runs modules and designs written with fx/fx.h: every task is a
 * coroutine, every stream a bounded queue, the order of work is fixed, so a
 * run does the same on every machine.
 *
 *     struct sim *s = sim_new(&(struct sim_config){0});
 *     sim_enter(s);                     // FX_STREAM and FX_TASK go to s now
 *     FX_STREAM(i8, 8, x, 4);
 *     FX_TASK(up, .x = FX_FROM(x), ...);
 *     if (!sim_run(s))                  // until every task has returned
 *         puts(sim_message(s));         // "deadlock: up waits to read x ..."
 *     sim_free(s);                      // streams and tasks go with it
 *
 * One sim is current at a time (in a thread); sim_enter switches. A task may
 * itself open streams and start tasks: a design is a task as any other. A run
 * ends when nothing can move. Tasks that only serve (memories, feeders) are
 * daemons and may then still wait; any other that does is deadlocked. Memory runs out: the process aborts with one
 * line, as no caller could go on.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fx_fifo;

struct sim_config {
    size_t stack_bytes; /* of a task; 0: 8 MiB (touched pages only count) */
    unsigned min_depth; /* queues are at least this deep: a fast run of a
                           large design. Values do not depend on it. */
    int trace;          /* timed view, 1: keep when every task was busy */
};

struct sim *sim_new(const struct sim_config *c);
void sim_free(struct sim *s);
void sim_enter(struct sim *s);

/* Runs until nothing can move. false: a task that is no daemon has not
 * returned; the message names each, its port and the stream it waits for. May
 * be called again after more tasks were started. */
bool sim_run(struct sim *s);
const char *sim_message(const struct sim *s);

/* The same as FX_TASK for a plain function: arg is passed, not copied. */
void sim_task(struct sim *s, const char *name, void (*fn)(void *arg),
              void *arg);
void sim_daemon(struct sim *s, const char *name, void (*fn)(void *arg),
                void *arg);

/* Stops the run: sim_run returns false with this message. The task that calls
 * it never goes on. */
void sim_fault(struct sim *s, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* Timed view: the clock of the running task, for plain tasks that model a
 * device; a write then happens at that time. */
uint64_t sim_clock(const struct sim *s);
void sim_clock_set(struct sim *s, uint64_t cycle);

/* ---- streams from outside (any FX_STREAM, FX_FROM or FX_TO of it) -------- */

/* Called when a task would wait on the empty stream: writes one beat (lanes
 * in containers) and returns 1, or returns 0 if there is none (yet). */
void sim_source(void *stream, int (*fill)(void *user, void *beat), void *user);

/* Writes never wait; the queue grows. */
void sim_unbounded(void *stream);

/* Beat `b` of the queue as hardware sees it: lane 0 in the low bits, little
 * endian, sim_word_bytes long; and back. */
size_t sim_word_bytes(const void *stream);
size_t sim_beat_bytes(const void *stream);
void sim_pack(const void *stream, const void *beat, uint8_t *word);
void sim_unpack(const void *stream, const uint8_t *word, void *beat);

/* ---- what happened ------------------------------------------------------ */

struct sim_stat {
    const char *name;
    int index; /* of an array of streams, else -1 */
    uint64_t beats, left, max_fill, read_stalls, write_stalls;
    unsigned depth;
};

/* Streams in the order they were opened; false past the last. */
bool sim_stream_stat(const struct sim *s, int k, struct sim_stat *out);

/* Beats that nobody read, over all streams. Sets the message if there are. */
uint64_t sim_left(struct sim *s);

/* Tasks in the order they were started; false past the last. busy: the cycles
 * of the iterations that it began, in the timed view. */
struct sim_work {
    const char *name;
    int index; /* of FX_TASK_AT, else -1 */
    bool daemon;
    uint64_t busy;
};
bool sim_task_work(const struct sim *s, int k, struct sim_work *out);

/* config.trace: busy cycles of task k in each of SIM_BINS stretches of time,
 * sim_trace_cycles(s) cycles each, from cycle 0. false: it did not run. */
enum { SIM_BINS = 512 };
uint64_t sim_trace_cycles(const struct sim *s);
bool sim_task_trace(const struct sim *s, int k, uint32_t bin[SIM_BINS]);

/* Timed view: cycles until the last task (no daemon) had returned. */
uint64_t sim_cycles(const struct sim *s);

/* The same until the last of the tasks with this name had returned. */
uint64_t sim_cycles_of(const struct sim *s, const char *name);

#endif
