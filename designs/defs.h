/* SPDX-License-Identifier: Apache-2.0 */
/* designs/defs.h -- the macros that make one of the two designs out of its
 * source: parallelism and room for a model. Whoever compiles a design (the hls
 * engine, fxc, Vitis) takes them from here. */
#ifndef DESIGNS_DEFS_H
#define DESIGNS_DEFS_H
#include "designs/config.h"

/* What a design has to know of a model before it is made. */
struct dsn_room {
    struct num_shape shape;
    int r3, r4; /* Hadamard transforms that the model needs */
    int group;  /* inputs of a weight group; 0: none */
    int cap;    /* positions */
    int wide;   /* 1: inputs of linears may have wide channels */
};

struct dsn_def {
    const char *name;
    int value;
};
enum { DSN_DEFS = 21 };

struct dsn_room dsn_room_of(const struct num_qmodel *m, int cap);

/* The DSN_DEFS macros of `stage` (DSN_PREFILL 0 or DSN_DECODE 1). */
void dsn_defs(struct dsn_def def[DSN_DEFS], int stage,
              const struct dsn_config *c, const struct dsn_room *room);

#endif
