/* SPDX-License-Identifier: Apache-2.0 */
#include "model/package_layout.h"
#include <stdio.h>

const struct pkg_dtype pkg_dtype[PKG_TYPES] = {
    [PKG_U8] = {"U8", 1},   [PKG_I8] = {"I8", 1},   [PKG_U16] = {"U16", 2},
    [PKG_I16] = {"I16", 2}, [PKG_I32] = {"I32", 4}, [PKG_F32] = {"F32", 4},
    [PKG_F64] = {"F64", 8}};

struct walk {
    pkg_visit *visit;
    void *state;
    struct fl_error *err;
    char prefix[32];
};

static bool visit(struct walk *w, const char *name, enum pkg_type type, int a,
                  int b, const void *field, bool optional)
{
    char full[64];
    snprintf(full, sizeof full, "%s%s", w->prefix, name);
    struct pkg_tensor t = {full,
                           type,
                           {(uint64_t)a, (uint64_t)b, 0},
                           (const void **)(uintptr_t)field,
                           optional};
    return w->visit(w->state, &t, w->err);
}

static bool linear(struct walk *w, const char *name, struct num_qlinear *l)
{
    char prefix[32], keep[32];
    snprintf(keep, sizeof keep, "%s", w->prefix);
    snprintf(prefix, sizeof prefix, "%.16s%.8s.", keep, name);
    snprintf(w->prefix, sizeof w->prefix, "%s", prefix);
    bool ok =
        (l->wbits == 8
             ? visit(w, "w", PKG_I8, l->dout, l->din, &l->w, 0)
             : visit(w, "w", PKG_U8, l->dout, (l->din - l->wide + 1) / 2, &l->w,
                     l->wide == l->din)) &&
        (l->wide == 0 || visit(w, "w8", PKG_I8, l->dout, l->wide, &l->w8, 0)) &&
        visit(w, "mant", PKG_U16, l->dout, 0, &l->mant, 0) &&
        visit(w, "exp", PKG_I8, l->dout, 0, &l->exp, 0) &&
        (l->group == 0 ||
         visit(w, "mul", PKG_U8, l->dout, l->din / l->group, &l->mul, 0)) &&
        visit(w, "colsum", PKG_I32, l->dout, 0, &l->colsum, 0) &&
        visit(w, "bias", PKG_I32, l->dout, 0, &l->bias, 1);
    snprintf(w->prefix, sizeof w->prefix, "%s", keep);
    return ok;
}

static bool layer(struct walk *w, const struct num_shape *s,
                  struct num_qlayer *l)
{
    static const char *const lin[NUM_LINEARS] = {"q",    "k",  "v",   "o",
                                                 "gate", "up", "down"};
    static const char *const mean[4] = {"attn.mean", "o.mean", "ffn.mean",
                                        "down.mean"};
    const int width[4] = {s->d, s->nq * s->head, s->d, s->ffn};
    for (int i = 0; i < 4; i++)
        FL_TRY(visit(w, mean[i], PKG_I32, width[i], 0, &l->site[i].mean, 1));
    for (int i = 0; i < NUM_LINEARS; i++)
        FL_TRY(linear(w, lin[i], &l->lin[i]));
    return visit(w, "q_scale", PKG_U16, s->nq, 2, &l->q_scale, 0) &&
           visit(w, "k_scale", PKG_U16, s->nkv, 2, &l->k_scale, 0) &&
           visit(w, "v_scale", PKG_U16, s->nkv, 2, &l->v_scale, 0) &&
           visit(w, "s_scale", PKG_U16, s->nq, 2, &l->s_scale, 0) &&
           visit(w, "o_scale", PKG_U16, s->nkv, 2, &l->o_scale, 0);
}

