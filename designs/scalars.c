/* SPDX-License-Identifier: Apache-2.0 */
/* designs/scalars.c -- from a job to the scalars of a design. */
#include "designs/scalars.h"
#include "num/hadamard.h"
#include <string.h>

static uint32_t word(struct num_scale s)
{
    return (uint32_t)s.mant | ((uint32_t)s.exp & 255u) << 16;
}

struct dsn_scalars dsn_scalars_of(int stage, const struct dsn_job *j)
{
    const struct num_shape *m = j->shape;
    const struct dsn_image *im = j->image;
    const struct dsn_config *c = &im->config;
    int decode = stage == DSN_DECODE, bp = decode ? c->bp : 1;
    struct num_had r3 = num_had_split(m->head), r4 = num_had_split(m->ffn);
    struct dsn_scalars s = {
        .groups = decode ? j->total : (j->given + c->tp - 1) / c->tp,
        .vectors = decode ? 2 * m->layers + 1 : 2 * m->layers - 1,
        .d = m->d,
        .nq = m->nq,
        .nkv = m->nkv,
        .head = m->head,
        .share = m->nq / m->nkv,
        .chunks = m->head / c->kp,
        .sweeps = m->head / (decode ? c->kp : c->ap),
        .cap = im->cap,
        .slots = (m->nkv + c->hp - 1) / c->hp,
        .spread = decode ? 1 : c->hp,
        .stripe = decode ? 0 : (uint32_t)(im->k[0].bytes / (size_t)c->kp),
        .embed_row = im->embed_row,
        .r3_blocks = j->r3 ? r3.blocks : m->head,
        .r3_m = j->r3 ? r3.m : 1,
        .r3_p = j->r3 ? r3.p : 1,
        .r4_blocks = j->r4 ? r4.blocks : m->ffn,
        .r4_m = j->r4 ? r4.m : 1,
        .r4_p = j->r4 ? r4.p : 1,
        .eps_q = j->eps_q,
        .sqrt_d = word(j->sqrt_d),
        .steps = im->stage[stage].steps,
        .first = j->first,
        .rope_words = m->head / (bp < 2 ? 2 : bp),
        .given = j->given,
        .want_logits = j->logits != 0,
        .vocab = m->vocab,
        .k = j->k,
        .t_scale = word(j->t_scale),
        .top_p = j->top_p,
        .seed = j->seed,
    };
    s.passes = decode ? s.groups : (s.groups + c->turns - 1) / c->turns;
    s.rounds = s.steps * s.groups;
    return s;
}

bool dsn_scalar(const struct dsn_scalars *s, const char *name, uint64_t *bits)
{
#define DSN_SCALAR_BITS(type, field)                                           \
    if (strcmp(name, #field) == 0) {                                           \
        *bits = (uint64_t)s->field;                                            \
        return true;                                                           \
    }
    DSN_SCALARS(DSN_SCALAR_BITS)
#undef DSN_SCALAR_BITS
    return false;
}
