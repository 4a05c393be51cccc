/* SPDX-License-Identifier: Apache-2.0 */
/* model/safetensors.h -- safetensors files, one or sharded.
 *
 *   u64 header length | JSON header | data
 *   header: { name: {dtype, shape: [slowest..fastest], data_offsets: [a, b]},
 *             "__metadata__": {...} }
 *   index:  { weight_map: { name: file, ... } }, files beside the index
 *
 * Files are mapped. Checked on opening: the header's length and JSON, shapes
 * times element size against offsets, offsets against the file, overlaps,
 * duplicate names. Element types other than F32, F16 and BF16 are kept with
 * type -1: it is an error only to use such a tensor.
 */
#ifndef MODEL_SAFETENSORS_H
#define MODEL_SAFETENSORS_H
#include "base/file.h"
#include "model/dequant.h"

enum { ST_DIMS = 8 };

struct st_tensor {
    char *name;
    int type; /* enum dq_type, or -1 */
    int ndim;
    uint64_t dim[ST_DIMS]; /* slowest first; rest 1 */
    const uint8_t *data;
    uint64_t bytes;
};

struct st {
    struct fl_map *map;
    int maps;
    struct st_tensor *tensor; /* by name, ascending */
    size_t tensors, room;
};

/* A file, or an index if its name ends in ".json". On failure *s holds
 * nothing. */
bool st_open(struct st *s, const char *path, struct fl_error *err);
void st_close(struct st *s);
/* NULL where there is none. */
const struct st_tensor *st_find(const struct st *s, const char *name);

#endif
