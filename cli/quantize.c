/* SPDX-License-Identifier: Apache-2.0 */
/* flexllm quantize -- a checkpoint becomes a package. */
#include "cli/commands.h"
#include "cli/source.h"
#include "cli/mix.h"
#include "base/progress.h"
#include "quant/mix.h"
#include "quant/report.h"
#include "quant/quant.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_progress(void *state, double done, const char *what)
{
    fl_progress_set(state, (uint64_t)(done * 1000), what);
}

/* "attn,o": those sites get `bits`. */
static void sites(struct quant_options *q, const char *option, const char *list,
                  int bits)
{
    for (const char *p = list; p && *p;) {
        size_t n = strcspn(p, ",");
        int s = quant_site_find(p, n);
        if (s < 0)
            cli_usage(&cli_quantize, "%s: there is no site '%.*s'", option,
                      (int)n, p);
        q->abits[s] = bits;
        p += n + (p[n] == ',');
    }
}

/* Chooses what 8 bits are worth most for by a quantisation of all in 4 (an
 * earlier one, or one made for this), then quantises. */
static bool search(struct quant_options *q, const char *model, const char *out,
                   const char *probe, double budget, int wbits,
                   struct fl_error *err)
{
    return (probe || quant_run(q, model, out, err)) &&
           mix_search(q, probe ? probe : out, budget, wbits, err) &&
           quant_run(q, model, out, err);
}

/* The result as one JSON object. */
static void print_json(const struct quant_options *q, const char *out,
                       double seconds)
{
    struct fl_error err = {0};
    struct pkg p;
    if (!pkg_open(&p, out, &err))
        cli_die_error(&err);
    struct quant_spending s = quant_spending(&p.model);
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "output", out);
    cJSON_AddStringToObject(o, "scheme", q->scheme);
    cJSON_AddNumberToObject(o, "bytes", (double)p.map.size);
    cJSON_AddNumberToObject(o, "seconds", seconds);
    cJSON_AddNumberToObject(o, "peak_mib", cli_peak_mib());
    cJSON_AddNumberToObject(o, "loss", q->result->loss);
    cJSON_AddNumberToObject(o, "turn", q->result->turn);
    cJSON_AddNumberToObject(o, "mac8_share", s.macs8 / s.macs);
    cJSON_AddNumberToObject(o, "weight_bits", s.weight_bits);
    cJSON_AddItemToObject(o, "mix", quant_mix_json(&q->mix));
    cli_json_print(o);
    pkg_close(&p);
}

static bool is_svg(const char *path)
{
    size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, ".svg") == 0;
}

static bool write_report(const struct quant_report *r, const char *path,
                         const char *title, struct fl_error *err)
{
    struct fl_out out;
    FL_TRY(fl_out_open(&out, path, err));
    if (is_svg(path)) {
        quant_report_svg(r, title, out.f);
    } else {
        cJSON *o = quant_report_json(r);
        char *text = cJSON_Print(o);
        fprintf(out.f, "%s\n", text ? text : "");
        cJSON_free(text);
        cJSON_Delete(o);
    }
    return fl_out_commit(&out, err);
}

/* Layers of a checkpoint. */
static int layers_of(const char *path)
{
    struct fl_error err = {0};
    struct model *m;
    if (!model_open(&m, path, &err))
        cli_die_error(&err);
    int n = model_shape(m)->layers;
    model_close(m);
    return n;
}

