/* SPDX-License-Identifier: Apache-2.0 */
/* explore/cycles.c -- the recurrence of cycles.h. Names are those of
 * designs/llama_body.h; every quantity is in cycles or beats. */
#include "explore/ports.h"
#include "designs/step.h"
#include "num/hadamard.h"
#include <math.h>

enum {
    SAMPLER_LIST = 64,
    PORT_BEATS = 3,
    SHARDS = DSN_MAX_HP,
    ROUNDS = 3, /* of rates from cycles from rates */
};

struct flow {
    double first, last; /* cycles of its first and its last beat */
};

/* When each module is free, and what is in the queue of weights. */
struct machine {
    double lookup, norm, encode, linear, side, rotate, merge, att;
    double match[SHARDS], weigh[SHARDS], mix[SHARDS];
    double queue, queue_at;
};

/* A group of tokens under way: what its next step takes. */
struct group {
    struct flow res, kvq, ffn; /* kvq: what the engine made of it */
    int pos;
};

static double most(double a, double b)
{
    return a > b ? a : b;
}

static double ceil_div(double a, double b)
{
    return ceil(a / b);
}

/* The cycle in which share f of a flow has passed. */
static double part(struct flow y, double f)
{
    return y.first + f * (y.last - y.first);
}

/* ---- from the residual stream to the engine's input ---------------------- */

static struct flow norm(const struct xpl_plan *p, struct machine *m,
                        struct flow x)
{
    double n = p->s.d / p->bp, start = most(m->norm + 1, x.first);
    double read = most(x.last, start + n - 1);
    double first = read + n + p->tp + 1;
    return (struct flow){first, first + n - 1};
}

/* *source is when the module that x comes from is free. */
static struct flow encode(const struct xpl_plan *p, struct machine *m,
                          struct flow x, double n, double *source)
{
    double start = most(m->encode + 1, x.first);
    double mean = most(m->side, start - 2 * p->side) + n * p->side;
    double read = most(most(x.last, start + n - 1), mean);
    double first = read + p->tp + 1;
    *source = most(*source, read);
    m->side = most(read, mean);
    return (struct flow){first, first + n - 1};
}

/* ---- the engine ---------------------------------------------------------- */

/* Cycles of a tile: chunks of inputs, each no shorter than the tile is wide. */
static double tile_cycles(const struct xpl_plan *p, int din)
{
    int chunk = p->decode ? 1024 / p->bp * p->bp : 1024;
    double n = 0;
    for (int i = 0; i < din; i += chunk) {
        int len = din - i < chunk ? din - i : chunk;
        n += ceil_div(len < p->wp ? p->wp : len, p->bp);
    }
    return n;
}

/* From `start`, all multiplications: the engine would take `busy`, the queue
 * has to bring `beats`. */
static double weights(const struct xpl_plan *p, struct machine *m, double start,
                      double busy, double beats)
{
    double room = p->deep + PORT_BEATS, r = p->w_rate;
    double have = m->queue + r * (start - m->queue_at);
    have = have < room ? have : room;
    double t = have + r * busy >= beats ? busy : (beats - have) / r;
    if (p->deep < 16) /* no queue to speak of: a late beat is a lost cycle */
        t = most(t, busy + beats * (1 / r - 1));
    have += r * t - beats;
    m->queue = have < room ? have : room;
    m->queue_at = start + t;
    return start + t;
}

/* What comes after the engine: cycles a beat, and beats that wait on the way
 * there. */
struct after {
    double slow, room;
};

/* The rows of a tile leave with the first iterations of the next one, a row
 * each: where they are held up, the engine is. */
static double held(double tile, double rows, struct after a)
{
    double burst = most(rows, (rows - a.room) * a.slow);
    return most(rows * a.slow, burst + tile - rows);
}

