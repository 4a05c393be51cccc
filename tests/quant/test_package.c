/* SPDX-License-Identifier: Apache-2.0 */
/* Packages: what is written is what is read; what is damaged is refused with
 * one line that says where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <math.h>
#include <unistd.h>
#include <cmocka.h>
#include "golden/int.h"
#include "model/package.h"
#include "model/model.h"
#include "model/tok_pack.h"
#include "tests/golden/qmodel_random.h"

static const char path[] = "test_package.fxq.tmp";
static const struct pkg_info info = {"w4a8kv8", "{\"seed\":1}", "abc", "def",
                                     "test"};

static struct num_qmodel *any_model(int variant)
{
    struct qrandom o = {.shape = {2, 20, 28, 4, 2, 6, 40, 9, 0, 0, 0},
                        .seq = 9,
                        .wbits = variant & 1 ? 8 : 4,
                        .head_wbits = 4,
                        .abits = variant & 2 ? 4 : 8,
                        .group = variant & 4 ? 4 : 0,
                        .mean = variant & 1,
                        .bias = variant & 2,
                        .r4 = 1,
                        .r3 = variant & 4,
                        .seed = (uint32_t)variant,
                        .wide = variant & 8 ? 7 : 0};
    o.shape.qkv_bias = (variant & 2) != 0;
    o.r3 = o.r3 != 0;
    return qrandom_new(&o);
}

static uint8_t *slurp(size_t *n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    uint8_t *p = aligned_alloc(64, (*n + 63) / 64 * 64 + 64);
    assert_int_equal(fread(p, 1, *n, f), *n);
    fclose(f);
    return p;
}

static void logits(const struct num_qmodel *m, int32_t *to)
{
    struct gold_int g;
    assert_true(gold_int_init(&g, m, 4));
    for (int t = 0; t < 4; t++)
        gold_int_step(&g, t * 5, to);
    gold_int_free(&g);
}

static void round_trip(void **state)
{
    for (int v = 0; v < 11; v++) { /* from 8 on with wide channels */
        struct num_qmodel *m = any_model(v);
        double inv[3] = {1, 0.5, 0.25};
        struct fl_error err = {0};
        struct pkg p;
        if (!pkg_write(path, m, NULL, inv, &info, &err))
            fail_msg("%s", err.msg);
        if (!pkg_open(&p, path, &err))
            fail_msg("%s", err.msg);
        assert_true(pkg_is(path));
        int32_t a[40], b[40];
        logits(m, a);
        logits(&p.model, b);
        assert_memory_equal(a, b, sizeof a);
        assert_string_equal(p.info.scheme, "w4a8kv8");
        assert_string_equal(p.info.recipe, "{\"seed\":1}");
        assert_true(p.inv_freq[2] == 0.25);
        assert_null(p.tok);
        assert_int_equal((uintptr_t)p.model.layer[1].lin[3].w % 64, 0);
        size_t n, n2;
        uint8_t *first = slurp(&n);
        assert_true(pkg_write(path, &p.model, NULL, p.inv_freq, &p.info, &err));
        uint8_t *second = slurp(&n2);
        assert_int_equal(n, n2);
        assert_memory_equal(first, second, n);
        free(first);
        free(second);
        pkg_close(&p);
        qrandom_free(m);
    }
}

/* Any cut and any changed byte of a package is refused, or (in the free text
 * of the header) read as a valid one. */
static void damage(void **state)
{
    struct num_qmodel *m = any_model(5);
    struct fl_error err = {0};
    struct pkg p;
    assert_true(pkg_write(path, m, NULL, NULL, &info, &err));
    qrandom_free(m);
    size_t n;
    uint8_t *file = slurp(&n);
    assert_true(pkg_parse(&p, file, n, "x", &err));
    size_t data = n;
    memcpy(&data, file, 8);
    data += 8;
    pkg_close(&p);
    for (size_t cut = 0; cut < n; cut += cut < 200 ? 1 : 97) {
        uint8_t *part = aligned_alloc(64, n / 64 * 64 + 64);
        memcpy(part, file, cut);
        err.msg[0] = 0;
        assert_false(pkg_parse(&p, part, cut, "x", &err));
        assert_true(err.msg[0] != 0 && strchr(err.msg, '\n') == NULL);
        free(part);
    }
    for (size_t at = data; at < n; at += 13) { /* the hash sees it */
        file[at] ^= 0x10;
        assert_false(pkg_parse(&p, file, n, "x", &err));
        file[at] ^= 0x10;
    }
    for (size_t at = 0; at < data; at += 7) { /* nothing may crash */
        file[at] ^= 1 + at % 255;
        if (pkg_parse(&p, file, n, "x", &err))
            pkg_close(&p);
        file[at] ^= 1 + at % 255;
    }
    free(file);
}

/* A model with a wrong value, written with a right hash. */
static void expect_refused(struct num_qmodel *m, const char *word)
{
    struct fl_error err = {0};
    struct pkg p;
    assert_true(pkg_write(path, m, NULL, NULL, &info, &err));
    assert_false(pkg_open(&p, path, &err));
    if (strstr(err.msg, word) == NULL)
        fail_msg("'%s' does not say '%s'", err.msg, word);
    assert_non_null(strstr(err.msg, path));
}

#define WRONG(field, type, value, word)                                        \
    do {                                                                       \
        type *at_ = (type *)(uintptr_t)(field);                                \
        type keep_ = *at_;                                                     \
        *at_ = value;                                                          \
        expect_refused(m, word);                                               \
        *at_ = keep_;                                                          \
    } while (0)

