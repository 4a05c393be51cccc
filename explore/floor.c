/* SPDX-License-Identifier: Apache-2.0 */
/* explore/floor.c -- units, wires, and GLPK. */
#include "explore/floor.h"
#include "designs/step.h"
#include <glpk.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNITS = XPL_PARTS, WIRES = 4 * UNITS, SECONDS = 10 };

/* Blocks of a stage; the names of parts that are in each. */
enum block { ENGINE, PATH, FEED, HEADS, SHARD, BLOCKS };
static const char *const block_name[] = {"linear", "path", "feed-forward",
                                         "heads", "attention"};
static const char *const members[BLOCKS] = {
    "linear gather dequantise conduct w sums rows weights",
    "", /* all others */
    "gate rotate gated leave sample",
    "turn spin code deal scales head",
    ("match weigh mix save fetch hold wide parts shard_fork shard q score "
     "query cache"),
};

struct unit {
    char name[32];
    int stage, block, fixed; /* fixed: in region 0 */
    struct xpl_fabric n;
};

struct plan {
    struct unit unit[UNITS];
    int units;
    struct {
        int a, b;
        double width;
    } wire[WIRES];
    int wires;
};

/* True where the first word of name (up to a dot, space, comma) is in list. */
static bool listed(const char *name, const char *list)
{
    size_t n = strcspn(name, "., ");
    for (const char *p = list; *p != 0; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        if (len == n && strncmp(p, name, n) == 0)
            return true;
        p += len;
    }
    return false;
}

static enum block block_of(const char *name)
{
    for (int b = 0; b < BLOCKS; b++)
        if (b != PATH && listed(name, members[b]))
            return (enum block)b;
    return PATH;
}

bool xpl_floor_is(const char *name, const struct xpl_part *p)
{
    char text[64];
    int n = snprintf(text, sizeof text, "%s %s",
                     p->stage == DSN_PREFILL ? "prefill" : "decode",
                     block_name[block_of(p->name)]);
    return strncmp(name, text, (size_t)n) == 0;
}

static int unit_add(struct plan *p, int stage, int block, const char *suffix,
                    const struct xpl_fabric *n, double share)
{
    struct unit *u = &p->unit[p->units];
    *u = (struct unit){.stage = stage, .block = block};
    snprintf(u->name, sizeof u->name, "%s %s%s",
             stage == DSN_PREFILL ? "prefill" : "decode", block_name[block],
             suffix);
    for (int k = 0; k < XPL_KIND_COUNT; k++)
        u->n.n[k] = n->n[k] * share;
    return p->units++;
}

static void wire_add(struct plan *p, int a, int b, double width)
{
    if (p->wires < WIRES) {
        p->wire[p->wires].a = a;
        p->wire[p->wires].b = b;
        p->wire[p->wires++].width = width;
    }
}

/* Pieces of a block, so that each is at most a quarter of the smallest
 * region; eight at most. */
static int pieces(const struct xpl_fabric *n, const struct xpl_fabric *region)
{
    double most = 1;
    for (int k = 0; k < XPL_KIND_COUNT; k++)
        if (region->n[k] > 0)
            most = fmax(most, ceil(4 * n->n[k] / region->n[k]));
    return most > 8 ? 8 : (int)most;
}

