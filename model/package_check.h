/* SPDX-License-Identifier: Apache-2.0 */
/* model/package_check.h -- the values of a package. Inside model/package*.c
 * only; `name` is the file, for messages. */
#ifndef MODEL_PACKAGE_CHECK_H
#define MODEL_PACKAGE_CHECK_H
#include "base/error.h"
#include "num/qmodel.h"

/* Bits and group of one linear with `din` inputs; `what` names it. */
bool pkg_check_format(int abits, int wbits, int group, int din,
                      const char *name, const char *what, struct fl_error *err);

/* A layer's parameters (PKG_PARAMS), before anything is made from them. */
bool pkg_check_params(const struct num_shape *s, int layer,
                      const int32_t *param, const char *name,
                      struct fl_error *err);

/* All arrays of a bound model: scales normalised, exponents in range, codes
 * symmetric, column sums right, no sum of a linear beyond 2^38. */
bool pkg_check_model(const struct num_qmodel *m, const char *name,
                     struct fl_error *err);

#endif