bool pkg_walk(struct num_qmodel *m, pkg_visit *fn, void *state,
              struct fl_error *err)
{
    struct walk w = {fn, state, err, ""};
    const struct num_shape *s = &m->shape;
    FL_TRY(visit(&w, "embed.code", PKG_I8, s->vocab, s->d, &m->embed, 0));
    FL_TRY(visit(&w, "embed.mant", PKG_U16, s->vocab, 0, &m->embed_mant, 0));
    FL_TRY(visit(&w, "embed.exp", PKG_I8, s->vocab, 0, &m->embed_exp, 0));
    struct pkg_tensor rope = {"rope",
                              PKG_I16,
                              {(uint64_t)m->seq, (uint64_t)s->head / 2, 2},
                              (const void **)(uintptr_t)&m->rope,
                              0};
    FL_TRY(fn(state, &rope, err));
    FL_TRY(visit(&w, "turn", PKG_I8, s->d, 0, &m->turn, 1));
    FL_TRY(visit(&w, "basis", PKG_F32, s->d, s->d, &m->basis, 1));
    FL_TRY(visit(&w, "head.mean", PKG_I32, s->d, 0, &m->head_site.mean, 1));
    FL_TRY(linear(&w, "head", &m->head));
    for (int i = 0; i < s->layers; i++) {
        snprintf(w.prefix, sizeof w.prefix, "layer.%d.", i);
        FL_TRY(layer(&w, s, &m->layer[i]));
    }
    return true;
}

void pkg_set_layer(struct num_qmodel *m, int layer_index, const int32_t *param)
{
    const struct num_shape *s = &m->shape;
    struct num_qlayer *l = &m->layer[layer_index];
    int dq = s->nq * s->head, dkv = s->nkv * s->head;
    const int din[NUM_LINEARS] = {s->d, s->d, s->d, dq, s->d, s->d, s->ffn};
    const int dout[NUM_LINEARS] = {dq, dkv, dkv, s->d, s->ffn, s->ffn, s->d};
    const int frac[NUM_LINEARS] = {param[PKG_FRAC_Q],    param[PKG_FRAC_K],
                                   param[PKG_FRAC_V],    m->res_frac,
                                   param[PKG_FRAC_GATE], param[PKG_FRAC_UP],
                                   m->res_frac};
    const int in_frac[4] = {NUM_NORM_FRAC, param[PKG_FRAC_O], NUM_NORM_FRAC,
                            param[PKG_FRAC_H]};
    for (int i = 0; i < 4; i++) {
        l->site[i].abits = param[PKG_ABITS + i];
        l->site[i].clip = (uint32_t)param[PKG_CLIP + i];
        l->site[i].frac = in_frac[i];
    }
    for (int i = 0; i < NUM_LINEARS; i++) {
        l->lin[i].din = din[i];
        l->lin[i].dout = dout[i];
        l->lin[i].wbits = param[PKG_WBITS + i];
        l->lin[i].group = param[PKG_GROUP + i];
        l->lin[i].frac = frac[i];
        l->lin[i].obits =
            i == NUM_O || i == NUM_DOWN ? NUM_RES_BITS : NUM_ACT_BITS;
    }
    for (int i = 0; i < NUM_LINEARS; i++)
        if (i != NUM_O && i != NUM_DOWN) {
            struct num_qsite *at =
                &l->site[i < NUM_O ? NUM_SITE_ATTN : NUM_SITE_FFN];
            at->wide = at->abits == 4 ? m->wide : 0;
            l->lin[i].wide =
                l->lin[i].wbits == 4 && l->lin[i].group == 0 ? m->wide : 0;
        }
    l->h_frac = param[PKG_FRAC_H];
}

void pkg_get_layer(const struct num_qmodel *m, int layer_index, int32_t *param)
{
    const struct num_qlayer *l = &m->layer[layer_index];
    for (int i = 0; i < 4; i++) {
        param[PKG_ABITS + i] = l->site[i].abits;
        param[PKG_CLIP + i] = (int32_t)l->site[i].clip;
    }
    for (int i = 0; i < NUM_LINEARS; i++) {
        param[PKG_WBITS + i] = l->lin[i].wbits;
        param[PKG_GROUP + i] = l->lin[i].group;
    }
    param[PKG_FRAC_Q] = l->lin[NUM_Q].frac;
    param[PKG_FRAC_K] = l->lin[NUM_K].frac;
    param[PKG_FRAC_V] = l->lin[NUM_V].frac;
    param[PKG_FRAC_GATE] = l->lin[NUM_GATE].frac;
    param[PKG_FRAC_UP] = l->lin[NUM_UP].frac;
    param[PKG_FRAC_O] = l->site[NUM_SITE_O].frac;
    param[PKG_FRAC_H] = l->h_frac;
}
