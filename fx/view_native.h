/* SPDX-License-Identifier: Apache-2.0 */
/* fx/view_native.h -- fx.h for running: a beat is a vector of lane
 * containers, so that lane loops vectorise; a port is a pointer to a queue,
 * typed by element, lane count and direction. sim/ defines the functions. */
#ifndef FX_VIEW_NATIVE_H
#define FX_VIEW_NATIVE_H
#include <stddef.h>
#include "fx/elem.h"

#ifdef FX_EXACT
/* Tests: exact widths, so that an accumulator too narrow by a bit shows. */
#define FX_INT(n)  signed _BitInt(n)
#define FX_UINT(n) unsigned _BitInt(n)
#else
#define FX_INT(n)                                                              \
    typeof(__builtin_choose_expr((n) <= 32, (int32_t)0, (int64_t)0))
#define FX_UINT(n)                                                             \
    typeof(__builtin_choose_expr((n) <= 32, (uint32_t)0, (uint64_t)0))
#endif
#define FX_MODULE static
#define FX_ZERO   {0}

/* FX_ELIDE: beats without their lanes, all of them zero, but for the words of
 * control (u32). When a beat moves never depends on the others, so a design
 * too large for its data can still be timed. */
#ifdef FX_ELIDE
#define FX_KEEP(T) _Generic((struct fx_##T *)0, struct fx_u32 *: 1, default: 0)
#else
#define FX_KEEP(T) 1
#endif
struct fx_u32;

/* The three ends of a queue are different types; each holds a container. */
#define FX_X(T, bits_, sgn, cont, val)                                         \
    typedef val fx_val_##T;                                                    \
    typedef cont fx_lane_##T __attribute__((may_alias));                       \
    struct fx_##T;                                                             \
    enum {                                                                     \
        fx_bits_##T = (bits_),                                                 \
        fx_signed_##T = (sgn),                                                 \
        fx_keep_##T = FX_KEEP(T)                                               \
    };                                                                         \
    struct fx_##T##_in {                                                       \
        cont in;                                                               \
        char keep[1 + fx_keep_##T];                                            \
    };                                                                         \
    struct fx_##T##_out {                                                      \
        cont out;                                                              \
        char keep[1 + fx_keep_##T];                                            \
    };                                                                         \
    struct fx_##T {                                                            \
        cont c;                                                                \
        struct fx_##T##_in from[0];                                            \
        struct fx_##T##_out to[0];                                             \
    };                                                                         \
    NUM_FN cont fx_wrap_##T(uint64_t v)                                        \
    {                                                                          \
        cont w = (cont)(v << (8 * sizeof(cont) - (bits_)));                    \
        return (cont)(w >> (8 * sizeof(cont) - (bits_)));                      \
    }
FX_ELEMENTS(FX_X)
#undef FX_X

#define FX_VECTOR(cont, n)                                                     \
    typeof(cont __attribute__((vector_size(sizeof(cont) * (n)))))
#define FX_KEPT(T) FX_JOIN(fx_keep_, T)
#define FX_BEAT(T, n)                                                          \
    FX_VECTOR(typeof(((struct FX_JOIN(fx_, T) *)0)->c), FX_KEPT(T) ? (n) : 1)
#define FX_GET(T, b, k)                                                        \
    ((FX_JOIN(fx_val_, T))(                                                    \
        FX_KEPT(T) ? ((const FX_JOIN(fx_lane_, T) *)&(b))[k] : 0))
#define FX_SET(T, b, k, v)                                                     \
    ((void)(FX_KEPT(T) && (((FX_JOIN(fx_lane_, T) *)&(b))[k] =                 \
                               FX_JOIN(fx_wrap_, T)((uint64_t)(v)),            \
                           1)))

#define FX_IN(T, n)  typeof(struct FX_JOIN(fx_, FX_JOIN(T, _in))(*)[n])
#define FX_OUT(T, n) typeof(struct FX_JOIN(fx_, FX_JOIN(T, _out))(*)[n])
#define FX_ANY(T, n) typeof(struct FX_JOIN(fx_, T)(*)[n])
#define FX_LANES(s)  (sizeof(*(s)) / sizeof((*(s))[0]))
#define FX_WORD(s, end)                                                        \
    FX_VECTOR(typeof((*(s))[0].end),                                           \
              sizeof((*(s))[0].keep) > 1 ? FX_LANES(s) : 1)

/* ---- queues -------------------------------------------------------------- */

struct fx_task;

