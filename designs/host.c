/* SPDX-License-Identifier: Apache-2.0 */
/* designs/host.c -- a compiled design in the native view: connects the ports
 * of the top to the memories of an image, runs it, reports what is stuck or
 * left over. Compiled with -DDSN_STAGE and the parallelism by
 * designs/build.c; exports dsn_run.
 */
#include "designs/host.h"
#include "designs/scalars.h"
#include "sim/memory.h"
#include "sim/sim.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef DSN_HMT
#include "designs/hmt.c"
#elif DSN_STAGE == 0
#include "designs/llama_prefill.c"
#else
#include "designs/llama_decode.c"
#endif

enum { MAX_CHANNELS = 8 + CH + 4 * HP };

/* A run: the job, its simulation and the channels in use. */
struct host {
    struct dsn_job *job;
    struct sim *sim;
    struct sim_channel channel[MAX_CHANNELS];
    int channels;
    struct sim_channel bank[DSN_MAX_BANKS]; /* of job->place */
    /* streams from the host */
    const uint32_t *table;
    int table_at, table_count; /* records */
    int ids_at;
    int ends_sent;
    /* streams to the host */
    struct fx_fifo *y, *logits;
    int done;     /* positions whose logits came, or tokens */
    int32_t *row; /* (vocab + BP) */
};

static struct sim_channel *channel(struct host *h, struct dsn_mem mem, int bank)
{
    struct sim_channel *c = &h->channel[h->channels++];
    *c = (struct sim_channel){.bytes = mem.data, .size = mem.bytes};
    if (h->job->place != 0) {
        c->of = &h->bank[bank];
        c->latency = c->of->latency;
    }
    return c;
}

static void banks_open(struct host *h, const struct dsn_place *p)
{
    for (int b = 0; p != 0 && b < p->banks; b++)
        h->bank[b] = (struct sim_channel){.bytes_per_cycle = p->bank[b].bytes,
                                          .cycles = p->bank[b].cycles,
                                          .latency = p->bank[b].latency};
}

_Static_assert(DSN_BINS == SIM_BINS, "host.h and sim.h must agree");

/* Adds when task k was busy to the span of its name. */
static void look_span(struct host *h, struct dsn_seen *seen, int k,
                      const char *name)
{
    uint32_t bin[SIM_BINS];
    int s = 0;
    while (s < seen->spans && strcmp(seen->span[s].name, name) != 0)
        s++;
    if (s == DSN_MAX_SPANS || !sim_task_trace(h->sim, k, bin))
        return;
    struct dsn_span *to = &seen->span[s];
    if (s == seen->spans) {
        snprintf(to->name, sizeof to->name, "%s", name);
        seen->spans++;
    }
    to->tasks++;
    for (int b = 0; b < SIM_BINS; b++)
        to->bin[b] += bin[b];
}

/* What each bank and each task did. */
static void look(struct host *h, struct dsn_seen *seen)
{
    *seen = (struct dsn_seen){0};
    for (int k = 0; k < h->channels; k++) {
        const struct sim_channel *c = &h->channel[k];
        if (c->of == 0)
            continue;
        struct dsn_traffic *t = &seen->bank[c->of - h->bank];
        t->read += c->bytes_read;
        t->written += c->bytes_written;
        t->requests += c->requests;
    }
    struct sim_work w;
    for (int k = 0; sim_task_work(h->sim, k, &w); k++) {
        if (w.daemon || w.busy == 0 || seen->works == DSN_MAX_WORK)
            continue;
        struct dsn_work *out = &seen->work[seen->works++];
        if (w.index < 0)
            snprintf(out->name, sizeof out->name, "%s", w.name);
        else
            snprintf(out->name, sizeof out->name, "%s[%d]", w.name, w.index);
        out->busy = w.busy;
        look_span(h, seen, k, out->name);
    }
    seen->bin_cycles = sim_trace_cycles(h->sim);
    seen->to = sim_cycles(h->sim);
}

/* The place of a memory; without places any number does. */
#define AT(what) (h->job->place != 0 ? h->job->place->what : 0)

