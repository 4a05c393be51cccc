/* SPDX-License-Identifier: Apache-2.0 */
/* explore/ports.c -- what each port and each bank of a stage moves. */
#include "explore/ports.h"
#include "designs/step.h"
#include "num/hadamard.h"
#include <math.h>

static double most(double a, double b)
{
    return a > b ? a : b;
}

static double ceil_div(double a, double b)
{
    return ceil(a / b);
}

int xpl_embed_stride(const struct xpl_plan *p)
{
    return (4 + p->kp - 1) / p->kp + (p->s.d + p->kp - 1) / p->kp;
}

static double weight_word(const struct xpl_plan *p, int ch)
{
    return ceil(p->bp * p->wp / ch * p->wbits / 8.0);
}

/* Bytes a cycle of a bank, and of it what `other` bytes in `cycles` leave. */
static double rate(const struct dsn_bank *b)
{
    return b->bytes == 0 ? 1e9 : (double)b->bytes / b->cycles;
}

static double left(const struct dsn_bank *b, double other, double cycles)
{
    double r = rate(b), all = cycles > 0 ? r - other / cycles : r;
    return most(all, r / 8);
}

static double beats_of(const struct xpl_plan *p, double din, double dout)
{
    return ceil_div(dout, p->wp) * din / p->bp;
}

/* Adds a group's step. */
static void step_traffic(const struct xpl_plan *p, enum dsn_kind kind,
                         double *w, double *side)
{
    const struct num_shape *s = &p->s;
    double q = s->nq * s->head, kv = 2.0 * s->nkv * s->head;
    double din = kind == DSN_O      ? q
                 : kind == DSN_DOWN ? (double)s->ffn
                                    : (double)s->d;
    double dout = kind == DSN_KVQ    ? kv + q
                  : kind == DSN_KV   ? kv
                  : kind == DSN_GU   ? 2.0 * s->ffn
                  : kind == DSN_HEAD ? ceil_div(s->vocab, p->bp) * p->bp
                                     : (double)s->d;
    double heads = kind == DSN_KVQ  ? 3.0 * s->nkv + 2.0 * s->nq
                   : kind == DSN_KV ? 2.0 * s->nkv
                                    : 0;
    *w += beats_of(p, din, dout);
    *side += 4 * (din + heads * p->bp + 3 * dout);
}

void xpl_traffic_add(struct xpl_traffic *t, const struct xpl_plan *p,
                     const struct dsn_place *place, const int *bank, int ch,
                     double groups, double first)
{
    const struct num_shape *s = &p->s;
    double w = 0, side = 0, layers = s->layers;
    double all = layers - !p->decode;
    for (int kind = DSN_KVQ; kind <= DSN_DOWN; kind++) {
        double dw = 0, ds = 0;
        if (kind == DSN_KV)
            continue;
        step_traffic(p, (enum dsn_kind)kind, &dw, &ds);
        w += all * dw;
        side += all * ds;
    }
    step_traffic(p, p->decode ? DSN_HEAD : DSN_KV, &w, &side);
    for (int c = 0; c < ch; c++)
        t->w[bank[c]] += groups * w * weight_word(p, ch);
    t->side[place->side] += groups * side;
    t->other[place->embed] += groups * p->tp * xpl_embed_stride(p) * p->kp;
    t->other[place->rope] += 2.0 * groups * layers * p->tp * s->head;
    double read = groups * all * s->head * (first + p->tp) * s->nkv;
    double write = groups * layers * s->head * p->tp * s->nkv;
    for (int a = 0; a < p->hp; a++) {
        t->kv[place->k[a]] += (read + write) / p->hp;
        t->kv[place->v[a]] += (read * (p->kp / p->ap) + write) / p->hp;
    }
}