static void values(void **state)
{
    struct num_qmodel *m = any_model(5); /* w8, means, groups */
    struct num_qlayer *l = &m->layer[1];
    struct num_qlinear *up = &l->lin[NUM_UP];
    WRONG(up->mant + 3, uint16_t, 0x7FFF, "no scale");
    WRONG(up->exp + 3, int8_t, 127, "no scale");
    WRONG(up->w + 30, uint8_t, 0x80, "outside its range");
    WRONG(up->w + 30, uint8_t, up->w[30] ^ 1, "column sum");
    WRONG(up->colsum, int32_t, up->colsum[0] + 1, "column sum");
    WRONG(up->mul + 2, uint8_t, 0, "outside its range");
    WRONG(&l->q_scale[1].mant, uint16_t, 0, "q_scale of head 1");
    WRONG(&l->o_scale[0].exp, int16_t, 1000, "o_scale");
    WRONG(l->site[NUM_SITE_O].mean, int32_t, 1 << 26, "mean");
    WRONG(m->embed_mant + 39, uint16_t, 1, "row 39 of the embedding");
    WRONG(m->embed + 7, int8_t, -128, "embedding");
    WRONG(&m->shape.nq, int, 3, "heads");
    WRONG(&m->shape.head, int, 4, "");
    WRONG(&m->kvbits, int, 4, "kvbits");
    WRONG(&m->res_frac, int, 40, "res_frac");
    WRONG(&m->sqrt_d.mant, uint16_t, 5, "sqrt_d_mant");
    WRONG(&l->site[0].abits, int, 5, "5-bit inputs");
    WRONG(&l->site[0].clip, uint32_t, 0, "clip");
    WRONG(&l->h_frac, int, 27, "fraction bits");
    qrandom_free(m);
    m = any_model(10); /* w4, u4, 7 wide channels, 13 others */
    up = &m->layer[1].lin[NUM_UP];
    WRONG(up->w8 + 9, int8_t, -128, "outside its range");
    WRONG(up->w8 + 9, int8_t, up->w8[9] ^ 1, "column sum");
    WRONG(up->w + 6, uint8_t, up->w[6] | 0xF0, "outside its range");
    WRONG(&m->wide, int, 20, "wide");
    float basis[20 * 20] = {0};
    for (int i = 0; i < 20; i++)
        basis[i * 21] = 1;
    m->basis = basis;
    WRONG(&basis[3 * 20 + 1], float, 0.5f, "row 3 of 'basis'");
    WRONG(&basis[3 * 20 + 1], float, NAN, "row 3 of 'basis'");
    qrandom_free(m);
}

static void files(void **state)
{
    struct fl_error err = {0};
    struct pkg p;
    assert_false(pkg_open(&p, "no/such/file", &err));
    assert_false(pkg_is("no/such/file"));
    struct num_qmodel *m = any_model(0);
    assert_false(pkg_write("no/such/dir/x.fxq", m, NULL, NULL, &info, &err));
    if (access("/dev/full", W_OK) == 0) {
        /* a full disk: an error, and no file left in its place */
        assert_false(pkg_write("/dev/full/x", m, NULL, NULL, &info, &err));
    }
    qrandom_free(m);
    FILE *f = fopen(path, "wb");
    fwrite("\x20\0\0\0\0\0\0\0{\"a\":1}                         ", 1, 40, f);
    fclose(f);
    assert_false(pkg_open(&p, path, &err));
    assert_non_null(strstr(err.msg, "not a package"));
}

/* A tokenizer read back from a package encodes as the one written. */
static void tokenizer(void **state)
{
    const char *shared = getenv("FL_SHARED");
    char file[300];
    snprintf(file, sizeof file, "%s/data/models/stories260K.f32.gguf",
             shared ? shared : "../shared");
    if (access(file, R_OK) != 0) {
        print_message("%s is absent: tokenizers in packages unchecked\n", file);
        return;
    }
    struct fl_error err = {0};
    struct model *model;
    assert_true(model_open(&model, file, &err));
    const struct tok *t = model_tok(model);
    assert_non_null(t);
    uint8_t *data;
    size_t n;
    struct tok *back;
    assert_true(tok_pack(t, &data, &n, &err));
    assert_true(tok_unpack(&back, data, n, "x", &err));
    static const char text[] = "Once upon a time, there was <s> a cat\xc3\xa9.";
    struct tok_ids a = {0}, b = {0};
    assert_true(tok_encode(t, text, sizeof text - 1, TOK_BOS, &a, &err));
    assert_true(tok_encode(back, text, sizeof text - 1, TOK_BOS, &b, &err));
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.id, b.id, a.n * sizeof *a.id);
    assert_string_equal(tok_family(t), tok_family(back));
    assert_int_equal(tok_eos(t), tok_eos(back));
    assert_int_equal(tok_wants_bos(t), tok_wants_bos(back));
    tok_ids_free(&a);
    tok_ids_free(&b);
    tok_free(back);
    for (size_t cut = 0; cut < n; cut += 11)
        assert_false(tok_unpack(&back, data, cut, "x", &err));
    free(data);
    model_close(model);
}

static int remove_file(void **state)
{
    unlink(path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip), cmocka_unit_test(damage),
        cmocka_unit_test(values), cmocka_unit_test(files),
        cmocka_unit_test(tokenizer)};
    return cmocka_run_group_tests(tests, NULL, remove_file);
}
