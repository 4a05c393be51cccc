/* SPDX-License-Identifier: Apache-2.0 */
/* quant/fold.c -- a layer as read becomes a layer in another basis, the same
 * function of the same tokens: gains of the norms into the weights behind
 * them, R1 on the residual stream, R2 on each value head, R4 before down.
 */
#include "golden/matmul.h"
#include "num/hadamard.h"
#include "quant/run.h"
#include <math.h>

/* w (rows, d) times diag(gamma), then the basis of its input. */
static void fold(const struct run *r, float *w, const float *gamma, int rows)
{
    int d = r->s->d;
    for (int o = 0; o < rows; o++)
        for (int i = 0; i < d; i++)
            w[(size_t)o * (size_t)d + (size_t)i] *= gamma[i];
    qt_rotate_rows(&r->r1, w, (size_t)rows);
}

/* R2: the basis of one value head, in wv's rows and wo's columns. */
bool run_rotate_values(struct run *r, int layer)
{
    const struct num_shape *s = r->s;
    size_t head = (size_t)s->head, d = (size_t)s->d;
    bool ok = true;
    for (int h = 0; ok && h < s->nkv; h++) {
        struct qt_rotation r2;
        uint64_t seed =
            ((uint64_t)r->turn << 32) + (uint64_t)(1000 + layer * s->nkv + h);
        ok = qt_rotation_init(&r2, s->head, seed, !r->o->no_rotate);
        ok = ok && qt_rotate_columns(&r2, r->w.wv + (size_t)h * head * d, d);
        if (ok && r->w.bv != NULL)
            qt_rotate_rows(&r2, r->w.bv + (size_t)h * head, 1);
        int per = num_group_heads(s);
        for (int o = 0; ok && o < s->d; o++)
            qt_rotate_rows(&r2,
                           r->w.wo +
                               ((size_t)o * (size_t)s->nq + (size_t)(h * per)) *
                                   head,
                           (size_t)per);
        qt_rotation_free(&r2);
    }
    return ok;
}

/* R4: down reads H h / 2^k, so its rows become H w * 2^k / block. */
void run_rotate_down(struct run *r)
{
    const struct num_shape *s = r->s;
    if (!r->b.m.r4)
        return;
    struct num_had had = num_had_split(s->ffn);
    int block = had.m * had.p;
    float f = (float)(ldexp(1, 2 * num_fht_shift(block)) / block);
#pragma omp parallel for schedule(static)
    for (int o = 0; o < s->d; o++) {
        float *row = r->w.down + (size_t)o * (size_t)s->ffn;
        gold_fht_fp32(row, s->ffn);
        for (int i = 0; i < s->ffn; i++)
            row[i] *= f;
    }
}

bool run_load_layer(struct run *r, int layer, struct fl_error *err)
{
    const struct num_shape *s = r->s;
    int dq = s->nq * s->head, dkv = s->nkv * s->head;
    FL_TRY(model_layer(r->model, layer, &r->w, err));
    if (r->hmt != NULL)
        hmt_merge_layer(r->hmt, layer, &r->w);
    fold(r, r->w.wq, r->w.norm_attn, dq);
    fold(r, r->w.wk, r->w.norm_attn, dkv);
    fold(r, r->w.wv, r->w.norm_attn, dkv);
    fold(r, r->w.gate, r->w.norm_ffn, s->ffn);
    fold(r, r->w.up, r->w.norm_ffn, s->ffn);
    bool ok = qt_rotate_columns(&r->r1, r->w.wo, (size_t)dq) &&
              qt_rotate_columns(&r->r1, r->w.down, (size_t)s->ffn);
    if (r->w.bo != NULL)
        qt_rotate_rows(&r->r1, r->w.bo, 1);
    if (r->w.bdown != NULL)
        qt_rotate_rows(&r->r1, r->w.bdown, 1);
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    return ok;
}
