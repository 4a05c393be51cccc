/* SPDX-License-Identifier: Apache-2.0 */
/* sim/memory.h -- off-chip memory as modules see it: a request stream of
 * {word address, words} (u32 x 2) and a data stream; a word is a beat of that
 * stream, packed as hardware packs it, sim_word_bytes() bytes apart.
 *
 * A channel has bytes, a latency and a bandwidth; what is attached to it
 * shares both. In the native view only the bytes matter. In the timed view a
 * word leaves when its request is `latency` cycles old and the channel has had
 * time for all the bytes before it; requests overlap. Tasks do not run in the
 * order of their clocks: a word that is asked for late but wants to leave early
 * takes a time when the channel was idle, if there was one.
 *
 * A request past the end of the bytes stops the run with a message that names
 * the stream.
 */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H
#include <stddef.h>
#include <stdint.h>

struct sim;

enum { SIM_SLOT = 64, SIM_SLOTS = 1024 };

struct sim_channel {
    uint8_t *bytes; /* NULL: words come as zeros, what is written is lost */
    size_t size;
    unsigned latency;         /* cycles from request to first word */
    unsigned bytes_per_cycle; /* 0: no limit */
    unsigned cycles;          /* bytes_per_cycle is for so many; 0: for one */
    struct sim_channel *of;   /* whose bandwidth it has a share of, NULL: its
                                 own; `of` must outlive the run too */
    /* state and figures */
    uint64_t busy_until; /* in 1/bytes_per_cycle of a cycle */
    uint64_t latest;     /* cycle that the latest word could leave from */
    uint64_t slots; /* of SIM_SLOT cycles that `used` has been cleared for */
    uint64_t used[SIM_SLOTS]; /* of each, as busy_until */
    uint64_t bytes_read, bytes_written, requests;
};

/* Streams are what FX_STREAM made (or a port); the data stream's beat is the
 * word. The channel must outlive the run. */
void sim_memory_read(struct sim *s, struct sim_channel *c, void *request,
                     void *data);

/* ack (u1 x 1, may be NULL) gets a beat for each request, when all its words
 * are in memory. */
void sim_memory_write(struct sim *s, struct sim_channel *c, void *request,
                      void *data, void *ack);

#endif