static void stage_add(struct plan *p, const struct xpl_design *d, int stage,
                      const struct xpl_fabric sum[BLOCKS],
                      const struct xpl_fabric *region, int memory)
{
    const struct dsn_config *c = &d->config;
    int dec = stage == DSN_DECODE, tp = dec ? 1 : c->tp, bp = dec ? c->bp : 1;
    int wp = dec ? c->dwp : c->wp, hp = dec ? c->hp : 1;
    int ap = dec ? c->kp : c->ap, lanes = tp * bp;
    double cmd = 32 * DSN_WORDS;
    int path = unit_add(p, stage, PATH, "", &sum[PATH], 1);
    int feed = unit_add(p, stage, FEED, "", &sum[FEED], 1);
    int heads = unit_add(p, stage, HEADS, "", &sum[HEADS], 1);
    wire_add(p, path, feed, 54 * lanes + cmd);
    wire_add(p, path, heads, 27 * lanes + cmd);
    char suffix[16] = "";
    int slices = pieces(&sum[ENGINE], region), before = path;
    for (int i = 0; i < slices; i++) {
        if (slices > 1)
            snprintf(suffix, sizeof suffix, " %d", i);
        int u = unit_add(p, stage, ENGINE, suffix, &sum[ENGINE], 1.0 / slices);
        wire_add(p, before, u, 48 * lanes + cmd);
        wire_add(p, memory, u, (double)bp * wp * c->wbits / slices);
        before = u;
    }
    int groups = hp < 4 ? hp : 4; /* shards that stay together */
    *suffix = 0;
    for (int a = 0; a < groups; a++) {
        if (groups > 1)
            snprintf(suffix, sizeof suffix, " %d", a);
        int u = unit_add(p, stage, SHARD, suffix, &sum[SHARD], 1.0 / groups);
        double each = (double)hp / groups;
        wire_add(p, heads, u, each * (24 * lanes + cmd));
        wire_add(p, u, path, each * 27 * tp * ap);
        wire_add(p, memory, u, each * 4 * 8 * c->kp);
    }
}

static void sums(struct xpl_fabric sum[DSN_STAGES][BLOCKS],
                 const struct xpl_cost *c)
{
    static const enum xpl_kind kind[] = {XPL_lut, XPL_bram36, XPL_uram};
    for (int i = 0; i < c->parts; i++) {
        const struct xpl_part *p = &c->part[i];
        for (int k = 0; k < XPL_KIND_COUNT; k++)
            sum[p->stage][block_of(p->name)].n[k] += p->n.n[k];
    }
    for (int i = 0; i < c->buffers; i++) {
        const struct xpl_buffer *b = &c->buffer[i];
        sum[b->stage][block_of(b->name)].n[kind[b->block]] += b->blocks;
    }
}

/* ---- the program --------------------------------------------------------- */

/* Columns: x(i, r) is 1 where unit i is in region r, then a distance a wire. */
static int column(int regions, int i, int r)
{
    return i * regions + r + 1;
}

static void row_add(glp_prob *lp, int n, const int *at, const double *by,
                    int type, double lo, double hi)
{
    int row = glp_add_rows(lp, 1);
    glp_set_row_bnds(lp, row, type, lo, hi);
    glp_set_mat_row(lp, row, n, at, by);
}

static glp_prob *program(const struct plan *p, const struct xpl_fabric *room,
                         int regions)
{
    glp_prob *lp = glp_create_prob();
    int at[UNITS + XPL_REGIONS * 2 + 4];
    double by[UNITS + XPL_REGIONS * 2 + 4];
    int xs = p->units * regions;
    glp_set_obj_dir(lp, GLP_MIN);
    glp_add_cols(lp, xs + p->wires);
    for (int k = 1; k <= xs; k++)
        glp_set_col_kind(lp, k, GLP_BV);
    for (int e = 0; e < p->wires; e++) {
        glp_set_col_bnds(lp, xs + e + 1, GLP_LO, 0, 0);
        glp_set_obj_coef(lp, xs + e + 1, p->wire[e].width);
    }
    for (int i = 0; i < p->units; i++) {
        for (int r = 0; r < regions; r++) {
            at[r + 1] = column(regions, i, r);
            by[r + 1] = 1;
        }
        row_add(lp, regions, at, by, GLP_FX, 1, 1);
        if (p->unit[i].fixed)
            glp_set_col_bnds(lp, column(regions, i, 0), GLP_FX, 1, 1);
    }
    for (int r = 0; r < regions; r++)
        for (int k = 0; k < XPL_KIND_COUNT; k++) {
            for (int i = 0; i < p->units; i++) {
                at[i + 1] = column(regions, i, r);
                by[i + 1] = p->unit[i].n.n[k];
            }
            row_add(lp, p->units, at, by, GLP_UP, 0, room[r].n[k]);
        }
    for (int e = 0; e < p->wires; e++)
        for (int sign = -1; sign <= 1; sign += 2) {
            int n = 0;
            for (int r = 1; r < regions; r++) {
                at[++n] = column(regions, p->wire[e].a, r);
                by[n] = sign * r;
                at[++n] = column(regions, p->wire[e].b, r);
                by[n] = -sign * r;
            }
            at[++n] = xs + e + 1;
            by[n] = -1;
            row_add(lp, n, at, by, GLP_UP, 0, 0);
        }
    return lp;
}

