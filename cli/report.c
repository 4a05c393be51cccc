/* SPDX-License-Identifier: Apache-2.0 */
/* flexllm report -- what a design is and does, as one page. */
#include "cli/commands.h"
#include "cli/source.h"
#include "cli/times.h"
#include "base/file.h"
#include "explore/json.h"
#include "explore/times_json.h"
#include "report/report.h"
#include <stdio.h>
#include <stdlib.h>

static struct {
    const char *out, *time, *explore;
    struct cli_times run;
} opt;

/* The timed run: read, or made now. */
static cJSON *times_get(const struct xpl_design *d, struct fl_error *err)
{
    if (opt.time != NULL)
        return xpl_json_open(opt.time, err);
    const struct xpl_times_options o = cli_times_options(&opt.run, 1, 1);
    struct xpl_times *t = calloc(1, sizeof *t);
    if (t == NULL)
        cli_die("out of memory");
    cJSON *o_json = xpl_times(t, d, &o, err) ? xpl_times_json(d, t) : NULL;
    free(t);
    return o_json;
}

static bool write_page(const struct xpl_design *d, const struct rep_times *t,
                       const struct rep_search *s, struct fl_error *err)
{
    struct fl_out out;
    FL_TRY(fl_out_open(&out, opt.out, err));
    rep_write(out.f, d, t, s);
    return fl_out_commit(&out, err);
}

static int run(int argc, char **argv)
{
    const struct cli_opt opts[] = {
        {"output", 'o', CLI_TEXT, "FILE", "the page to write", &opt.out, 0, 0},
        {"time", 't', CLI_TEXT, "FILE",
         "what flexllm time DESIGN --json printed (the run is made now)",
         &opt.time, 0, 0},
        {"explore", 'e', CLI_TEXT, "FILE",
         "what flexllm explore --json printed: its front is shown",
         &opt.explore, 0, 0},
        CLI_TIMES_OPTS(&opt.run),
    };
    const char *words[8];
    cli_parse(&cli_report, opts, sizeof opts / sizeof *opts, argc, argv, words,
              1, 1);
    if (opt.out == NULL)
        cli_usage(&cli_report, "name the page with -o FILE");
    if (opt.time != NULL &&
        (opt.run.prompt || opt.run.generate || opt.run.context))
        cli_usage(&cli_report, "--time FILE has its own --prompt, --generate "
                               "and --context");
    struct fl_error err = {0};
    struct xpl_design *d = calloc(1, sizeof *d);
    struct rep_times *t = calloc(1, sizeof *t);
    struct rep_search *s = calloc(1, sizeof *s);
    if (d == NULL || t == NULL || s == NULL)
        cli_die("out of memory");
    cJSON *found = NULL, *timed = NULL;
    bool ok = xpl_design_load(d, words[0], &err);
    if (ok && opt.explore != NULL)
        ok = (found = xpl_json_open(opt.explore, &err)) != NULL &&
             rep_search_read(s, found, opt.explore, d, &err);
    ok = ok && (timed = times_get(d, &err)) != NULL &&
         rep_times_read(t, timed, opt.time ? opt.time : words[0], d, &err) &&
         write_page(d, t, found != NULL ? s : NULL, &err);
    if (!ok)
        cli_die_error(&err);
    cJSON_Delete(found);
    cJSON_Delete(timed);
    free(s);
    free(t);
    free(d);
    return cli_flush();
}

const struct cli_command cli_report = {
    .name = "report",
    .synopsis = "DESIGN -o FILE [--time FILE] [--explore FILE]",
    .summary = "what a design is and does, as one HTML page",
    .description =
        "  Writes one self-contained page: dataflow of both stages, when each\n"
        "  module works in a token and in a prompt, roofline, memory "
        "channels,\n"
        "  resources against the device, the front of a search, published\n"
        "  systems with their sources, and the assumptions behind it all. It\n"
        "  needs no script and no network, and reads on a phone and on paper.\n"
        "  Without --time it runs the design first, as flexllm time does: "
        "that\n"
        "  needs clang-19 and takes minutes for a large model. The prompt's\n"
        "  and the answer's length are the run's. docs/report.md says more.",
    .examples =
        "  flexllm report designs/llama32_1b-u280-one.json -o u280.html\n"
        "  flexllm time my.json --json >time.json\n"
        "  flexllm explore --model llama32_1b --device u280 --json "
        ">front.json\n"
        "  flexllm report my.json --time time.json --explore front.json -o "
        "my.html",
    .run = run,
};
