/* SPDX-License-Identifier: Apache-2.0 */
/* designs/image.c -- fills the memories of image.h, one step after another.
 * Every region is written twice by the same code: first to count its bytes,
 * then for real (a cursor without data only moves). */
#include "designs/image.h"
#include <stdlib.h>
#include <string.h>

/* ---- cursors ------------------------------------------------------------- */

struct cursor {
    uint8_t *data; /* NULL: counting */
    size_t at;     /* bytes */
};

static void put_byte(struct cursor *c, unsigned v)
{
    if (c->data != 0)
        c->data[c->at] = (uint8_t)v;
    c->at++;
}

static void put_word(struct cursor *c, uint32_t v)
{
    for (int i = 0; i < 32; i += 8)
        put_byte(c, v >> i & 255);
}

/* ---- the rows of a step -------------------------------------------------- */

struct step {
    enum dsn_kind kind;
    const struct num_qsite *site;
    const struct num_qlayer *layer; /* NULL: head */
    const struct num_qlinear *lin[3];
    int lins;
    int dout; /* all linears' rows, padded to a multiple of bp */
};

static const struct num_qlinear *row_of(const struct step *s, int bp, int row,
                                        int *o)
{
    int i = 0;
    if (s->kind == DSN_GU) {
        i = row / bp % 2;
        *o = row / bp / 2 * bp + row % bp;
        return s->lin[i];
    }
    while (i < s->lins && row >= s->lin[i]->dout)
        row -= s->lin[i++]->dout;
    *o = row;
    return i < s->lins ? s->lin[i] : 0; /* padding of the head */
}

static struct step step_of(const struct num_qmodel *m, int layer,
                           enum dsn_kind kind, int bp)
{
    struct step s = {.kind = kind, .site = &m->head_site, .lins = 1};
    s.lin[0] = &m->head;
    if (kind != DSN_HEAD) {
        static const enum num_site site[] = {NUM_SITE_ATTN, NUM_SITE_ATTN,
                                             NUM_SITE_O, NUM_SITE_FFN,
                                             NUM_SITE_DOWN};
        static const enum num_linear first[] = {NUM_K, NUM_K, NUM_O, NUM_GATE,
                                                NUM_DOWN};
        s.layer = &m->layer[layer];
        s.site = &s.layer->site[site[kind]];
        s.lin[0] = &s.layer->lin[first[kind]];
        if (kind == DSN_KVQ || kind == DSN_KV)
            s.lin[s.lins++] = &s.layer->lin[NUM_V];
        if (kind == DSN_GU)
            s.lin[s.lins++] = &s.layer->lin[NUM_UP];
        if (kind == DSN_KVQ)
            s.lin[s.lins++] = &s.layer->lin[NUM_Q];
    }
    for (int i = 0; i < s.lins; i++)
        s.dout += s.lin[i]->dout;
    s.dout = (s.dout + bp - 1) / bp * bp;
    return s;
}

/* ---- weights: one beat a whole number of bytes -------------------------- */

struct lanes {
    int group;
    int channels, bp, wp, wbits; /* of the stage; a channel has bp wp / channels
                                    lanes */
};

static int beat_bytes(const struct lanes *p)
{
    return (p->bp * p->wp / p->channels * p->wbits + 7) / 8;
}

static size_t weight_beats(const struct step *s, const struct lanes *p)
{
    return (size_t)((s->dout + p->wp - 1) / p->wp) *
           (size_t)(s->lin[0]->din / p->bp);
}

static void put_weights(struct cursor *c, const struct step *s,
                        const struct lanes *p, int channel)
{
    int bytes = beat_bytes(p), din = s->lin[0]->din;
    int lanes = p->bp * p->wp / p->channels;
    size_t all = weight_beats(s, p) * (size_t)bytes;
    uint8_t *out = c->data;
    c->at += all;
    if (out == 0)
        return;
    out += c->at - all;
    unsigned mask = p->wbits == 8 ? 255 : 15;
    for (int tile = 0; tile < s->dout; tile += p->wp)
        for (int j = 0; j < lanes; j++) {
            int lane = channel * lanes + j, bit = j * p->wbits, o;
            int row = tile + lane / p->bp;
            const struct num_qlinear *l =
                row < s->dout ? row_of(s, p->bp, row, &o) : 0;
            uint8_t *b =
                out +
                (size_t)(tile / p->wp) * (size_t)(din / p->bp) * (size_t)bytes +
                bit / 8;
            for (int i = lane % p->bp; l != 0 && i < din; i += p->bp) {
                *b |= (uint8_t)(((unsigned)num_weight(l, o, i) & mask)
                                << bit % 8);
                b += bytes;
            }
        }
}

/* ---- multipliers of weight groups ---------------------------------------- */

