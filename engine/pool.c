/* SPDX-License-Identifier: Apache-2.0 */
/* engine/pool.c -- see pool.h.
 *
 * One word, the ticket, holds the job's number, its number of items and the
 * next item: (24, 20, 20 bits). Claiming an item is one compare-and-swap on
 * it; a helper that succeeded knows that the job is alive (the caller waits
 * for that very item), so it may read fn and arg, which were written before
 * the ticket. A helper that comes late fails the exchange and touches nothing.
 */
#define _GNU_SOURCE
#include "engine/pool.h"
#include "base/progress.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ITEM_BITS = 20, SPIN = 4000 /* pauses: tens of microseconds */ };
#define ITEM_MASK ((uint64_t)(1 << ITEM_BITS) - 1)

struct helper {
    struct pool *pool;
    pthread_t thread;
    int index;
};

struct pool {
    _Alignas(64) _Atomic uint64_t ticket;
    pool_fn *fn;
    void *arg;
    _Alignas(64) _Atomic uint32_t done; /* items finished by helpers */
    _Atomic uint32_t waits;             /* the caller sleeps on `done` */
    _Alignas(64) _Atomic uint32_t bell; /* helpers sleep on it */
    _Atomic uint32_t sleepers;
    _Atomic uint32_t stop;
    int threads;
    double alone_until;
    struct helper helper[];
};

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int n)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

/* The next item of the ticket's job, -1 for none. */
static int claim(struct pool *p)
{
    uint64_t t = atomic_load_explicit(&p->ticket, memory_order_acquire);
    for (;;) {
        uint64_t item = t & ITEM_MASK, n = t >> ITEM_BITS & ITEM_MASK;
        if (item >= n)
            return -1;
        if (atomic_compare_exchange_weak_explicit(&p->ticket, &t, t + 1,
                                                  memory_order_acq_rel,
                                                  memory_order_acquire))
            return (int)item;
    }
}

static void *help(void *arg)
{
    struct helper *h = arg;
    struct pool *p = h->pool;
    while (!atomic_load(&p->stop)) {
        int item = claim(p);
        for (int i = 0; i < SPIN && item < 0; i++) {
            relax();
            item = claim(p);
        }
        if (item < 0) {
            uint32_t bell = atomic_load(&p->bell);
            atomic_fetch_add(&p->sleepers, 1);
            item = claim(p); /* once more, now that the caller would ring */
            if (item < 0 && !atomic_load(&p->stop))
                futex_wait(&p->bell, bell);
            atomic_fetch_sub(&p->sleepers, 1);
        }
        for (; item >= 0; item = claim(p)) {
            p->fn(p->arg, item, h->index);
            atomic_fetch_add(&p->done, 1);
            if (atomic_load(&p->waits))
                futex_wake(&p->done, 1);
        }
    }
    return NULL;
}

static void ring(struct pool *p)
{
    atomic_fetch_add(&p->bell, 1);
    if (atomic_load(&p->sleepers))
        futex_wake(&p->bell, p->threads);
}

/* Until helpers have finished `n` items. */
static void wait_done(struct pool *p, uint32_t n)
{
    for (int i = 0; i < SPIN; i++) {
        if (atomic_load_explicit(&p->done, memory_order_acquire) == n)
            return;
        relax();
    }
    double start = fl_now();
    atomic_store(&p->waits, 1);
    for (uint32_t d; (d = atomic_load(&p->done)) != n;)
        futex_wait(&p->done, d);
    atomic_store(&p->waits, 0);
    double end = fl_now();
    if (end - start > 0.0005)
        p->alone_until = end + 50 * (end - start);
}

void pool_run(struct pool *p, pool_fn *fn, void *arg, int n)
{
    bool alone = p->threads == 1 || n <= 1;
    if (!alone && p->alone_until > 0) {
        alone = fl_now() < p->alone_until;
        if (!alone)
            p->alone_until = 0;
    }
    if (alone) {
        for (int i = 0; i < n; i++)
            fn(arg, i, 0);
        return;
    }
    uint64_t job = (atomic_load_explicit(&p->ticket, memory_order_relaxed) >>
                    2 * ITEM_BITS) +
                   1;
    p->fn = fn;
    p->arg = arg;
    atomic_store_explicit(&p->done, 0, memory_order_relaxed);
    atomic_store(&p->ticket, job << 2 * ITEM_BITS | (uint64_t)n << ITEM_BITS);
    ring(p);
    uint32_t mine = 0;
    for (int item; (item = claim(p)) >= 0; mine++)
        fn(arg, item, 0);
    wait_done(p, (uint32_t)n - mine);
}

struct pool *pool_new(int threads)
{
    size_t size = sizeof(struct pool) + (size_t)threads * sizeof(struct helper);
    struct pool *p = aligned_alloc(64, (size + 63) / 64 * 64);
    if (!p)
        return NULL;
    atomic_init(&p->ticket, 0);
    atomic_init(&p->done, 0);
    atomic_init(&p->waits, 0);
    atomic_init(&p->bell, 0);
    atomic_init(&p->sleepers, 0);
    atomic_init(&p->stop, 0);
    p->alone_until = 0;
    p->threads = 1;
    for (int i = 1; i < threads; i++) {
        p->helper[i] = (struct helper){.pool = p, .index = i};
        if (pthread_create(&p->helper[i].thread, NULL, help, &p->helper[i])) {
            pool_free(p);
            return NULL;
        }
        p->threads = i + 1;
    }
    return p;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    atomic_store(&p->stop, 1);
    ring(p);
    for (int i = 1; i < p->threads; i++)
        pthread_join(p->helper[i].thread, NULL);
    free(p);
}

int pool_threads(const struct pool *p)
{
    return p->threads;
}

int pool_processors(void)
{
    cpu_set_t set;
    int n = 0;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}