static void solve(struct xpl_search *s, const struct plan *p,
                  const struct xpl_fabric *room, int regions)
{
    struct xpl_design *d = &s->design;
    glp_term_out(GLP_OFF);
    glp_prob *lp = program(p, room, regions);
    glp_iocp o;
    glp_init_iocp(&o);
    o.presolve = GLP_ON;
    o.msg_lev = GLP_MSG_OFF;
    o.tm_lim = SECONDS * 1000;
    o.mip_gap = 0.001;
    int rc = glp_intopt(lp, &o), status = glp_mip_status(lp);
    if ((rc == 0 || rc == GLP_ETMLIM || rc == GLP_EMIPGAP) &&
        (status == GLP_OPT || status == GLP_FEAS)) {
        s->crossings = glp_mip_obj_val(lp);
        s->floor_optimal = rc == 0 && status == GLP_OPT;
        for (int i = 0; i < p->units; i++) {
            if (p->unit[i].fixed)
                continue;
            for (int r = 0; r < regions; r++)
                if (glp_mip_col_val(lp, column(regions, i, r)) > 0.5)
                    d->floor[d->parts].region = r;
            memcpy(d->floor[d->parts].part, p->unit[i].name,
                   sizeof d->floor->part);
            d->parts++;
        }
    }
    glp_delete_prob(lp);
    glp_free_env();
}

bool xpl_floor(struct xpl_search *s, struct fl_error *err)
{
    struct xpl_design *d = &s->design;
    int regions = d->dev.regions;
    struct xpl_fabric room[XPL_REGIONS], least = {{0}};
    for (int r = 0; r < regions; r++)
        for (int k = 0; k < XPL_KIND_COUNT; k++) {
            double all = d->dev.fabric.n[k], n = d->dev.region[r].fabric.n[k];
            double whole = xpl_device_room(&d->dev).n[k];
            room[r].n[k] = all > 0 ? whole * n / all : 0;
            if (isnan(room[r].n[k]))
                return true;
            if (r == 0 || room[r].n[k] < least.n[k])
                least.n[k] = room[r].n[k];
        }
    if (regions < 2 || d->images != 1)
        return true;
    struct xpl_cost *c = malloc(sizeof *c);
    struct plan *p = calloc(1, sizeof *p);
    struct xpl_fabric sum[DSN_STAGES][BLOCKS] = {{{{0}}}};
    bool ok = c != 0 && p != 0;
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    ok = ok && xpl_cost(c, d, d->prompt, err);
    if (ok) {
        static const struct xpl_fabric none = {{0}};
        sums(sum, c);
        int memory = unit_add(p, 0, PATH, " memory", &none, 1);
        p->unit[memory].fixed = 1;
        stage_add(p, d, DSN_PREFILL, sum[DSN_PREFILL], &least, memory);
        stage_add(p, d, DSN_DECODE, sum[DSN_DECODE], &least, memory);
        solve(s, p, room, regions);
    }
    free(c);
    free(p);
    return ok;
}
