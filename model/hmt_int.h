/* SPDX-License-Identifier: Apache-2.0 */
/* model/hmt_int.h -- a memory file made fit for a package: turned into the
 * basis of its residual stream and rounded to the integers of num/hmt.h.
 *
 *   T       row of i8 codes, as the embedding's rows
 *   Wq, Wk  i8 codes within +-119 a row (a column of the file's matrix),
 *           with the size of a state in both
 *   fractions from bounds that hold for every input: a state has length
 *   sqrt(d), so a result is at most sqrt(d) times the longest row
 *
 * The same file and package give the same integers.
 */
#ifndef MODEL_HMT_INT_H
#define MODEL_HMT_INT_H
#include "model/hmt.h"
#include "model/package.h"
#include "num/hmt.h"

struct hmt_int {
    struct num_hmt m;
    void *own; /* all arrays */
};

/* The basis of a package's residual stream: its signs, or the matrix (d, d)
 * itself. */
struct hmt_basis {
    const int8_t *turn;
    const float *matrix; /* NULL: by turn */
};

/* False: out of memory, or the file's numbers leave no format that holds them;
 * `path` is for messages. */
bool hmt_int_make(struct hmt_int *q, const struct hmt *h,
                  const struct hmt_basis *b, const char *path,
                  struct fl_error *err);

/* Opens a memory for a package and checks that they belong together: widths,
 * and where the memory changes weights, that the package has them so. */
bool hmt_int_open(struct hmt_int *q, const char *path, const struct pkg *p,
                  const char *pkg_path, struct fl_error *err);
void hmt_int_free(struct hmt_int *q);

#endif
