/* SPDX-License-Identifier: Apache-2.0 */
/* Bits for single tensors: read, chosen, counted, and what a quantisation
 * makes of them runs in both integer engines with the same bits. Gains
 * between linears: least where the formula says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <unistd.h>
#include <cmocka.h>
#include "engine/engine.h"
#include "golden/int.h"
#include "model/package.h"
#include "quant/mix.h"
#include "quant/report.h"
#include "quant/work.h"

static char model_file[300];
static const char path[] = "test_mix.fxq.tmp";

static void parsing(void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"mix\": 3}",
        "{\"mix\": [{}]}",
        "{\"mix\": [{\"site\": \"down\"}]}",
        "{\"mix\": [{\"site\": \"sideways\", \"layer\": 1}]}",
        "{\"mix\": [{\"site\": \"down\", \"layer\": -1}]}",
        "{\"mix\": [{\"site\": \"down\", \"layer\": 1e9}]}",
        "{\"mix\": [{\"site\": \"down\", \"layer\": 1, \"abits\": 5}]}",
        "{\"mix\": [{\"site\": \"down\", \"layer\": 1, \"wbits\": \"8\"}]}",
    };
    struct quant_mix m;
    struct fl_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(
            quant_mix_parse(&m, bad[i], strlen(bad[i]), "mix.json", &err));
    static const char good[] =
        "{\"mix\": [{\"layer\": 3, \"site\": \"down\", \"abits\": 8, "
        "\"wbits\": 8}, {\"site\": \"head\", \"abits\": 4}]}";
    assert_true(quant_mix_parse(&m, good, strlen(good), "mix.json", &err));
    assert_int_equal(m.n, 2);
    assert_int_equal(m.pick[0].layer, 3);
    assert_int_equal(m.pick[0].site, NUM_SITE_DOWN);
    assert_int_equal(m.pick[0].abits, 8);
    assert_int_equal(m.pick[0].wbits, 8);
    assert_int_equal(m.pick[1].layer, -1);
    assert_int_equal(m.pick[1].site, QUANT_HEAD);
    assert_int_equal(m.pick[1].abits, 4);
    assert_int_equal(m.pick[1].wbits, 0);
    quant_mix_free(&m);
}

static void choosing(void **state)
{
    struct num_shape s = {
        .layers = 2, .d = 8, .ffn = 16, .nq = 2, .nkv = 1, .head = 4};
    s.vocab = 32;
    /* a layer: attn 128, o 64, ffn 256, down 128; head 256: 1408 in all */
    double gain[9] = {3, 1, 1, 2.5, 0, 2, 1, -1, 2};
    struct quant_mix m;
    struct fl_error err;
    assert_true(quant_mix_choose(&m, &s, gain, 0.25, 8, 0, &err)); /* 352 */
    /* by gain a multiplication: o of 1, attn of 0, down of 0 */
    assert_int_equal(m.n, 3);
    assert_int_equal(m.pick[0].layer, 1);
    assert_int_equal(m.pick[0].site, NUM_SITE_O);
    assert_int_equal(m.pick[1].site, NUM_SITE_ATTN);
    assert_int_equal(m.pick[2].site, NUM_SITE_DOWN);
    assert_int_equal(m.pick[2].layer, 0);
    assert_int_equal(m.pick[2].wbits, 8);
    quant_mix_free(&m);
    assert_true(quant_mix_choose(&m, &s, gain, 1, 0, 0, &err));
    assert_int_equal(m.n, 7); /* all but those that gain nothing */
    quant_mix_free(&m);
    assert_true(quant_mix_choose(&m, &s, gain, 0, 0, 0, &err));
    assert_int_equal(m.n, 0);
    quant_mix_free(&m);
    /* 2 wide channels of 8: 256 of 1408 are gone, and attn of 0 costs 96 */
    assert_true(quant_mix_choose(&m, &s, gain, 0.25, 8, 2, &err)); /* 352 */
    assert_int_equal(m.n, 1);
    assert_int_equal(m.pick[0].site, NUM_SITE_ATTN);
    assert_int_equal(m.pick[0].layer, 0);
    quant_mix_free(&m);
}

static double cost(const double *var, const double *norm2, const float *s,
                   int n)
{
    double a = 0, b = 0;
    for (int i = 0; i < n; i++) {
        a += var[i] * s[i] * s[i];
        b += norm2[i] / s[i] / s[i];
    }
    return a * b;
}

static void gains(void **state)
{
    enum { N = 6 };
    double var[N] = {1, 4, 0.5, 9, 2, 3}, norm2[N] = {2, 1, 7, 1, 0.3, 5};
    float s[N], one[N] = {1, 1, 1, 1, 1, 1};
    double least = 0;
    for (int i = 0; i < N; i++)
        least += sqrt(var[i] * norm2[i]);
    qt_gains(var, norm2, N, s);
    double c = cost(var, norm2, s, N);
    assert_true(fabs(c / (least * least) - 1) < 1e-3);
    assert_true(c < 0.6 * cost(var, norm2, one, N));
    var[0] = 0; /* a dead channel gets no endless gain */
    qt_gains(var, norm2, N, s);
    for (int i = 0; i < N; i++)
        assert_true(s[i] >= 0.124f && s[i] <= 8.01f);
    /* variances do not see the mean or the size of a token */
    float x[4 * 2] = {1, 5, 3, 5, 1, 5, 3, 5};
    double mean[2], v[2];
    qt_variance(x, 4, 2, true, mean, v);
    assert_true(mean[0] == 2 && mean[1] == 5);
    assert_true(fabs(v[0] - 4) < 1e-9 && fabs(v[1]) < 1e-9);
}