/* A read port: opens both streams, attaches the memory, fills the ports. */
#define READ_PORT(T, n, what, index, mem, at, req_port, port)                  \
    do {                                                                       \
        FX_ANY(u32, 2) req_ = FX_OPEN(u32, 2, #what "_req", index, 2);         \
        FX_ANY(T, n) data_ = FX_OPEN(T, n, #what, index, 2);                   \
        sim_memory_read(h->sim, channel(h, mem, at), req_, data_);             \
        req_port = FX_TO(req_);                                                \
        port = FX_FROM(data_);                                                 \
    } while (0)
#define WRITE_PORT(what, index, mem, at, req_port, port, ack_port)             \
    do {                                                                       \
        FX_ANY(u32, 2) req_ = FX_OPEN(u32, 2, #what "_req", index, 2);         \
        FX_ANY(i8, KP) data_ = FX_OPEN(i8, KP, #what, index, 2);               \
        FX_ANY(u1, 1) ack_ = FX_OPEN(u1, 1, #what "_ack", index, 2);           \
        sim_memory_write(h->sim, channel(h, mem, at), req_, data_, ack_);      \
        req_port = FX_TO(req_);                                                \
        port = FX_TO(data_);                                                   \
        ack_port = FX_FROM(ack_);                                              \
    } while (0)

/* ---- streams from and to the host --------------------------------------- */

static int give_table(void *user, void *beat)
{
    struct host *h = user;
    if (h->table_at == h->table_count)
        return 0;
    memcpy(beat, h->table + h->table_at++ * DSN_WORDS,
           DSN_WORDS * sizeof *h->table);
    return 1;
}

/* Tokens, padded with token 0 to a whole group of TP. */
static int give_id(void *user, void *beat)
{
    struct host *h = user;
    if (h->ids_at >= h->job->given)
        return 0;
    uint32_t *id = beat;
    for (int t = 0; t < TP; t++, h->ids_at++)
        id[t] =
            h->ids_at < h->job->given ? (uint32_t)h->job->ids[h->ids_at] : 0;
    if (DSN_STAGE == DSN_PREFILL && h->job->step != 0)
        h->job->step(h->job->user, FX_MIN(h->ids_at, h->job->given));
    return 1;
}

#if GROUP
#define MUL_OPEN(h, P, im)                                                     \
    READ_PORT(u8, BP, mul, -1, (im)->stage[DSN_STAGE].mul, AT(mul),            \
              (P).mul_req, (P).mul)
#else
#define MUL_OPEN(h, P, im) ((void)0)
#endif

/* The scalars of the job, by name, into the ports struct P. */
#define SET_SCALAR(type, name) P.name = s.name;

/* Decode's ports have a stripe of the cache each, prefill's has them all. */
static struct dsn_mem stripes(const struct dsn_image *im,
                              const struct dsn_mem *mem, int a)
{
    struct dsn_mem m = mem[a];
    if (DSN_STAGE == DSN_PREFILL)
        m.bytes *= (size_t)im->config.hp;
    return m;
}

/* The scalars and memories that both stages have. */
#define COMMON_PORTS(h, P)                                                     \
    do {                                                                       \
        struct dsn_image *im = (h)->job->image;                                \
        DSN_COMMON_SCALARS(SET_SCALAR)                                         \
        READ_PORT(u32, BP, side, -1, im->stage[DSN_STAGE].side, AT(side),      \
                  (P).side_req, (P).side);                                     \
        READ_PORT(i8, KP, embed, -1, im->embed, AT(embed), (P).embed_req,      \
                  (P).embed);                                                  \
        READ_PORT(i16, FX_MAX(2, BP), rope, -1, im->rope, AT(rope),            \
                  (P).rope_req, (P).rope);                                     \
        MUL_OPEN(h, P, im);                                                    \
        for (int c = 0; c < CH; c++)                                           \
            READ_PORT(WELEM, BP *WP / CH, weights, c,                          \
                      im->stage[DSN_STAGE].w[c], AT(w[DSN_STAGE][c]),          \
                      (P).weights_req[c], (P).weights[c]);                     \
        for (int a = 0; a < HP; a++) {                                         \
            READ_PORT(i8, KP, k_read, a, stripes(im, im->k, a), AT(k[a]),      \
                      (P).k_read_req[a], (P).k_read[a]);                       \
            READ_PORT(i8, KP, v_read, a, stripes(im, im->v, a), AT(v[a]),      \
                      (P).v_read_req[a], (P).v_read[a]);                       \
            WRITE_PORT(k_write, a, stripes(im, im->k, a), AT(k[a]),            \
                       (P).k_write_req[a], (P).k_write[a], (P).k_ack[a]);      \
            WRITE_PORT(v_write, a, stripes(im, im->v, a), AT(v[a]),            \
                       (P).v_write_req[a], (P).v_write[a], (P).v_ack[a]);      \
        }                                                                      \
        FX_STREAM(u32, DSN_WORDS, table, 2);                                   \
        sim_source(table, give_table, h);                                      \
        (P).table = FX_FROM(table);                                            \
    } while (0)
#define IDS_PORT(h, P)                                                         \
    do {                                                                       \
        FX_STREAM(u32, TP, ids, 2);                                            \
        sim_source(ids, give_id, h);                                           \
        (P).ids = FX_FROM(ids);                                                \
    } while (0)

#if DSN_STAGE == 1
static int give_ends(void *user, void *beat)
{
    struct host *h = user;
    uint32_t *end = beat;
    for (int k = 0; k < 8; k++)
        end[k] = k < h->job->eos_count ? h->job->eos[k] : 0xFFFFFFFFu;
    return h->ends_sent++ == 0;
}

static void take_tokens(void *user)
{
    struct host *h = user;
    FX_IN(u32, 1) y = FX_FROM((FX_ANY(u32, 1))h->y);
    for (bool more = true; more;) {
        FX_BEAT(u32, 1) id = FX_READ(y);
        more = h->job->token == 0 ||
               h->job->token(h->job->user, (int)FX_GET(u32, id, 0));
        h->done++;
        if (h->job->step != 0)
            h->job->step(h->job->user, h->done);
    }
    sim_fault(h->sim, "the caller wants no more tokens");
}
#endif

#ifdef DSN_HMT
#include "designs/hmt_host.h"
#elif DSN_STAGE == 1
static void take_logits(void *user)
{
    struct host *h = user;
    FX_IN(i27, BP) x = FX_FROM((FX_ANY(i27, BP))h->logits);
    for (int pos = h->job->first;; pos++) {
        for (int o = 0; o < h->job->shape->vocab; o += BP) {
            FX_BEAT(i27, BP) b = FX_READ(x);
            for (int k = 0; k < BP; k++)
                h->row[o + k] = FX_GET(i27, b, k);
        }
        h->job->logits(h->job->user, pos, h->row);
    }
}

static void start(struct host *h)
{
    const struct dsn_scalars s = dsn_scalars_of(DSN_STAGE, h->job);
    struct llama_decode_ports P = {0};
    DSN_DECODE_SCALARS(SET_SCALAR)
    COMMON_PORTS(h, P);
    IDS_PORT(h, P);
    FX_STREAM(u32, 8, ends, 2);
    FX_STREAM(u32, 1, y, 2);
    FX_STREAM(i27, BP, logits, 2);
    sim_source(ends, give_ends, h);
    P.ends = FX_FROM(ends);
    P.y = FX_TO(y);
    P.logits = FX_TO(logits);
    h->y = (struct fx_fifo *)y;
    h->logits = (struct fx_fifo *)logits;
    sim_daemon(h->sim, "take tokens", take_tokens, h);
    sim_daemon(h->sim, "take logits", take_logits, h);
    fx_spawn("llama_decode", -1, llama_decode_task, &P, sizeof P);
}
#else
static void start(struct host *h)
{
    const struct dsn_scalars s = dsn_scalars_of(DSN_STAGE, h->job);
    struct llama_prefill_ports P = {0};
    COMMON_PORTS(h, P);
    IDS_PORT(h, P);
    fx_spawn("llama_prefill", -1, llama_prefill_task, &P, sizeof P);
}
#endif

bool dsn_run(struct dsn_job *job)
{
    struct host *h = calloc(1, sizeof *h);
    int32_t *row = calloc((size_t)job->shape->vocab + BP, sizeof *row);
    struct sim_config config = {.stack_bytes = (size_t)64 << 20,
                                .min_depth = job->min_depth,
                                .trace = job->place != 0 && job->seen != 0};
    bool ok = false;
    if (h == 0 || row == 0) {
        snprintf(job->message, sizeof job->message, "out of memory");
    } else {
        h->job = job;
        h->row = row;
        h->table =
            job->table != 0 ? job->table : job->image->stage[DSN_STAGE].table;
        h->table_count = job->image->stage[DSN_STAGE].steps;
        h->sim = sim_new(&config);
        sim_enter(h->sim);
        banks_open(h, job->place);
        start(h);
        ok = sim_run(h->sim) && sim_left(h->sim) == 0;
        job->cycles = sim_cycles(h->sim);
        if (job->seen != 0)
            look(h, job->seen);
        snprintf(job->message, sizeof job->message, "%s", sim_message(h->sim));
        sim_free(h->sim);
    }
    free(row);
    free(h);
    return ok;
}
