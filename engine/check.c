/* SPDX-License-Identifier: Apache-2.0 */
/* engine/check.c -- what the engine's code relies on, checked at open: a
 * model from a damaged or foreign package is refused, not run.
 */
#include "engine/engine_int.h"

static const char *const linear_name[NUM_LINEARS] = {"q",    "k",  "v",   "o",
                                                     "gate", "up", "down"};

static bool range(int64_t x, int64_t lo, int64_t hi, const char *what,
                  struct fl_error *err)
{
    FL_FAIL_IF(x < lo || x > hi, err, FL_RANGE, 0,
               "the model's %s is %lld, must be %lld to %lld", what,
               (long long)x, (long long)lo, (long long)hi);
    return true;
}

static bool mantissas(const uint16_t *mant, int n, int layer, const char *name,
                      struct fl_error *err)
{
    for (int o = 0; o < n; o++)
        FL_FAIL_IF(mant[o] && mant[o] < 32768, err, FL_RANGE, (uint64_t)o,
                   "layer %d, %s: the scale of row %d has a mantissa below "
                   "2^15",
                   layer, name, o);
    return true;
}

static bool scales(const struct num_scale *s, int n, int layer,
                   const char *name, struct fl_error *err)
{
    FL_FAIL_IF(!s, err, FL_FORMAT, 0, "layer %d: no %s scales", layer, name);
    for (int h = 0; h < n; h++)
        FL_FAIL_IF(s[h].mant < 32768, err, FL_RANGE, (uint64_t)h,
                   "layer %d: the %s scale of head %d has a mantissa below "
                   "2^15",
                   layer, name, h);
    return true;
}

static bool linear(const struct num_qlinear *q, int din, int dout, int layer,
                   const char *name, struct fl_error *err)
{
    FL_FAIL_IF(q->din != din || q->dout != dout, err, FL_FORMAT, 0,
               "layer %d, %s: %d by %d, the shape wants %d by %d", layer, name,
               q->dout, q->din, dout, din);
    FL_FAIL_IF(q->wbits != 4 && q->wbits != 8, err, FL_UNSUPPORTED, 0,
               "layer %d, %s: %d-bit weights, the engine has 4 and 8", layer,
               name, q->wbits);
    FL_FAIL_IF(q->wide < 0 || q->wide > din ||
                   (q->wide > 0 && (q->wbits != 4 || q->group || !q->w8)),
               err, FL_UNSUPPORTED, 0,
               "layer %d, %s: %d wide inputs of %d; only 4-bit weights without "
               "groups have them",
               layer, name, q->wide, din);
    FL_FAIL_IF(q->group < 0 || (q->group && din % q->group), err, FL_FORMAT, 0,
               "layer %d, %s: groups of %d do not divide %d inputs", layer,
               name, q->group, din);
    FL_FAIL_IF(
        !q->w || !q->mant || !q->exp || !q->colsum || (q->group && !q->mul),
        err, FL_FORMAT, 0, "layer %d, %s: an array is missing", layer, name);
    FL_FAIL_IF(q->obits < 2 || q->obits > 32 || q->frac < -64 || q->frac > 64,
               err, FL_RANGE, 0,
               "layer %d, %s: result of %d bits, %d of them "
               "fraction",
               layer, name, q->obits, q->frac);
    return mantissas(q->mant, dout, layer, name, err);
}

static bool site(const struct num_qsite *s, int width, int layer,
                 struct fl_error *err)
{
    FL_FAIL_IF(s->wide < 0 || s->wide > (s->abits == 4 ? width : 0), err,
               FL_UNSUPPORTED, 0, "layer %d: %d wide channels of %d-bit inputs",
               layer, s->wide, s->abits);
    FL_FAIL_IF(s->abits != 4 && s->abits != 8, err, FL_UNSUPPORTED, 0,
               "layer %d: %d-bit activations, the engine has 4 and 8", layer,
               s->abits);
    FL_FAIL_IF(s->clip < 1 || s->clip > 65536 || s->frac < -64 || s->frac > 64,
               err, FL_RANGE, 0, "layer %d: clip %u / 65536, %d fraction bits",
               layer, s->clip, s->frac);
    return true;
}

