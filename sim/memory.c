/* SPDX-License-Identifier: Apache-2.0 */
#undef FX_VIEW_TIMED
#define FX_VIEW_TIMED /* a device has a clock in every view */
#include "sim/memory.h"
#include "sim/sim.h"
#include "fx/fx.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct port {
    struct sim *sim;
    struct sim_channel *channel;
    FX_IN(u32, 2) request;
    struct fx_fifo *data;
    FX_OUT(u1, 1) ack;
};

/* The span of a request in bytes; stops the run if it is not in memory. */
static uint8_t *span(const struct port *p, uint32_t address, uint32_t words)
{
    uint64_t word = sim_word_bytes(p->data);
    uint64_t from = address * word, bytes = words * word;
    if (from + bytes > p->channel->size)
        sim_fault(p->sim, "memory: stream %s wants %llu bytes at %llu of %llu",
                  p->data->name, (unsigned long long)bytes,
                  (unsigned long long)from,
                  (unsigned long long)p->channel->size);
    p->channel->requests++;
    return p->channel->bytes == 0 ? 0 : p->channel->bytes + from;
}

/* What the channel has done in slot n; slots long past are forgotten. */
static uint64_t *slot(struct sim_channel *c, uint64_t n)
{
    for (; c->slots <= n; c->slots++)
        c->used[c->slots % SIM_SLOTS] = 0;
    return &c->used[n % SIM_SLOTS];
}

/* A word that could have left before others that were served already: it
 * shares the first slot from `start` on that was not busy all the time. 0:
 * there is none before busy_until. */
static uint64_t serve_early(struct sim_channel *c, uint64_t start,
                            uint64_t need)
{
    uint64_t rate = c->bytes_per_cycle, room = SIM_SLOT * rate;
    uint64_t n = start / SIM_SLOT, last = c->busy_until / room;
    if (n + SIM_SLOTS <= c->slots)
        n = c->slots - SIM_SLOTS;
    for (; n <= last; n++) {
        uint64_t *used = slot(c, n), at = n * SIM_SLOT;
        if (n == last) /* up to where the others were served */
            room = c->busy_until - at * rate;
        if (*used + need > room)
            continue;
        *used += need;
        return (at < start ? start : at) + (need - 1) / rate;
    }
    return 0;
}

/* The cycle in which a word that can come from `start` on has passed. */
static uint64_t serve(struct sim_channel *c, uint64_t start, uint64_t bytes)
{
    c = c->of != 0 ? c->of : c;
    uint64_t rate = c->bytes_per_cycle;
    if (!rate)
        return start;
    uint64_t need = bytes * (c->cycles ? c->cycles : 1);
    uint64_t early = start < c->latest ? serve_early(c, start, need) : 0;
    if (early)
        return early;
    if (c->latest < start)
        c->latest = start;
    if (c->busy_until < start * rate)
        c->busy_until = start * rate;
    c->busy_until += need;
    uint64_t at = (c->busy_until - 1) / rate;
    *slot(c, at / SIM_SLOT) += need;
    return at;
}

static void read_task(void *arg)
{
    struct port p = *(struct port *)arg;
    free(arg);
    uint64_t word = sim_word_bytes(p.data), last = 0;
    for (;;) {
        FX_BEAT(u32, 2) r = FX_READ(p.request);
        uint32_t words = FX_GET(u32, r, 1);
        const uint8_t *from = span(&p, FX_GET(u32, r, 0), words);
        uint64_t asked = sim_clock(p.sim);
        uint64_t start = asked + p.channel->latency;
        if (start < last) /* words of a port stay in order */
            start = last;
        for (uint32_t k = 0; k < words; k++) {
            uint64_t at = serve(p.channel, start, word);
            last = at;
            sim_clock_set(p.sim, at);
            void *beat = fx_push(p.data, "data");
            if (from != 0)
                sim_unpack(p.data, from + k * word, beat);
            else
                memset(beat, 0, sim_beat_bytes(p.data));
            if (sim_clock(p.sim) > at) /* a full queue holds the memory up */
                start = sim_clock(p.sim) + 1;
        }
        p.channel->bytes_read += words * word;
        sim_clock_set(p.sim, asked); /* the next request was not held up */
    }
}

static void write_task(void *arg)
{
    struct port p = *(struct port *)arg;
    free(arg);
    uint64_t word = sim_word_bytes(p.data);
    for (;;) {
        FX_BEAT(u32, 2) r = FX_READ(p.request);
        uint32_t words = FX_GET(u32, r, 1);
        uint8_t *to = span(&p, FX_GET(u32, r, 0), words);
        for (uint32_t k = 0; k < words; k++) {
            const void *beat = fx_pop(p.data, "data");
            if (to != 0)
                sim_pack(p.data, beat, to + k * word);
            sim_clock_set(p.sim, serve(p.channel, sim_clock(p.sim), word));
        }
        p.channel->bytes_written += words * word;
        if (p.ack) {
            FX_BEAT(u1, 1) done = {1};
            uint64_t now = sim_clock(p.sim);
            sim_clock_set(p.sim, now + p.channel->latency);
            FX_WRITE(p.ack, done);
            sim_clock_set(p.sim, now);
        }
    }
}

static void attach(struct sim *s, const char *name, void (*task)(void *),
                   struct port port)
{
    struct port *p = malloc(sizeof *p);
    if (!p) {
        fputs("sim: out of memory\n", stderr);
        abort();
    }
    *p = port;
    sim_daemon(s, name, task, p);
}

void sim_memory_read(struct sim *s, struct sim_channel *c, void *request,
                     void *data)
{
    attach(s, "memory read", read_task,
           (struct port){
               .sim = s, .channel = c, .request = request, .data = data});
}

void sim_memory_write(struct sim *s, struct sim_channel *c, void *request,
                      void *data, void *ack)
{
    attach(s, "memory write", write_task,
           (struct port){.sim = s,
                         .channel = c,
                         .request = request,
                         .data = data,
                         .ack = ack});
}
