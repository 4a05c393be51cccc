/* SPDX-License-Identifier: Apache-2.0 */
/* model/package.h -- the package (*.fxq): a quantised model in one file.
 *
 *   u64 header length | JSON header, spaces to a multiple of 64 | data
 *
 * It is a valid safetensors file: any reader of that format lists it. Data
 * begins on 64 bytes and so does every tensor; as the format allows no holes,
 * tensors called "pad.N" fill them. `__metadata__` holds the version, scheme,
 * shape, recipe and hashes as strings (docs/package.md names them all). The
 * tokenizer lies inside, so a package alone can run.
 *
 *   embed.code I8 (v, d)     embed.mant U16 (v)     embed.exp I8 (v)
 *   rope I16 (seq, h/2, 2)   inv_freq F64 (h/2)     tokenizer U8 (n)
 *   turn I8 (d) or basis F32 (d, d)
 *   head.* , head.mean I32 (d)
 *   layer.N.params I32 (29)  layer.N.{attn,o,ffn,down}.mean I32 (in)
 *   layer.N.{q,k,v,o,gate,up,down}.*
 *   layer.N.{q,k,v,s,o}_scale U16 (heads, {mantissa, exponent as i16})
 * where * of a linear: w U8 (out, in/2 up) or I8 (out, in), w8 I8 (out, wide)
 * (then w has the other inputs only), mant U16 (out),
 * exp I8 (out), mul U8 (out, groups), colsum I32 (out), bias I32 (out).
 *
 * Opening maps the file and checks everything: layout, shapes, ranges, codes,
 * column sums, the bound of every sum, the XXH3 hash of the data. What has
 * been opened can be computed with, by any engine, without a further check.
 */
#ifndef MODEL_PACKAGE_H
#define MODEL_PACKAGE_H
#include "base/file.h"
#include "model/tokenizer.h"
#include "num/qmodel.h"

enum { PKG_VERSION = 2, PKG_ENDS = 16 };

/* What a package says about itself; strings, never NULL once opened. */
struct pkg_info {
    const char *scheme;     /* "w4a8kv8" */
    const char *recipe;     /* how it was made; one line of JSON */
    const char *model_hash; /* XXH3 of the model file, hex */
    const char *calib_hash; /* XXH3 of the calibration text, hex */
    const char *maker;      /* program and version */
};

struct pkg {
    struct num_qmodel model;
    struct pkg_info info;
    struct tok *tok;    /* NULL: the package has none */
    double *inv_freq;   /* (h/2) radians a position, or NULL */
    int ends[PKG_ENDS]; /* tokens that end a generation */
    int end_count;
    uint64_t data_hash;
    struct fl_map map;
    void *own; /* private */
};

/* On failure *p holds nothing. */
bool pkg_open(struct pkg *p, const char *path, struct fl_error *err);
/* The same on bytes that stay the caller's, 64-byte aligned; `name` is for
 * messages. */
bool pkg_parse(struct pkg *p, const uint8_t *data, size_t size,
               const char *name, struct fl_error *err);
void pkg_close(struct pkg *p);

/* Whether a file begins as a package does. False for what cannot be read. */
bool pkg_is(const char *path);

/* Writes a package; tok and inv_freq may be NULL, as may strings of info. The
 * same model gives the same bytes. */
bool pkg_write(const char *path, const struct num_qmodel *m,
               const struct tok *tok, const double *inv_freq,
               const struct pkg_info *info, struct fl_error *err);

/* XXH3 (64 bits) of bytes, and as 16 hex digits. */
uint64_t pkg_hash(const void *data, size_t n);
void pkg_hash_text(uint64_t hash, char text[17]);
/* Hash of a whole file. */
bool pkg_hash_file(const char *path, char text[17], struct fl_error *err);

#endif
