/* SPDX-License-Identifier: Apache-2.0 */
/* explore/design.h -- a design: a model, a device, and how the one is put on
 * the other. `flexllm explore` writes such a file; time, build and report take
 * it as it is.
 *
 *   {"name": "...", "model": "llama32_1b", "device": "u280",
 *    "scheme": "w4a8kv8", "images": 1,
 *    "clock_mhz": {"prefill": 304, "decode": 292},
 *    "parallelism": {"tp": 8, "wp": 32, ... },          designs/config.h
 *    "placement": {"prefill": ["hbm0"], "decode": ["hbm0", "hbm1"],
 *                  "keys": ["hbm2"], "values": ["hbm2"],
 *                  "side": "ddr0", "embed": "ddr0", "rope": "ddr0"},
 *    "assume": {"efficiency": 0.9, "latency_ns": 150},
 *    "floorplan": {"decode linear": 0},
 *    "prompt": 1024, "generate": 256}
 *
 * A list of channels is dealt out in turn: weight channel c lies in its member
 * c modulo its length. `assume` stands in for what the device file does not
 * know; it is not used where the device file does. `floorplan`, if there is
 * one, names the region of every part (explore/floor.h).
 */
#ifndef EXPLORE_DESIGN_H
#define EXPLORE_DESIGN_H
#include "designs/config.h"
#include "explore/device.h"
#include <cjson/cJSON.h>

enum { XPL_PARTS = 32 };

/* Channel names of a memory's parts. */
struct xpl_channels {
    char name[DSN_MAX_CH][16];
    int n;
};

struct xpl_design {
    char name[64];
    char model[128], device[128]; /* names or paths */
    char scheme[16];
    int images; /* 1: both stages in one; 2: one each, reconfigured between */
    double prefill_mhz, decode_mhz;
    struct dsn_config config;
    struct xpl_channels prefill, decode, keys, values, side, embed, rope;
    double efficiency, latency_ns; /* assumed; NAN: not */
    struct {
        char part[32];
        int region;
    } floor[XPL_PARTS];
    int parts;
    int prompt, generate; /* tokens */

    struct num_shape shape; /* of the model */
    struct xpl_device dev;
};

/* Reads the file, and the model and device that it names. What the model and
 * the parallelism say of each other is dsn_config_check's. */
bool xpl_design_load(struct xpl_design *d, const char *path,
                     struct fl_error *err);
/* What a design file holds; the caller's. */
cJSON *xpl_design_json(const struct xpl_design *d);
bool xpl_design_save(const struct xpl_design *d, const char *path,
                     struct fl_error *err);

#endif
