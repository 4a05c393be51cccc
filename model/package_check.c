/* SPDX-License-Identifier: Apache-2.0 */
#include "model/package_check.h"
#include "model/package_layout.h"
#include <stdio.h>
#include <stdlib.h>

enum { MAX_FRAC = 26, MAX_EXP = 100 };

bool pkg_check_format(int abits, int wbits, int group, int din,
                      const char *name, const char *what, struct fl_error *err)
{
    FL_FAIL_IF(abits != 4 && abits != 8, err, FL_FORMAT, 0,
               "%s: %s has %d-bit inputs, not 4 or 8", name, what, abits);
    FL_FAIL_IF(wbits != 4 && wbits != 8, err, FL_FORMAT, 0,
               "%s: %s has %d-bit weights, not 4 or 8", name, what, wbits);
    FL_FAIL_IF(group < 0 || group > din || (group > 0 && din % group != 0), err,
               FL_FORMAT, 0, "%s: %s has groups of %d in a row of %d", name,
               what, group, din);
    return true;
}

bool pkg_check_params(const struct num_shape *s, int layer,
                      const int32_t *param, const char *name,
                      struct fl_error *err)
{
    static const int site[NUM_LINEARS] = {
        NUM_SITE_ATTN, NUM_SITE_ATTN, NUM_SITE_ATTN, NUM_SITE_O,
        NUM_SITE_FFN,  NUM_SITE_FFN,  NUM_SITE_DOWN};
    char what[32];
    for (int i = 0; i < NUM_LINEARS; i++) {
        int din = i == NUM_O ? s->nq * s->head : i == NUM_DOWN ? s->ffn : s->d;
        snprintf(what, sizeof what, "linear %d of layer %d", i, layer);
        FL_TRY(pkg_check_format(param[PKG_ABITS + site[i]],
                                param[PKG_WBITS + i], param[PKG_GROUP + i], din,
                                name, what, err));
    }
    for (int i = 0; i < 4; i++)
        FL_FAIL_IF(param[PKG_CLIP + i] < 1 || param[PKG_CLIP + i] > 65536, err,
                   FL_FORMAT, 0, "%s: layer %d: a clip of %d / 65536", name,
                   layer, param[PKG_CLIP + i]);
    for (int i = PKG_FRAC_Q; i <= PKG_FRAC_H; i++)
        FL_FAIL_IF(param[i] < 0 || param[i] > MAX_FRAC, err, FL_FORMAT, 0,
                   "%s: layer %d: %d fraction bits, not 0 to %d", name, layer,
                   param[i], MAX_FRAC);
    return true;
}

static bool bad_scale(struct num_scale s)
{
    return s.mant < 0x8000 || s.exp < -MAX_EXP || s.exp > MAX_EXP;
}

static bool scales(const struct num_scale *s, int n, const char *name,
                   int layer, const char *what, struct fl_error *err)
{
    for (int i = 0; i < n; i++)
        FL_FAIL_IF(bad_scale(s[i]), err, FL_FORMAT, 0,
                   "%s: %s of head %d, layer %d is %d * 2^%d, which is no "
                   "scale",
                   name, what, i, layer, s[i].mant, s[i].exp);
    return true;
}

static bool mean(const struct num_qsite *s, int n, const char *name, int layer,
                 struct fl_error *err)
{
    for (int i = 0; s->mean != NULL && i < n; i++)
        FL_FAIL_IF(num_sat(s->mean[i], NUM_ACT_BITS) != s->mean[i], err,
                   FL_FORMAT, 0, "%s: a mean of layer %d has more than %d bits",
                   name, layer, NUM_ACT_BITS);
    return true;
}

/* Sums of the codes and of their magnitudes over w[0 .. n) of a row. */
struct sums {
    int64_t plain, mag;
    bool bad; /* a code of -128 */
};

static struct sums sum8(const int8_t *w, int n)
{
    int32_t plain = 0, mag = 0, least = 0;
    for (int i = 0; i < n; i++) {
        plain += w[i];
        mag += w[i] < 0 ? -w[i] : w[i];
        least = w[i] < least ? w[i] : least;
    }
    return (struct sums){plain, mag, least < -127};
}

static struct sums sum4(const uint8_t *row, int from, int n)
{
    int32_t plain = 0, mag = 0;
    for (int i = from; i < from + n; i++) {
        int c = ((row[i / 2] >> (i % 2 * 4) & 15) ^ 8) - 8;
        plain += c;
        mag += c < 0 ? -c : c;
    }
    return (struct sums){plain, mag, false};
}

