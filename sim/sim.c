/* SPDX-License-Identifier: Apache-2.0 */
/* sim/sim.c -- tasks, queues and the order in which they run.
 *
 * A task runs until it must wait; then the next one in the ready queue runs,
 * first come first served. A task that waits hangs on the queue it waits for,
 * and the other end's next access puts it back into the ready queue. Nothing
 * ready and a task left over is a deadlock: there is nothing to time out.
 */
#include "sim/sim.h"
#include "sim/context.h"
#include "sim/timing.h"
#include "sim/trace.h"
#include "fx/fx.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fx_task {
    struct context context;
    const char *name;
    int index;
    bool daemon, done, started;
    void (*entry)(const void *);
    void (*plain)(void *);
    void *arg; /* the copied ports, or what a plain task was given */
    bool owned;
    const char *port; /* what it waits for, NULL: it does not */
    struct fx_fifo *waits;
    bool reads;
    struct fx_task *ready; /* next in the ready queue */
    struct fx_task *next;  /* all tasks */
    /* timed: the end of the first cycle of the current iteration; the loop
     * it is of, NULL before the first; outer bodies entered since */
    uint64_t clock;
    const struct timing_module *timing; /* NULL: the ideal machine */
    const struct timing_loop *loop;
    const char *loop_name;
    int levels;
    uint64_t busy;       /* timed: cycles of the iterations begun */
    struct trace *trace; /* NULL: not wanted */
    struct sim *sim;
};

struct sim {
    struct sim_config config;
    struct context home;
    struct fx_task *tasks, **tasks_end, *running;
    struct fx_task *first, *last; /* the ready queue */
    struct fx_fifo *fifos, **fifos_end;
    bool fault;      /* the message says what */
    int alive;       /* tasks that are no daemons and have not returned */
    uint64_t cycles; /* latest end of a task */
    char message[1024];
};

static _Thread_local struct sim *sim;

static void *must(void *p)
{
    if (!p) {
        fputs("sim: out of memory\n", stderr);
        abort();
    }
    return p;
}

struct sim *sim_new(const struct sim_config *c)
{
    struct sim *s = must(calloc(1, sizeof *s));
    s->config = *c;
    if (!s->config.stack_bytes)
        s->config.stack_bytes = (size_t)8 << 20;
    s->tasks_end = &s->tasks;
    s->fifos_end = &s->fifos;
    return s;
}

void sim_free(struct sim *s)
{
    if (!s)
        return;
    for (struct fx_task *t = s->tasks, *next; t; t = next) {
        next = t->next;
        if (t->started && !t->done)
            context_free(&t->context);
        if (t->owned)
            free(t->arg);
        free(t->trace);
        free(t);
    }
    for (struct fx_fifo *f = s->fifos, *next; f; f = next) {
        next = f->next;
        free(f->buf);
        free(f->ready);
        free(f->freed);
        free(f);
    }
    if (sim == s)
        sim = NULL;
    free(s);
}

void sim_enter(struct sim *s)
{
    sim = s;
}

const char *sim_message(const struct sim *s)
{
    return s->message;
}

uint64_t sim_cycles(const struct sim *s)
{
    return s->cycles;
}

uint64_t sim_cycles_of(const struct sim *s, const char *name)
{
    uint64_t last = 0;
    for (const struct fx_task *t = s->tasks; t; t = t->next)
        if (t->done && !strcmp(t->name, name) && t->clock > last)
            last = t->clock;
    return last;
}

/* ---- tasks --------------------------------------------------------------- */

static void wake(struct sim *s, struct fx_task *t)
{
    t->ready = NULL;
    if (s->first)
        s->last->ready = t;
    else
        s->first = t;
    s->last = t;
}

static struct fx_task *next_ready(struct sim *s)
{
    struct fx_task *t = s->first;
    if (t)
        s->first = t->ready;
    return t;
}

static void task_main(void *arg);

