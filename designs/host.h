/* SPDX-License-Identifier: Apache-2.0 */
/* designs/host.h -- what the engine (designs/hls.c) and a compiled design
 * (designs/host.c, a shared object) say to each other. */
#ifndef DESIGNS_HOST_H
#define DESIGNS_HOST_H
#include "designs/image.h"

enum { DSN_MAX_EOS = 8, DSN_MAX_BANKS = 128 };

/* Where the memories of an image are, for the timed view: banks have a
 * bandwidth that all memories in them share. */
struct dsn_bank {
    unsigned bytes, cycles; /* so many bytes in so many cycles */
    unsigned latency;       /* cycles from request to first word */
};

struct dsn_place {
    int banks;
    struct dsn_bank bank[DSN_MAX_BANKS];
    int w[DSN_STAGES][DSN_MAX_CH]; /* indices into bank */
    int side, mul, embed, rope;
    int k[DSN_MAX_HP], v[DSN_MAX_HP];
};

/* What the timed view saw of a bank and of a task. */
struct dsn_traffic {
    uint64_t read, written, requests; /* bytes, bytes */
};
struct dsn_work {
    char name[24]; /* "match[3]" */
    uint64_t busy; /* cycles of the iterations it began */
};
/* When the tasks of a name were busy: cycles in each of DSN_BINS stretches of
 * bin_cycles, added up over the tasks. */
enum { DSN_MAX_WORK = 1024, DSN_MAX_SPANS = 96, DSN_BINS = 512 };
struct dsn_span {
    char name[24];
    int tasks;
    uint32_t bin[DSN_BINS];
};
struct dsn_seen {
    struct dsn_traffic bank[DSN_MAX_BANKS];
    struct dsn_work work[DSN_MAX_WORK];
    int works;
    struct dsn_span span[DSN_MAX_SPANS];
    int spans;
    uint64_t bin_cycles;
    uint64_t from, to; /* cycles of the run that all this is about */
};

struct dsn_hmt;

/* What a run of designs/hmt.c is for. */
struct dsn_hmt_run {
    const struct dsn_hmt *hmt;
    const int32_t *text; /* prefill: the whole text, in its memory */
    size_t tokens;
    int from, count;  /* tokens of the window, in the text */
    uint32_t vector;  /* the id before them */
    int search, push; /* decode: at most one is 1 */
    int slot, live;   /* slot to push into; slots that are filled */
};

/* One run of one stage. */
struct dsn_job {
    struct dsn_image *image;
    const struct num_shape *shape;
    uint64_t eps_q;
    struct num_scale sqrt_d;
    int r3, r4;
    const int32_t *ids; /* tokens to take, at positions first ... */
    int given;          /* how many */
    int first;
    const uint32_t *table;         /* NULL: the image's */
    const struct dsn_hmt_run *hmt; /* designs/hmt.c only */
    /* decode only */
    int total; /* positions to compute: given + generated - 1 */
    int k;
    struct num_scale t_scale;
    uint32_t top_p, seed;
    uint32_t eos[DSN_MAX_EOS];
    int eos_count;
    void *device; /* of what runs the job: hls_device's self */
    void *user;
    /* Each generated token; false: stop soon (the rest is not reported). */
    bool (*token)(void *user, int id);
    void (*logits)(void *user, int pos, const int32_t *logits); /* or NULL */
    void (*step)(void *user, int done); /* positions done; or NULL */
    unsigned min_depth; /* queues at least this deep; 0: as declared */
    const struct dsn_place *place; /* NULL: memories without limits */
    struct dsn_seen *seen;         /* filled by the timed view; or NULL */
    uint64_t cycles;               /* timed view: of the run */
    char message[1024];            /* why it failed */
};

/* The shared object's one function: false where the design got stuck or left
 * beats behind; job->message names task and stream. */
typedef bool dsn_run_fn(struct dsn_job *job);
bool dsn_run(struct dsn_job *job);

#endif
