/* SPDX-License-Identifier: Apache-2.0 */
/* report/data.h -- what the page is about: a design, a timed run of it
 * (explore/times_json.h) and, if there is one, a search (docs/explorer.md),
 * both read from JSON and checked. */
#ifndef REPORT_DATA_H
#define REPORT_DATA_H
#include "explore/design.h"
#include <cjson/cJSON.h>

enum { REP_PREFILL, REP_DECODE, REP_STAGES };
enum { REP_SPANS = 128, REP_BINS = 1024, REP_POINTS = 4096, REP_PARTS = 256 };
extern const char *const rep_stage_name[REP_STAGES];

struct rep_span {
    char module[32];
    int tasks;
    double start, end; /* cycles */
    double busy;       /* share of the stage's time */
    char activity[REP_BINS + 1];
};

struct rep_stage {
    double cycles, seconds, mhz;
    double gb_s[XPL_BANKS]; /* moved by each bank; 0: not used */
    double bytes;           /* moved in all */
    struct rep_span span[REP_SPANS];
    int spans;
};

/* Of a kind (explore/device.h): what the design takes of it, and one standard
 * error of that estimate; NAN: not known. */
struct rep_amount {
    double n, err;
};

/* Of that a module, and a memory on the chip. */
struct rep_part {
    char name[64], stage[16];
    int copies, counted; /* 0: never synthesised */
    struct rep_amount amount[XPL_KIND_COUNT];
};
struct rep_buffer {
    char name[64], stage[16], block[16];
    int copies;
    double blocks; /* of all copies */
};

struct rep_times {
    int prompt, generate, context;
    double prefill_s, decode_tok_s, answer_s, answer_tok_s;
    double hbm_utilisation, bound_tok_s;
    double formula[REP_STAGES];         /* its error, a share; NAN: not said */
    struct rep_stage stage[REP_STAGES]; /* prefill: cycles 0 if not timed */
    struct rep_stage block; /* of the prompt, alone: spans only; cycles 0: no */
    int block_tokens;
    int resources; /* 1: the file says what the design takes */
    struct rep_amount amount[XPL_KIND_COUNT];
    int fits; /* 1, 0; -1: not known */
    struct rep_part part[REP_PARTS];
    struct rep_buffer buffer[REP_PARTS];
    int parts, buffers, uncounted;
    double token_j, prompt_j, watts; /* NAN: not known */
};

/* Reads a timed run; path is for messages. False where it is not one, or not
 * of this design. */
bool rep_times_read(struct rep_times *t, const cJSON *root, const char *path,
                    const struct xpl_design *d, struct fl_error *err);

/* A design of the front that the search found: none is better in one of
 * decode speed, prefill time and area and as good in the others. */
struct rep_point {
    double decode_tok_s, prefill_s;
    double area; /* share of the scarcest resource; NAN: not known */
    int images;
};

struct rep_search {
    char model[128], device[128];
    struct rep_point point[REP_POINTS];
    int points, chosen;    /* chosen: -1, none */
    char objective[32];    /* "": not said, as are the others that are NAN */
    char parallelism[256]; /* of the chosen one: "tp 8, wp 32" */
    double prompt;         /* tokens that it was for */
    double legal, seconds; /* designs that were looked at, how long */
    double bound_tok_s, bound_prefill_s; /* no design can be beyond */
};

/* Reads a search; false where it is not of the design's model and device. */
bool rep_search_read(struct rep_search *s, const cJSON *root, const char *path,
                     const struct xpl_design *d, struct fl_error *err);

#endif