struct fx_fifo {
    char *buf;
    uint64_t head; /* beats written */
    uint64_t tail; /* beats read */
    uint32_t mask, depth, beat_bytes;
    struct fx_task *reader, *writer; /* the task that waits at that end */
    const char *name;
    int index;       /* in an array of streams; -1: alone */
    int lanes, bits; /* of a beat, for packing it as hardware does */
    int is_signed, unbounded;
    uint64_t max_fill, read_stalls, write_stalls;
    uint64_t *ready; /* timed: when beat (k & mask) can be read */
    uint64_t *freed; /* timed: when beat (k & mask) was taken */
    int (*source)(void *user, void *beat); /* fills an empty queue */
    void *user;
    struct fx_fifo *next; /* all queues of a sim */
};

void fx_wait_beat(struct fx_fifo *f, const char *port);
void fx_wait_room(struct fx_fifo *f, const char *port);
void fx_wake_writer(struct fx_fifo *f);
void fx_wake_reader(struct fx_fifo *f);
void fx_clock_read(struct fx_fifo *f);
void fx_clock_write(struct fx_fifo *f);
void fx_clock_loop(const char *name, int ii);
void fx_clock_nest(void);
struct fx_fifo *fx_fifo_open(const char *name, int index, unsigned depth,
                             unsigned beat_bytes, int lanes, int bits,
                             int is_signed);
void fx_spawn(const char *name, int index, void (*entry)(const void *ports),
              const void *ports, size_t bytes);

#ifdef FX_VIEW_TIMED
#define FX_CLOCK(call) call
#else
#define FX_CLOCK(call) ((void)0)
#endif

NUM_FN const void *fx_pop(struct fx_fifo *f, const char *port)
{
    if (__builtin_expect(f->head == f->tail, 0))
        fx_wait_beat(f, port);
    FX_CLOCK(fx_clock_read(f));
    const char *at = f->buf + (f->tail & f->mask) * (size_t)f->beat_bytes;
    f->tail++;
    if (__builtin_expect(f->writer != 0, 0))
        fx_wake_writer(f);
    return at;
}

NUM_FN void *fx_push(struct fx_fifo *f, const char *port)
{
    if (__builtin_expect(f->head - f->tail >= f->depth, 0))
        fx_wait_room(f, port);
    FX_CLOCK(fx_clock_write(f));
    char *at = f->buf + (f->head & f->mask) * (size_t)f->beat_bytes;
    f->head++;
    if (f->head - f->tail > f->max_fill)
        f->max_fill = f->head - f->tail;
    if (__builtin_expect(f->reader != 0, 0))
        fx_wake_reader(f);
    return at;
}

#define FX_READ(s) (*(const FX_WORD(s, in) *)fx_pop((struct fx_fifo *)(s), #s))
#define FX_WRITE(s, v)                                                         \
    do {                                                                       \
        FX_WORD(s, out) fx_v = (v);                                            \
        *(FX_WORD(s, out) *)fx_push((struct fx_fifo *)(s), #s) = fx_v;         \
    } while (0)
#define FX_FROM(s) ((typeof(typeof((*(s))[0].from[0])(*)[FX_LANES(s)]))(s))
#define FX_TO(s)   ((typeof(typeof((*(s))[0].to[0])(*)[FX_LANES(s)]))(s))

#define FX_OPEN(T, n, name, index, depth)                                      \
    ((FX_ANY(T, n))fx_fifo_open(name, index, depth, sizeof(FX_BEAT(T, n)), n,  \
                                FX_JOIN(fx_bits_, T), FX_JOIN(fx_signed_, T)))
#define FX_STREAM(T, n, name, depth)                                           \
    FX_ANY(T, n) name = FX_OPEN(T, n, #name, -1, depth)
#define FX_STREAMS(T, n, name, count, depth)                                   \
    FX_ANY(T, n) name[count];                                                  \
    for (int fx_i = 0; fx_i < (count); fx_i++)                                 \
    name[fx_i] = FX_OPEN(T, n, #name, fx_i, depth)

#define FX_PIPELINE(name, ii) FX_CLOCK(fx_clock_loop(#name, ii))
#define FX_NEST               FX_CLOCK(fx_clock_nest())
#define FX_UNROLL             ((void)0)
#define FX_NODEP(array)       ((void)0)
#define FX_DATAFLOW           ((void)0)

#define FX_TASK(fn, ...) FX_TASK_AT(fn, -1, __VA_ARGS__)
#define FX_TASK_AT(fn, i, ...)                                                 \
    do {                                                                       \
        struct FX_JOIN(fn, _ports) fx_p = {__VA_ARGS__};                       \
        fx_spawn(FX_STR(fn), i, FX_JOIN(fn, _task), &fx_p, sizeof fx_p);       \
    } while (0)
#define FX_ENTRY(fn) FX_ENTRY_(fn)
#define FX_ENTRY_(fn)                                                          \
    __attribute__((unused)) static void fn##_task(const void *p)               \
    {                                                                          \
        fn((const struct fn##_ports *)p);                                      \
    }

#endif
