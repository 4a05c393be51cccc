/* SPDX-License-Identifier: Apache-2.0 */
/* target.c -- what operations cost on each family of chips, in ns.
 *
 * The numbers have a share of routing in them. Those of ecp5 follow what
 * nextpnr places (speed 8); those of xc7 the cells of an Artix-7 of speed 1 by
 * Yosys, and 0.45 ns for a wire; bench/delays.sh measures both. For xcup they
 * follow the vendor's data sheets in magnitude only: no open tool knows this
 * family, so they are a scheduling aid and no promise. To add a family: one line
 * here, and its name in --help.
 */
#include "fxc/all.h"
#include <string.h>

/* name clkq setup lut inputs carry carry1 cmp spread mul ramq port mula mulb */
static const Target targets[] = {
    {"xcup", .10, .10, .35, 6, .35, .015, 0, 0, 2.20, 0.90, 0.60, 27, 18},
    {"xc7", .40, .10, .60, 6, 1.15, .029, 0, 0, 4.25, 2.80, 1.00, 25, 18},
    {"ecp5", .50, .20, .85, 4, 1.25, .029, .90, .17, 4.60, 5.60, 1.40, 18, 18},
};

const Target *target_find(const char *name)
{
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        if (!strcmp(targets[i].name, name))
            return &targets[i];
    return NULL;
}

/* Bits in which two values can be compared. */
int compare_width(const Node *n)
{
    const Node *a = n->in[0], *b = n->in[1];
    bool sgn = n->op == Oslt || n->op == Osle || a->sgn || b->sgn;
    int x = a->rw + (sgn && !a->sgn && a->rw < a->w);
    int y = b->rw + (sgn && !b->sgn && b->rw < b->w);
    return x > y ? x : y;
}

/* k if v is 2^k, else -1. */
static int power(uint64_t v)
{
    return v && !(v & (v - 1)) ? __builtin_ctzll(v) : -1;
}

bool bit_test(const Node *n, BitTest *t)
{
    bool sgn = n->op == Oslt || n->op == Osle;
    if (!sgn && n->op != Oult && n->op != Oule)
        return false;
    bool right = n->in[1]->op == Oconst, equal = n->op == Osle || n->op == Oule;
    const Node *c = n->in[right];
    uint64_t v;
    if (!const_small(c, &v) || n->in[!right]->op == Oconst || c->w > 64)
        return false;
    if (sgn && c->w < 64 && v >> (c->w - 1) & 1)
        v |= ~UINT64_C(0) << c->w;
    /* x < v + 1 is x <= v; v < x is not x <= v */
    uint64_t bound = v + (right == equal);
    if (bound != v && (sgn ? v == INT64_MAX : v == UINT64_MAX))
        return false;
    *t = (BitTest){.x = n->in[!right], .sgn = sgn, .inverted = !right};
    if (bound == 0)
        return sgn;
    bool minus = sgn && (int64_t)bound < 0;
    t->bound = minus ? -1 : 1;
    t->k = power(minus ? 0 - bound : bound);
    return t->k >= 0 && t->k < compare_width(n) - 1;
}

/* Levels of LUTs in which n bits become one. */
static int levels(int n)
{
    int k = 0;
    for (int64_t reach = 1; reach < n; reach *= target->inputs)
        k++;
    return k;
}

/* Levels to choose among 2^n. A LUT of 6 inputs chooses among four. */
static int choose(int n)
{
    return target->inputs >= 6 ? (n + 1) / 2 : n;
}

/* One bit that decides over many has a long wire. */
static double spread(int n)
{
    return n > 16 ? target->spread * clog2(n / 8) : 0;
}

/* A choice among exits, until it enables or resets n bits of registers. Only
 * counted where it has been measured. */
double steer_delay(int exits, int n)
{
    return target->spread ? target->lut * (1 + levels(exits)) + 2 * spread(n)
                          : 0;
}

/* When a shared operand is there whose uses have theirs `at`. Whose turn it is
 * comes from the state, some 6 bits, and decides over all bits of an operand;
 * then a choice among so many. */
double turn_delay(double at, int uses)
{
    double turn = target->clkq + target->lut * levels(6) + spread(target->mula);
    return (turn > at ? turn : at) + target->lut * levels(2 * uses);
}

/* Many bits become one in a tree of LUTs or a carry chain that takes in as
 * many as the LUTs before it have inputs, whichever is faster. */
static double reduce_delay(int bits)
{
    double tree = target->lut * levels(bits);
    double chain =
        target->carry + target->cmp + target->carry1 * bits / target->inputs;
    return tree < chain ? tree : chain;
}

double op_delay(const Node *n)
{
    const Target *t = target;
    bool konst = n->nin > 1 && n->in[1]->op == Oconst;
    BitTest bt;
    switch (opinfo[n->op].class) {
    case Clogic:
        return n->rw == 1 ? t->lut * 0.6 : t->lut;
    case Cadd:
        return n->rw <= 3 ? t->lut : t->carry + t->carry1 * n->rw;
    case Ccmp:
        if (n->op == Oeq || n->op == One)
            return reduce_delay(compare_width(n) * (konst ? 1 : 2));
        if (bit_test(n, &bt))
            return bt.bound == 0 ? 0.05
                                 : reduce_delay(compare_width(n) - bt.k + 1);
        return t->carry + t->carry1 * compare_width(n) + t->cmp;
    case Cmux:
        return t->lut + spread(n->rw);
    case Cshift:
        return konst ? 0 : t->lut * choose(clog2(n->rw)) + spread(n->rw);
    case Cmul:
        return t->mul;
    case Cmem:
        if (n->op == Oload && n->mem->kind == Mreg)
            return n->in[0]->op == Oconst
                       ? 0
                       : t->lut * choose(clog2(n->mem->depth)) + spread(n->rw);
        if (n->op == Oload && n->mem->kind == Mrom && op_lat(n) == 0)
            return t->lut * (1 + choose(clog2(n->mem->depth) - t->inputs + 1));
        return 0.3;
    default:
        return 0;
    }
}

/* A table of at most 64 words is a LUT a bit and answers at once. */
enum { SMALL_TABLE = 64 };

int op_lat(const Node *n)
{
    if (n->op == Omul)
        return 1;
    if (n->op == Oload)
        return n->mem->kind == Mram ||
               (n->mem->kind == Mrom && n->mem->depth > SMALL_TABLE);
    return 0;
}
