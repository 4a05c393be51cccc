/* SPDX-License-Identifier: Apache-2.0 */
/* sim/cosim_tape.h -- the file between the two halves of a co-simulation.
 *
 * The native run (sim/cosim_record.c) writes it, the Verilator run
 * (sim/cosim_main.cpp) reads it. Little endian, this machine only.
 *
 *     "fxtape2\n"
 *     case*:   struct cosim_case
 *              port*, in the order of the ports struct:  struct cosim_port,
 *                  and for a stream its words, cosim_bytes(bits) each, lane 0
 *                  in the low bits
 *
 * A case is one run of the top: what went in, what must come out.
 */
#ifndef SIM_COSIM_TAPE_H
#define SIM_COSIM_TAPE_H
#include <stdint.h>

#define COSIM_MAGIC "fxtape2\n"

enum cosim_kind { COSIM_KIND_SCALAR, COSIM_KIND_IN, COSIM_KIND_OUT };

struct cosim_case {
    uint32_t ports;
    uint32_t depth; /* of the streams in the native run */
    uint64_t timed;   /* cycles of the timed run */
    uint64_t formula; /* what the module's header says; 0: nothing */
};

struct cosim_port {
    uint32_t kind;
    uint32_t bits;
    uint64_t n; /* a stream's words, a scalar's value */
};

static inline uint32_t cosim_bytes(uint32_t bits)
{
    return (bits + 7) / 8;
}

#endif
