/* SPDX-License-Identifier: Apache-2.0 */
/* target.c -- what operations cost on each family of chips, in ns.
 *
 * The numbers are for the fastest common speed grade, with a share of routing
 * in `lut`. For xcup and xc7 they follow the vendor's data sheets in magnitude
 * only: no open tool places these families, so they are a scheduling aid and
 * no promise. To add a family: one line here, and its name in --help.
 */
#include "fxc/all.h"
#include <string.h>

/*   name   clkq setup  lut  carry carry1  mul   ramq port  mula mulb */
static const Target targets[] = {
    {"xcup", 0.10, 0.10, 0.35, 0.35, 0.015, 2.20, 0.90, 0.60, 27, 18},
    {"xc7", 0.40, 0.10, 0.60, 0.60, 0.030, 3.00, 1.80, 1.00, 25, 18},
    {"ecp5", 0.50, 0.20, 0.90, 0.90, 0.045, 3.80, 4.30, 1.40, 18, 18},
};

const Target *target_find(const char *name)
{
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        if (!strcmp(targets[i].name, name))
            return &targets[i];
    return NULL;
}

static int operand_bits(const Node *n)
{
    int w = 1;
    for (int i = 0; i < n->nin; i++)
        if (n->in[i]->rw > w)
            w = n->in[i]->rw;
    return w;
}

double op_delay(const Node *n)
{
    const Target *t = target;
    bool konst = n->nin > 1 && n->in[1]->op == Oconst;
    switch (opinfo[n->op].class) {
    case Clogic:
        return n->rw == 1 ? t->lut * 0.6 : t->lut;
    case Cadd:
        return n->rw <= 3 ? t->lut : t->carry + t->carry1 * n->rw;
    case Ccmp:
        if (n->op == Oeq || n->op == One)
            return t->lut * (1 + clog2(operand_bits(n)) / 3);
        if (konst && is_const(n->in[1], 0))
            return 0.05; /* the sign bit */
        return t->carry + t->carry1 * operand_bits(n);
    case Cmux:
        return t->lut;
    case Cshift:
        return konst ? 0 : t->lut * (1 + clog2(n->rw) / 2);
    case Cmul:
        return t->mul;
    case Cmem:
        if (n->op == Oload && n->mem->kind == Mreg)
            return n->in[0]->op == Oconst
                       ? 0
                       : t->lut * (1 + clog2(n->mem->depth) / 2);
        if (n->op == Oload && n->mem->kind == Mrom && op_lat(n) == 0)
            return t->lut * (1 + clog2(n->mem->depth) / 6);
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
