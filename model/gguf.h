/* SPDX-License-Identifier: Apache-2.0 */
/* model/gguf.h -- GGUF files, versions 2 and 3, little-endian.
 *
 *   "GGUF" | u32 version | u64 tensors | u64 keys
 *   keys   x { string key | u32 type | value }
 *   tensors x { string name | u32 ndim | u64 dim[ndim] | u32 type | u64 at }
 *   padding to `alignment` | tensor data, tensor k at base + at[k]
 *
 *   string: u64 length | bytes          array: u32 type | u64 count | items
 *
 * The file is mapped and never copied: names, strings and tensor data are
 * pointers into the map and live until gguf_close. Everything is checked
 * when the file is opened, so the getters below cannot read out of bounds:
 * lengths, counts, nesting, duplicate keys and names, alignment, sizes that
 * overflow, tensors that overlap or reach past the end, unknown types.
 *
 * errors   FL_FORMAT with the byte position, FL_UNSUPPORTED for version 1
 *          and big-endian files, FL_IO, FL_NOMEM
 * threads  an open file is read-only: any number of threads may read it
 */
#ifndef MODEL_GGUF_H
#define MODEL_GGUF_H
#include "base/file.h"
#include "model/dequant.h"

enum gguf_kind {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_KINDS
};

/* Bytes in the file, not terminated. */
struct gguf_str {
    const char *s;
    size_t n;
};

struct gguf_key {
    struct gguf_str name;
    enum gguf_kind kind;
    enum gguf_kind item; /* of an array */
    uint64_t count;      /* items of an array; 1 otherwise */
    const uint8_t *data; /* the value, or the first item */
};

enum { GGUF_DIMS = 4 };

struct gguf_tensor {
    struct gguf_str name;
    enum dq_type type;
    int ndim;                /* 1..4 */
    uint64_t dim[GGUF_DIMS]; /* fastest first, as the file has it; rest 1 */
    uint64_t at;             /* offset from the start of the data */
    uint64_t bytes;
    const uint8_t *data; /* (dim[1] dim[2] dim[3]) rows of dim[0] */
};

struct gguf {
    struct fl_map map;
    char *path; /* for messages */
    int version;
    uint64_t alignment;
    size_t keys, tensors;
    struct gguf_key *key;       /* by name, ascending */
    struct gguf_tensor *tensor; /* by name, ascending */
};

/* Opens and checks `path`. On failure *g holds nothing. */
bool gguf_open(struct gguf *g, const char *path, struct fl_error *err);
/* The same on bytes that stay the caller's; `name` is for messages. */
bool gguf_parse(struct gguf *g, const uint8_t *data, size_t size,
                const char *name, struct fl_error *err);
void gguf_close(struct gguf *g);

/* NULL where there is none. */
const struct gguf_key *gguf_find(const struct gguf *g, const char *name);
const struct gguf_tensor *gguf_find_tensor(const struct gguf *g,
                                           const char *name);

/* Typed getters: false if the key is absent (no error is set) or is not of
 * such a type (err says so). *v is untouched then, so a default may be put
 * there first; gguf_find tells the two apart. Integers of every width are
 * taken if the value fits int64. */
bool gguf_int(const struct gguf *g, const char *name, int64_t *v,
              struct fl_error *err);
bool gguf_float(const struct gguf *g, const char *name, double *v,
                struct fl_error *err);
bool gguf_bool(const struct gguf *g, const char *name, bool *v,
               struct fl_error *err);
bool gguf_string(const struct gguf *g, const char *name, struct gguf_str *v,
                 struct fl_error *err);

/* Item `i` of an array of numbers, i < count. */
int64_t gguf_item_int(const struct gguf_key *k, uint64_t i);
double gguf_item_float(const struct gguf_key *k, uint64_t i);
/* An array of strings is read in order: start with *at = 0, `count` times. */
struct gguf_str gguf_item_next(const struct gguf_key *k, size_t *at);

#endif
