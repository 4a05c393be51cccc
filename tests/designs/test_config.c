/* SPDX-License-Identifier: Apache-2.0 */
/* tests/designs/test_config.c -- what may be asked of the engine and what it
 * answers: parallelism as text, limits, prompts, missing compiler. Compiles
 * nothing. */
#include "designs/hls.h"
#include "tests/golden/qmodel_random.h"
#include <stdio.h>
#include <string.h>

static int bad;

/* ok is what a call gave, err its message: it must have failed and say so. */
static void refused(bool ok, const struct fl_error *err, const char *word)
{
    if (!ok && strstr(err->msg, word) != 0 && strchr(err->msg, '\n') == 0)
        return;
    printf("expected a message with \"%s\", got %s\n", word,
           ok ? "success" : err->msg);
    bad++;
}

static void taken(bool ok, const struct fl_error *err)
{
    if (ok)
        return;
    printf("refused: %s\n", err->msg);
    bad++;
}

#define LANES(tp_, wp_, bp_, dwp_, ch_, kp_, hp_, wbits_)                      \
    {.tp = tp_,                                                                \
     .wp = wp_,                                                                \
     .bp = bp_,                                                                \
     .dwp = dwp_,                                                              \
     .ch = ch_,                                                                \
     .kp = kp_,                                                                \
     .hp = hp_,                                                                \
     .wbits = wbits_}

static void text(void)
{
    struct fl_error err;
    struct dsn_config c = LANES(1, 2, 3, 4, 5, 6, 7, 8);
    taken(dsn_config_parse(&c, "tp=8,dwp=24", &err), &err);
    taken(dsn_config_parse(&c, "", &err), &err);
    taken(c.tp == 8 && c.wp == 2 && c.dwp == 24 && c.hp == 7, &err);
    static const struct {
        const char *text, *word;
    } wrong[] = {
        {"tp", "no such name"},    {"tp=", "number"},
        {"tp=x", "number"},        {"tp=0", "1 to"},
        {"tp=-1", "1 to"},         {"wp=99999999999999999999", "1 to"},
        {"xp=1", "no such name"},  {"tp=8;wp=1", "number"},
        {",tp=8", "no such name"}, {"tp=8,wp", "no such name"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refused(dsn_config_parse(&c, wrong[i].text, &err), &err, wrong[i].word);
}

static void limits(const struct num_qmodel *m)
{
    static const struct {
        struct dsn_config c; /* tp wp bp dwp ch kp hp wbits */
        const char *word;
    } wrong[] = {
        {LANES(0, 8, 2, 4, 1, 4, 1, 0), "tp is 0"},
        {LANES(4, 8, 3, 6, 1, 6, 1, 0), "power of two"},
        {LANES(4, 8, 2, 5, 1, 4, 1, 0), "bp 2 must divide dwp"},
        {LANES(4, 8, 2, 4, 3, 4, 1, 0), "ch 3 must divide"},
        {LANES(4, 8, 16, 16, 1, 16, 1, 0), "bp 16 must divide"},
        {LANES(4, 8, 2, 4, 1, 3, 1, 0), "kp 3"},
        {LANES(4, 8, 2, 4, 1, 4, 65, 0), "hp is 65"},
        {LANES(4, 8, 2, 4, 1, 4, 1, 5), "wbits is 5"},
    };
    struct fl_error err;
    struct dsn_image im;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct dsn_config c = wrong[i].c;
        refused(dsn_config_check(&c, m, &err), &err, wrong[i].word);
    }
    struct dsn_config c = dsn_config_for(m);
    taken(dsn_config_check(&c, m, &err), &err);
    refused(dsn_image_build(&im, m, &c, 0, &err), &err, "positions");
    refused(dsn_image_build(&im, m, &c, m->seq + 1, &err), &err, "positions");
    taken(dsn_image_build(&im, m, &c, m->seq, &err), &err);
    dsn_image_free(&im);
}

static void engine(const struct num_qmodel *m)
{
    struct fl_error err;
    struct hls_options o = {.source_dir = "/nonexistent"};
    refused(hls_open(m, &o, &err) != 0, &err, "/nonexistent");
    o = (struct hls_options){.compiler = "no-such-clang",
                             .cache_dir = "/proc/none"};
    refused(hls_open(m, &o, &err) != 0, &err, "/proc");
    o = (struct hls_options){.compiler = "no-such-clang"};
    refused(hls_open(m, &o, &err) != 0, &err, "no-such-clang");
    o = (struct hls_options){.compiler = "false"};
    refused(hls_open(m, &o, &err) != 0, &err, "could not compile");
}

int main(void)
{
    struct qrandom random = {.shape = {.layers = 1,
                                       .d = 16,
                                       .ffn = 24,
                                       .nq = 4,
                                       .nkv = 2,
                                       .head = 8,
                                       .vocab = 37,
                                       .eps = 1e-5},
                             .seq = 16,
                             .wbits = 4,
                             .abits = 8,
                             .seed = 1};
    struct num_qmodel *m = qrandom_new(&random);
    if (m == 0)
        return 1;
    text();
    limits(m);
    engine(m);
    qrandom_free(m);
    return bad != 0;
}
