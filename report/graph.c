/* SPDX-License-Identifier: Apache-2.0 */
/* report/graph.c -- the dataflow of a stage: the tasks of designs/ as boxes on
 * a grid of four columns, coloured by how busy they were. The picture is the
 * tables below; `ctest -R report` holds their names to the designs' FX_TASKs.
 * Modules that ran and are not in it are named under it. */
#include "report/html.h"
#include "report/parts.h"
#include <stdbool.h>
#include <string.h>

enum { BOTH = 3, DECODE = 2 }; /* bit 0: prefill, bit 1: decode */
enum { LEFT = 20, PITCH_X = 92, PITCH_Y = 41, BOX_W = 82, BOX_H = 29 };
enum { WIDTH = LEFT + 4 * PITCH_X + 6, ROWS = 19 };

struct node {
    const char *name; /* a task's, or of a memory */
    int col, row, stages, memory;
    const char *what;
};

static const struct node nodes[] = {
    {"conduct", 0, 0, BOTH, 0, "hands the step table to every task"},
    {"lookup", 1, 0, BOTH, 0, "rows of the embedding"},
    {"embedding", 2, 0, BOTH, 1, ""},
    {"enter", 1, 1, BOTH, 0, "embedding first, then the results of o and down"},
    {"total", 1, 2, BOTH, 0, "the residual stream, on the chip"},
    {"norm", 1, 3, BOTH, 0, "RMS norm"},
    {"choose", 1, 4, BOTH, 0, "norm, attention or feed-forward in turn"},
    {"side words", 0, 4, BOTH, 1, ""},
    {"side", 0, 5, BOTH, 0, "scales and column sums, to whom they belong"},
    {"encode", 1, 5, BOTH, 0, "dynamic quantiser"},
    {"linear", 1, 6, BOTH, 0, "the multiplier array of all linear layers"},
    {"gather", 2, 6, BOTH, 0, "a beat of weights out of all channels"},
    {"weights", 3, 6, BOTH, 1, ""},
    {"dequantise", 1, 7, BOTH, 0, "sums to fixed point"},
    {"route", 1, 8, BOTH, 0, "results to the heads, the residual, the rest"},
    {"leave", 1, 9, DECODE, 0, "gate and up go on, logits leave"},
    {"gate", 1, 10, BOTH, 0, "SiLU(gate) x up"},
    {"rotate", 1, 11, BOTH, 0, "Hadamard transform before down"},
    {"sample", 0, 10, DECODE, 0, "draws the token"},
    {"rope", 2, 9, BOTH, 1, ""},
    {"turn", 3, 9, BOTH, 0, "rotary position embedding"},
    {"spin", 3, 10, BOTH, 0, "Hadamard transform of queries and keys"},
    {"code", 3, 11, BOTH, 0, "static quantiser of k, v and q"},
    {"deal", 3, 12, BOTH, 0, "heads to their shards"},
    {"save", 1, 13, BOTH, 0, "keys and values into the cache"},
    {"cache", 1, 14, BOTH, 1, ""},
    {"hold", 1, 15, BOTH, 0, "waits until they are written"},
    {"fetch", 1, 16, BOTH, 0, "asks for keys and values"},
    {"parts", 2, 14, BOTH, 0, "words of the cache in narrower beats"},
    {"wide", 3, 13, BOTH, 0, "queries in wider beats"},
    {"match", 3, 14, BOTH, 0, "queries x keys"},
    {"weigh", 3, 15, BOTH, 0, "softmax"},
    {"mix", 3, 16, BOTH, 0, "probabilities x values"},
    {"merge", 3, 17, BOTH, 0, "the shards' heads in order"},
};
enum { NODES = sizeof nodes / sizeof *nodes };

enum way {
    STRAIGHT, /* bottom to top, or side to side in a row */
    OVER,     /* out at the side, down into the top */
    UNDER,    /* out at the bottom, into the side */
    BRANCH,   /* off a line to the right, in the next column, down */
    RAIL_OUT, /* the left edge, up */
    RAIL_IN,  /* beside it */
    RAIL_GAP, /* right of column 1, up */
    RAIL_RIGHT
};

