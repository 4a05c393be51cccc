/* SPDX-License-Identifier: Apache-2.0 */
/* explore/cost.h -- what a design takes of its device: fabric of every module,
 * memory blocks of every buffer, traffic of every channel, energy.
 *
 *   module   n = a + b lanes     least squares over the rows of the module in
 *                                docs/synthesis.json; lanes: its parallelism
 *   buffer   blocks = ceil(width / w) ceil(depth / d) of the block it is in
 *   error    standard error of the fit's prediction at `lanes`; it grows with
 *            the distance from what was synthesised
 *
 * A module that was never synthesised counts its multipliers alone (a DSP each)
 * and is named as uncounted: a total that names some is a lower bound. Counts are estimates before
 * placement; nothing was placed, nothing ran on a board.
 */
#ifndef EXPLORE_COST_H
#define EXPLORE_COST_H
#include "designs/host.h"
#include "explore/design.h"
#include <cjson/cJSON.h>

enum { XPL_COST_PARTS = 96, XPL_COST_BUFFERS = 96 };

/* Copies of one module in one stage. */
struct xpl_part {
    const char *name;      /* the task: "mix" */
    const char *module;    /* of fx/, or "" where it is wiring of designs/ */
    int stage;             /* DSN_PREFILL, DSN_DECODE */
    int copies;            /* hp shards have one each */
    double lanes;          /* parallelism product of a copy */
    int rows;              /* of the synthesis table that the fit rests on */
    int counted;           /* 0: no row: n is 0 and says nothing */
    struct xpl_fabric n;   /* of all copies, without its buffers */
    struct xpl_fabric err; /* of all copies, one standard error */
    int region;            /* where the floorplan puts it; -1: nowhere yet */
};

enum xpl_block { XPL_IN_LUTRAM, XPL_IN_BRAM, XPL_IN_URAM };
extern const char *const xpl_block_name[]; /* lutram bram36 uram */

/* A memory on the chip: an array of a module or a stream between two. */
struct xpl_buffer {
    const char *name; /* "encode.buf", "w" */
    int stage, copies;
    double width, depth; /* bits, words: of a copy */
    enum xpl_block block;
    double blocks; /* of all copies: BRAM36, URAM, or LUT */
};

/* Bytes through a channel: of the prompt's prefill, of a token. */
struct xpl_channel_use {
    char name[16];
    double prefill_bytes, decode_bytes;
    double gb_s; /* counted on */
};

struct xpl_cost {
    struct xpl_part part[XPL_COST_PARTS];
    int parts;
    struct xpl_buffer buffer[XPL_COST_BUFFERS];
    int buffers;
    struct xpl_channel_use channel[XPL_BANKS];
    int channels;
    /* of one image (the larger of two): total, its error, what may be used, and
     * total over that; NAN where the device file does not know */
    struct xpl_fabric total, err, room, share;
    int limit;     /* enum xpl_kind of the largest share; -1: none is known */
    int uncounted; /* parts without a row */
    int fits;      /* 1: within the room; 0: not; -1: the room is not known */
    /* joules of a token at the design's context, of the prompt; watts of the
     * board; NAN where the device file has no power figure */
    double decode_j, prefill_j, watts;
    double prefill_cycles, decode_cycles; /* by explore/cycles.h */
};

/* The cost of d; a token's at `context` positions. False: the design is not legal (dsn_config_check). Energy and
 * traffic are of the cycle model (explore/cycles.h). */
bool xpl_cost(struct xpl_cost *c, const struct xpl_design *d, int context,
              struct fl_error *err);

/* Totals of the parts and buffers that are there. */
void xpl_cost_sum(struct xpl_cost *c, const struct xpl_device *dev, int images);

/* Adds the parts and buffers of one stage to *n, squared errors to *var. */
void xpl_cost_stage(const struct xpl_cost *c, int stage, struct xpl_fabric *n,
                    struct xpl_fabric *var);

/* The `resources` and the `energy` object of --json; the caller's. */
cJSON *xpl_cost_json(const struct xpl_cost *c, const struct xpl_design *d);
void xpl_fabric_json(cJSON *o, const char *key, const struct xpl_fabric *f);
cJSON *xpl_energy_json(const struct xpl_cost *c);

#endif