static void put_multipliers(struct cursor *c, const struct step *s,
                            const struct lanes *p)
{
    int din = s->lin[0]->din;
    if (p->group != 0 && c->data == 0) {
        c->at += (size_t)((s->dout + p->wp - 1) / p->wp) * (size_t)p->wp *
                 (size_t)((din + p->group - 1) / p->group);
        return;
    }
    for (int tile = 0; p->group != 0 && tile < s->dout; tile += p->wp)
        for (int i = 0; i < din; i += p->group)
            for (int row = tile; row < tile + p->wp; row++) {
                int o;
                const struct num_qlinear *l =
                    row < s->dout ? row_of(s, p->bp, row, &o) : 0;
                put_byte(c, l != 0 && l->group != 0
                                ? l->mul[(size_t)o * (size_t)(din / l->group) +
                                         (size_t)(i / l->group)]
                                : 1);
            }
}

/* ---- side words ---------------------------------------------------------- */

static uint32_t scale_word(struct num_scale s)
{
    return (uint32_t)s.mant | ((uint32_t)s.exp & 255u) << 16;
}

/* A beat a head: its scale in every lane. */
static void put_scales(struct cursor *c, const struct num_scale *s, int heads,
                       int bp)
{
    if (c->data == 0)
        c->at += 4 * (size_t)heads * (size_t)bp;
    for (int h = 0; c->data != 0 && h < heads; h++)
        for (int k = 0; k < bp; k++)
            put_word(c, scale_word(s[h]));
}

static void put_rows(struct cursor *c, const struct step *s, int bp)
{
    if (c->data == 0)
        c->at += 12 * (size_t)s->dout;
    for (int row = 0; c->data != 0 && row < s->dout; row += bp)
        for (int what = 0; what < 3; what++)
            for (int k = 0; k < bp; k++) {
                int o;
                const struct num_qlinear *l = row_of(s, bp, row + k, &o);
                struct num_scale w = {1u << 15, -100};
                if (l != 0) {
                    w.mant = l->mant[o];
                    w.exp = (int16_t)(l->exp[o] + l->frac - s->site->frac);
                }
                put_word(c, what == 0 ? scale_word(w)
                            : l == 0  ? 0
                            : what == 1
                                ? (uint32_t)l->colsum[o]
                                : (l->bias == 0 ? 0 : (uint32_t)l->bias[o]));
            }
}

static void put_side(struct cursor *c, const struct step *s,
                     const struct num_shape *shape, int bp)
{
    for (int i = 0; i < s->lin[0]->din; i++)
        put_word(c, s->site->mean == 0 ? 0 : (uint32_t)s->site->mean[i]);
    if (s->kind == DSN_KVQ || s->kind == DSN_KV) {
        put_scales(c, s->layer->k_scale, shape->nkv, bp);
        put_scales(c, s->layer->v_scale, shape->nkv, bp);
    }
    if (s->kind == DSN_KVQ) {
        put_scales(c, s->layer->q_scale, shape->nq, bp);
        put_scales(c, s->layer->s_scale, shape->nq, bp);
        put_scales(c, s->layer->o_scale, shape->nkv, bp);
    }
    put_rows(c, s, bp);
}

/* ---- a stage ------------------------------------------------------------- */

/* What the datapath cannot do is refused here, once. */
static bool step_check(const struct step *s, int layer, struct fl_error *err)
{
    static const char *const name[] = {"q, k, v",     "k, v", "o",
                                       "gate and up", "down", "head"};
    FL_FAIL_IF(s->site->wide % 8 != 0 || s->site->wide > 8 * 255, err,
               FL_UNSUPPORTED, 0,
               "layer %d, %s: %d wide channels; the designs take a multiple of "
               "8 up to 2040",
               layer, name[s->kind], s->site->wide);
    for (int i = 0; i < s->lins; i++) {
        const struct num_qlinear *l = s->lin[i];
        int wide = s->kind == DSN_O || s->kind == DSN_DOWN;
        FL_FAIL_IF(l->obits != (wide ? NUM_RES_BITS : NUM_ACT_BITS), err,
                   FL_UNSUPPORTED, 0,
                   "layer %d, %s: results of %d bits, the designs make %d",
                   layer, name[s->kind], l->obits,
                   wide ? NUM_RES_BITS : NUM_ACT_BITS);
        for (int o = 0; l->exp != 0 && o < l->dout; o++) {
            int exp = l->exp[o] + l->frac - s->site->frac;
            FL_FAIL_IF(exp < -128 || exp > 127, err, FL_RANGE, 0,
                       "layer %d, %s, row %d: scale 2^%d does not fit 8 bits",
                       layer, name[s->kind], o, exp);
        }
    }
    return true;
}

/* Where a step's words begin or end, in beats of their ports. */
struct mark {
    size_t w, side, mul;
};

