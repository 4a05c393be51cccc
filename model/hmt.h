/* SPDX-License-Identifier: Apache-2.0 */
/* model/hmt.h -- the trained part of a Hierarchical Memory Transformer: what
 * a memory file (*.hmt) holds. docs/hmt.md says what is computed with it.
 *
 * A memory file is a safetensors file:
 *
 *   t   (d)        the learned vector: brackets a summary pass, and is the
 *                  first segment's P
 *   wq  (d, dm)    query projection: q = S wq
 *   wk  (d, dm)    key projection: key = M wk
 *   layer.N.PART.a (rank, in)     LoRA, any linears or none; PART is wq wk wv
 *   layer.N.PART.b (out, rank)    wo gate up down: the backbone's matrix
 *                                 becomes W + b a (any scale is inside b)
 *
 * as F32, F16 or BF16; rows of wq and wk of the backbone in the order of
 * num/fmodel.h. `__metadata__` has as strings: format "flexllm memory",
 * version "1", d, layers, segment, sensory, memories, scale, and how it was
 * made: maker, command, model, model_hash, text, text_hash, seed, steps.
 *
 * All vectors (T, S, M, P) are in the units of the residual stream of the
 * checkpoint's own basis. The state of a position is
 *
 *     scale * r / sqrt(mean(r^2) + eps)
 *
 * r being the residual after the last layer: the final norm without its gain,
 * so that a rotation of the residual only rotates T, S, M, P and the rows of
 * wq and wk.
 *
 * errors     one line naming the file, the tensor and the reason
 * ownership  everything is copied out of the file
 */
#ifndef MODEL_HMT_H
#define MODEL_HMT_H
#include "base/error.h"
#include "num/fmodel.h"
#include <stdbool.h>

enum {
    HMT_VERSION = 1,
    HMT_MAX_SEGMENT = 1 << 20, /* tokens */
    HMT_MAX_MEMORIES = 1 << 16,
    HMT_MAX_RANK = 4096,
    HMT_NOTE = 512 /* bytes of a string, the zero included */
};

/* The seven linears of a layer, in this order everywhere. */
enum hmt_part {
    HMT_WQ,
    HMT_WK,
    HMT_WV,
    HMT_WO,
    HMT_GATE,
    HMT_UP,
    HMT_DOWN,
    HMT_PARTS
};
extern const char *const hmt_part_name[HMT_PARTS]; /* "wq", ... "down" */

struct hmt_lora {
    int rank;    /* 0: none */
    int in, out; /* of the backbone's matrix */
    float *a;    /* (rank, in) */
    float *b;    /* (out, rank) */
};

/* How it was made. */
struct hmt_info {
    char maker[HMT_NOTE];   /* program and version */
    char command[HMT_NOTE]; /* as typed, without folders */
    char model[HMT_NOTE];   /* file name of the backbone */
    char model_hash[17];    /* XXH3 of that file, hex */
    char text[HMT_NOTE];    /* names of the training texts */
    char text_hash[17];     /* XXH3 of their tokens, hex */
    int64_t seed, steps;
};

struct hmt {
    int d, dm;
    int layers;   /* of the backbone it was trained with */
    int segment;  /* tokens a segment, 1 or more */
    int sensory;  /* tokens repeated from the previous one, <= segment */
    int memories; /* slots of the queue; 0: no memory, P is always T */
    double scale;
    float *t;              /* (d) */
    float *wq, *wk;        /* (d, dm) */
    struct hmt_lora *lora; /* (layers, HMT_PARTS) */
    struct hmt_info info;
};

/* On failure *h holds nothing. */
bool hmt_open(struct hmt *h, const char *path, struct fl_error *err);
/* Zeroed arrays for the sizes already set in *h: d, dm, layers. LoRA arrays
 * are left to hmt_lora_init. */
bool hmt_init(struct hmt *h, struct fl_error *err);
bool hmt_lora_init(struct hmt_lora *l, int rank, int in, int out,
                   struct fl_error *err);
void hmt_free(struct hmt *h);

/* The same contents give the same bytes; values are rounded to BF16 (to
 * nearest even) where `bf16`. */
bool hmt_write(const char *path, const struct hmt *h, bool bf16,
               struct fl_error *err);

/* Whether it belongs to a backbone of this shape; `path` is for messages. */
bool hmt_fits(const struct hmt *h, const struct num_shape *s, const char *path,
              struct fl_error *err);

/* Adds b a to the matrices of one layer, or of all. */
void hmt_merge_layer(const struct hmt *h, int layer, struct num_flayer *l);
void hmt_merge(const struct hmt *h, struct num_fmodel *m);

/* Tokens of the longest window: P, sensory, segment, P. */
static inline int hmt_window(const struct hmt *h)
{
    return h->segment + h->sensory + 2;
}

#endif
