/* SPDX-License-Identifier: Apache-2.0 */
/* explore/place.c -- channels to banks. */
#include "explore/place.h"
#include <math.h>

static double known(double figure, double assumed)
{
    return isnan(figure) ? assumed : figure;
}

double xpl_bank_peak(const struct xpl_design *d, int bank)
{
    int channel;
    return xpl_device_memory(&d->dev, bank, &channel)->gb_s;
}

double xpl_bank_rate(const struct xpl_design *d, int bank)
{
    int channel;
    const struct xpl_memory *m = xpl_device_memory(&d->dev, bank, &channel);
    return m->gb_s * known(m->efficiency, d->efficiency);
}

static bool bank_set(struct dsn_bank *b, const struct xpl_design *d, int bank,
                     double hz, struct fl_error *err)
{
    int channel;
    const struct xpl_memory *m = xpl_device_memory(&d->dev, bank, &channel);
    double latency = known(m->latency_ns, d->latency_ns);
    double rate = xpl_bank_rate(d, bank);
    FL_FAIL_IF(isnan(m->gb_s), err, FL_UNSUPPORTED, 0,
               "the bandwidth of %s's memory %s is not known; place nothing "
               "there",
               d->dev.name, m->name);
    FL_FAIL_IF(isnan(rate) || isnan(latency), err, FL_UNSUPPORTED, 0,
               "the %s of %s's memory %s is not known; the design may give it "
               "under \"assume\"",
               isnan(rate) ? "efficiency" : "latency", d->dev.name, m->name);
    b->cycles = 4096;
    b->bytes = (unsigned)(rate * 1e9 / hz * 4096 + 0.5);
    b->latency = (unsigned)ceil(latency * 1e-9 * hz);
    return true;
}

struct placing {
    struct dsn_place *place;
    const struct xpl_design *d;
    double hz;
    struct fl_error *err;
};

static bool put(const struct placing *q, int *to, int n,
                const struct xpl_channels *c)
{
    for (int i = 0; i < n; i++) {
        int bank = xpl_device_bank(&q->d->dev, c->name[i % c->n]);
        FL_TRY(bank_set(&q->place->bank[bank], q->d, bank, q->hz, q->err));
        to[i] = bank;
    }
    return true;
}

bool xpl_place(struct dsn_place *p, const struct xpl_design *d, int stage,
               struct fl_error *err)
{
    double mhz = stage == DSN_PREFILL ? d->prefill_mhz : d->decode_mhz;
    const struct placing q = {p, d, mhz * 1e6, err};
    *p = (struct dsn_place){.banks = XPL_BANKS};
    FL_TRY(put(&q, p->w[DSN_PREFILL], DSN_MAX_CH, &d->prefill));
    FL_TRY(put(&q, p->w[DSN_DECODE], DSN_MAX_CH, &d->decode));
    FL_TRY(put(&q, p->k, DSN_MAX_HP, &d->keys));
    FL_TRY(put(&q, p->v, DSN_MAX_HP, &d->values));
    FL_TRY(put(&q, &p->side, 1, &d->side));
    FL_TRY(put(&q, &p->mul, 1, &d->side));
    FL_TRY(put(&q, &p->embed, 1, &d->embed));
    return put(&q, &p->rope, 1, &d->rope);
}
