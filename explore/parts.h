/* SPDX-License-Identifier: Apache-2.0 */
/* explore/parts.h -- what a stage of a design is made of: the modules that
 * designs/llama_body.h and the two tops wire, with their parameters, and every
 * memory on the chip. Whoever changes those changes this. */
#ifndef EXPLORE_PARTS_H
#define EXPLORE_PARTS_H
#include "explore/cost.h"

/* Appends the parts and buffers of one stage for a text of at most `cap`
 * positions. d->config must be checked. */
void xpl_parts(struct xpl_cost *c, const struct xpl_design *d, int stage,
               int cap);

/* Blocks of a buffer in one kind of memory. */
double xpl_blocks(double width, double depth, enum xpl_block block);

#endif