static bool layer(const struct num_qmodel *m, int i, struct fl_error *err)
{
    const struct num_shape *s = &m->shape;
    const struct num_qlayer *l = &m->layer[i];
    int dq = s->nq * s->head, dkv = s->nkv * s->head;
    int din[] = {s->d, s->d, s->d, dq, s->d, s->d, s->ffn};
    int dout[] = {dq, dkv, dkv, s->d, s->ffn, s->ffn, s->d};
    const int width[4] = {s->d, dq, s->d, s->ffn};
    for (int j = 0; j < 4; j++)
        FL_TRY(site(&l->site[j], width[j], i, err));
    for (int j = 0; j < NUM_LINEARS; j++)
        FL_TRY(linear(&l->lin[j], din[j], dout[j], i, linear_name[j], err));
    for (int j = 0; j < NUM_DOWN; j++)
        FL_FAIL_IF(j != NUM_O && l->lin[j].obits > NUM_ACT_BITS, err, FL_RANGE,
                   0, "layer %d, %s: result of %d bits, at most %d", i,
                   linear_name[j], l->lin[j].obits, NUM_ACT_BITS);
    FL_FAIL_IF(l->lin[NUM_GATE].frac < 0 || l->lin[NUM_GATE].frac > 26 ||
                   l->lin[NUM_UP].frac < 0 || l->lin[NUM_UP].frac > 26 ||
                   l->h_frac < 0 || l->h_frac > 26,
               err, FL_RANGE, 0,
               "layer %d: gate, up and their product have "
               "%d, %d, %d fraction bits, must be 0 to 26",
               i, l->lin[NUM_GATE].frac, l->lin[NUM_UP].frac, l->h_frac);
    return scales(l->q_scale, s->nq, i, "q", err) &&
           scales(l->k_scale, s->nkv, i, "k", err) &&
           scales(l->v_scale, s->nkv, i, "v", err) &&
           scales(l->s_scale, s->nq, i, "score", err) &&
           scales(l->o_scale, s->nkv, i, "attention output", err);
}

bool eng_check(const struct num_qmodel *m, struct fl_error *err)
{
    const struct num_shape *s = &m->shape;
    FL_TRY(range(s->layers, 1, NUM_MAX_LAYERS, "number of layers", err));
    FL_TRY(range(s->d, 1, NUM_MAX_DIM, "hidden size", err));
    FL_TRY(range(s->ffn, 1, NUM_MAX_DIM, "feed-forward size", err));
    FL_TRY(range(s->head, 2, NUM_MAX_HEAD, "head size", err));
    FL_TRY(range(s->nkv, 1, NUM_MAX_DIM, "number of key/value heads", err));
    FL_TRY(range(s->nq, 1, NUM_MAX_DIM, "number of query heads", err));
    FL_TRY(range((int64_t)s->nq * s->head, 2, NUM_MAX_DIM, "width of attention",
                 err));
    FL_TRY(
        range((int64_t)s->nkv * s->head, 2, NUM_MAX_DIM, "width of keys", err));
    FL_TRY(range(s->vocab, 1, NUM_MAX_VOCAB, "vocabulary", err));
    FL_TRY(range(m->seq, 1, NUM_MAX_SEQ, "longest sequence", err));
    FL_TRY(range(m->res_frac, 0, 31, "residual fraction", err));
    FL_FAIL_IF(s->head % 2 || s->nq % s->nkv, err, FL_FORMAT, 0,
               "heads of %d channels, %d query and %d key/value heads: the "
               "first must be even, the last divide the second",
               s->head, s->nq, s->nkv);
    FL_FAIL_IF(m->kvbits != 8, err, FL_UNSUPPORTED, 0,
               "a %d-bit KV cache, the engine has 8", m->kvbits);
    FL_FAIL_IF(!m->layer || !m->embed || !m->embed_mant || !m->embed_exp ||
                   !m->rope,
               err, FL_FORMAT, 0,
               "the model lacks layers, an embedding or a "
               "rotary table");
    FL_FAIL_IF(m->sqrt_d.mant < 32768, err, FL_RANGE, 0,
               "the model's sqrt(d) has a mantissa below 2^15");
    FL_TRY(mantissas(m->embed_mant, s->vocab, -1, "embedding", err));
    for (int i = 0; i < s->layers; i++)
        FL_TRY(layer(m, i, err));
    return site(&m->head_site, s->d, s->layers, err) &&
           linear(&m->head, s->d, s->vocab, s->layers, "head", err);
}
