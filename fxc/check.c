/* SPDX-License-Identifier: Apache-2.0 */
/* check.c -- what every pass must leave true. A failure is a bug of fxc. */
#include "fxc/all.h"

static void check_node(Region *r, Node *n)
{
    const char *op = opinfo[n->op].name;
    int arity = opinfo[n->op].arity;
    if (n->rgn != r)
        die("%s_%d is listed in the wrong region", op, n->id);
    if (n->alias)
        die("%s_%d was replaced and is still there", op, n->id);
    if (arity >= 0 && n->nin != arity)
        die("%s_%d has %d operands", op, n->id, n->nin);
    for (int i = 0; i < n->nin; i++)
        if (!n->in[i] || n->in[i]->alias)
            die("operand %d of %s_%d is missing or replaced", i, op, n->id);
    if ((n->op == Oadd || n->op == Osub || n->op == Omul || n->op == Oand ||
         n->op == Oor || n->op == Oxor) &&
        (n->in[0]->w != n->w || n->in[1]->w != n->w))
        die("%s_%d mixes widths", op, n->id);
    if (opinfo[n->op].class == Ccmp && n->in[0]->w != n->in[1]->w)
        die("%s_%d compares different widths", op, n->id);
    if (n->op == Oslice && n->lo + n->w > n->in[0]->w)
        die("slice_%d takes bits that are not there", n->id);
    if (n->op == Ocat) {
        int w = 0;
        for (int i = 0; i < n->nin; i++)
            w += n->in[i]->w;
        if (w != n->w)
            die("cat_%d has the wrong width", n->id);
    }
}

void check(Fn *fn)
{
    for (int i = 0; i < fn->nrgn; i++) {
        Region *r = fn->rgn[i];
        for (int k = 0; k < r->nnode; k++)
            check_node(r, r->node[k]);
        if (!r->nexit)
            die("region '%s' has no exit", r->name);
    }
}
