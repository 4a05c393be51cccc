/* SPDX-License-Identifier: Apache-2.0 */
/* explore/parts.c -- the list of parts.h.
 *
 * Where a memory goes: an array of a module to block RAM, as fxc says of every
 * array that is no register; a stream to LUT RAM up to 64 beats. 1,024 words
 * and more go to UltraRAM where the device has it. Arrays of up to 2 words are
 * registers, which the modules' fits hold. */
#include "explore/parts.h"
#include "explore/ports.h"
#include "explore/synth.h"
#include "num/hadamard.h"
#include <math.h>

/* A stage being listed. */
struct list {
    struct xpl_cost *c;
    int stage, uram;
};

static struct xpl_part *part(struct list *l, const char *name,
                             const char *module, int copies,
                             struct xpl_params p)
{
    struct xpl_part *q = &l->c->part[l->c->parts++];
    *q = (struct xpl_part){.name = name,
                           .module = module,
                           .stage = l->stage,
                           .copies = copies,
                           .region = -1};
    struct xpl_lanes at = xpl_lanes_of(module, &p);
    q->lanes = at.logic;
    q->rows = xpl_synth(module, &at, &q->n, &q->err);
    q->counted = q->rows > 0;
    if (!q->counted)
        q->n.n[XPL_dsp] = at.mul * p.mul + p.base;
    for (int k = 0; k < XPL_KIND_COUNT; k++) {
        q->n.n[k] *= copies;
        q->err.n[k] *= copies;
    }
    return q;
}

/* Wiring of designs/: `bits` pass, each a register and `ways` a LUT. Not
 * synthesised: an estimate whose error is all of it. */
static void wiring(struct list *l, const char *name, double bits, double ways)
{
    struct xpl_part *q = &l->c->part[l->c->parts++];
    *q = (struct xpl_part){.name = name,
                           .module = "",
                           .stage = l->stage,
                           .copies = 1,
                           .region = -1};
    q->lanes = bits;
    q->counted = 1;
    q->n.n[XPL_lut] = q->err.n[XPL_lut] = bits * ceil(ways / 4);
    q->n.n[XPL_ff] = q->err.n[XPL_ff] = bits;
}

double xpl_blocks(double width, double depth, enum xpl_block block)
{
    static const struct {
        double width, depth;
    } bram[] = {{72, 512}, {36, 1024}, {18, 2048}, {9, 4096}, {4, 8192}};
    double best = INFINITY;
    if (block == XPL_IN_URAM)
        return ceil(width / 72) * ceil(depth / 4096);
    if (block == XPL_IN_LUTRAM)
        return depth <= 32 ? ceil(width / 14) * 8
                           : ceil(width / 7) * 8 * ceil(depth / 64);
    for (size_t k = 0; k < sizeof bram / sizeof *bram; k++)
        best = fmin(best,
                    ceil(width / bram[k].width) * ceil(depth / bram[k].depth));
    /* half a block: 18 Kb, 36 bits of 512 words */
    return width <= 36 && depth <= 512 ? 0.5 : best;
}

static void memory(struct list *l, const char *name, int copies, double width,
                   double depth, bool stream)
{
    if (depth <= 2 && !stream)
        return;
    struct xpl_buffer *b = &l->c->buffer[l->c->buffers++];
    *b = (struct xpl_buffer){.name = name,
                             .stage = l->stage,
                             .copies = copies,
                             .width = width,
                             .depth = depth,
                             .block = XPL_IN_BRAM};
    if (depth >= 1024 && l->uram)
        b->block = XPL_IN_URAM;
    else if (stream && depth <= 64)
        b->block = XPL_IN_LUTRAM;
    b->blocks = copies * xpl_blocks(width, depth, b->block);
}

static double up(double a, double b)
{
    return ceil(a / b);
}