static const struct edge {
    const char *from, *to;
    enum way way;
    const char *without; /* only where this task is not there */
} edges[] = {
    {"conduct", "lookup", STRAIGHT, 0},
    {"embedding", "lookup", STRAIGHT, 0},
    {"lookup", "enter", STRAIGHT, 0},
    {"enter", "total", STRAIGHT, 0},
    {"total", "norm", STRAIGHT, 0},
    {"norm", "choose", STRAIGHT, 0},
    {"choose", "encode", STRAIGHT, 0},
    {"encode", "linear", STRAIGHT, 0},
    {"side words", "side", STRAIGHT, 0},
    {"side", "encode", STRAIGHT, 0},
    {"side", "dequantise", UNDER, 0},
    {"weights", "gather", STRAIGHT, 0},
    {"gather", "linear", STRAIGHT, 0},
    {"linear", "dequantise", STRAIGHT, 0},
    {"dequantise", "route", STRAIGHT, 0},
    {"route", "enter", RAIL_IN, 0},
    {"route", "leave", STRAIGHT, 0},
    {"route", "gate", STRAIGHT, "leave"},
    {"leave", "gate", STRAIGHT, 0},
    {"leave", "sample", OVER, 0},
    {"sample", "conduct", RAIL_OUT, 0},
    {"gate", "rotate", STRAIGHT, 0},
    {"rotate", "choose", RAIL_GAP, 0},
    {"route", "turn", OVER, 0},
    {"rope", "turn", STRAIGHT, 0},
    {"turn", "spin", STRAIGHT, 0},
    {"spin", "code", STRAIGHT, 0},
    {"code", "deal", STRAIGHT, 0},
    {"deal", "wide", STRAIGHT, 0},
    {"deal", "save", OVER, 0},
    {"save", "cache", STRAIGHT, 0},
    {"cache", "hold", STRAIGHT, 0},
    {"hold", "fetch", STRAIGHT, 0},
    {"cache", "parts", STRAIGHT, 0},
    {"parts", "match", STRAIGHT, 0},
    {"parts", "mix", UNDER, 0},
    {"cache", "match", STRAIGHT, "parts"},
    {"cache", "mix", BRANCH, "parts"},
    {"wide", "match", STRAIGHT, 0},
    {"match", "weigh", STRAIGHT, 0},
    {"weigh", "mix", STRAIGHT, 0},
    {"mix", "merge", STRAIGHT, 0},
    {"merge", "choose", RAIL_RIGHT, 0},
};

/* "save[1]" is the task save. */
static bool is_of(const char *module, const char *name)
{
    size_t n = strlen(name);
    return strncmp(module, name, n) == 0 &&
           (module[n] == 0 || module[n] == '[');
}

int rep_graph_order(const char *module)
{
    for (int k = 0; k < NODES; k++)
        if (nodes[k].memory == 0 && is_of(module, nodes[k].name))
            return k;
    return NODES;
}

struct drawing {
    FILE *f;
    const struct rep_stage *s;
    int stage;
};

/* How busy a node's tasks were on the mean, and how many; -1: none ran. */
static double busy_of(const struct drawing *g, const struct node *n, int *tasks)
{
    double sum = 0;
    *tasks = 0;
    for (int k = 0; k < g->s->spans; k++) {
        const struct rep_span *p = &g->s->span[k];
        if (is_of(p->module, n->name)) {
            sum += p->busy * p->tasks;
            *tasks += p->tasks;
        }
    }
    return *tasks > 0 ? sum / *tasks : -1;
}

static const struct node *find(const struct drawing *g, const char *name)
{
    for (int k = 0; k < NODES; k++) {
        int tasks;
        if (strcmp(nodes[k].name, name) == 0 &&
            (nodes[k].stages >> g->stage & 1) != 0 &&
            (nodes[k].memory != 0 || busy_of(g, &nodes[k], &tasks) >= 0))
            return &nodes[k];
    }
    return 0;
}