/* One step. heads: side words between the means and the rows. */
static struct flow linear(const struct xpl_plan *p, struct machine *m,
                          struct flow x, int din, double dout, double heads,
                          struct after next)
{
    double tiles = ceil_div(dout, p->wp), tile = tile_cycles(p, din);
    double rows = p->wp / p->bp, out = dout / p->bp, busy;
    struct after side = {3 * p->side, 4};
    busy = held(tile, rows < out ? rows : out, next);
    if (p->turns == 1)
        busy = most(busy, held(tile, rows < out ? rows : out, side));
    double start = most(m->linear + 1, x.first);
    busy = tile + (tiles - 1) * busy;
    double end = weights(p, m, start - 1, busy, tiles * din / p->bp);
    m->encode = most(x.last, start + (end - start) / tiles);
    struct flow y;
    double last = ceil_div(dout - (tiles - 1) * p->wp, p->bp);
    y.first = start + tile + 1;
    y.last = end + most(last, (last - next.room) * next.slow);
    double words = m->side + heads * p->side;
    y.first = most(y.first, words + 3 * p->side);
    words += 3 * out * p->side;
    y.last = most(y.last, words);
    if (p->turns == 1)
        y.last = most(y.last, end + (last - side.room) * side.slow);
    m->side = p->turns == 1 ? y.last : words;
    m->linear = most(end + rows, y.last);
    return y;
}

/* ---- attention ----------------------------------------------------------- */

/* When the cache holds a step's keys, and its values; y: as they leave the
 * engine, with `queries` heads behind them. */
static struct flow written(const struct xpl_plan *p, struct flow y, int queries)
{
    double heads = 2 * p->s.nkv + queries, spin = p->hb + 1;
    double words = p->tp * p->chunks;
    double k = part(y, p->s.nkv / heads) + spin + words * p->kwrite;
    double v = part(y, 2 * p->s.nkv / heads) + spin + words * p->vwrite;
    return (struct flow){k + p->kwait, v + p->vwait};
}

/* The attention output as choose gets it: a queue holds all of a step's, so
 * that mix never waits for the step to come. */
static struct flow attention(const struct xpl_plan *p, struct machine *m,
                             struct flow y, int positions)
{
    int nkv = p->s.nkv, heads = 2 * nkv + p->s.nq;
    double per_key = p->share * p->sweeps, spin = p->hb + 1;
    struct flow cache = written(p, y, p->s.nq);
    double k = cache.first + p->kwait, v = cache.last + p->vwait;
    double scores = positions * most(per_key, p->chunks * p->kread);
    double probs = positions * most(per_key, p->sweeps * p->vread);
    double out = p->share * p->hb, first = 0;
    double np = xpl_norms(p->bp, p->hp), norm = p->share * p->s.head / np;
    double t = most(m->merge, m->att - nkv * out); /* of the group before */
    for (int h = 0; h < nkv; h++) {
        int a = h % p->hp;
        double q = part(y, (2.0 * nkv + (h + 1.0) * p->share) / heads) + spin;
        q = most(q, m->match[a] + per_key);
        double from = most(q, k);
        if (p->turns == 1) /* no room for scores while others leave */
            from = most(from, m->weigh[a]);
        double to = from + scores;
        m->match[a] = to;
        to = most(to, most(from, m->weigh[a]) + positions * p->share);
        to = most(most(to, m->mix[a]), v) + probs + p->share;
        m->weigh[a] = to;
        to += p->share * p->tp;
        if (h == 0)
            first = to + p->bp / np;
        to += norm; /* as many of its results have left as merge has taken */
        t = most(t, to - out) + out;
        m->mix[a] = p->hp > 1 ? to : most(to, t - 2);
    }
    m->merge = t;
    return (struct flow){first, t};
}

/* ---- feed-forward: gate and up to the rotated vector --------------------- */

static struct flow rotate(const struct xpl_plan *p, struct machine *m,
                          struct flow y, int radix)
{
    struct num_had h = num_had_split(p->s.ffn);
    double n = p->s.ffn / p->bp;
    int left = h.p / p->bp, odd = h.m;
    double t = 0;
    for (int pass = 0; pass == 0 || left > 1 || odd > 1; pass++) {
        int r = left <= 1 ? odd : left < radix ? left : radix;
        if (pass == 0)
            t = most(y.last, most(m->rotate, y.first) + n) + r;
        else
            t += n + r;
        odd = left <= 1 ? 1 : odd;
        left = left > radix ? left / radix : 1;
    }
    return (struct flow){t + 1, t + n};
}

