/* SPDX-License-Identifier: Apache-2.0 */
/* flexllm explore -- finds the parallelism of a model on a device. */
#include "cli/commands.h"
#include "cli/source.h"
#include "explore/search.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    const char *model, *device, *scheme, *objective, *out;
    int64_t prompt, generate, images, rows;
    double prefill_mhz, decode_mhz, efficiency, latency, fill;
    bool json;
} opt = {.scheme = "w4a8kv8",
         .objective = "latency",
         .prompt = 1024,
         .generate = 256,
         .rows = 12,
         .efficiency = NAN,
         .latency = NAN};

static enum xpl_objective objective(void)
{
    for (int k = 0; xpl_objective_name[k] != NULL; k++)
        if (strcmp(xpl_objective_name[k], opt.objective) == 0)
            return (enum xpl_objective)k;
    cli_die("no objective \"%.20s\"; there are latency, throughput, energy and "
            "area",
            opt.objective);
}

static void row(const struct xpl_point *p, bool chosen)
{
    const struct dsn_config *c = &p->config;
    printf(
        "%c %3d x %-4d %3d %3d %d | %3d x %-4d %3d %3d %2d %5d %2d | %d %9.4f "
        "%9.1f %8.3f  %5.1f %% %s\n",
        chosen ? '*' : ' ', c->tp, c->wp, c->pch, c->ap, c->turns, c->bp,
        c->dwp, c->ch, c->kp, c->hp, c->deep, c->fm, p->images, p->prefill_s,
        p->decode_tok_s, p->answer_s, 100 * p->area,
        p->limit < 0 ? "?" : xpl_kind_name[p->limit]);
}

/* The chosen one and, of a long front, as many others evenly spread. */
static void front(const struct xpl_search *s)
{
    puts("    tp x wp   pch  ap t |  bp x dwp   ch  kp hp  deep fm | i   "
         "prefill    decode   answer   fullest\n"
         "                       |                                 |        "
         " s  tokens/s        s");
    int step = (s->points + (int)opt.rows - 1) / (int)opt.rows;
    for (int i = 0; i < s->points; i++)
        if (i == s->chosen || (step > 0 && i % step == 0))
            row(&s->point[i], i == s->chosen);
}

static void text(const struct xpl_search *s)
{
    const struct xpl_design *d = &s->design;
    const struct xpl_point *p = &s->point[s->chosen];
    printf("%s, %s on %s: %.0f legal stages, %.0f fit and were timed, %d on "
           "the front, %.1f s\n",
           d->model, d->scheme, d->dev.title, s->legal, s->timed, s->points,
           s->seconds);
    front(s);
    printf("* best by %s of all of the grid, by the formulas of "
           "docs/explorer.md: projections, nothing ran on a board\n",
           opt.objective);
    printf("bounds of the device: decode %.1f tokens/s (memory), prefill "
           "%.4f s (multipliers)\n",
           s->bound_tok_s, s->bound_prefill_s);
    for (int k = 0; k < XPL_KIND_COUNT; k++)
        printf("    %-8s %9.0f +- %-8.0f %6.1f %%\n", xpl_kind_name[k],
               p->total.n[k], p->err.n[k], 100 * p->share.n[k]);
    if (p->uncounted > 0)
        printf("    %d parts were never synthesised: only their multipliers "
               "are counted (flexllm time --json names them)\n",
               p->uncounted);
    if (!isnan(s->crossings)) {
        printf("floorplan  %.0f wires cross a border%s:", s->crossings,
               s->floor_optimal ? ", no fewer can" : "");
        for (int i = 0; i < d->parts; i++)
            printf("%s %s %s", i == 0 ? "" : ",", d->floor[i].part,
                   d->dev.region[d->floor[i].region].name);
        putchar('\n');
    } else if (d->images == 1 && d->dev.regions > 1) {
        printf("floorplan  none: the regions of %s are not known, or so full a "
               "device cannot be cut (--fill 0.9)\n",
               d->dev.name);
    }
    if (opt.out != NULL)
        printf("written to %s\n", opt.out);
}