/* Goes on with the next ready task, or home if there is none. */
static void yield(struct sim *s, struct fx_task *from, bool last)
{
    struct fx_task *to = s->fault ? NULL : next_ready(s);
    if (to == from)
        return;
    s->running = to;
    if (to && !to->started) {
        to->started = true;
        if (!context_make(&to->context, s->config.stack_bytes, task_main, to))
            must(NULL);
    }
    context_switch(from ? &from->context : &s->home,
                   to ? &to->context : &s->home, last);
}

/* Timed: on the way from the loop it was in to the next, or to the end. */
static void take_way(struct fx_task *t, const char *to)
{
    t->clock += (uint64_t)timing_way(t->timing, t->loop ? t->loop->name : NULL,
                                     to, t->levels);
    t->levels = 0;
}

static void task_main(void *arg)
{
    struct fx_task *t = arg;
    if (t->entry)
        t->entry(t->arg);
    else
        t->plain(t->arg);
    if (t->timing)
        take_way(t, NULL);
    if (t->trace)
        trace_step(t->trace, t->clock, 0);
    t->done = true;
    t->sim->alive -= !t->daemon;
    if (!t->daemon && t->clock > t->sim->cycles)
        t->sim->cycles = t->clock;
    yield(t->sim, t, true);
}

static struct fx_task *task_add(struct sim *s, const char *name, int index)
{
    struct fx_task *t = must(calloc(1, sizeof *t));
    t->name = name;
    t->index = index;
    t->sim = s;
    t->clock = s->running ? s->running->clock : 0;
    if (s->config.trace)
        t->trace = must(calloc(1, sizeof *t->trace));
    *s->tasks_end = t;
    s->tasks_end = &t->next;
    wake(s, t);
    return t;
}

void fx_spawn(const char *name, int index, void (*entry)(const void *),
              const void *ports, size_t bytes)
{
    struct fx_task *t = task_add(sim, name, index);
    t->entry = entry;
    t->timing = timing_module(name);
    t->arg = must(malloc(bytes));
    t->owned = true;
    memcpy(t->arg, ports, bytes);
    sim->alive++;
}

void sim_task(struct sim *s, const char *name, void (*fn)(void *), void *arg)
{
    struct fx_task *t = task_add(s, name, -1);
    t->plain = fn;
    t->arg = arg;
    s->alive++;
}

void sim_daemon(struct sim *s, const char *name, void (*fn)(void *), void *arg)
{
    struct fx_task *t = task_add(s, name, -1);
    t->plain = fn;
    t->arg = arg;
    t->daemon = true;
}

static void say(struct sim *s, const char *format, ...)
{
    size_t n = strlen(s->message);
    va_list args;
    va_start(args, format);
    vsnprintf(s->message + n, sizeof s->message - n, format, args);
    va_end(args);
}

static void say_name(struct sim *s, const char *name, int index)
{
    if (index < 0)
        say(s, "%s", name);
    else
        say(s, "%s[%d]", name, index);
}

static void say_deadlock(struct sim *s)
{
    say(s, "deadlock:");
    const char *sep = " ";
    for (struct fx_task *t = s->tasks; t; t = t->next) {
        if (t->done || t->daemon || !t->waits)
            continue;
        const char *port = strstr(t->port, "->");
        say(s, "%s", sep);
        say_name(s, t->name, t->index);
        say(s, " waits to %s %s (stream ", t->reads ? "read" : "write",
            port ? port + 2 : t->port);
        say_name(s, t->waits->name, t->waits->index);
        say(s, ", %llu of %u beats in it)",
            (unsigned long long)(t->waits->head - t->waits->tail),
            t->waits->depth);
        sep = "; ";
    }
}

bool sim_run(struct sim *s)
{
    s->message[0] = 0;
    sim = s;
    yield(s, NULL, false);
    for (struct fx_task *t = s->tasks; t; t = t->next)
        if (t->done && t->started) {
            context_free(&t->context);
            t->started = false;
        }
    if (s->alive && !s->fault)
        say_deadlock(s);
    return s->alive == 0 && !s->fault;
}

void sim_fault(struct sim *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->message, sizeof s->message, format, args);
    va_end(args);
    s->fault = true;
    for (;;)
        yield(s, s->running, false);
}

uint64_t sim_clock(const struct sim *s)
{
    return s->running->clock;
}

