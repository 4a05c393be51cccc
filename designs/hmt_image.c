/* SPDX-License-Identifier: Apache-2.0 */
/* designs/hmt_image.c -- a head is laid out by dsn_image_build itself, as the
 * head of a model of one layer, and moved behind the model's own. */
#include "designs/hmt_image.h"
#include <stdlib.h>
#include <string.h>

/* ---- a head as a linear of 4 bits ---------------------------------------- */

struct head {
    struct num_qlinear lin;
    uint8_t *w;
    uint16_t *mant;
    int8_t *exp;
    int32_t *colsum;
};

static void head_free(struct head *h)
{
    free(h->w);
    free(h->mant);
    free(h->exp);
    free(h->colsum);
}

static bool head_new(struct head *h, int rows, int d, struct fl_error *err)
{
    size_t n = (size_t)rows;
    h->w = calloc(n, (size_t)(d + 1) / 2);
    h->mant = calloc(n, sizeof *h->mant);
    h->exp = calloc(n, 1);
    h->colsum = calloc(n, sizeof *h->colsum);
    h->lin = (struct num_qlinear){.din = d,
                                  .dout = rows,
                                  .wbits = 4,
                                  .obits = NUM_ACT_BITS,
                                  .w = h->w,
                                  .mant = h->mant,
                                  .exp = h->exp,
                                  .colsum = h->colsum};
    if (h->w && h->mant && h->exp && h->colsum)
        return true;
    head_free(h);
    fl_fail(err, FL_NOMEM, 0, "out of memory");
    return false;
}

static void put_weight(struct head *h, int row, int i, int w)
{
    h->w[(size_t)row * (size_t)((h->lin.din + 1) / 2) + (size_t)i / 2] |=
        (uint8_t)((w & 15) << i % 2 * 4);
}

/* A row's scale, with the result's fraction bits in it. */
static bool put_scale(struct head *h, int row, struct num_scale s, int frac,
                      struct fl_error *err)
{
    int exp = s.exp + frac;
    FL_FAIL_IF(exp < -100 || exp > 100, err, FL_RANGE, 0,
               "row %d of a memory's projections: its scale 2^%d does not fit "
               "the design",
               row, exp);
    h->mant[row] = s.mant;
    h->exp[row] = (int8_t)exp;
    return true;
}

/* Wq or Wk, a row for each half, bp of each in turn. */
static bool put_matrix(struct head *h, const struct num_hmt_matrix *m, int dm,
                       int bp, struct fl_error *err)
{
    int d = h->lin.din;
    for (int o = 0; o < dm; o++) {
        int hi = o / bp * 2 * bp + o % bp, lo = hi + bp;
        struct num_scale s = {m->mant[o], m->exp[o]};
        FL_TRY(put_scale(h, hi, num_scale_shift(s, 4), m->frac, err) &&
               put_scale(h, lo, s, m->frac, err));
        for (int i = 0; i < d; i++) {
            int w = m->w[(size_t)o * (size_t)d + (size_t)i];
            put_weight(h, hi, i, num_hmt_hi(w));
            put_weight(h, lo, i, num_hmt_lo(w));
        }
    }
    return true;
}

static bool make(struct head *h, enum dsn_hmt_head which,
                 const struct num_hmt *m, int bp, struct fl_error *err)
{
    int push = which == DSN_HMT_PUSH, pairs = 2 * m->dm;
    FL_TRY(head_new(h, pairs + (push ? m->d : 0), m->d, err));
    bool ok = put_matrix(h, push ? &m->k : &m->q, m->dm, bp, err);
    for (int i = 0; ok && push && i < m->d; i++) {
        put_weight(h, pairs + i, i, 1);
        ok = put_scale(h, pairs + i, m->size, m->m_frac, err);
    }
    if (!ok)
        head_free(h);
    return ok;
}

/* ---- behind the model's memories ------------------------------------------ */

static bool append(struct dsn_mem *to, const struct dsn_mem *from, size_t at,
                   size_t n, struct fl_error *err)
{
    uint8_t *data = realloc(to->data, to->bytes + n + 1);
    FL_FAIL_IF(data == NULL, err, FL_NOMEM, 0,
               "out of memory for a memory's projections");
    memcpy(data + to->bytes, from->data + at, n);
    to->data = data;
    to->bytes += n;
    return true;
}

/* Moves the head of `one` behind im's memories; r becomes its record. */
static bool move_head(struct dsn_image *im, const struct dsn_image *one,
                      uint32_t *r, struct fl_error *err)
{
    const struct dsn_config *c = &im->config;
    struct dsn_stage *to = &im->stage[DSN_DECODE];
    const struct dsn_stage *from = &one->stage[DSN_DECODE];
    const uint32_t *last = from->table + (from->steps - 1) * DSN_WORDS;
    size_t beat = (size_t)(c->bp * c->dwp / c->ch * c->wbits + 7) / 8;
    size_t side = 4 * (size_t)c->bp, mul = (size_t)c->bp;
    uint32_t layer = r[DSN_LAYER];
    memcpy(r, last, DSN_WORDS * sizeof *r);
    r[DSN_LAYER] = layer;
    r[DSN_W] = (uint32_t)(to->w[0].bytes / beat);
    r[DSN_SIDE] = (uint32_t)(to->side.bytes / side);
    r[DSN_M] = (uint32_t)(to->mul.bytes / mul);
    for (int b = 0; b < c->ch; b++)
        FL_TRY(append(&to->w[b], &from->w[b], last[DSN_W] * beat,
                      last[DSN_WLEN] * beat, err));
    return append(&to->side, &from->side, last[DSN_SIDE] * side,
                  last[DSN_SLEN] * side, err) &&
           append(&to->mul, &from->mul, last[DSN_M] * mul, last[DSN_MLEN] * mul,
                  err);
}

