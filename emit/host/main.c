/* SPDX-License-Identifier: Apache-2.0 */
/* emit/host/main.c -- a package through the kernels of a card, from a text to
 * a text:
 *
 *     flexllm_card PACKAGE -p TEXT [-i IMAGE] [-n TOKENS] [--temperature T]
 *                  [--top-k K] [--top-p P] [--seed S] [--ignore-eos]
 *
 * The options are those of `flexllm run`, and so is what happens behind them:
 * hls_generate is the token loop, eng_sampling_make reads the temperature, the
 * tokenizer is the package's. With --ids 1,2,3 the prompt is token numbers, and
 * tokens are printed as numbers, one a line. Where each stage has an image of
 * its own, -i stands twice: prefill's, decode's.
 */
#include "emit/host/device.h"
#include "emit/host/kernels.h"
#include "engine/engine.h"
#include "model/package.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    const char *image[DSN_STAGES], *package, *text, *ids;
    int images; /* given */
    int tokens, top_k, ignore_eos;
    double temperature, top_p;
    uint32_t seed;
};

struct sink {
    struct tok_stream stream;
    struct tok_text text;
    int numbers; /* 1: print token numbers */
};

_Noreturn static void die(const char *message)
{
    fflush(stdout);
    fprintf(stderr, "flexllm_card: %s\n", message);
    exit(1);
}

_Noreturn static void usage(void)
{
    fputs("usage: flexllm_card PACKAGE -p TEXT | --ids 1,2,3 [-i IMAGE]\n"
          "           [-n TOKENS] [--temperature T] [--top-k K] [--top-p P]\n"
          "           [--seed S] [--ignore-eos]\n",
          stderr);
    exit(2);
}

/* Takes a generated token; false: the output can no longer be written. */
static bool take(void *user, int id)
{
    struct sink *s = user;
    if (s->numbers) {
        printf("%d\n", id);
    } else {
        s->text.n = 0;
        if (!tok_stream_put(&s->stream, id, &s->text))
            return false;
        fwrite(s->text.s, 1, s->text.n, stdout);
    }
    return fflush(stdout) == 0;
}

static double number(const char *name, const char *text, double lo, double hi)
{
    char *end, line[128];
    double x = strtod(text, &end);
    if (*text != 0 && *end == 0 && x >= lo && x <= hi)
        return x;
    snprintf(line, sizeof line, "%s wants a number from %g to %g", name, lo,
             hi);
    die(line);
}

static void parse_one(struct options *o, const char *a, const char *value)
{
    if (strcmp(a, "-i") == 0 && o->images < kernel_images)
        o->image[o->images++] = value;
    else if (strcmp(a, "-p") == 0)
        o->text = value;
    else if (strcmp(a, "--ids") == 0)
        o->ids = value;
    else if (strcmp(a, "-n") == 0)
        o->tokens = (int)number(a, value, 1, NUM_MAX_SEQ);
    else if (strcmp(a, "--temperature") == 0)
        o->temperature = number(a, value, 0, 100);
    else if (strcmp(a, "--top-k") == 0)
        o->top_k = (int)number(a, value, 1, 64);
    else if (strcmp(a, "--top-p") == 0)
        o->top_p = number(a, value, 0, 1);
    else if (strcmp(a, "--seed") == 0)
        o->seed = (uint32_t)number(a, value, 0, 4294967295.0);
    else
        usage();
}

static struct options parse(int argc, char **argv)
{
    struct options o = {.tokens = 128, .top_p = 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--ignore-eos") == 0)
            o.ignore_eos = 1;
        else if (argv[i][0] != '-' && o.package == 0)
            o.package = argv[i];
        else if (i + 1 < argc)
            parse_one(&o, argv[i], argv[i + 1]), i++;
        else
            usage();
    }
    if (o.package == 0 || (o.text == 0) == (o.ids == 0) ||
        (o.images != 0 && o.images != kernel_images))
        usage();
    for (int s = 0; s < DSN_STAGES; s++)
        o.image[s] = o.images == 0   ? kernel_image[s]
                     : o.images == 1 ? o.image[0]
                                     : o.image[s];
    return o;
}

static void read_ids(struct tok_ids *ids, const char *text)
{
    struct fl_error err;
    for (const char *p = text; *p != 0;) {
        char *end;
        long v = strtol(p, &end, 10);
        if (end == p || v < 0 || v > NUM_MAX_VOCAB ||
            (*end != 0 && *end != ','))
            die("--ids wants token numbers, like 1,2,3");
        if (!tok_ids_push(ids, (int)v, &err))
            die(err.msg);
        p = *end == ',' ? end + 1 : end;
    }
}

static void read_prompt(struct tok_ids *ids, const struct options *o,
                        const struct pkg *pkg)
{
    struct fl_error err;
    if (o->ids != 0) {
        read_ids(ids, o->ids);
        return;
    }
    if (pkg->tok == 0)
        die("the package has no tokenizer: use --ids");
    if (!tok_encode(pkg->tok, o->text, strlen(o->text),
                    tok_wants_bos(pkg->tok) ? TOK_BOS : 0, ids, &err))
        die(err.msg);
}

static struct hls_want want_of(const struct options *o, const struct pkg *pkg)
{
    struct eng_sampling how =
        eng_sampling_make(o->temperature, o->top_k, o->top_p, o->seed);
    struct hls_want w = {
        .tokens = o->tokens,
        .sampling = {how.top_k, how.t_scale, how.top_p, how.seed}};
    int n = o->ignore_eos ? 0 : pkg->end_count;
    for (; w.eos_count < n && w.eos_count < HLS_MAX_EOS; w.eos_count++)
        w.eos[w.eos_count] = pkg->ends[w.eos_count];
    return w;
}

int main(int argc, char **argv)
{
    struct options o = parse(argc, argv);
    struct fl_error err = {0};
    struct pkg pkg;
    if (!pkg_open(&pkg, o.package, &err))
        die(err.msg);
    struct tok_ids ids = {0};
    struct sink sink = {.numbers = o.ids != 0};
    read_prompt(&ids, &o, &pkg);
    if (!sink.numbers)
        tok_stream_start(&sink.stream, pkg.tok, false);
    struct hls *e = device_open(o.image, &pkg.model, &err);
    if (e == 0)
        die(err.msg);
    struct hls_want want = want_of(&o, &pkg);
    struct hls_stats stats = {0};
    if (!hls_generate(e, ids.id, (int)ids.n, &want, take, &sink, &stats, &err))
        die(err.msg);
    if (!sink.numbers) {
        sink.text.n = 0;
        if (tok_stream_end(&sink.stream, &sink.text))
            fwrite(sink.text.s, 1, sink.text.n, stdout);
        putchar('\n');
    }
    if (fflush(stdout) != 0)
        die("the output cannot be written");
    fprintf(stderr, "[prompt %zu tokens, %.3f s; %d tokens, %.3f s", ids.n,
            stats.prefill_s, stats.generated, stats.decode_s);
    if (stats.decode_cycles > 0)
        fprintf(stderr, "; %llu + %llu kernel cycles",
                (unsigned long long)stats.prefill_cycles,
                (unsigned long long)stats.decode_cycles);
    fprintf(stderr, "]\n");
    tok_text_free(&sink.text);
    tok_ids_free(&ids);
    hls_close(e);
    pkg_close(&pkg);
    return 0;
}