struct xpl_plan xpl_plan_of(const struct xpl_design *d, int decode)
{
    struct xpl_plan p;
    const struct dsn_config *c = &d->config;
    int ap = c->ap > 0 ? c->ap : c->kp, turns = c->turns > 0 ? c->turns : 2;
    p = (struct xpl_plan){.s = d->shape,
                          .tp = decode ? 1 : c->tp,
                          .bp = decode ? c->bp : 1,
                          .wp = decode ? c->dwp : c->wp,
                          .ap = decode ? c->kp : ap,
                          .kp = c->kp,
                          .hp = decode ? c->hp : 1,
                          .turns = decode ? 1 : turns,
                          .deep = decode && c->deep > 2 ? c->deep : 2,
                          .wbits = c->wbits > 0 ? c->wbits : 4,
                          .decode = decode};
    p.share = p.s.nq / p.s.nkv;
    p.sweeps = p.s.head / p.ap;
    p.chunks = p.s.head / p.kp;
    p.hb = p.s.head / p.bp;
    return p;
}

/* Rates of the ports when a run takes `cycles`; 0: nobody else is there. */
void xpl_plan_rates(struct xpl_plan *p, const struct xpl_traffic *t,
                    const struct dsn_place *b, const int *bank, int ch,
                    double cycles)
{
    int on[XPL_BANKS] = {0}, k[XPL_BANKS] = {0}, v[XPL_BANKS] = {0};
    double word = weight_word(p, ch), slowest = 1;
    for (int c = 0; c < ch; c++)
        on[bank[c]]++;
    for (int i = 0; i < XPL_BANKS; i++) {
        double other = t->side[i] + t->other[i] + t->kv[i];
        if (on[i] > 0)
            slowest =
                most(slowest, on[i] * word / left(&b->bank[i], other, cycles));
    }
    p->w_rate = 1 / slowest;
    p->w_wait = b->bank[bank[0]].latency;
    /* narrow words wait for a word of every weight port that shares the bank,
     * for as long as weights come, that is if a queue takes them */
    int s = b->side;
    double all = rate(&b->bank[s]), moving = 0;
    if (cycles > 0 && on[s] > 0 && p->deep >= 16)
        moving = most(0, 1 - most(0, 1 - t->w[s] / (all * cycles)));
    p->side = most(
        1, 4 * p->bp /
               left(&b->bank[s], t->w[s] + t->kv[s] + t->other[s], cycles));
    p->side = most(p->side, (4 * p->bp + moving * on[s] * word) / all);
    p->embed_wait = b->bank[b->embed].latency;
    p->embed = most(1, p->kp / rate(&b->bank[b->embed]));
    for (int a = 0; a < p->hp; a++) {
        k[b->k[a]]++;
        v[b->v[a]]++;
    }
    int kb = b->k[0], vb = b->v[0];
    double others_k = t->w[kb] + t->side[kb], others_v = t->w[vb] + t->side[vb];
    p->kread = k[kb] * p->kp / left(&b->bank[kb], others_k, cycles);
    p->vread = v[vb] * p->kp / left(&b->bank[vb], others_v, cycles);
    p->kwrite = most(1, p->kread);
    p->vwrite = most(1, p->vread);
    p->kwait = b->bank[kb].latency;
    p->vwait = b->bank[vb].latency;
}

double xpl_traffic_floor(const struct xpl_traffic *t, const struct dsn_place *b,
                         double *bytes)
{
    double least = 0;
    for (int i = 0; i < XPL_BANKS; i++) {
        bytes[i] = t->w[i] + t->side[i] + t->other[i] + t->kv[i];
        if (bytes[i] > 0)
            least = most(least, bytes[i] / rate(&b->bank[i]));
    }
    return least;
}

int xpl_radix(const struct xpl_design *d)
{
    int m = num_had_split(d->shape.ffn).m, fm = d->config.fm, radix = 2;
    m = m < fm ? fm : m;
    while (2 * radix <= m)
        radix *= 2;
    return radix;
}

int xpl_norms(int bp, int hp)
{
    int n = 1;
    while (2 * n * hp <= bp)
        n *= 2;
    return n;
}