static bool add_head(struct dsn_hmt *h, struct dsn_image *im,
                     const struct num_qmodel *m, const struct num_hmt *memory,
                     enum dsn_hmt_head which, struct fl_error *err)
{
    const struct dsn_stage *st = &im->stage[DSN_DECODE];
    struct head head = {0};
    struct dsn_image one;
    struct num_qmodel small = *m;
    int group = dsn_group(m), layer = 0;
    while (group != 0 && layer < m->shape.layers - 1 &&
           m->layer[layer].lin[NUM_Q].group != group)
        layer++; /* so that the small model has multipliers too */
    FL_TRY(make(&head, which, memory, im->config.bp, err));
    small.shape.layers = 1;
    small.shape.vocab = 1;
    small.layer = &m->layer[layer];
    small.head = head.lin;
    small.head_site =
        (struct num_qsite){.abits = 8, .frac = NUM_NORM_FRAC, .clip = 65536};
    bool ok = dsn_image_build(&one, &small, &im->config, 1, err);
    head_free(&head);
    FL_TRY(ok);
    size_t words = (size_t)st->steps * DSN_WORDS;
    h->table[which] = malloc(words * sizeof *h->table[which]);
    ok = h->table[which] != NULL;
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    else
        memcpy(h->table[which], st->table, words * sizeof *st->table);
    ok = ok && move_head(im, &one, h->table[which] + words - DSN_WORDS, err);
    dsn_image_free(&one);
    return ok;
}

/* Rows vocab (T) and vocab + 1 (P, zeros for now) of the embedding. */
static bool add_rows(struct dsn_hmt *h, struct dsn_image *im,
                     const struct num_qmodel *m, const struct num_hmt *memory,
                     struct fl_error *err)
{
    size_t kp = (size_t)im->config.kp, row = (size_t)im->embed_row * kp;
    size_t header = (4 + kp - 1) / kp * kp, at = im->embed.bytes;
    int exp = memory->t.scale.exp + m->res_frac;
    FL_FAIL_IF(exp < -128 || exp > 127, err, FL_RANGE, 0,
               "T's scale 2^%d does not fit 8 bits", exp);
    uint8_t *data = realloc(im->embed.data, at + 2 * row + 1);
    FL_FAIL_IF(data == NULL, err, FL_NOMEM, 0, "out of memory");
    memset(data + at, 0, 2 * row + 1);
    uint32_t word = (uint32_t)memory->t.scale.mant | ((uint32_t)exp & 255u)
                                                         << 16;
    for (int i = 0; i < 4; i++)
        data[at + (size_t)i] = (uint8_t)(word >> 8 * i);
    memcpy(data + at + header, memory->t.code, (size_t)memory->d);
    im->embed.data = data;
    im->embed.bytes = at + 2 * row;
    h->row_at = (uint32_t)((m->shape.vocab + 1) * im->embed_row);
    return true;
}

bool dsn_hmt_build(struct dsn_hmt *h, struct dsn_image *im,
                   const struct num_qmodel *m, const struct num_hmt *memory,
                   struct fl_error *err)
{
    int bp = im->config.bp, kp = im->config.kp;
    *h = (struct dsn_hmt){0};
    FL_FAIL_IF(memory->d != m->shape.d, err, FL_UNSUPPORTED, 0,
               "the memory is of width %d, the model of %d", memory->d,
               m->shape.d);
    FL_FAIL_IF(memory->dm % bp != 0 || memory->d % kp != 0, err, FL_UNSUPPORTED,
               0,
               "parallelism: bp %d must divide the memory's search width %d, "
               "and kp %d its width %d",
               bp, memory->dm, kp, memory->d);
    h->slots = memory->memories > 0 ? memory->memories : 1;
    h->keys = memory->dm / bp;
    h->rows = memory->d / bp;
    h->s_scale = (uint32_t)memory->s_scale.mant |
                 ((uint32_t)num_clamp(memory->s_scale.exp, -62, 8) & 255u)
                     << 16;
    h->row_frac = memory->m_frac - NUM_HMT_DROP + NUM_HMT_SHIFT - m->res_frac;
    h->row_words = memory->d / kp;
    h->ring.bytes = (size_t)h->slots * (size_t)(h->keys + h->rows) *
                    (size_t)bp * sizeof(int16_t);
    h->ring.data = calloc(h->ring.bytes, 1);
    bool ok = h->ring.data != NULL;
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory for the queue");
    for (int which = 0; ok && which < DSN_HMT_HEADS; which++)
        ok = add_head(h, im, m, memory, (enum dsn_hmt_head)which, err);
    ok = ok && add_rows(h, im, m, memory, err);
    if (!ok)
        dsn_hmt_free(h);
    return ok;
}

void dsn_hmt_free(struct dsn_hmt *h)
{
    for (int which = 0; which < DSN_HMT_HEADS; which++)
        free(h->table[which]);
    free(h->ring.data);
    *h = (struct dsn_hmt){0};
}
