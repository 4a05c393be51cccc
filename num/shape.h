/* SPDX-License-Identifier: Apache-2.0 */
/* num/shape.h -- the dimensions of a Llama-family model. Typed once: every
 * other part reads them from here.
 *
 *   axis names used in shape comments, slowest axis first:
 *     layer, token, d (hidden channel), f (ffn channel), qh (query head),
 *     kvh (key/value head), h (channel in a head), v (vocabulary row)
 */
#ifndef NUM_SHAPE_H
#define NUM_SHAPE_H
#include <stdint.h>

enum {
    NUM_MAX_LAYERS = 1024,
    NUM_MAX_DIM = 1 << 17,
    NUM_MAX_HEAD = 1024,
    NUM_MAX_VOCAB = 1 << 22,
    NUM_MAX_SEQ = 1 << 22,
};

struct num_shape {
    int layers;
    int d;     /* hidden size */
    int ffn;   /* feed-forward size */
    int nq;    /* query heads */
    int nkv;   /* key/value heads; divides nq */
    int head;  /* channels a head; even. nq * head need not equal d */
    int vocab; /* rows of the embedding and of the head */
    int seq;   /* longest sequence the model was made for */
    int tied;  /* the head is the embedding */
    int qkv_bias;
    double eps; /* RMSNorm */
};

/* Query heads that share one key/value head. */
static inline int num_group_heads(const struct num_shape *s)
{
    return s->nq / s->nkv;
}

#endif
