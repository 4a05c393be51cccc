/* SPDX-License-Identifier: Apache-2.0 */
/* designs/defs.c -- sizes of a model become maxima of a design. */
#include "designs/defs.h"
#include "num/hadamard.h"
#include <string.h>

/* Accumulators that the Hadamard transforms need. */
static int widest_m(const struct dsn_room *r)
{
    int ffn = r->r4 ? num_had_split(r->shape.ffn).m : 1;
    int head = r->r3 ? num_had_split(r->shape.head).m : 1;
    int most = ffn > head ? ffn : head;
    return most < 2 ? 2 : most;
}

struct dsn_room dsn_room_of(const struct num_qmodel *m, int cap)
{
    struct dsn_room r = {m->shape,     m->r3, m->r4,
                         dsn_group(m), cap,   m->wide > 0};
    return r;
}

void dsn_defs(struct dsn_def def[DSN_DEFS], int stage,
              const struct dsn_config *c, const struct dsn_room *room)
{
    const struct num_shape *s = &room->shape;
    int decode = stage != 0;
    int rows = (room->cap + c->tp - 1) / c->tp * c->tp;
    int seq = 256; /* a longer text is no new design, up to a power of two */
    while (seq < rows)
        seq *= 2;
    const struct dsn_def all[DSN_DEFS] = {
        {"DSN_STAGE", stage},
        {"TP", decode ? 1 : c->tp},
        {"WP", decode ? c->dwp : c->wp},
        {"CH", decode ? c->ch : c->pch},
        {"BP", decode ? c->bp : 1},
        {"KP", c->kp},
        {"AP", decode ? c->kp : c->ap},
        {"HP", decode ? c->hp : 1},
        {"TURNS", decode ? 1 : c->turns},
        {"WBITS", c->wbits},
        {"DEEP", c->deep > 2 ? c->deep : 2},
        {"GROUP", room->group},
        {"WIDE", room->wide},
        {"MAX_D", s->d},
        {"MAX_FFN", s->ffn},
        {"MAX_NQ", s->nq},
        {"MAX_SHARE", s->nq / s->nkv},
        {"MAX_M", widest_m(room) > c->fm ? widest_m(room) : c->fm},
        {"MAX_HEAD", s->head},
        {"MAX_SEQ", seq},
        {"MAX_LAYERS", s->layers},
    };
    memcpy(def, all, sizeof all);
}
