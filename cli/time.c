/* SPDX-License-Identifier: Apache-2.0 */
/* flexllm time -- how long a design takes, from a timed run of the design. */
#include "cli/commands.h"
#include "cli/source.h"
#include "cli/times.h"
#include "explore/place.h"
#include "explore/times_json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    struct cli_times run;
    bool json, all;
} opt;

static int by_busy(const void *a, const void *b)
{
    const struct dsn_work *x = a, *y = b;
    return x->busy < y->busy ? 1 : x->busy > y->busy ? -1 : 0;
}

static void works_text(struct dsn_seen *s, uint64_t cycles)
{
    qsort(s->work, (size_t)s->works, sizeof *s->work, by_busy);
    for (int i = 0; i < s->works && (opt.all || i < 8); i++)
        printf("    %-16s busy %5.1f %%%s\n", s->work[i].name,
               100 * (double)s->work[i].busy / (double)cycles,
               i == 0 ? "   the critical module" : "");
}

static void banks_text(const struct xpl_design *d, const struct dsn_seen *s,
                       double seconds)
{
    const struct xpl_memory *m;
    int channel;
    for (int b = 0; (m = xpl_device_memory(&d->dev, b, &channel)) != 0; b++) {
        double bytes = (double)(s->bank[b].read + s->bank[b].written);
        if (bytes > 0)
            printf("    %s%-3d %7.2f GB/s, %5.1f %% of %.2f\n", m->name,
                   channel, bytes / seconds / 1e9,
                   bytes / seconds / 1e7 / m->gb_s, m->gb_s);
    }
}

static void cost_text(const struct xpl_design *d, const struct xpl_cost *c)
{
    printf("fabric     estimate before placement, of what %s may use\n",
           d->dev.name);
    for (int k = 0; k < XPL_KIND_COUNT; k++) {
        printf("    %-8s %9.0f +- %-8.0f", xpl_kind_name[k], c->total.n[k],
               c->err.n[k]);
        if (c->room.n[k] >= 0)
            printf(" of %9.0f %6.1f %%%s\n", c->room.n[k], 100 * c->share.n[k],
                   c->share.n[k] > 1 ? "   does not fit" : "");
        else
            printf(" of a number that the device file does not know\n");
    }
    for (int i = 0, n = 0; i < c->parts; i++)
        if (!c->part[i].counted)
            printf("%s%s %s",
                   n++ == 0 ? "    not synthesised, only their "
                              "multipliers counted: "
                            : ", ",
                   c->part[i].stage == DSN_PREFILL ? "prefill" : "decode",
                   c->part[i].name);
    if (c->uncounted > 0)
        putchar('\n');
    if (c->watts > 0)
        printf("energy     %.3f J a token, %.2f J the prompt, at the %.1f W of "
               "a published design\n",
               c->decode_j, c->prefill_j, c->watts);
}

static void text(const struct xpl_design *d, struct xpl_times *t,
                 const struct xpl_cost *c)
{
    printf("%s: %s, %s on %s (a projection: nothing ran on a board)\n", d->name,
           d->model, d->scheme, d->dev.title);
    if (t->prefill_cycles > 0) {
        printf("prefill    %d tokens: %llu cycles, %.4f s at %g MHz\n",
               t->prompt - 1, (unsigned long long)t->prefill_cycles,
               t->prefill_s, d->prefill_mhz);
        works_text(&t->prefill, t->prefill_cycles);
        banks_text(d, &t->prefill, t->prefill_s);
    }
    printf("decode     context %d: %llu cycles a token, %.1f tokens/s at "
           "%g MHz\n",
           t->context, (unsigned long long)t->decode_cycles, t->decode_tok_s,
           d->decode_mhz);
    works_text(&t->decode, t->decode_cycles);
    banks_text(d, &t->decode, 1 / t->decode_tok_s);
    printf("           %.1f %% of the %.0f GB/s of its memory; bound of its "
           "weight channels %.1f tokens/s, %.1f %% of it reached\n",
           100 * t->utilisation, t->peak_gb_s, t->bound_tok_s,
           100 * t->decode_tok_s / t->bound_tok_s);
    if (t->answer_s > 0)
        printf("answer     %d tokens after %d: %.3f s, %.1f tokens/s\n",
               t->generate, t->prompt, t->answer_s, t->answer_tok_s);
    printf("formulas   prefill %+.1f %%, decode %+.1f %% of the run\n",
           t->prefill_cycles > 0
               ? 100 * (c->prefill_cycles / (double)t->prefill_cycles - 1)
               : 0,
           100 * (c->decode_cycles / (double)t->decode_cycles - 1));
    cost_text(d, c);
}

static int run(int argc, char **argv)
{
    const struct cli_opt opts[] = {
        CLI_TIMES_OPTS(&opt.run),
        {"all", 'a', CLI_FLAG, NULL, "every module, not only the busiest",
         &opt.all, 0, 0},
        {"json", 0, CLI_FLAG, NULL, "one line of JSON", &opt.json, 0, 0},
    };
    const char *words[8];
    cli_parse(&cli_time, opts, sizeof opts / sizeof *opts, argc, argv, words, 1,
              1);
    struct fl_error err = {0};
    struct xpl_design *d = calloc(1, sizeof *d);
    struct xpl_times *t = calloc(1, sizeof *t);
    struct xpl_cost *c = calloc(1, sizeof *c);
    if (d == NULL || t == NULL || c == NULL)
        cli_die("out of memory");
    const struct xpl_times_options o =
        cli_times_options(&opt.run, opt.json, !opt.json);
    if (!xpl_design_load(d, words[0], &err) || !xpl_times(t, d, &o, &err) ||
        !xpl_cost_of(c, d, t, &err))
        cli_die_error(&err);
    if (opt.json)
        cli_json_print(xpl_times_json(d, t));
    else
        text(d, t, c);
    free(c);
    free(t);
    free(d);
    return cli_flush();
}

const struct cli_command cli_time = {
    .name = "time",
    .synopsis = "DESIGN [options]",
    .summary = "cycles of a design, from a timed run of it",
    .description =
        "Runs the prefill and the decode design of a design file at full size\n"
        "in the timed view: every stream, every module's loops and every\n"
        "memory request, without the data. Prints cycles, tokens/s, how busy\n"
        "modules and memory channels are. Needs clang-19.",
    .examples = "  flexllm time designs/llama32_1b-u280-one.json\n"
                "  flexllm time my.json --context 4096 --json",
    .run = run,
};
