/* SPDX-License-Identifier: Apache-2.0 */
/* explore/search.h -- the parallelism of a model on a device: every legal
 * point of a grid, its cycles by explore/cycles.h, its fabric by
 * explore/cost.h, and of those that fit the Pareto front of prefill time,
 * decode speed, energy and area.
 *
 *     struct xpl_search s;
 *     if (xpl_search(&s, &want, &err))
 *         ... s.point[s.chosen].design ...
 *     xpl_search_free(&s);
 */
#ifndef EXPLORE_SEARCH_H
#define EXPLORE_SEARCH_H
#include "explore/cost.h"

enum xpl_objective { XPL_LATENCY, XPL_THROUGHPUT, XPL_ENERGY, XPL_AREA };
extern const char *const xpl_objective_name[]; /* by that number; NULL ends */

struct xpl_want {
    const char *model, *device, *scheme;
    int prompt, generate;
    enum xpl_objective objective;
    int images;                     /* 0: try both */
    double prefill_mhz, decode_mhz; /* 0: the device's */
    double efficiency, latency_ns;  /* NAN: as the device file knows them */
    double fill; /* share of the room to take at most, 0: 1 */
};

struct xpl_point {
    struct dsn_config config;
    int images;
    double prefill_cycles, decode_cycles; /* prompt - 1 tokens; a token */
    double prefill_s, decode_tok_s;
    double answer_s; /* prompt and `generate` tokens */
    double answer_j; /* NAN: the device's power is not known */
    double area;     /* largest share of the room of any kind */
    struct xpl_fabric total, err, share;
    int limit; /* enum xpl_kind of that largest share */
    int uncounted;
};

struct xpl_search {
    struct xpl_point *point;  /* the front, by decode_tok_s, best first */
    int points, chosen;       /* chosen: best by the objective */
    struct xpl_design design; /* the chosen one, placed and floorplanned */
    double legal, timed;      /* points of the grid: legal; that fit, timed */
    double bound_tok_s;       /* of the weight channels' bandwidth */
    double bound_prefill_s;   /* of the DSPs of the room */
    double seconds;
    double crossings;  /* wires between regions; NAN: no floorplan */
    int floor_optimal; /* 1: proved by the integer program */
};

bool xpl_search(struct xpl_search *s, const struct xpl_want *w,
                struct fl_error *err);
void xpl_search_free(struct xpl_search *s);
cJSON *xpl_search_json(const struct xpl_search *s, const struct xpl_want *w);

#endif