static int x_of(const struct node *n)
{
    return LEFT + n->col * PITCH_X;
}

static int y_of(const struct node *n)
{
    return 8 + n->row * PITCH_Y;
}

/* A tip at (x, y) that points by (dx, dy), one of which is 0. */
static void tip(FILE *f, int x, int y, int dx, int dy)
{
    fprintf(f, "<path class=\"tip\" d=\"M%d %dL%d %dL%d %dz\"/>", x, y,
            x - 6 * dx + 3 * dy, y - 6 * dy + 3 * dx, x - 6 * dx - 3 * dy,
            y - 6 * dy - 3 * dx);
}

/* By a rail at x, into the side of `to` that faces it, `off` off its middle. */
static void rail(FILE *f, const struct node *from, const struct node *to, int x,
                 int off)
{
    int left = x < x_of(to);
    int x0 = left ? x_of(from) : x_of(from) + BOX_W;
    int x1 = left ? x_of(to) : x_of(to) + BOX_W;
    int y0 = y_of(from) + BOX_H / 2, y1 = y_of(to) + BOX_H / 2 + off;
    fprintf(f, "<path class=\"edge\" d=\"M%d %dH%dV%dH%d\"/>", x0, y0, x, y1,
            x1);
    tip(f, x1, y1, left ? 1 : -1, 0);
}

static void edge_draw(FILE *f, const struct node *a, const struct node *b,
                      enum way way)
{
    int ax = x_of(a), ay = y_of(a), bx = x_of(b), by = y_of(b);
    int right = bx > ax, side = right ? ax + BOX_W : ax;
    int mid = BOX_H / 2;
    switch (way) {
    case STRAIGHT:
        if (a->row == b->row) {
            int end = right ? bx : bx + BOX_W;
            fprintf(f, "<path class=\"edge\" d=\"M%d %dH%d\"/>", side, ay + mid,
                    end);
            tip(f, end, ay + mid, right ? 1 : -1, 0);
        } else {
            fprintf(f, "<path class=\"edge\" d=\"M%d %dV%d\"/>", ax + BOX_W / 2,
                    ay + BOX_H, by);
            tip(f, ax + BOX_W / 2, by, 0, 1);
        }
        break;
    case OVER:
        fprintf(f, "<path class=\"edge\" d=\"M%d %dH%dV%d\"/>", side, ay + mid,
                bx + BOX_W / 2, by);
        tip(f, bx + BOX_W / 2, by, 0, 1);
        break;
    case UNDER:
        fprintf(f, "<path class=\"edge\" d=\"M%d %dV%dH%d\"/>", ax + BOX_W / 2,
                ay + BOX_H, by + mid, bx);
        tip(f, bx, by + mid, 1, 0);
        break;
    case BRANCH:
        fprintf(f, "<path class=\"edge\" d=\"M%d %dV%dH%d\"/>",
                ax + PITCH_X + BOX_W / 2, ay + mid, by + mid, bx);
        tip(f, bx, by + mid, 1, 0);
        break;
    case RAIL_OUT:
        rail(f, a, b, 4, 0);
        break;
    case RAIL_IN:
        rail(f, a, b, 12, 0);
        break;
    case RAIL_GAP:
        rail(f, a, b, LEFT + PITCH_X + BOX_W + 5, 7);
        break;
    case RAIL_RIGHT:
        rail(f, a, b, WIDTH - 6, -5);
        break;
    }
    fputc('\n', f);
}

