/* SPDX-License-Identifier: Apache-2.0 */
/* emit/emit.h -- writes a design out for somebody else's tools: a directory
 * that holds everything and says what only those tools can do.
 *
 *     EMIT_SV      SystemVerilog by fxc, an AXI shell, XRT packaging, host
 *     EMIT_VITIS   the sources for Vitis HLS, link configuration, host
 *
 * The directory appears whole or not at all: it is written under a temporary
 * name beside its place and renamed. docs/build.md describes what is in it.
 */
#ifndef EMIT_EMIT_H
#define EMIT_EMIT_H
#include "designs/defs.h"
#include "explore/design.h"

enum emit_target { EMIT_SV, EMIT_VITIS };

struct emit_design {
    const struct xpl_design *x; /* parallelism, clocks, device, placement */
    struct dsn_room room;       /* what the kernels have room for */
    struct dsn_config config;   /* x's, checked: nothing left open */
};

struct emit_options {
    const char *source_dir; /* holds designs/ fx/ rtl/ ...; NULL: where this
                               program was built */
    const char *fxc;        /* the compiler, a path or a name in PATH */
    bool force;             /* replace what an earlier build wrote */
    void (*stage)(void *user, int stage); /* fxc begins with it; or NULL */
    void *user;
};

/* What was written, for whoever wants to say so. */
struct emit_summary {
    struct {
        int ports, args, scalars; /* AXI4 masters, arguments, scalars of them */
        int channels;             /* of the device's memories in use */
    } kernel[2];
    int files;
    double seconds; /* of this machine, nearly all of them fxc's */
};

/* Writes `dir`. */
bool emit_build(const struct emit_design *d, enum emit_target target,
                const struct emit_options *o, const char *dir,
                struct emit_summary *sum, struct fl_error *err);

/* The channel of a memory ("weights_3", "k_0", "rope", "host") as the design
 * places it, by its name in the device file ("hbm3"). */
const char *emit_channel(const struct emit_design *d, int stage,
                         const char *memory);

#endif