/* ---- a step -------------------------------------------------------------- */

/* Moves group g through one step. The cycle in which all of it has ended. */
static double step(const struct xpl_plan *p, struct machine *m, struct group *g,
                   enum dsn_kind kind, int radix)
{
    const struct num_shape *s = &p->s;
    int q = kind == DSN_KVQ ? s->nq : 0, din = s->d;
    double dout = s->d, heads = 0, end;
    struct after next = {1, 8};
    struct flow x = g->res;
    double *source = &m->norm;
    if (kind == DSN_O) {
        x = attention(p, m, g->kvq, g->pos + p->tp);
        din = s->nq * s->head;
        source = &m->att;
    } else if (kind == DSN_DOWN) {
        x = g->ffn;
        din = s->ffn;
        source = &m->rotate;
    } else {
        x = norm(p, m, x);
    }
    if (kind == DSN_KVQ || kind == DSN_KV) {
        dout = (2.0 * s->nkv + q) * s->head;
        heads = 2.0 * s->nkv + (q > 0 ? 2.0 * q + s->nkv : 0);
        double turn = 2 * p->hb + 1, words = p->tp * p->chunks;
        double save = p->hb + words * most(p->kwrite, p->vwrite);
        next.slow = (2 * s->nkv * most(turn, save) + q * turn) /
                    (p->hb * (2.0 * s->nkv + q));
        next.room += p->hb;
    } else if (kind == DSN_GU) {
        dout = 2.0 * s->ffn;
    } else if (kind == DSN_HEAD) {
        dout = ceil_div(s->vocab, p->bp) * p->bp;
        next.slow = p->bp % 2 == 0 ? p->bp / 2.0 : p->bp;
    }
    x = encode(p, m, x, (double)din / p->bp, source);
    struct flow y = linear(p, m, x, din, dout, heads, next);
    end = y.last;
    if (kind == DSN_KVQ) {
        g->kvq = y;
    } else if (kind == DSN_KV) {
        struct flow cache = written(p, y, 0);
        end = most(cache.first, cache.last);
    } else if (kind == DSN_GU)
        g->ffn = rotate(p, m, y, radix);
    else if (kind == DSN_HEAD)
        end = y.last + next.room * (next.slow - 1) + next.slow +
              3.0 * SAMPLER_LIST;
    else
        g->res = y;
    return end;
}

/* A group's embedding: rows gathered, then sent. */
static void enter(const struct xpl_plan *p, struct machine *m, struct group *g,
                  double from, int stride)
{
    double rows = p->tp * stride * p->embed;
    double first = most(m->lookup, from) + p->embed_wait + rows + 1;
    g->res = (struct flow){first, first + p->s.d / p->bp - 1};
    m->lookup = g->res.last;
}

/* ---- the two stages ------------------------------------------------------ */

/* The steps of a pass in the order of llama_prefill.c's conduct. */
static double pass(const struct xpl_plan *p, struct machine *m,
                   struct group g[2], int turns, int radix)
{
    static const enum dsn_kind kind[] = {DSN_KVQ, DSN_O, DSN_GU, DSN_DOWN};
    int steps = 4 * (p->s.layers - 1) + 1, s = 0, t = 0;
    double end = 0;
    for (int n = 0; n < turns * steps; n++) {
        double e =
            step(p, m, &g[t], s == steps - 1 ? DSN_KV : kind[s % 4], radix);
        end = e > end ? e : end;
        int last = s % 2 == 0, b = last && t < turns - 1;
        t = !last ? t : b ? t + 1 : 0;
        s = !b ? s + 1 : s > 0 ? s - 1 : 0;
    }
    return end;
}

/* No port's rate changed. */
static bool same(const struct xpl_plan *a, const struct xpl_plan *b)
{
    return a->w_rate == b->w_rate && a->side == b->side &&
           a->kread == b->kread && a->vread == b->vread;
}