/* Of a model with 8-bit codes in and around down of layer 1 only. */
static void check_report(const struct quant_report *r)
{
    char *text = NULL;
    size_t size = 0;
    int lines = 0;
    double wide = r->snr[1 * NUM_LINEARS + NUM_DOWN];
    assert_true(wide > 30 && wide < 60);
    for (int l = 0; l < 5; l++) {
        double down = r->snr[l * NUM_LINEARS + NUM_DOWN];
        assert_true(l == 1 || (down > 5 && down < wide - 10));
        for (int i = 0; i < 4; i++) {
            const struct quant_site_report *s = &r->site[l * 4 + i];
            assert_true(s->crest > 1 && s->crest_max >= s->crest);
            assert_true(s->mean >= 0 && s->mean < 1);
            assert_int_equal((int)s->abits,
                             (l == 1 && i == 3) || (l == 2 && i == 0) ? 8 : 4);
            assert_true(s->abits == 8 ? s->snr > 30 : s->snr < 25);
        }
    }
    assert_true(r->snr[5 * NUM_LINEARS] > 5 && r->site[20].abits == 4);
    FILE *f = open_memstream(&text, &size);
    quant_report_svg(r, "a <model> & more", f);
    fclose(f);
    assert_true(strncmp(text, "<svg ", 5) == 0);
    assert_non_null(strstr(text, "a &lt;model> &amp; more"));
    assert_null(strstr(text, "nan"));
    for (char *p = text; (p = strstr(p, "<polyline")) != NULL; p++)
        lines++;
    assert_int_equal(lines, 7 + 8);
    free(text);
}

static void engines_agree(void **state)
{
    enum { N = 40 };
    struct quant_options o;
    struct quant_result found;
    struct fl_error err;
    struct pkg p;
    struct gold_int g;
    if (access(model_file, R_OK) != 0)
        skip();
    struct quant_pick pick[] = {{1, NUM_SITE_DOWN, 8, 8},
                                {2, NUM_SITE_ATTN, 8, 0},
                                {0, NUM_SITE_FFN, 0, 8},
                                {-1, QUANT_HEAD, 4, 0}};
    assert_true(quant_defaults(&o, "w4a4kv8", &err));
    o.calib_sequences = 16;
    o.calib_length = 64;
    o.seq = 64;
    o.r3 = 1;
    o.seeds = 2;
    o.result = &found;
    struct quant_report seen;
    assert_true(quant_report_init(&seen, 5));
    o.report = &seen;
    o.mix = (struct quant_mix){4, pick};
    if (!quant_run(&o, model_file, path, &err) || !pkg_open(&p, path, &err))
        fail_msg("%s", err.msg);
    const struct num_qmodel *m = &p.model;
    assert_int_equal(m->r3, 1);
    assert_int_equal(m->layer[1].site[NUM_SITE_DOWN].abits, 8);
    assert_int_equal(m->layer[1].lin[NUM_DOWN].wbits, 8);
    assert_int_equal(m->layer[0].lin[NUM_DOWN].wbits, 4);
    assert_int_equal(m->layer[2].site[NUM_SITE_ATTN].abits, 8);
    assert_int_equal(m->layer[2].lin[NUM_K].wbits, 4);
    assert_int_equal(m->layer[0].site[NUM_SITE_FFN].abits, 4);
    assert_int_equal(m->layer[0].lin[NUM_UP].wbits, 8);
    assert_int_equal(m->head_site.abits, 4);
    assert_non_null(strstr(p.info.recipe, "{\"layer\":1,\"site\":\"down\","
                                          "\"abits\":8,\"wbits\":8}"));
    check_report(&seen);
    quant_report_free(&seen);
    o.report = NULL;
    assert_true(found.turn == 1 || found.turn == 2);
    struct quant_spending s = quant_spending(m);
    double down = 64.0 * 172, attn = 64.0 * 128, ffn = 2 * down;
    double all = 5 * (3 * down + attn + 64.0 * 64) + 64.0 * 512;
    assert_true(fabs(s.macs - all) < 0.5);
    assert_true(fabs(s.macs8 - (down + attn + ffn)) < 0.5);
    assert_true(fabs(s.weight_bits - 4 - 4 * (down + ffn) / all) < 1e-9);

    struct engine *e = eng_open(m, &(struct eng_options){.threads = 1}, &err);
    struct eng_session *es = eng_session_new(e, N, &err);
    int32_t *logits = malloc((size_t)m->shape.vocab * sizeof *logits);
    assert_non_null(es);
    assert_true(gold_int_init(&g, m, N));
    for (int t = 0; t < N; t++) {
        int32_t token = t * 37 % m->shape.vocab;
        const int32_t *fast = eng_decode(es, token, &err);
        gold_int_step(&g, token, logits);
        assert_non_null(fast);
        assert_memory_equal(fast, logits,
                            (size_t)m->shape.vocab * sizeof *logits);
    }
    free(logits);
    gold_int_free(&g);
    eng_session_free(es);
    eng_close(e);
    pkg_close(&p);
    pick[0].layer = 5; /* there are 0..4 */
    assert_false(quant_run(&o, model_file, path, &err));
    assert_non_null(strstr(err.msg, "layer 5"));
    unlink(path);
}

int main(void)
{
    const char *shared = getenv("FL_SHARED");
    snprintf(model_file, sizeof model_file,
             "%s/data/models/stories260K.f32.gguf",
             shared ? shared : "../shared");
    if (access(model_file, R_OK) != 0)
        printf("%s is absent: mixed packages are unchecked\n", model_file);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing), cmocka_unit_test(choosing),
        cmocka_unit_test(gains), cmocka_unit_test(engines_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