static bool linear(const struct num_qlinear *l, int most, const char *name,
                   const char *what, struct fl_error *err)
{
    int group = l->group > 0 ? l->group : l->din, groups = l->din / group;
    int narrow = l->din - l->wide;
    size_t bytes = (size_t)(l->wbits == 8 ? l->din : (narrow + 1) / 2);
    for (int o = 0; o < l->dout; o++) {
        const uint8_t *row = l->w + (size_t)o * bytes;
        int64_t col = 0, bound = 0;
        bool bad = l->wbits == 4 && narrow % 2 && row[bytes - 1] >> 4 != 0;
        if (l->wide > 0) {
            struct sums s = sum8(l->w8 + (size_t)o * (size_t)l->wide, l->wide);
            struct sums t = sum4(row, 0, narrow);
            col = s.plain + NUM_WIDE_UNIT * t.plain;
            bound = (s.mag + NUM_WIDE_UNIT * t.mag) * most;
            bad = bad || s.bad;
        }
        for (int g = 0; l->wide == 0 && g < groups; g++) {
            int mul = l->group > 0
                          ? l->mul[(size_t)o * (size_t)groups + (size_t)g]
                          : 1;
            struct sums s = l->wbits == 8
                                ? sum8((const int8_t *)row + g * group, group)
                                : sum4(row, g * group, group);
            col += mul * s.plain;
            bound += mul * s.mag * most;
            bad = bad || s.bad || mul == 0;
        }
        FL_FAIL_IF(bad, err, FL_FORMAT, 0,
                   "%s: row %d of %s has a code outside its range", name, o,
                   what);
        FL_FAIL_IF(col != l->colsum[o], err, FL_FORMAT, 0,
                   "%s: row %d of %s does not have the column sum stated", name,
                   o, what);
        FL_FAIL_IF(bound >= (int64_t)1 << 38, err, FL_FORMAT, 0,
                   "%s: row %d of %s can reach a sum of more than 38 bits",
                   name, o, what);
        FL_FAIL_IF(l->mant[o] < 0x8000 || abs(l->exp[o]) > MAX_EXP, err,
                   FL_FORMAT, 0, "%s: row %d of %s: %d * 2^%d is no scale",
                   name, o, what, l->mant[o], l->exp[o]);
    }
    return true;
}

static bool layer(const struct num_qmodel *m, int i, const char *name,
                  struct fl_error *err)
{
    static const char *const lin[NUM_LINEARS] = {"q",    "k",  "v",   "o",
                                                 "gate", "up", "down"};
    static const int site[NUM_LINEARS] = {
        NUM_SITE_ATTN, NUM_SITE_ATTN, NUM_SITE_ATTN, NUM_SITE_O,
        NUM_SITE_FFN,  NUM_SITE_FFN,  NUM_SITE_DOWN};
    const struct num_qlayer *l = &m->layer[i];
    int nq = m->shape.nq, nkv = m->shape.nkv;
    for (int k = 0; k < NUM_LINEARS; k++) {
        char what[40];
        snprintf(what, sizeof what, "%s in layer %d", lin[k], i);
        FL_TRY(linear(&l->lin[k], num_input_most(&l->site[site[k]]), name, what,
                      err));
        FL_TRY(mean(&l->site[site[k]], l->lin[k].din, name, i, err));
    }
    return scales(l->q_scale, nq, name, i, "q_scale", err) &&
           scales(l->k_scale, nkv, name, i, "k_scale", err) &&
           scales(l->v_scale, nkv, name, i, "v_scale", err) &&
           scales(l->s_scale, nq, name, i, "s_scale", err) &&
           scales(l->o_scale, nkv, name, i, "o_scale", err);
}

/* All signs, or all zeros. */
static bool turn(const struct num_qmodel *m, const char *name,
                 struct fl_error *err)
{
    for (int i = 0; m->turn != NULL && i < m->shape.d; i++)
        FL_FAIL_IF(abs(m->turn[i]) > 1 || abs(m->turn[i]) != abs(m->turn[0]),
                   err, FL_FORMAT, 0, "%s: 'turn' has %d at %d, not a sign",
                   name, m->turn[i], i);
    return true;
}

/* Rows of length one. */
static bool basis(const struct num_qmodel *m, const char *name,
                  struct fl_error *err)
{
    size_t d = (size_t)m->shape.d;
    for (size_t i = 0; m->basis != NULL && i < d; i++) {
        double sum = 0;
        for (size_t k = 0; k < d; k++)
            sum += (double)m->basis[i * d + k] * m->basis[i * d + k];
        FL_FAIL_IF(!(sum > 0.99 && sum < 1.01), err, FL_FORMAT, 0,
                   "%s: row %zu of 'basis' does not have length one", name, i);
    }
    return true;
}

bool pkg_check_model(const struct num_qmodel *m, const char *name,
                     struct fl_error *err)
{
    for (int t = 0; t < m->shape.vocab; t++) {
        FL_FAIL_IF(m->embed_mant[t] < 0x8000 || abs(m->embed_exp[t]) > MAX_EXP,
                   err, FL_FORMAT, 0,
                   "%s: row %d of the embedding: %d * 2^%d is no scale", name,
                   t, m->embed_mant[t], m->embed_exp[t]);
        size_t d = (size_t)m->shape.d;
        FL_FAIL_IF(sum8(m->embed + (size_t)t * d, m->shape.d).bad, err,
                   FL_FORMAT, 0,
                   "%s: row %d of the embedding has a code of -128", name, t);
    }
    FL_TRY(turn(m, name, err) && basis(m, name, err));
    FL_TRY(mean(&m->head_site, m->shape.d, name, -1, err));
    FL_TRY(
        linear(&m->head, num_input_most(&m->head_site), name, "the head", err));
    for (int i = 0; i < m->shape.layers; i++)
        FL_TRY(layer(m, i, name, err));
    return true;
}
