/* SPDX-License-Identifier: Apache-2.0 */
/* flexllm train -- a memory for a checkpoint, from plain text. */
#include "cli/commands.h"
#include "cli/source.h"
#include "base/progress.h"
#include "train/train.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *out, *text, *svg, *from;
    int64_t segment, sensory, memories, dm, lora, depth, sequence, batch, steps,
        warmup, seed, every, threads, wbits, abits, skip;
    double rate, alpha, decay, scale, distil, echo;
    bool resume, f32, json;
} opt;

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The command as typed, folders left out. */
static void command_line(int argc, char **argv, char *to, size_t room)
{
    size_t n = (size_t)snprintf(to, room, "flexllm train");
    for (int i = 1; i < argc && n < room; i++)
        n += (size_t)snprintf(to + n, room - n, " %s", file_name(argv[i]));
}

static void about(struct hmt_info *info, const char *model, int argc,
                  char **argv, const struct tok_ids *ids)
{
    struct fl_error err;
    snprintf(info->maker, sizeof info->maker, "flexllm %s", FL_VERSION);
    command_line(argc, argv, info->command, sizeof info->command);
    snprintf(info->model, sizeof info->model, "%s", file_name(model));
    if (!pkg_hash_file(model, info->model_hash, &err))
        info->model_hash[0] = 0; /* a directory has no one hash */
    snprintf(info->text, sizeof info->text, "%s", file_name(opt.text));
    pkg_hash_text(pkg_hash(ids->id, ids->n * sizeof *ids->id), info->text_hash);
    info->seed = opt.seed;
}

/* Writes what there is after t->step steps. */
static bool put_out(const struct train *t, const struct hmt_info *info,
                    struct fl_error *err)
{
    struct hmt h = {.segment = (int)opt.segment,
                    .sensory = (int)opt.sensory,
                    .memories = (int)opt.memories,
                    .info = *info};
    h.info.steps = t->step;
    FL_TRY(net_to_hmt(t->net, &h, err));
    bool ok = hmt_write(opt.out, &h, !opt.f32, err);
    hmt_free(&h);
    if (ok && opt.svg != NULL && t->step > 0)
        ok = train_plot(opt.svg, t->loss, t->step, info->command, err);
    return ok;
}

/* Trains, with a checkpoint and the files every opt.every steps. */
static bool train_all(struct train *t, const struct hmt_info *info,
                      const char *checkpoint, struct fl_error *err)
{
    struct fl_progress bar;
    double start = fl_now(), before = t->trained, mean = 0;
    fl_progress_start(&bar, "training", (uint64_t)t->o.steps);
    bool ok = true;
    while (ok && t->step < t->o.steps) {
        train_step(t);
        double loss = t->loss[t->step - 1];
        mean = mean > 0 ? 0.95 * mean + 0.05 * loss : loss;
        if (!isfinite(loss)) {
            fl_fail(err, FL_RANGE, (uint64_t)t->step,
                    "step %d: the loss is not a number; give a lower --rate",
                    t->step);
            ok = false;
            break;
        }
        char note[80];
        snprintf(note, sizeof note, "loss %.4f  %.0f tokens/s", mean,
                 (t->trained - before) / (fl_now() - start));
        fl_progress_set(&bar, (uint64_t)t->step, note);
        if (t->step % opt.every == 0 && t->step < t->o.steps)
            ok = train_save(t, checkpoint, err) && put_out(t, info, err);
    }
    fl_progress_end(&bar);
    ok = ok && train_save(t, checkpoint, err) && put_out(t, info, err);
    if (!ok)
        return false;
    double seconds = fl_now() - start;
    double speed = (t->trained - before) / seconds;
    if (opt.json) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "output", opt.out);
        cJSON_AddNumberToObject(o, "steps", t->step);
        cJSON_AddNumberToObject(o, "loss", mean);
        cJSON_AddNumberToObject(o, "tokens", t->trained);
        cJSON_AddNumberToObject(o, "tokens_per_second", speed);
        cJSON_AddNumberToObject(o, "seconds", seconds);
        cJSON_AddNumberToObject(o, "peak_mib", cli_peak_mib());
        cli_json_print(o);
    } else {
        printf("%s: %d steps, loss %.4f (running mean), %.0f tokens/s, %.1f s, "
               "%.0f MiB at most\n",
               opt.out, t->step, mean, speed, seconds, cli_peak_mib());
    }
    return true;
}

