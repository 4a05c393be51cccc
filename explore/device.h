/* SPDX-License-Identifier: Apache-2.0 */
/* explore/device.h -- a device as designs/devices/NAME.json describes it. Every
 * figure there has its source; what is not known is null there and NAN here.
 *
 *   fabric   the whole chip           shell   what the board's shell takes
 *   region   an SLR's share of it     limits  shares of a fabric to plan with
 *
 * Units: 36 Kb blocks of BRAM, 288 Kb blocks of URAM, GB = 10^9 bytes.
 */
#ifndef EXPLORE_DEVICE_H
#define EXPLORE_DEVICE_H
#include "base/error.h"

enum { XPL_REGIONS = 8, XPL_MEMORIES = 4, XPL_BANKS = 128 };

/* What is counted. */
#define XPL_KINDS(X) X(lut) X(ff) X(dsp) X(bram36) X(uram)
enum xpl_kind {
#define XPL_KIND(name) XPL_##name,
    XPL_KINDS(XPL_KIND)
#undef XPL_KIND
        XPL_KIND_COUNT
};
extern const char *const xpl_kind_name[XPL_KIND_COUNT];

struct xpl_fabric {
    double n[XPL_KIND_COUNT];
};

struct xpl_memory {
    char name[16]; /* a channel is named name0, name1 ... */
    char kind[32];
    double channels, usable; /* usable: how many a design should take */
    double gb_s;             /* of a channel, at its pins */
    double efficiency;       /* share of it that was measured */
    double latency_ns;
    double gib;       /* of all channels */
    double port_bits; /* widest port that is worth having */
};

struct xpl_device {
    char name[32], title[96], chip[96];
    char family[16]; /* us+, versal, ecp5 */
    struct xpl_fabric fabric, shell, limits;
    struct {
        char name[16];
        struct xpl_fabric fabric;
    } region[XPL_REGIONS];
    int regions;
    double crossing_wires; /* between neighbouring regions */
    struct xpl_memory memory[XPL_MEMORIES];
    int memories;
    double clock_mhz; /* that published HLS designs reach */
    double tdp_w, idle_w, run_w;
};

/* By name or by path. */
bool xpl_device_load(struct xpl_device *d, const char *name,
                     struct fl_error *err);

/* What a design may use: limits of what the shell leaves. Unknown shells count
 * as nothing, unknown limits as all; unknown fabric stays NAN. */
struct xpl_fabric xpl_device_room(const struct xpl_device *d);

/* Bank number of a channel's name ("hbm3"): the channels of all memories count
 * on. -1: the device has none of that name. */
int xpl_device_bank(const struct xpl_device *d, const char *channel);
/* Memory and channel of a bank; NULL past the last. */
const struct xpl_memory *xpl_device_memory(const struct xpl_device *d, int bank,
                                           int *channel);

#endif
