/* SPDX-License-Identifier: Apache-2.0 */
/* model/package_layout.h -- which tensors a package has: one list, walked by
 * the writer and by the reader. Inside model/package*.c only. */
#ifndef MODEL_PACKAGE_LAYOUT_H
#define MODEL_PACKAGE_LAYOUT_H
#include "base/error.h"
#include "num/qmodel.h"

enum pkg_type {
    PKG_U8,
    PKG_I8,
    PKG_U16,
    PKG_I16,
    PKG_I32,
    PKG_F32,
    PKG_F64,
    PKG_TYPES
};

struct pkg_dtype {
    const char *name;
    int size;
};
extern const struct pkg_dtype pkg_dtype[PKG_TYPES];

/* The integers of a layer that are not arrays. */
enum pkg_param {
    PKG_ABITS = 0,                        /* of 4 sites */
    PKG_CLIP = PKG_ABITS + 4,             /* of 4 sites */
    PKG_WBITS = PKG_CLIP + 4,             /* of 7 linears */
    PKG_GROUP = PKG_WBITS + NUM_LINEARS,  /* of 7 linears */
    PKG_FRAC_Q = PKG_GROUP + NUM_LINEARS, /* fraction bits of results */
    PKG_FRAC_K,
    PKG_FRAC_V,
    PKG_FRAC_GATE,
    PKG_FRAC_UP,
    PKG_FRAC_O, /* of the attention output */
    PKG_FRAC_H, /* of silu(gate) * up */
    PKG_PARAMS
};

struct pkg_tensor {
    const char *name;
    enum pkg_type type;
    uint64_t dim[3];   /* slowest first; 0: no such axis */
    const void **data; /* where the model points to it */
    bool optional;
};

typedef bool pkg_visit(void *state, const struct pkg_tensor *t,
                       struct fl_error *err);

/* Visits all arrays of m in the order of the file; widths, bits and groups of
 * its linears must be set. False as soon as a visit is. */
bool pkg_walk(struct num_qmodel *m, pkg_visit *visit, void *state,
              struct fl_error *err);

/* Fills what follows from the shape and a layer's parameters: widths, bits,
 * fractions. No check. */
void pkg_set_layer(struct num_qmodel *m, int layer, const int32_t *param);
void pkg_get_layer(const struct num_qmodel *m, int layer, int32_t *param);

#endif
