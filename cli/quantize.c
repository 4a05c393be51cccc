/* SPDX-License-Identifier: Apache-2.0 */
/* flexllm quantize -- a checkpoint becomes a package. */
#include "cli/commands.h"
#include "cli/source.h"
#include "base/progress.h"
#include "quant/quant.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

static void on_progress(void *state, double done, const char *what)
{
    fl_progress_set(state, (uint64_t)(done * 1000), what);
}

static int quantize_run(int argc, char **argv)
{
    const char *out = NULL, *scheme = "w4a8kv8", *calib = NULL;
    const char *wide = NULL;
    bool rtn = false, no_rotate = false, no_r4 = false, no_mean = false,
         no_clip = false, json = false;
    int64_t group = 0, head = 0, seed = 0, ctx = 0, sequences = 0, length = 0,
            sweeps = -1;
    double clip = 0, damp = 0, asym = -1;
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
        {"act-clip", 0, CLI_REAL, "C",
         "share of a 4-bit input's range that "
         "is kept",
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
         "bytes, seconds, peak_mib",
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
    q.seed = (uint32_t)seed;
    q.rtn |= rtn;
    q.no_rotate |= no_rotate;
    q.no_r4 |= no_r4;
    q.no_mean |= no_mean;
    q.no_clip |= no_clip;
    q.group = (int)group;
    q.seq = (int)ctx;
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
    static const char *const site[QUANT_SITES] = {"attn", "o", "ffn", "down",
                                                  "head"};
    for (const char *p = wide; p && *p;) {
        size_t n = strcspn(p, ",");
        int s = 0;
        while (s < QUANT_SITES &&
               !(strlen(site[s]) == n && memcmp(site[s], p, n) == 0))
            s++;
        if (s == QUANT_SITES)
            cli_usage(&cli_quantize, "--wide: there is no site '%.*s'", (int)n,
                      p);
        q.abits[s] = 8;
        p += n + (p[n] == ',');
    }

    struct fl_progress bar;
    fl_progress_start(&bar, "quantising", 1000);
    q.progress = on_progress;
    q.progress_state = &bar;
    double start = fl_now();
    bool ok = quant_run(&q, word[0], out, &err);
    fl_progress_end(&bar);
    if (!ok)
        cli_die_error(&err);
    double seconds = fl_now() - start;
    struct fl_map m;
    if (!fl_map_open(&m, out, &err))
        cli_die_error(&err);
    if (json) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "output", out);
        cJSON_AddStringToObject(o, "scheme", scheme);
        cJSON_AddNumberToObject(o, "bytes", (double)m.size);
        cJSON_AddNumberToObject(o, "seconds", seconds);
        cJSON_AddNumberToObject(o, "peak_mib", cli_peak_mib());
        cli_json_print(o);
    } else {
        printf("%s: %s, %.1f MB, in %.1f s, %.0f MiB at most\n", out, scheme,
               (double)m.size / 1e6, seconds, cli_peak_mib());
    }
    fl_map_close(&m);
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
    "down,o",
    quantize_run,
};