static int run(int argc, char **argv)
{
    const struct cli_opt opts[] = {
        {"model", 'm', CLI_TEXT, "MODEL",
         "shape: a name in designs/models, or a file", &opt.model, 0, 0},
        {"device", 'd', CLI_TEXT, "DEVICE",
         "a name in designs/devices, or a file", &opt.device, 0, 0},
        {"scheme", 's', CLI_TEXT, "S", "w4a8kv8 (default), w4a4kv8, w8a8kv8",
         &opt.scheme, 0, 0},
        {"prompt", 'p', CLI_INT, "N", "tokens of the prompt (1024)",
         &opt.prompt, 1, 1 << 22},
        {"generate", 'n', CLI_INT, "N", "tokens of the answer (256)",
         &opt.generate, 1, 1 << 22},
        {"objective", 0, CLI_TEXT, "O",
         "latency: of prompt and answer (default); throughput: of decode; "
         "energy: of prompt and answer; area: share of the device times "
         "latency",
         &opt.objective, 0, 0},
        {"images", 'i', CLI_INT, "N",
         "1: both stages in one; 2: one each, loaded in turn (either)",
         &opt.images, 1, 2},
        {"prefill-mhz", 0, CLI_REAL, "F", "clock of prefill (the device's)",
         &opt.prefill_mhz, 1, 2000},
        {"decode-mhz", 0, CLI_REAL, "F", "clock of decode (the device's)",
         &opt.decode_mhz, 1, 2000},
        {"efficiency", 0, CLI_REAL, "E",
         "share of a memory's pins to count on where the device file has none",
         &opt.efficiency, 0.01, 1},
        {"latency", 0, CLI_REAL, "NS",
         "latency of a memory where the device file has none", &opt.latency, 1,
         1e5},
        {"fill", 'f', CLI_REAL, "F",
         "share of what the device file allows to take at most (1); a little "
         "less than 1 lets a floorplan be found",
         &opt.fill, 0.05, 1},
        {"rows", 'r', CLI_INT, "N", "of the front to print (12)", &opt.rows, 1,
         10000},
        {"out", 'o', CLI_TEXT, "FILE", "write the best design there", &opt.out,
         0, 0},
        {"json", 0, CLI_FLAG, NULL, "one line of JSON", &opt.json, 0, 0},
    };
    const char *words[1];
    cli_parse(&cli_explore, opts, sizeof opts / sizeof *opts, argc, argv, words,
              0, 0);
    if (opt.model == NULL || opt.device == NULL)
        cli_die("explore needs --model and --device");
    const struct xpl_want want = {.model = opt.model,
                                  .device = opt.device,
                                  .scheme = opt.scheme,
                                  .prompt = (int)opt.prompt,
                                  .generate = (int)opt.generate,
                                  .objective = objective(),
                                  .images = (int)opt.images,
                                  .prefill_mhz = opt.prefill_mhz,
                                  .decode_mhz = opt.decode_mhz,
                                  .efficiency = opt.efficiency,
                                  .latency_ns = opt.latency,
                                  .fill = opt.fill};
    struct fl_error err = {0};
    struct xpl_search *s = calloc(1, sizeof *s);
    if (s == NULL)
        cli_die("out of memory");
    if (!xpl_search(s, &want, &err))
        cli_die_error(&err);
    if (opt.out != NULL && !xpl_design_save(&s->design, opt.out, &err))
        cli_die_error(&err);
    if (opt.json)
        cli_json_print(xpl_search_json(s, &want));
    else
        text(s);
    xpl_search_free(s);
    free(s);
    return cli_flush();
}

const struct cli_command cli_explore = {
    .name = "explore",
    .synopsis = "--model MODEL --device DEVICE [options]",
    .summary = "the best design of a model on a device",
    .description =
        "Times every legal parallelism of prefill and decode by formulas,\n"
        "counts what it takes of the device, and prints those that no other\n"
        "beats in prefill time, decode speed and area. The best is written\n"
        "as a design file that time, build and report take.",
    .examples =
        "  flexllm explore --model llama32_1b --device u280 -o my.json\n"
        "  flexllm explore -m smollm2_135m -d kv260 --latency 150 --objective "
        "throughput",
    .run = run,
};
