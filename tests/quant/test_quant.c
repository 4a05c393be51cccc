/* SPDX-License-Identifier: Apache-2.0 */
/* Whole quantisations of stories260K: exact where they must be (rotations,
 * the same bytes again), close where they may differ. The measure is the
 * perplexity of the shadow on the sample text against that of the fp32 model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <unistd.h>
#include <cmocka.h>
#include "golden/fp32.h"
#include "golden/int.h"
#include "model/model.h"
#include "model/package.h"
#include "quant/ppl.h"
#include "quant/quant.h"

static const char path[] = "test_quant.fxq.tmp",
                  again[] = "test_quant2.fxq.tmp";
static char model_file[300];
static struct tok_ids text;
static struct num_fmodel real;
static double real_nll;

static bool fp32(void *state, const int32_t *token, int n, int pos,
                 float *logits, struct fl_error *err)
{
    struct gold_fp32 *g = state;
    if (pos == 0)
        gold_fp32_reset(g);
    gold_fp32_block(g, token, n, n, logits);
    return true;
}

static bool integer(void *state, const int32_t *token, int n, int pos,
                    float *logits, struct fl_error *err)
{
    struct gold_int *g = state;
    int v = g->m->shape.vocab;
    int32_t *l = malloc(sizeof *l * (size_t)v);
    g->pos = pos;
    for (int t = 0; t < n; t++) {
        gold_int_step(g, token[t], l);
        for (int i = 0; i < v; i++)
            logits[t * v + i] = ldexpf((float)l[i], -NUM_LOGIT_FRAC);
    }
    free(l);
    return true;
}

static double nll(ppl_engine *engine, void *state, int windows)
{
    struct ppl_options o = {
        .ctx = 128, .bos = -1, .vocab = 512, .windows = windows};
    struct ppl_result r;
    struct fl_error err;
    if (!ppl_run(&o, text.id, text.n, engine, state, &r, &err))
        fail_msg("%s", err.msg);
    return r.nll;
}

static struct quant_options options(const char *scheme)
{
    struct quant_options o;
    struct fl_error err;
    if (!quant_defaults(&o, scheme, &err))
        fail_msg("%s", err.msg);
    o.calib_sequences = 32;
    o.calib_length = 128;
    o.seq = 128;
    return o;
}

static void quantise(const struct quant_options *o, const char *to)
{
    struct fl_error err;
    if (!quant_run(o, model_file, to, &err))
        fail_msg("%s", err.msg);
}

/* ln of the ratio of perplexities. */
static double cost(const struct quant_options *o)
{
    struct fl_error err;
    struct pkg p;
    struct gold_fp32 g;
    quantise(o, path);
    if (!pkg_open(&p, path, &err))
        fail_msg("%s", err.msg);
    assert_non_null(p.tok);
    assert_true(gold_shadow_init(&g, &p.model, 128, p.inv_freq));
    double c = nll(fp32, &g, 0) - real_nll;
    gold_fp32_free(&g);
    pkg_close(&p);
    return c;
}

static void schemes(void **state)
{
    struct quant_options o = options("w8a8kv8");
    double w8 = cost(&o);
    o = options("w4a8kv8");
    double w4 = cost(&o);
    o.asym = 1;
    double target = cost(&o);
    o.asym = 0;
    o.rtn = 1;
    double rtn = cost(&o);
    o.no_clip = 1;
    double plain = cost(&o);
    o = options("w4a4kv8");
    double a4 = cost(&o);
    o.group = 32;
    double g = cost(&o);
    print_message("ln ratio: w8a8 %.4f w4a8 %.4f (targets %.4f, rtn %.4f, "
                  "no clip %.4f) w4a4 %.4f, groups %.4f\n",
                  w8, w4, target, rtn, plain, a4, g);
    assert_true(fabs(w8) < 0.02);
    assert_true(w4 < 0.2 && fabs(target) < 0.2);
    assert_true(w4 < rtn && rtn < plain);
    assert_true(a4 < 0.6 && g < 0.6);
}

