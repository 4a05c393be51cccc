/* SPDX-License-Identifier: Apache-2.0 */
/* explore/shape.h -- the shape of a model as designs/models/NAME.json has it:
 * planning needs no checkpoint. */
#ifndef EXPLORE_SHAPE_H
#define EXPLORE_SHAPE_H
#include "base/error.h"
#include "num/shape.h"

/* By name or by path. eps is not in the file: it does not matter here. */
bool xpl_shape_load(struct num_shape *s, const char *name,
                    struct fl_error *err);

/* Weights of a token's pass: of the layers, of the head. */
double xpl_shape_layer_weights(const struct num_shape *s);
double xpl_shape_head_weights(const struct num_shape *s);

#endif