static struct mark mark_at(const struct cursor *w, const struct cursor *side,
                           const struct cursor *mul, const struct lanes *p)
{
    struct mark m = {w->at / (size_t)beat_bytes(p),
                     side->at / (4 * (size_t)p->bp), mul->at / (size_t)p->bp};
    return m;
}

static void put_record(uint32_t *r, const struct step *s, int layer,
                       struct mark from, struct mark to)
{
    r[DSN_OP] = (uint32_t)s->kind | (uint32_t)s->site->abits << 8 |
                (uint32_t)s->lin[0]->obits << 16 |
                (uint32_t)s->site->wide / 8 << 24;
    r[DSN_DIN] = (uint32_t)s->lin[0]->din;
    r[DSN_DOUT] = (uint32_t)s->dout;
    r[DSN_CLIP] = s->site->clip;
    if (s->kind == DSN_GU)
        r[DSN_FRAC] = (uint32_t)s->lin[0]->frac |
                      (uint32_t)s->lin[1]->frac << 8 |
                      (uint32_t)s->layer->h_frac << 16;
    r[DSN_W] = (uint32_t)from.w;
    r[DSN_WLEN] = (uint32_t)(to.w - from.w);
    r[DSN_SIDE] = (uint32_t)from.side;
    r[DSN_SLEN] = (uint32_t)(to.side - from.side);
    r[DSN_M] = (uint32_t)from.mul;
    r[DSN_MLEN] = (uint32_t)(to.mul - from.mul);
    r[DSN_LAYER] = (uint32_t)layer;
}

/* Prefill makes the cache and nothing else: its last layer stops after k and
 * v, and the logits of the last prompt token are decode's. */
static bool has_step(int stage, int layer, int layers, enum dsn_kind kind)
{
    if (layer == layers)
        return kind == DSN_HEAD && stage == DSN_DECODE;
    bool last = stage == DSN_PREFILL && layer == layers - 1;
    return kind != DSN_HEAD && last == (kind == DSN_KV);
}

/* Writes every step through the cursors: w (channels), side; and the table
 * where there is one. */
static bool stage_put(struct dsn_stage *st, const struct num_qmodel *m,
                      int stage, const struct lanes *p, struct cursor *w,
                      struct cursor *side, struct cursor *mul,
                      struct fl_error *err)
{
    int layers = m->shape.layers, steps = 0;
    for (int l = 0; l <= layers; l++)
        for (int kind = DSN_KVQ; kind <= DSN_HEAD; kind++) {
            if (!has_step(stage, l, layers, (enum dsn_kind)kind))
                continue;
            struct step s = step_of(m, l, (enum dsn_kind)kind, p->bp);
            FL_TRY(step_check(&s, l, err));
            struct mark from = mark_at(w, side, mul, p);
            for (int b = 0; b < p->channels; b++)
                put_weights(&w[b], &s, p, b);
            put_side(side, &s, &m->shape, p->bp);
            put_multipliers(mul, &s, p);
            struct mark to = mark_at(w, side, mul, p);
            FL_FAIL_IF(to.w > UINT32_MAX || to.side > UINT32_MAX ||
                           to.mul > UINT32_MAX,
                       err, FL_UNSUPPORTED, 0,
                       "more than 2^32 beats of weights: raise wp");
            if (st->table != 0)
                put_record(st->table + steps * DSN_WORDS, &s, l, from, to);
            steps++;
        }
    st->steps = steps;
    return true;
}

/* A plan has sizes and no bytes. */
static bool mem_new(struct dsn_mem *m, bool plan, size_t bytes,
                    const char *what, struct fl_error *err)
{
    m->bytes = bytes;
    if (plan)
        return true;
    m->data = calloc(bytes + 1, 1);
    FL_FAIL_IF(m->data == 0, err, FL_NOMEM, 0,
               "out of memory: %zu bytes for the device's %s", bytes, what);
    return true;
}

static bool stage_build(struct dsn_stage *st, const struct num_qmodel *m,
                        int stage, const struct lanes *p, bool plan,
                        struct fl_error *err)
{
    struct cursor w[DSN_MAX_CH] = {{0}}, side = {0}, mul = {0};
    FL_TRY(stage_put(st, m, stage, p, w, &side, &mul, err));
    st->table = calloc((size_t)st->steps + 1, DSN_WORDS * sizeof *st->table);
    FL_FAIL_IF(st->table == 0, err, FL_NOMEM, 0, "out of memory");
    for (int b = 0; b < p->channels; b++) {
        FL_TRY(mem_new(&st->w[b], plan, w[b].at, "weights", err));
        w[b] = (struct cursor){.data = st->w[b].data};
    }
    FL_TRY(mem_new(&st->side, plan, side.at, "scales", err));
    FL_TRY(mem_new(&st->mul, plan, mul.at, "multipliers", err));
    side = (struct cursor){.data = st->side.data};
    mul = (struct cursor){.data = st->mul.data};
    return stage_put(st, m, stage, p, w, &side, &mul, err);
}