/* At 8 bits nothing but a wrong rotation, fold or factor costs much. */
static void transforms(void **state)
{
    for (int k = 0; k < 6; k++) {
        struct quant_options o = options("w8a8kv8");
        o.no_rotate = k == 1;
        o.no_r4 = k == 2;
        o.no_mean = k == 3;
        o.no_balance = k == 4;
        o.r3 = k == 5;
        o.seed = 7 + (uint32_t)k;
        double c = cost(&o);
        print_message("variant %d: %.4f\n", k, c);
        assert_true(fabs(c) < 0.03);
    }
}

static void integer_parts_cost_little(void **state)
{
    struct quant_options o = options("w8a8kv8");
    struct fl_error err;
    struct pkg p;
    struct gold_fp32 g;
    struct gold_int gi;
    quantise(&o, path);
    assert_true(pkg_open(&p, path, &err));
    assert_true(gold_shadow_init(&g, &p.model, 128, p.inv_freq));
    assert_true(gold_int_init(&gi, &p.model, 128));
    double c = nll(integer, &gi, 4) - nll(fp32, &g, 4);
    print_message("integer non-linear parts: %.5f\n", c);
    assert_true(fabs(c) < 0.005);
    gold_int_free(&gi);
    gold_fp32_free(&g);
    pkg_close(&p);
}

static void same_bytes(void **state)
{
    struct quant_options o = options("w4a8kv8");
    struct fl_map a, b;
    quantise(&o, path);
    quantise(&o, again);
    assert_true(fl_map_open(&a, path, NULL) && fl_map_open(&b, again, NULL));
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    fl_map_close(&a);
    fl_map_close(&b);
}

static void refusals(void **state)
{
    struct quant_options o;
    struct fl_error err;
    assert_false(quant_defaults(&o, "w3a3", &err));
    assert_non_null(strstr(err.msg, "w4a8kv8"));
    o = options("w4a8kv8");
    o.calib = "no/such/text";
    assert_false(quant_run(&o, model_file, path, &err));
    o = options("w4a8kv8");
    o.calib_length = 8192;
    o.calib_sequences = 1 << 16;
    assert_false(quant_run(&o, model_file, path, &err));
    o = options("w4a8kv8");
    o.damp = NAN;
    assert_false(quant_run(&o, model_file, path, &err));
    o = options("w4a8kv8");
    assert_false(quant_run(&o, "no/such/model", path, &err));
    assert_false(quant_run(&o, model_file, "no/such/dir/x.fxq", &err));
}

int main(void)
{
    const char *shared = getenv("FL_SHARED");
    snprintf(model_file, sizeof model_file,
             "%s/data/models/stories260K.f32.gguf",
             shared ? shared : "../shared");
    if (access(model_file, R_OK) != 0) {
        printf("%s is absent: the quantiser is unchecked\n", model_file);
        return 0;
    }
    struct fl_error err;
    struct model *m;
    struct fl_map map;
    struct gold_fp32 g;
    if (!model_open(&m, model_file, &err) || !model_load(m, &real, &err) ||
        !fl_map_open(&map, "share/calibration.txt", &err) ||
        !tok_encode(model_tok(m), (const char *)map.data + 200000, 8000, 0,
                    &text, &err) ||
        !gold_fp32_init(&g, &real, 128)) {
        printf("%s\n", err.msg);
        return 1;
    }
    real_nll = nll(fp32, &g, 0);
    gold_fp32_free(&g);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemes), cmocka_unit_test(transforms),
        cmocka_unit_test(integer_parts_cost_little),
        cmocka_unit_test(same_bytes), cmocka_unit_test(refusals)};
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    unlink(again);
    tok_ids_free(&text);
    model_unload(&real);
    model_close(m);
    fl_map_close(&map);
    return bad;
}