void xpl_parts(struct xpl_cost *c, const struct xpl_design *d, int stage,
               int cap)
{
    const struct dsn_config *f = &d->config;
    const struct num_shape *s = &d->shape;
    int dec = stage == DSN_DECODE, tp = dec ? 1 : f->tp, bp = dec ? f->bp : 1;
    int wp = dec ? f->dwp : f->wp, ch = dec ? f->ch : f->pch;
    int ap = dec ? f->kp : f->ap, hp = dec ? f->hp : 1;
    int turns = dec ? 1 : f->turns, kp = f->kp, share = s->nq / s->nkv;
    double lanes = tp * bp, seq = 256, head = s->head, ffn = s->ffn;
    double dq = s->nq * head, in = fmax(fmax(s->d, ffn), dq), odd;
    while (seq < cap)
        seq *= 2;
    odd = fmax(fmax(num_had_split(s->ffn).m, f->fm), 2);
    double uram = d->dev.fabric.n[XPL_uram];
    struct list l = {c, stage, isnan(uram) || uram > 0};
    struct xpl_params p = {.tp = tp, .bp = bp, .wp = wp, .mul = 1};

    /* the engine */
    struct xpl_params e = p;
    e.mul = f->wbits == 4 ? 0.5 : 1; /* two 4-bit weights a multiplier */
    part(&l, "linear", dec ? "linear_decode" : "linear_prefill", 1, e);
    struct xpl_params q = p;
    q.mul = 3;
    part(&l, "dequantise", dec ? "dequantise_decode" : "dequantise", 1, q);
    wiring(&l, "gather", bp * wp * f->wbits, 1);
    wiring(&l, "conduct", 32 * DSN_WORDS, 8);
    memory(&l, "conduct.table", 1, 32 * DSN_WORDS, 4 * s->layers + 1, false);
    memory(&l, "linear.xbuf", 1, 8 * lanes, up(in, bp), false);
    if (!dec)
        memory(&l, "dequantise.rows", 1, 96, wp, false);
    memory(&l, "w", 1, bp * wp * f->wbits, dec ? fmax(f->deep, 2) : 2, true);
    memory(&l, "weights ports", ch, bp * wp * f->wbits / ch, 2, true);
    memory(&l, "rows", 1, 96 * bp, turns > 1 ? 2 * ffn : 2, true);
    memory(&l, "sums", 1, 40 * lanes, 2, true);
    memory(&l, "records", 3, 32 * DSN_WORDS, 8, true);

    /* the path outside attention */
    q = p;
    q.n = kp;
    part(&l, "lookup", "embed", 1, q);
    wiring(&l, "lookup words", 8 * kp * tp, 4); /* the list has one width */
    memory(&l, "lookup.row", tp, 8 * kp, up(s->d, kp), false);
    wiring(&l, "enter", 32 * lanes, 2);
    part(&l, "total", "residual", 1, p);
    memory(&l, "total.sum", 1, 32 * lanes, up(turns * s->d, bp), false);
    q = p;
    q.mul = 2;
    part(&l, "norm", "rmsnorm", 1, q);
    memory(&l, "norm.buf", 1, 32 * lanes, up(s->d, bp), false);
    wiring(&l, "choose", 27 * lanes, 3);
    part(&l, "encode", "quantise", 1, p);
    memory(&l, "encode.buf", 1, 27 * lanes, up(in, bp), false);
    wiring(&l, "route", 32 * lanes, 3);
    q.mul = 4;
    part(&l, "gate", "silu_mul", 1, q);
    q.m = odd;
    q.mul = 0;
    part(&l, "rotate", "fht", 1, q);
    memory(&l, "rotate.buf", 1, 48 * lanes, up(ffn, bp), false);
    memory(&l, "gated", 1, 27 * lanes, turns > 1 ? ffn : 2, true);
    memory(&l, "path streams", 10, 30 * lanes, 2, true);
    wiring(&l, "side", 96 * bp + 32 * (2 + 2 * hp), 2);
    int tasks = 13 + hp;
    struct xpl_params cmd = {.n = DSN_WORDS, .bits = 32, .ways = tasks};
    part(&l, "body_fork", "fork", 1, cmd);
    memory(&l, "cmd", tasks, 32 * DSN_WORDS, 2, true);

    /* heads and attention */
    q = p;
    q.mul = 4;
    part(&l, "turn", "rope", 1, q);
    double cs = fmax(2, bp);
    memory(&l, "turn.table", tp, 16 * cs, up(head, cs), false);
    q.m = odd;
    q.mul = 0;
    part(&l, "spin", "fht", 1, q);
    memory(&l, "spin.buf", 1, 48 * lanes, up(head, bp), false);
    part(&l, "code", "quantise_static", 1, p);
    wiring(&l, "deal", 8 * lanes, 3);
    memory(&l, "head streams", 6, 27 * lanes, 2, true);
    memory(&l, "scales", 1 + 2 * hp, 32, turns * 3.0 * s->nq, true);
    /* multipliers of a lane, and of the module whatever its width */
    struct xpl_params a = {
        .tp = tp, .kp = ap, .hp = share, .mul = 1, .base = 9};
    part(&l, "match", "attention_qk", hp, a);
    memory(&l, "match.qbuf", hp, 8.0 * tp * ap, up(head, ap) * share, false);
    a.mul = 5;
    part(&l, "weigh", "softmax", hp, a);
    memory(&l, "weigh.sbuf", hp, 27.0 * tp, seq * share, false);
    a.mul = 1;
    a.np = xpl_norms(bp, hp);
    a.base = 4;
    part(&l, "mix", "attention_av", hp, a);
    double sum = seq > 65536 ? 40 : 32;
    memory(&l, "mix.abuf", hp, sum * tp * ap, up(head, ap) * share, false);
    q = p;
    q.n = kp;
    part(&l, "save", "kv_write", 2 * hp, q);
    wiring(&l, "save words", 2 * hp * 8 * kp * tp, 4);
    memory(&l, "save.buf", 2 * hp * tp, 8 * kp, head / kp, false);
    part(&l, "fetch", "kv_read", 2 * hp, p);
    part(&l, "hold", "settle", 2 * hp, p);
    q = (struct xpl_params){.n = lanes, .m = tp * ap, .bits = 8};
    part(&l, "wide", "widen", hp, q);
    wiring(&l, "merge", 27 * lanes, hp);
    memory(&l, "att", 1, 27 * lanes, up(dq, bp), true);
    if (ap < kp)
        wiring(&l, "parts", 2 * 8.0 * kp, kp / ap);
    cmd.ways = ap < kp ? 12 : 10;
    part(&l, "shard_fork", "fork", hp, cmd);
    memory(&l, "shard cmd", hp * (int)cmd.ways, 32 * DSN_WORDS, 2, true);
    memory(&l, "q", hp, 8 * lanes, turns > 1 ? turns * dq : 2, true);
    memory(&l, "score", hp, 27.0 * tp, turns > 1 ? share * seq : 4, true);
    memory(&l, "query, part", hp, 8.0 * tp * ap + (hp > 1 ? 0 : 27 * lanes), 2,
           true);
    if (hp > 1)
        memory(&l, "part", hp, 27 * lanes, share * head / bp, true);
    memory(&l, "cache ports", 4 * hp, 8 * kp, 2, true);

    if (!dec)
        return;
    wiring(&l, "leave", 27 * bp, 2);
    p.topk = 64;
    p.mul = 3;
    part(&l, "sample", "sampler", 1, p);
}