/* ---- what both stages share --------------------------------------------- */

static bool shared_build(struct dsn_image *im, const struct num_qmodel *m,
                         bool plan, struct fl_error *err)
{
    const struct num_shape *s = &m->shape;
    size_t d = (size_t)s->d;
    size_t kp = (size_t)im->config.kp, header = (4 + kp - 1) / kp * kp;
    size_t row = header + (d + kp - 1) / kp * kp; /* bytes */
    im->embed_row = (int)(row / kp);
    FL_TRY(mem_new(&im->embed, plan, (size_t)s->vocab * row, "embedding", err));
    struct cursor c = {0};
    for (int t = 0; !plan && t < s->vocab; t++) {
        int exp = m->embed_exp[t] + m->res_frac;
        FL_FAIL_IF(exp < -128 || exp > 127, err, FL_RANGE, 0,
                   "embedding row %d: scale 2^%d does not fit 8 bits", t, exp);
        c = (struct cursor){im->embed.data, (size_t)t * row};
        put_word(
            &c, scale_word((struct num_scale){m->embed_mant[t], (int16_t)exp}));
        c.at = (size_t)t * row + header;
        for (size_t i = 0; i < d; i++)
            put_byte(&c, (uint8_t)m->embed[(size_t)t * d + i]);
    }
    size_t words = (size_t)im->cap * (size_t)(s->head / 2);
    FL_TRY(mem_new(&im->rope, plan, 4 * words, "rotations", err));
    c = (struct cursor){.data = im->rope.data};
    for (size_t i = 0; !plan && i < words; i++) {
        int live = i < (size_t)m->seq * (size_t)(s->head / 2);
        put_word(&c, live ? (uint32_t)(uint16_t)m->rope[2 * i] |
                                (uint32_t)(uint16_t)m->rope[2 * i + 1] << 16
                          : 0);
    }
    int shard = (s->nkv + im->config.hp - 1) / im->config.hp; /* heads */
    size_t bytes =
        (size_t)s->layers * (size_t)shard * (size_t)im->cap * (size_t)s->head;
    size_t stripes = (size_t)im->config.hp;
    FL_TRY(mem_new(&im->k[0], plan, stripes * bytes, "key cache", err));
    FL_TRY(mem_new(&im->v[0], plan, stripes * bytes, "value cache", err));
    for (size_t a = 0; a < stripes; a++) {
        im->k[a] =
            (struct dsn_mem){plan ? 0 : im->k[0].data + a * bytes, bytes};
        im->v[a] =
            (struct dsn_mem){plan ? 0 : im->v[0].data + a * bytes, bytes};
    }
    return true;
}

static bool build(struct dsn_image *im, const struct num_qmodel *m,
                  const struct dsn_config *c, int cap, bool plan,
                  struct fl_error *err)
{
    *im = (struct dsn_image){.config = *c};
    FL_TRY(dsn_config_check(&im->config, m, err));
    c = &im->config;
    FL_FAIL_IF(cap < 1 || cap > m->seq, err, FL_RANGE, 0,
               "%d positions wanted, the model has %d", cap, m->seq);
    im->cap = (cap + c->tp - 1) / c->tp * c->tp;
    int group = dsn_group(m);
    struct lanes pre = {group, c->pch, 1, c->wp, c->wbits};
    struct lanes dec = {group, c->ch, c->bp, c->dwp, c->wbits};
    bool ok =
        stage_build(&im->stage[DSN_PREFILL], m, DSN_PREFILL, &pre, plan, err) &&
        stage_build(&im->stage[DSN_DECODE], m, DSN_DECODE, &dec, plan, err) &&
        shared_build(im, m, plan, err);
    if (!ok)
        dsn_image_free(im);
    return ok;
}

bool dsn_image_build(struct dsn_image *im, const struct num_qmodel *m,
                     const struct dsn_config *c, int cap, struct fl_error *err)
{
    return build(im, m, c, cap, false, err);
}

bool dsn_image_plan(struct dsn_image *im, const struct num_qmodel *m,
                    const struct dsn_config *c, int cap, struct fl_error *err)
{
    return build(im, m, c, cap, true, err);
}

void dsn_image_free(struct dsn_image *im)
{
    for (int s = 0; s < DSN_STAGES; s++) {
        for (int b = 0; b < DSN_MAX_CH; b++)
            free(im->stage[s].w[b].data);
        free(im->stage[s].side.data);
        free(im->stage[s].mul.data);
        free(im->stage[s].table);
    }
    free(im->k[0].data);
    free(im->v[0].data);
    free(im->embed.data);
    free(im->rope.data);
    *im = (struct dsn_image){0};
}