static int quantize_run(int argc, char **argv)
{
    const char *out = NULL, *scheme = "w4a8kv8", *calib = NULL;
    const char *report = NULL, *probe = NULL, *wide = NULL, *hmt = NULL,
               *narrow = NULL, *mix = NULL;
    bool no_balance = false, r3 = false, rtn = false, no_rotate = false,
         no_r4 = false, no_mean = false, no_clip = false, json = false;
    int64_t wide_channels = 0, group = 0, head = 0, seed = 0, ctx = 0,
            sequences = 0, length = 0, sweeps = -1, seeds = 0, mix_weights = 0;
    double budget = -1, clip = 0, damp = 0, asym = -1;
    const struct cli_opt opts[] = {
        {"output", 'o', CLI_TEXT, "PKG", "the package to write", &out, 0, 0},
        {"scheme", 0, CLI_TEXT, "S",
         "w4a8kv8, w4a4kv8 or w8a8kv8: bits of "
         "weights, activations, KV cache (w4a8kv8)",
         &scheme, 0, 0},
        {"calib", 0, CLI_TEXT, "FILE",
         "calibration text (one that comes with "
         "the program)",
         &calib, 0, 0},
        {"sequences", 0, CLI_INT, "N", "calibration sequences", &sequences, 1,
         65536},
        {"length", 0, CLI_INT, "N", "tokens a calibration sequence", &length, 8,
         65536},
        {"ctx", 0, CLI_INT, "N",
         "longest sequence the package can run (the "
         "model's, at most 8192)",
         &ctx, 8, NUM_MAX_SEQ},
        {"group", 0, CLI_INT, "N",
         "inputs that share a weight multiplier: "
         "32, 64, 128; 0 is a whole row (0)",
         &group, 0, 65536},
        {"head-bits", 0, CLI_INT, "N",
         "4 or 8: weights of the output head "
         "(the scheme's)",
         &head, 4, 8},
        {"wide", 0, CLI_TEXT, "LIST",
         "sites whose inputs get 8 bits in a "
         "scheme of 4, of attn,o,ffn,down,head",
         &wide, 0, 0},
        {"wide-channels", 0, CLI_INT, "W",
         "channels of the residual stream that keep 8 bits in a scheme of 4: "
         "the directions with most of its energy (0)",
         &wide_channels, 0, NUM_MAX_DIM},
        {"narrow", 0, CLI_TEXT, "LIST", "sites whose inputs get 4 bits",
         &narrow, 0, 0},
        {"mix", 0, CLI_TEXT, "FILE",
         "bits of single tensors, as --json "
         "prints them",
         &mix, 0, 0},
        {"budget-macs", 0, CLI_REAL, "B",
         "find the tensors to which 8 bits are worth most, for at most this "
         "share of all multiplications; quantises twice",
         &budget, 0, 1},
        {"probe", 0, CLI_TEXT, "PKG",
         "an earlier package of the same model "
         "to find them with; quantises once",
         &probe, 0, 0},
        {"mix-weights", 0, CLI_INT, "N",
         "4 or 8: weights of the tensors so "
         "found (the scheme's)",
         &mix_weights, 4, 8},
        {"report", 0, CLI_TEXT, "FILE",
         "signal to noise of each linear, outliers of each input: a .json or "
         "a picture, .svg",
         &report, 0, 0},
        {"act-clip", 0, CLI_REAL, "C",
         "share of a 4-bit input's range that "
         "is kept (each site's best)",
         &clip, 0.1, 1},
        {"damp", 0, CLI_REAL, "D",
         "GPTQ: share of the mean diagonal that is "
         "added",
         &damp, 1e-6, 1},
        {"asym", 0, CLI_REAL, "A",
         "GPTQ: 0 fits the quantised model's inputs, "
         "1 the unquantised model's outputs",
         &asym, 0, 1},
        {"sweeps", 0, CLI_INT, "N", "passes of coordinate descent after GPTQ",
         &sweeps, 0, 100},
        {"seed", 's', CLI_INT, "S",
         "of the rotations' signs and the choice "
         "of sequences (0)",
         &seed, 0, 4294967295.0},
        {"seeds", 0, CLI_INT, "N",
         "rotations to try, by the loss of the "
         "calibration text (1)",
         &seeds, 1, 1000},
        {"r3", 0, CLI_FLAG, NULL, "rotate queries and keys at run time", &r3, 0,
         0},
        {"no-balance", 0, CLI_FLAG, NULL,
         "no gains between v and o, up and "
         "down",
         &no_balance, 0, 0},
        {"hmt", 0, CLI_TEXT, "MEMORY",
         "a memory file (docs/hmt.md): its changes of the weights are merged "
         "first, and run --hmt MEMORY then fits the package",
         &hmt, 0, 0},
        {"rtn", 0, CLI_FLAG, NULL, "round to nearest instead of GPTQ", &rtn, 0,
         0},
        {"no-rotate", 0, CLI_FLAG, NULL, "no rotations", &no_rotate, 0, 0},
        {"no-r4", 0, CLI_FLAG, NULL, "no rotation before down", &no_r4, 0, 0},
        {"no-mean", 0, CLI_FLAG, NULL, "leave the mean in the inputs", &no_mean,
         0, 0},
        {"no-clip", 0, CLI_FLAG, NULL,
         "scale of a row from its largest "
         "weight",
         &no_clip, 0, 0},
        {"json", 0, CLI_FLAG, NULL,
         "print one JSON object: output, scheme, "
         "bytes, seconds, peak_mib, loss, turn, mac8_share, weight_bits, mix",
         &json, 0, 0},
    };
    const char *word[1];
    cli_parse(&cli_quantize, opts, sizeof opts / sizeof *opts, argc, argv, word,
              1, 1);
    if (!out)
        cli_usage(&cli_quantize, "name the package with -o PKG");
    struct fl_error err = {0};
    struct quant_options q;
    if (!quant_defaults(&q, scheme, &err))
        cli_usage(&cli_quantize, "%s", err.msg);
    if (head && head != 4 && head != 8)
        cli_usage(&cli_quantize, "--head-bits is 4 or 8");
    q.calib = calib;
    q.hmt = hmt;
    q.seed = (uint32_t)seed;
    q.rtn |= rtn;
    q.no_rotate |= no_rotate;
    q.no_r4 |= no_r4;
    q.no_mean |= no_mean;
    q.no_clip |= no_clip;
    q.group = (int)group;
    q.seq = (int)ctx;
    q.wide = (int)wide_channels;
    if (head)
        q.head_wbits = (int)head;
    if (sequences)
        q.calib_sequences = (int)sequences;
    if (length)
        q.calib_length = (int)length;
    if (clip > 0)
        q.act_clip = clip;
    if (damp > 0)
        q.damp = damp;
    if (asym >= 0)
        q.asym = asym;
    if (sweeps >= 0)
        q.sweeps = (int)sweeps;
    if (seeds)
        q.seeds = (int)seeds;
    q.r3 = r3;
    q.no_balance = no_balance || q.no_rotate;
    sites(&q, "--wide", wide, 8);
    sites(&q, "--narrow", narrow, 4);
    if (mix_weights && mix_weights != 4 && mix_weights != 8)
        cli_usage(&cli_quantize, "--mix-weights is 4 or 8");
    if (mix && budget >= 0)
        cli_usage(&cli_quantize, "give --mix or --budget-macs, not both");
    if (mix && !mix_read(&q.mix, mix, &err))
        cli_die_error(&err);
    if (budget >= 0 && !q.abits[QUANT_HEAD])
        q.abits[QUANT_HEAD] = q.scheme[3] - '0';
    struct quant_report seen = {0};
    if (report && !quant_report_init(&seen, layers_of(word[0])))
        cli_die("out of memory");
    q.report = report ? &seen : NULL;
    struct quant_result result = {0};
    q.result = &result;

    struct fl_progress bar;
    fl_progress_start(&bar, "quantising", 1000);
    q.progress = on_progress;
    q.progress_state = &bar;
    double start = fl_now();
    bool ok = budget >= 0 ? search(&q, word[0], out, probe, budget,
                                   (int)mix_weights, &err)
                          : quant_run(&q, word[0], out, &err);
    fl_progress_end(&bar);
    if (!ok)
        cli_die_error(&err);
    double seconds = fl_now() - start;
    if (report && !write_report(&seen, report, word[0], &err))
        cli_die_error(&err);
    quant_report_free(&seen);
    struct fl_map m;
    if (!fl_map_open(&m, out, &err))
        cli_die_error(&err);
    if (json) {
        print_json(&q, out, seconds);
    } else {
        printf("%s: %s, %.1f MB, in %.1f s, %.0f MiB at most\n", out, scheme,
               (double)m.size / 1e6, seconds, cli_peak_mib());
    }
    fl_map_close(&m);
    quant_mix_free(&q.mix);
    return cli_flush();
}

const struct cli_command cli_quantize = {
    "quantize",
    "MODEL -o PKG [--scheme S] [options]",
    "a checkpoint becomes a package of integers",
    "  Folds the norms' gains and rotations into the weights, runs a "
    "calibration text,\n  rounds the weights and writes one file that every "
    "engine reads. The same command\n  gives the same bytes. docs/"
    "quantization.md says what each step is worth.",
    "  flexllm quantize SmolLM2.gguf -o smollm2.fxq\n"
    "  flexllm quantize SmolLM2.gguf -o parity.fxq --scheme w4a4kv8\n"
    "  flexllm quantize SmolLM2.gguf -o mixed.fxq --scheme w4a4kv8 --wide "
    "down,o\n"
    "  flexllm quantize SmolLM2.gguf -o mixed.fxq --scheme w4a4kv8 "
    "--budget-macs 0.12",
    quantize_run,
};
