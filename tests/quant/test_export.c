/* SPDX-License-Identifier: Apache-2.0 */
/* A package written as a checkpoint and read back by our own reader: near the
 * weights it came from, and with the loss that the package's weights have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "golden/fp32.h"
#include "model/model.h"
#include "quant/export.h"
#include "quant/ppl.h"
#include "quant/quant.h"

static const char path[] = "test_export.fxq.tmp", dir[] = "test_export.dir.tmp";
static char model_file[300];
static struct tok_ids text;
static struct num_fmodel real;

static bool fp32(void *state, const int32_t *token, int n, int pos,
                 float *logits, struct fl_error *err)
{
    struct gold_fp32 *g = state;
    if (pos == 0)
        gold_fp32_reset(g);
    gold_fp32_block(g, token, n, n, logits);
    return true;
}

static double nll(struct gold_fp32 *g)
{
    struct ppl_options o = {.ctx = 128, .bos = -1, .vocab = 512, .windows = 6};
    struct ppl_result r;
    struct fl_error err;
    if (!ppl_run(&o, text.id, text.n, fp32, g, &r, &err))
        fail_msg("%s", err.msg);
    return r.nll;
}

/* Relative distance of y from x with columns times gamma. */
static double distance(const float *x, const float *y, const float *gamma,
                       int rows, int cols)
{
    double e = 0, all = 0;
    for (int i = 0; i < rows * cols; i++) {
        double want = x[i] * (gamma == NULL ? 1 : gamma[i % cols]);
        e += (want - y[i]) * (want - y[i]);
        all += want * want;
    }
    return sqrt(e / all);
}

static void both(const char *scheme, bool rotate, int wide, bool bf16,
                 double near, double loss)
{
    struct quant_options o;
    struct fl_error err;
    struct pkg p;
    struct gold_fp32 g;
    struct model *m;
    struct num_fmodel w;
    assert_true(quant_defaults(&o, scheme, &err));
    o.calib_sequences = 32;
    o.calib_length = 128;
    o.seq = 128;
    o.no_rotate = !rotate;
    o.wide = wide;
    o.seed = 3;
    if (!quant_run(&o, model_file, path, &err) || !pkg_open(&p, path, &err) ||
        !quant_export(&p, dir, bf16, &err) || !model_open(&m, dir, &err) ||
        !model_load(m, &w, &err))
        fail_msg("%s", err.msg);
    assert_true(w.layer[0].bq && w.layer[0].bdown);
    for (int i = 0; i < real.shape.head / 2; i++)
        assert_true(fabs(w.inv_freq[i] / real.inv_freq[i] - 1) < 1e-6);
    int d = real.shape.d;
    for (int l = 0; l < real.shape.layers; l++) {
        const struct num_flayer *x = &real.layer[l], *y = &w.layer[l];
        assert_true(distance(x->wq, y->wq, x->norm_attn, d, d) < near);
        assert_true(distance(x->wk, y->wk, x->norm_attn, d / 2, d) < near);
        assert_true(distance(x->gate, y->gate, x->norm_ffn, real.shape.ffn, d) <
                    near);
    }
    assert_true(distance(real.embed, w.embed, NULL, 512, d) < 0.02);

    assert_true(gold_shadow_init(&g, &p.model, 128, p.inv_freq));
    double shadow = nll(&g);
    gold_fp32_free(&g);
    assert_true(gold_fp32_init(&g, &w, 128));
    double ours = nll(&g);
    gold_fp32_free(&g);
    print_message("%s rotate %d: shadow %.4f exported %.4f\n", scheme, rotate,
                  shadow, ours);
    assert_true(fabs(ours - shadow) < loss);
    /* the fp32 pass reads all seven biases */
    struct num_flayer *y = &w.layer[2];
    float *bias[] = {y->bq, y->bk, y->bv, y->bo, y->bgate, y->bup, y->bdown};
    for (int i = 0; i < 7; i++) {
        assert_non_null(bias[i]);
        assert_true(gold_fp32_init(&g, &w, 128));
        bias[i][1] += 1;
        assert_true(fabs(nll(&g) - ours) > 1e-6);
        bias[i][1] -= 1;
        gold_fp32_free(&g);
    }
    model_unload(&w);
    model_close(m);
    pkg_close(&p);
}

static void exported(void **state)
{
    both("w8a8kv8", true, 0, false, 0.03, 0.02);
    both("w8a8kv8", false, 0, true, 0.03, 0.02);
    both("w8a8kv8", true, 8, false, 0.03, 0.02);
    both("w4a8kv8", true, 8, false, 0.4, 0.03);
    both("w4a8kv8", true, 0, false, 0.4, 0.03);
}

static void refusals(void **state)
{
    struct fl_error err;
    struct pkg p;
    assert_true(pkg_open(&p, path, &err));
    assert_false(quant_export(&p, "no/such/folder", false, &err));
    const char *recipe = p.info.recipe;
    p.info.recipe = "{}";
    assert_false(quant_export(&p, dir, false, &err));
    assert_non_null(strstr(err.msg, "recipe"));
    p.info.recipe = recipe;
    double bent[4], *own = p.inv_freq;
    assert_int_equal(p.model.shape.head, 8);
    memcpy(bent, own, sizeof bent);
    bent[2] *= 1.5;
    p.inv_freq = bent;
    assert_false(quant_export(&p, dir, false, &err));
    assert_non_null(strstr(err.msg, "RoPE"));
    p.inv_freq = own;
    pkg_close(&p);
}

int main(void)
{
    const char *shared = getenv("FL_SHARED");
    snprintf(model_file, sizeof model_file,
             "%s/data/models/stories260K.f32.gguf",
             shared ? shared : "../shared");
    if (access(model_file, R_OK) != 0) {
        printf("%s is absent: exports are unchecked\n", model_file);
        return 0;
    }
    struct fl_error err;
    struct model *m;
    struct fl_map map;
    mkdir(dir, 0777);
    if (!model_open(&m, model_file, &err) || !model_load(m, &real, &err) ||
        !fl_map_open(&map, "share/calibration.txt", &err) ||
        !tok_encode(model_tok(m), (const char *)map.data + 200000, 8000, 0,
                    &text, &err)) {
        printf("%s\n", err.msg);
        return 1;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(exported),
                                       cmocka_unit_test(refusals)};
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    unlink("test_export.dir.tmp/config.json");
    unlink("test_export.dir.tmp/model.safetensors");
    rmdir(dir);
    tok_ids_free(&text);
    model_unload(&real);
    model_close(m);
    fl_map_close(&map);
    return bad;
}