static bool begin_from(struct net *net, struct fl_error *err)
{
    struct hmt h;
    FL_TRY(hmt_open(&h, opt.from, err));
    bool ok = net_from_hmt(net, &h, opt.from, err);
    hmt_free(&h);
    return ok;
}

static bool run(const struct cli_source *src, const struct tok_ids *ids,
                const struct hmt_info *info, struct fl_error *err)
{
    struct num_fmodel m;
    struct net net;
    struct train t;
    FL_TRY(model_load(src->model, &m, err));
    struct net_options no = {.dm = (int)opt.dm,
                             .rank = (int)opt.lora,
                             .alpha = opt.alpha,
                             .parts = (1u << HMT_PARTS) - 1,
                             .wbits = (int)opt.wbits,
                             .abits = (int)opt.abits,
                             .scale = opt.scale,
                             .first = tok_bos(src->tok),
                             .seed = (uint64_t)opt.seed};
    bool ok = net_init(&net, &m, &no, err);
    model_unload(&m);
    if (!ok)
        return false;
    if (opt.from != NULL && !begin_from(&net, err)) {
        net_free(&net);
        return false;
    }
    struct train_options to = {
        .seg = {(int)opt.segment, (int)opt.sensory, (int)opt.memories,
                (int)opt.depth, 0, (real)opt.distil},
        .sequence = (int)opt.sequence,
        .batch = (int)opt.batch,
        .steps = (int)opt.steps,
        .warmup = (int)opt.warmup,
        .echo = opt.echo,
        .skip = (int)opt.skip,
        .rate = opt.rate,
        .decay = opt.decay,
        .clip = 1,
        .seed = (uint64_t)opt.seed ^ 0x7465787473, /* apart from net_init's */
        .threads = (int)opt.threads};
    ok = train_init(&t, &net, &to, ids->id, ids->n, err);
    if (ok) {
        size_t n = strlen(opt.out);
        char *checkpoint = malloc(n + 6);
        if (checkpoint == NULL) {
            fl_fail(err, FL_NOMEM, 0, "out of memory");
            ok = false;
        } else {
            memcpy(checkpoint, opt.out, n);
            memcpy(checkpoint + n, ".ckpt", 6);
            ok = !opt.resume || train_load(&t, checkpoint, err);
            ok = ok && train_all(&t, info, checkpoint, err);
        }
        free(checkpoint);
        train_free(&t);
    }
    net_free(&net);
    return ok;
}