void sim_clock_set(struct sim *s, uint64_t cycle)
{
    s->running->clock = cycle;
}

/* ---- queues -------------------------------------------------------------- */

struct fx_fifo *fx_fifo_open(const char *name, int index, unsigned depth,
                             unsigned beat_bytes, int lanes, int bits,
                             int is_signed)
{
    struct fx_fifo *f = must(calloc(1, sizeof *f));
    unsigned deep =
        depth < sim->config.min_depth ? sim->config.min_depth : depth;
    unsigned room = 1;
    while (room < deep)
        room *= 2;
    size_t bytes = ((size_t)room * beat_bytes + 63) / 64 * 64;
    /* a vector is aligned to its size */
    size_t align = beat_bytes < 64 ? 64 : beat_bytes & -beat_bytes;
    f->buf = must(aligned_alloc(align, (bytes + align - 1) / align * align));
    f->ready = must(calloc(room, sizeof *f->ready));
    f->freed = must(calloc(room, sizeof *f->freed));
    f->mask = room - 1;
    f->depth = deep;
    f->beat_bytes = beat_bytes;
    f->name = name;
    f->index = index;
    f->lanes = lanes;
    f->bits = bits;
    f->is_signed = is_signed;
    *sim->fifos_end = f;
    sim->fifos_end = &f->next;
    return f;
}

/* Doubles a queue, its beats kept in place modulo the new size. */
static void grow(struct fx_fifo *f)
{
    size_t room = (size_t)f->mask + 1, beat = f->beat_bytes;
    size_t align = beat < 64 ? 64 : beat & -beat;
    size_t bytes = (2 * room * beat + align - 1) / align * align;
    char *buf = must(aligned_alloc(align, bytes));
    uint64_t *ready = must(calloc(2 * room, sizeof *ready));
    uint64_t *freed = must(calloc(2 * room, sizeof *freed));
    for (uint64_t k = f->tail; k < f->head; k++) {
        size_t to = k & (2 * room - 1);
        memcpy(buf + to * beat, f->buf + (k & f->mask) * beat, beat);
        ready[to] = f->ready[k & f->mask];
    }
    free(f->buf);
    free(f->ready);
    free(f->freed);
    f->buf = buf;
    f->ready = ready;
    f->freed = freed;
    f->mask = (uint32_t)(2 * room - 1);
    f->depth = (uint32_t)(2 * room);
}

static void wait_on(struct fx_fifo *f, const char *port, bool reads)
{
    struct fx_task *t = sim->running;
    struct fx_task **end = reads ? &f->reader : &f->writer;
    if (!t || *end) {
        fprintf(stderr, "sim: stream %s: %s\n", f->name,
                t ? "two tasks at one end" : "would wait outside a task");
        abort();
    }
    t->waits = f;
    t->port = port;
    t->reads = reads;
    *end = t;
    yield(sim, t, false);
    t->waits = NULL;
}

void fx_wake_writer(struct fx_fifo *f)
{
    wake(sim, f->writer);
    f->writer = NULL;
}

void fx_wake_reader(struct fx_fifo *f)
{
    wake(sim, f->reader);
    f->reader = NULL;
}

void fx_wait_beat(struct fx_fifo *f, const char *port)
{
    if (f->source && f->source(f->user, f->buf + (f->head & f->mask) *
                                                     (size_t)f->beat_bytes)) {
        f->head++;
        return;
    }
    f->read_stalls++;
    while (f->head == f->tail)
        wait_on(f, port, true);
}

void fx_wait_room(struct fx_fifo *f, const char *port)
{
    if (f->unbounded) {
        grow(f);
        return;
    }
    f->write_stalls++;
    while (f->head - f->tail >= f->depth)
        wait_on(f, port, false);
}

void sim_source(void *stream, int (*fill)(void *user, void *beat), void *user)
{
    struct fx_fifo *f = stream;
    f->source = fill;
    f->user = user;
}

void sim_unbounded(void *stream)
{
    struct fx_fifo *f = stream;
    f->unbounded = 1;
}

/* ---- time ---------------------------------------------------------------- */

