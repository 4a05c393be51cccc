/* SPDX-License-Identifier: Apache-2.0 */
/* sim/context.h -- stacks and the switch between them: libboost_context's two
 * assembly routines, told to the address sanitizer. A stack has a guard page
 * below it, so an overflow faults instead of damaging a neighbour. */
#ifndef SIM_CONTEXT_H
#define SIM_CONTEXT_H
#include <stdbool.h>
#include <stddef.h>

/* All zero is the caller's own stack. */
struct context {
    void *at; /* where it was left */
    char *bottom;
    size_t bytes;
    void *fake; /* the sanitizer's */
    void (*fn)(void *);
    void *arg;
};

/* A fresh stack that will call fn(arg), which must not return. false: no
 * memory. */
bool context_make(struct context *c, size_t bytes, void (*fn)(void *),
                  void *arg);
void context_free(struct context *c);

/* Leaves `from` and goes on in `to`; `last`: from never comes back. */
void context_switch(struct context *from, struct context *to, bool last);

#endif