static int train_main(int argc, char **argv)
{
    opt.segment = 256;
    opt.sensory = 32;
    opt.memories = 64;
    opt.dm = 64;
    opt.lora = 4;
    opt.alpha = 8;
    opt.sequence = 4;
    opt.batch = 2;
    opt.steps = 200;
    opt.warmup = 10;
    opt.rate = 1e-3;
    opt.decay = 0.01;
    opt.every = 20;
    opt.threads = sysconf(_SC_NPROCESSORS_ONLN);
    const struct cli_opt opts[] = {
        {"output", 'o', CLI_TEXT, "FILE",
         "the memory file to write; its checkpoint is FILE.ckpt", &opt.out, 0,
         0},
        {"text", 0, CLI_TEXT, "FILE", "the text; - is standard input",
         &opt.text, 0, 0},
        {"segment", 0, CLI_INT, "L", "tokens a segment (256)", &opt.segment, 2,
         HMT_MAX_SEGMENT},
        {"sensory", 0, CLI_INT, "K",
         "tokens repeated from the previous segment (32)", &opt.sensory, 0,
         HMT_MAX_SEGMENT},
        {"memories", 0, CLI_INT, "N",
         "slots of the queue; 0 trains the baseline without memory (64)",
         &opt.memories, 0, HMT_MAX_MEMORIES},
        {"dm", 0, CLI_INT, "N", "width of the search (64)", &opt.dm, 1, 65536},
        {"lora", 0, CLI_INT, "R", "rank of LoRA on all linears; 0: none (4)",
         &opt.lora, 0, HMT_MAX_RANK},
        {"alpha", 0, CLI_REAL, "A", "LoRA is A / R b a (8)", &opt.alpha, 0,
         1e6},
        {"depth", 0, CLI_INT, "D",
         "segments a gradient runs back through (all of a sequence)",
         &opt.depth, 1, 4096},
        {"sequence", 0, CLI_INT, "N", "segments a sequence (4)", &opt.sequence,
         1, 4096},
        {"batch", 0, CLI_INT, "N", "sequences a step (2)", &opt.batch, 1, 64},
        {"steps", 0, CLI_INT, "N", "steps (200)", &opt.steps, 1, 1e7},
        {"warmup", 0, CLI_INT, "N", "steps over which the rate rises (10)",
         &opt.warmup, 0, 1e7},
        {"distil", 0, CLI_REAL, "A",
         "share of a teacher in the aim: the model itself, reading a whole "
         "sequence at once (0)",
         &opt.distil, 0, 1},
        {"echo", 0, CLI_REAL, "E",
         "share of sequences that end in a copy of an earlier segment (0)",
         &opt.echo, 0, 1},
        {"skip", 0, CLI_INT, "N",
         "the first N segments of a sequence have no loss (0)", &opt.skip, 0,
         4096},
        {"from", 0, CLI_TEXT, "MEMORY", "begin with the numbers of this file",
         &opt.from, 0, 0},
        {"rate", 0, CLI_REAL, "R", "greatest learning rate (0.001)", &opt.rate,
         0, 10},
        {"decay", 0, CLI_REAL, "W", "weight decay (0.01)", &opt.decay, 0, 10},
        {"scale", 0, CLI_REAL, "S",
         "size of a state (the embedding's root mean square)", &opt.scale, 0,
         1e6},
        {"wbits", 0, CLI_INT, "B",
         "compute with weights rounded to B bits, gradients straight through "
         "(exact)",
         &opt.wbits, 2, 8},
        {"abits", 0, CLI_INT, "B", "the same for inputs of linears (exact)",
         &opt.abits, 2, 8},
        {"seed", 0, CLI_INT, "N", "same seed, same file (0)", &opt.seed, 0,
         INT32_MAX},
        {"every", 0, CLI_INT, "N", "steps between checkpoints (20)", &opt.every,
         1, 1e7},
        {"resume", 0, CLI_FLAG, NULL, "go on from the checkpoint", &opt.resume,
         0, 0},
        {"svg", 0, CLI_TEXT, "FILE", "draw the loss curve", &opt.svg, 0, 0},
        {"f32", 0, CLI_FLAG, NULL, "write fp32 instead of bf16", &opt.f32, 0,
         0},
        {"threads", 't', CLI_INT, "N", "threads (all processors)", &opt.threads,
         1, 1024},
        {"json", 0, CLI_FLAG, NULL, "print one JSON object", &opt.json, 0, 0},
    };
    const char *word[1];
    cli_parse(&cli_train, opts, sizeof opts / sizeof *opts, argc, argv, word, 1,
              1);
    if (opt.text == NULL || opt.out == NULL)
        cli_usage(&cli_train, "give the text with --text FILE and the memory "
                              "to write with -o FILE");
    if (opt.depth == 0 || opt.depth > opt.sequence)
        opt.depth = opt.sequence;
    struct fl_error err = {0};
    struct cli_source src;
    struct cli_text in;
    struct tok_ids ids = {0};
    struct hmt_info info = {0};
    if (!cli_source_open(&src, word[0], &err))
        cli_die_error(&err);
    if (src.model == NULL)
        cli_die("%s: training needs a checkpoint (GGUF, safetensors, .bin), "
                "not a package or a tokenizer",
                src.path);
    const struct tok *tok = cli_source_tok(&src);
    if (!cli_text_get(&in, NULL, opt.text, &err))
        cli_die_error(&err);
    if (!tok_encode(tok, in.s, in.n, 0, &ids, &err))
        cli_die("%s: %s", opt.text, err.msg);
    cli_warn_lost(&ids);
    about(&info, word[0], argc, argv, &ids);
    if (!run(&src, &ids, &info, &err))
        cli_die_error(&err);
    tok_ids_free(&ids);
    cli_text_free(&in);
    cli_source_close(&src);
    return cli_flush();
}

const struct cli_command cli_train = {
    "train",
    "MODEL -o MEMORY.hmt --text FILE [options]",
    "a memory for texts longer than the window",
    "  Trains what docs/hmt.md defines: a vector, two search matrices and a "
    "LoRA that is\n  merged into the model. Sequences are drawn from the text "
    "by the seed; the same\n  command gives the same bytes on any number of "
    "threads.",
    "  flexllm train SmolLM2.gguf -o smollm2.hmt --text book.txt --svg "
    "loss.svg\n"
    "  flexllm train SmolLM2.gguf -o base.hmt --text book.txt --memories 0   "
    "the baseline\n"
    "  flexllm train SmolLM2.gguf -o smollm2.hmt --text book.txt --resume",
    train_main,
};