/* An iteration reads in step `pop` and writes in step `push`, and what is
 * written is there in the cycle after. Without a table both are 0 and nothing
 * takes time but the iterations.
 *
 * One that must wait for a beat starts later. */
void fx_clock_read(struct fx_fifo *f)
{
    struct fx_task *t = sim->running;
    if (!t)
        return;
    uint64_t pop = t->loop ? (uint64_t)t->loop->pop : 0;
    uint64_t ready = f->ready[f->tail & f->mask];
    if (t->clock + pop < ready)
        t->clock = ready - pop;
    f->freed[f->tail & f->mask] = t->clock + pop;
}

/* A beat leaves in its step, or when the slot it takes was freed; the
 * iteration then counts as that much later. */
void fx_clock_write(struct fx_fifo *f)
{
    struct fx_task *t = sim->running;
    uint64_t at = 0;
    if (t) {
        uint64_t push = t->loop ? (uint64_t)t->loop->push : 0;
        at = t->clock + push;
        if (f->head >= f->depth && !f->unbounded) {
            uint64_t freed = f->freed[(f->head - f->depth) & f->mask];
            freed += f->depth > 1; /* a single register looks through */
            at = at < freed ? freed : at;
        }
        t->clock = at - push;
        at += t->timing != NULL;
    }
    f->ready[f->head & f->mask] = at;
}

/* A loop of one iteration may have become part of the way: it is not in the
 * table then. */
void fx_clock_loop(const char *name, int ii)
{
    struct fx_task *t = sim->running;
    if (!t)
        return;
    if (t->timing && (t->loop_name != name || t->levels)) {
        const struct timing_loop *l = timing_loop(t->timing, name);
        if (!l)
            return;
        take_way(t, name);
        t->loop = l;
        t->loop_name = name;
    }
    if (t->trace)
        trace_step(t->trace, t->clock, (unsigned)ii);
    t->busy += (uint64_t)ii;
    t->clock += (uint64_t)ii;
}

void fx_clock_nest(void)
{
    if (sim->running)
        sim->running->levels++;
}

/* ---- figures ------------------------------------------------------------- */

bool sim_stream_stat(const struct sim *s, int k, struct sim_stat *out)
{
    const struct fx_fifo *f = s->fifos;
    while (f && k-- > 0)
        f = f->next;
    if (!f)
        return false;
    *out = (struct sim_stat){f->name,           f->index,    f->head,
                             f->head - f->tail, f->max_fill, f->read_stalls,
                             f->write_stalls,   f->depth};
    return true;
}

bool sim_task_work(const struct sim *s, int k, struct sim_work *out)
{
    const struct fx_task *t = s->tasks;
    while (t && k-- > 0)
        t = t->next;
    if (!t)
        return false;
    *out = (struct sim_work){t->name, t->index, t->daemon, t->busy};
    return true;
}

static int trace_shift(const struct sim *s)
{
    int shift = 0;
    for (const struct fx_task *t = s->tasks; t; t = t->next)
        if (t->trace && t->trace->shift > shift)
            shift = t->trace->shift;
    return shift;
}

uint64_t sim_trace_cycles(const struct sim *s)
{
    return (uint64_t)1 << trace_shift(s);
}

bool sim_task_trace(const struct sim *s, int k, uint32_t bin[SIM_BINS])
{
    const struct fx_task *t = s->tasks;
    while (t && k-- > 0)
        t = t->next;
    if (!t || !t->trace)
        return false;
    struct trace r = *t->trace;
    for (int shift = trace_shift(s); r.shift < shift;)
        trace_widen(&r);
    memcpy(bin, r.bin, sizeof r.bin);
    return true;
}

uint64_t sim_left(struct sim *s)
{
    uint64_t left = 0;
    s->message[0] = 0;
    for (struct fx_fifo *f = s->fifos; f; f = f->next) {
        uint64_t n = f->head - f->tail;
        if (!n)
            continue;
        say(s, "%s", left ? ", " : "left over: ");
        say_name(s, f->name, f->index);
        say(s, " %llu", (unsigned long long)n);
        left += n;
    }
    return left;
}
