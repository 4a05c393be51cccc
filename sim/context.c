/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "sim/context.h"
#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__
#define HAVE_ASAN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifdef HAVE_ASAN
void __sanitizer_start_switch_fiber(void **fake, const void *bottom, size_t n);
void __sanitizer_finish_switch_fiber(void *fake, const void **bottom,
                                     size_t *n);
#endif

/* Boost.Context's C interface (its header is C++). */
struct transfer {
    void *from;
    void *data;
};
struct transfer jump_fcontext(void *to, void *data);
void *make_fcontext(void *top, size_t size, void (*fn)(struct transfer));

/* Who leaves and who comes. Not on a stack: the sanitizer's stack of a context
 * that leaves for good is gone when the next one lands. */
static _Thread_local struct {
    struct context *from, *to;
} jump;

/* First thing on the new stack: note where the old one was left. */
static struct context *land(struct transfer t)
{
    struct context *from = jump.from, *to = jump.to;
    from->at = t.from;
#ifdef HAVE_ASAN
    const void *bottom;
    size_t bytes;
    __sanitizer_finish_switch_fiber(to->fake, &bottom, &bytes);
    if (!from->fn) { /* the thread's own stack */
        from->bottom = (char *)(size_t)bottom;
        from->bytes = bytes;
    }
#endif
    return to;
}

static void enter(struct transfer t)
{
    struct context *c = land(t);
    c->fn(c->arg);
    __builtin_trap(); /* fn must not return */
}

enum { GUARD = 4096 };

bool context_make(struct context *c, size_t bytes, void (*fn)(void *),
                  void *arg)
{
    bytes = (bytes + GUARD - 1) / GUARD * GUARD;
    char *map =
        mmap(NULL, bytes + GUARD, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (map == MAP_FAILED)
        return false;
    mprotect(map, GUARD, PROT_NONE);
    *c = (struct context){NULL, map + GUARD, bytes, NULL, fn, arg};
    c->at = make_fcontext(map + GUARD + bytes, bytes, enter);
    return true;
}

void context_free(struct context *c)
{
    if (c->fn)
        munmap(c->bottom - GUARD, c->bytes + GUARD);
}

void context_switch(struct context *from, struct context *to, bool last)
{
    jump.from = from;
    jump.to = to;
#ifdef HAVE_ASAN
    __sanitizer_start_switch_fiber(last ? NULL : &from->fake, to->bottom,
                                   to->bytes);
#else
    (void)last;
#endif
    land(jump_fcontext(to->at, NULL));
}
