/* SPDX-License-Identifier: Apache-2.0 */
/* The formulas of explore/cycles.h against the timed run of the very design, on
 * random legal designs of small models, on memories of many channels and of
 * one.
 *
 *     test_explore_formula COUNT [SEED]
 *
 * Each design is compiled twice, so a count of n takes about 2 n seconds (with
 * the compiler of tests/explore/fast, which does not optimise). */
#include "explore/cycles.h"
#include "designs/plan.h"
#include "explore/place.h"
#include "explore/shape.h"
#include "explore/times.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static int pick(int n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (int)(state >> 33) % n;
}

#define ONE_OF(...)                                                            \
    ((const int[]){__VA_ARGS__})[pick(                                         \
        (int)(sizeof(const int[]){__VA_ARGS__} / sizeof(int)))]

/* n channels of a memory from `at` on. */
static struct xpl_channels span(const char *name, int at, int n)
{
    struct xpl_channels c = {.n = n};
    for (int i = 0; i < n; i++)
        snprintf(c.name[i], sizeof c.name[i], "%s%d", name, at + i);
    return c;
}

static void memories(struct xpl_design *d)
{
    struct dsn_config *c = &d->config;
    if (strcmp(d->device, "u280") == 0) {
        d->prefill = span("hbm", 0, 1 + pick(c->pch));
        d->decode = span("hbm", 0, 1 + pick(c->ch));
        d->keys = span("hbm", 20, 1 + pick(c->hp));
        d->values = pick(2) ? d->keys : span("hbm", 26, 2);
        d->side = span("ddr", 0, 1);
        d->embed = d->rope = span("ddr", 1, 1);
    } else {
        d->latency_ns = 150;
        d->prefill = d->decode = d->keys = d->values = d->side = d->embed =
            d->rope = span("ddr", 0, 1);
    }
}

/* A legal design, or false. */
static bool design_make(struct xpl_design *d, struct fl_error *err)
{
    *d = (struct xpl_design){.images = 1, .efficiency = (double)NAN};
    d->latency_ns = (double)NAN;
    strcpy(d->name, "random");
    strcpy(d->model, "stories260K");
    strcpy(d->device, pick(3) ? "u280" : "kv260");
    strcpy(d->scheme, pick(4) ? "w4a8kv8" : "w8a8kv8");
    d->prefill_mhz = 200 + pick(150);
    d->decode_mhz = 200 + pick(150);
    d->config = (struct dsn_config){
        .tp = ONE_OF(1, 2, 3, 4, 8, 16),
        .wp = ONE_OF(4, 8, 12, 16, 32, 48),
        .pch = ONE_OF(1, 1, 2, 4),
        .ap = ONE_OF(1, 2, 4, 8, 16),
        .turns = ONE_OF(1, 2, 2),
        .bp = ONE_OF(1, 2, 4, 8),
        .dwp = ONE_OF(4, 8, 16, 24, 32),
        .ch = ONE_OF(1, 1, 2, 4),
        .kp = ONE_OF(4, 8, 16),
        .hp = ONE_OF(1, 2, 4),
        .deep = ONE_OF(2, 64, 512, 4096),
        .fm = ONE_OF(2, 4, 16),
    };
    if (!xpl_shape_load(&d->shape, d->model, err) ||
        !xpl_device_load(&d->dev, d->device, err))
        return false;
    if (pick(2)) { /* another shape, as small */
        d->shape.d = 96;
        d->shape.ffn = 256;
        d->shape.head = 16;
        d->shape.nq = 6;
        d->shape.nkv = ONE_OF(1, 2, 3);
        d->shape.layers = 3;
    }
    struct dsn_plan plan;
    bool ok = dsn_plan_make(&plan, &d->shape, d->scheme, err) &&
              dsn_config_check(&d->config, &plan.model, err);
    dsn_plan_free(&plan);
    memories(d);
    d->prompt = 2 + pick(100);
    d->generate = 4;
    return ok;
}

/* Worst of a stage's two errors. */
static double compare(const struct xpl_design *d, int number, double error[2],
                      struct fl_error *err)
{
    struct xpl_times t;
    struct dsn_place place[DSN_STAGES];
    const struct xpl_times_options o = {.context = 2 + pick(200),
                                        .skip_answer = 1};
    struct xpl_cycles f[2];
    if (!xpl_times(&t, d, &o, err) ||
        !xpl_place(&place[0], d, DSN_PREFILL, err) ||
        !xpl_place(&place[1], d, DSN_DECODE, err))
        return -1;
    f[0] = xpl_cycles_prefill(d, &place[0], d->prompt - 1);
    f[1] = xpl_cycles_decode(d, &place[1], t.context);
    error[0] = f[0].cycles / (double)t.prefill_cycles - 1;
    error[1] = f[1].cycles / (double)t.decode_cycles - 1;
    struct dsn_config c = d->config;
    printf("%2d %s %s", number, d->device, d->scheme);
    for (int k = 0; dsn_config_name(k) != 0; k++)
        printf(" %s=%d", dsn_config_name(k), *dsn_config_at(&c, k));
    printf(" d=%d nkv=%d channels %d %d %d %d\n", d->shape.d, d->shape.nkv,
           d->prefill.n, d->decode.n, d->keys.n, d->values.n);
    printf("   prefill %d: %llu, formula %+.1f %%; decode at %d: %llu, formula "
           "%+.1f %%\n",
           t.prompt - 1, (unsigned long long)t.prefill_cycles, 100 * error[0],
           t.context, (unsigned long long)t.decode_cycles, 100 * error[1]);
    return fmax(fabs(error[0]), fabs(error[1]));
}

int main(int argc, char **argv)
{
    static struct xpl_design d;
    struct fl_error err = {0};
    int count = argc > 1 ? atoi(argv[1]) : 4, within = 0;
    double sum = 0, worst = 0;
    state = argc > 2 ? strtoull(argv[2], 0, 10) * 2654435761u + 1 : 7;
    for (int k = 0; k < count; k++) {
        double error[2];
        while (!design_make(&d, &err))
            ;
        double e = compare(&d, k, error, &err);
        if (e < 0) {
            printf("%s\n", err.msg);
            return 1;
        }
        within += (fabs(error[0]) <= 0.05) + (fabs(error[1]) <= 0.05);
        sum += (fabs(error[0]) + fabs(error[1])) / 2;
        worst = fmax(worst, e);
    }
    printf("%d designs, two stages each: %d of %d within 5 %%, mean %.2f %%, "
           "worst %.2f %%\n",
           count, within, 2 * count, 100 * sum / count, 100 * worst);
    return worst > 0.10;
}