static void node_draw(const struct drawing *g, const struct node *n)
{
    int tasks, x = x_of(n), y = y_of(n);
    double busy = busy_of(g, n, &tasks);
    if (find(g, n->name) != n)
        return;
    fprintf(g->f, "<g><title>%s%s%s</title>", n->name, n->memory ? "" : ": ",
            n->memory ? " (memory)" : n->what);
    fprintf(g->f,
            "<rect class=\"grid\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
            "rx=\"%d\" style=\"fill:var(--bg)\"/><rect class=\"%s\" x=\"%d\" "
            "y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\"",
            x, y, BOX_W, BOX_H, n->memory ? 12 : 3, n->memory ? "mem" : "box",
            x, y, BOX_W, BOX_H, n->memory ? 12 : 3);
    if (!n->memory)
        fprintf(g->f, " style=\"fill:rgba(var(--hot),%.2f)\"", 0.72 * busy);
    fprintf(g->f, "/><text class=\"c\" x=\"%d\" y=\"%d\">%s</text>",
            x + BOX_W / 2, y + (n->memory ? 18 : 13), n->name);
    if (!n->memory) {
        fprintf(g->f, "<text class=\"c s\" x=\"%d\" y=\"%d\">%.*f %%",
                x + BOX_W / 2, y + 24, busy < 0.0995 ? 1 : 0, 100 * busy);
        if (tasks > 1)
            fprintf(g->f, " of %d", tasks);
        fputs("</text>", g->f);
    }
    fputs("</g>\n", g->f);
}

static void stage_draw(FILE *f, const struct rep_times *t, int stage)
{
    const struct drawing g = {f, &t->stage[stage], stage};
    int height = ROWS * PITCH_Y + 8;
    fprintf(f,
            "<figure>\n<figcaption>%s, busy share of each module"
            "</figcaption>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" "
            "aria-label=\"dataflow of %s\" style=\"max-width:28rem\">\n",
            stage == REP_PREFILL ? "Prefill of the prompt"
                                 : "Decode of a token",
            WIDTH, height, rep_stage_name[stage]);
    int x = LEFT + PITCH_X - 4, y = 8 + 13 * PITCH_Y - 6;
    fprintf(f,
            "<rect class=\"part\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
            "rx=\"5\"/><text class=\"s m\" x=\"%d\" y=\"%d\">attention"
            "</text>\n",
            x, y, 3 * PITCH_X - 2, 4 * PITCH_Y, x + PITCH_X + 8, y + 12);
    for (size_t k = 0; k < sizeof edges / sizeof *edges; k++) {
        const struct node *a = find(&g, edges[k].from),
                          *b = find(&g, edges[k].to);
        if (a != 0 && b != 0 &&
            (edges[k].without == 0 || find(&g, edges[k].without) == 0))
            edge_draw(f, a, b, edges[k].way);
    }
    for (int k = 0; k < NODES; k++)
        node_draw(&g, &nodes[k]);
    fputs("</svg>\n</figure>\n", f);
}

/* Modules that ran and are not in the picture. */
static void others(FILE *f, const struct rep_times *t)
{
    int n = 0;
    for (int s = 0; s < REP_STAGES; s++)
        for (int k = 0; k < t->stage[s].spans; k++) {
            const char *name = t->stage[s].span[k].module;
            if (rep_graph_order(name) < NODES)
                continue;
            fputs(n++ > 0 ? ", " : "<p class=\"mute\">Not drawn: ", f);
            rep_textf(f, "%s (%s)", name, rep_stage_name[s]);
        }
    if (n > 0)
        fputs(".</p>\n", f);
}

void rep_graph(FILE *f, const struct rep_times *t)
{
    rep_section(f, "dataflow", "Dataflow");
    fputs(
        "<p>Every box is a module that runs all the time; arrows are "
        "streams. Memories have dashed edges. Not drawn: the copies of the "
        "step table that go to every module, the scales that go to "
        "attention, and the requests to memories.</p>\n<div class=\"pair\">\n",
        f);
    for (int s = 0; s < REP_STAGES; s++)
        if (t->stage[s].cycles > 0)
            stage_draw(f, t, s);
    fputs("</div>\n<details><summary>What the modules do</summary>\n<ul>\n", f);
    for (int k = 0; k < NODES; k++)
        if (nodes[k].memory == 0)
            fprintf(f, "<li><code>%s</code> %s</li>\n", nodes[k].name,
                    nodes[k].what);
    fputs("</ul></details>\n", f);
    others(f, t);
    rep_section_end(f);
}