/* All passes of a prompt. A pass takes longer by the same amount, give or take
 * a kink, than the one before: of many, few are looked at and those between
 * lie on a line. */
static double passes(const struct xpl_plan *p, struct machine *m, int groups,
                     int radix)
{
    enum { LOOKED_AT = 8 };
    int n = (groups + p->turns - 1) / p->turns, before = 0;
    double end = 0, sum = 0, each = 0;
    for (int k = 0; k < n && k < LOOKED_AT; k++) {
        int at = n <= LOOKED_AT || k < 2
                     ? k
                     : 1 + (n - 2) * (k - 1) / (LOOKED_AT - 2);
        int g = at * p->turns;
        int turns = groups - g < p->turns ? groups - g : p->turns;
        struct group pair[2];
        for (int t = 0; t < turns; t++) {
            pair[t].pos = (g + t) * p->tp;
            enter(p, m, &pair[t], m->norm, xpl_embed_stride(p));
        }
        double was = end;
        end = most(end, pass(p, m, pair, turns, radix));
        double gap = at - before, now = end - was;
        sum += k < 2 ? now : gap * each + (now - each) * (gap + 1) / 2;
        each = now;
        before = at;
    }
    return sum;
}

struct xpl_cycles xpl_cycles_prefill(const struct xpl_design *d,
                                     const struct dsn_place *place, int tokens)
{
    struct xpl_cycles c = {0};
    struct xpl_traffic t = {0};
    struct xpl_plan p = xpl_plan_of(d, 0);
    int groups = (tokens + p.tp - 1) / p.tp, radix = xpl_radix(d);
    int ch = d->config.pch > 0 ? d->config.pch : 1;
    const int *bank = place->w[DSN_PREFILL];
    xpl_traffic_add(&t, &p, place, bank, ch, groups, (groups - 1) * p.tp / 2.0);
    double least = xpl_traffic_floor(&t, place, c.bytes);
    for (int round = 0; round < ROUNDS; round++) {
        struct machine m = {0};
        struct xpl_plan before = p;
        xpl_plan_rates(&p, &t, place, bank, ch, c.cycles);
        if (round > 0 && same(&p, &before))
            break;
        m.queue_at = p.w_wait;
        c.cycles = most(passes(&p, &m, groups, radix), least);
    }
    return c;
}

struct xpl_cycles xpl_cycles_decode(const struct xpl_design *d,
                                    const struct dsn_place *place, int context)
{
    struct xpl_cycles c = {0};
    struct xpl_traffic t = {0};
    struct xpl_plan p = xpl_plan_of(d, 1);
    int radix = xpl_radix(d), ch = d->config.ch;
    const int *bank = place->w[DSN_DECODE];
    xpl_traffic_add(&t, &p, place, bank, ch, 1, context - 1);
    double least = xpl_traffic_floor(&t, place, c.bytes);
    for (int round = 0; round < ROUNDS; round++) {
        struct machine m = {0};
        struct group g = {.pos = context - 1};
        struct xpl_plan before = p;
        xpl_plan_rates(&p, &t, place, bank, ch, c.cycles);
        if (round > 0 && same(&p, &before))
            break;
        m.queue_at = p.w_wait;
        enter(&p, &m, &g, 0, xpl_embed_stride(&p));
        double end = 0, each = 0, skipped = 0;
        for (int l = 0; l < p.s.layers; l++) {
            double was = end, last = each;
            step(&p, &m, &g, DSN_KVQ, radix);
            step(&p, &m, &g, DSN_O, radix);
            step(&p, &m, &g, DSN_GU, radix);
            end = step(&p, &m, &g, DSN_DOWN, radix);
            each = end - was;
            if (l > 0 && fabs(each - last) < 0.5) { /* as all the others */
                skipped = (p.s.layers - 1 - l) * each;
                break;
            }
        }
        c.cycles = step(&p, &m, &g, DSN_HEAD, radix) + skipped;
        c.cycles = most(c.cycles, least);
    }
    return c;
}
