/* SPDX-License-Identifier: Apache-2.0 */
/* designs/hmt_image.h -- what designs/hmt.c adds to the device memory of a
 * model (designs/image.h):
 *
 *   embed     two rows more: T, and P, which the design writes
 *   weights   of two heads more, behind the model's, with their side words:
 *             search  Wq, BP rows of high halves and BP of low halves in turn
 *             push    Wk likewise, then an identity times the state's size
 *   tables    decode's with the one or the other as last step
 *   ring      the queue (fx/memory_queue.h), words of bp i16
 */
#ifndef DESIGNS_HMT_IMAGE_H
#define DESIGNS_HMT_IMAGE_H
#include "designs/image.h"
#include "num/hmt.h"

enum dsn_hmt_head { DSN_HMT_SEARCH, DSN_HMT_PUSH, DSN_HMT_HEADS };

struct dsn_hmt {
    uint32_t *table[DSN_HMT_HEADS]; /* (steps, DSN_WORDS) */
    struct dsn_mem ring;
    int slots;        /* of the ring */
    int keys, rows;   /* its words of a key, of a memory */
    uint32_t s_scale; /* scale word */
    int row_frac;     /* fraction bits that make P's scale word right */
    int row_words;    /* words of P's codes */
    uint32_t row_at;  /* word of P in embed */
};

/* Extends the image of model m. False: the memory does not fit the design, or
 * out of memory; the image is then as good as before. */
bool dsn_hmt_build(struct dsn_hmt *h, struct dsn_image *im,
                   const struct num_qmodel *m, const struct num_hmt *memory,
                   struct fl_error *err);
void dsn_hmt_free(struct dsn_hmt *h);

#endif
