/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/model.c -- checkpoints of every format: the same weights, the
 * right order of rotary pairs, and plain words about what is wrong.
 */
#include "tests/model/check.h"
#include "model/model.h"
#include "tests/model/tiny.h"
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>

static char dir[] = "model_test.XXXXXX"; /* made in the build's temporary */
static char root[4096];

/* A path inside the temporary directory, in one of eight buffers. */
static const char *temp(const char *name)
{
    static char buf[8][4200];
    static int turn;
    char *to = buf[turn++ % 8];
    snprintf(to, sizeof buf[0], "%s/%s", root, name);
    return to;
}

static const char *put(const char *name, const void *data, size_t n)
{
    const char *path = temp(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return path;
}

static const char *copy(const char *name, const char *from)
{
    static uint8_t buf[2 << 20];
    FILE *f = fopen(from, "rb");
    assert_non_null(f);
    size_t n = fread(buf, 1, sizeof buf, f);
    fclose(f);
    return put(name, buf, n);
}

static void same_floats(const char *what, const float *a, const float *b,
                        size_t n)
{
    if (!a != !b)
        fail_msg("%s is there in one model only", what);
    for (size_t k = 0; a && k < n; k++)
        if (memcmp(&a[k], &b[k], 4) != 0)
            fail_msg("%s[%zu]: %g and %g", what, k, a[k], b[k]);
}

static void same(const struct num_fmodel *a, const struct num_fmodel *b)
{
    const struct num_shape *s = &a->shape, *r = &b->shape;
    assert_true(s->layers == r->layers && s->d == r->d && s->ffn == r->ffn);
    assert_true(s->nq == r->nq && s->nkv == r->nkv && s->head == r->head);
    assert_true(s->vocab == r->vocab && s->seq == r->seq);
    assert_true(s->tied == r->tied && s->qkv_bias == r->qkv_bias);
    assert_true(fabs(s->eps - r->eps) < 1e-12);
    size_t d = (size_t)s->d, q = (size_t)(s->nq * s->head);
    size_t kv = (size_t)(s->nkv * s->head), f = (size_t)s->ffn;
    for (int l = 0; l < s->layers; l++) {
        const struct num_flayer *x = &a->layer[l], *y = &b->layer[l];
        same_floats("norm_attn", x->norm_attn, y->norm_attn, d);
        same_floats("norm_ffn", x->norm_ffn, y->norm_ffn, d);
        same_floats("wq", x->wq, y->wq, q * d);
        same_floats("wk", x->wk, y->wk, kv * d);
        same_floats("wv", x->wv, y->wv, kv * d);
        same_floats("wo", x->wo, y->wo, d * q);
        same_floats("gate", x->gate, y->gate, f * d);
        same_floats("up", x->up, y->up, f * d);
        same_floats("down", x->down, y->down, d * f);
        same_floats("bq", x->bq, y->bq, q);
        same_floats("bk", x->bk, y->bk, kv);
        same_floats("bv", x->bv, y->bv, kv);
    }
    same_floats("embed", a->embed, b->embed, (size_t)s->vocab * d);
    same_floats("norm_final", a->norm_final, b->norm_final, d);
    same_floats("head", a->head, b->head, (size_t)s->vocab * d);
    assert_true((a->head == a->embed) == (s->tied != 0));
    for (int i = 0; i < s->head / 2; i++)
        assert_true(fabs(a->inv_freq[i] - b->inv_freq[i]) < 1e-12);
}

static void three_formats(void **state)
{
    static const char *const files[] = {
        "data/models/stories260K.bin", "data/models/stories260K.f32.gguf",
        "data/models/stories260K.hf.safetensors"};
    struct model *m[3];
    struct num_fmodel w[3];
    struct fl_error err;
    for (int k = 0; k < 3; k++)
        if (!present(shared_path(files[k]), "stories260K in three formats"))
            return;
    for (int k = 0; k < 3; k++) {
        WORKS(model_open(&m[k], shared_path(files[k]), &err), err);
        WORKS(model_load(m[k], &w[k], &err), err);
        if (!model_tok(m[k]))
            fail_msg("%s", model_tok_why(m[k]));
        assert_int_equal(tok_count(model_tok(m[k])), 512);
        assert_int_equal(model_bytes(m[k]), 4 * model_weights(m[k]));
    }
    assert_string_equal(model_format(m[0]), "llama2.c");
    assert_string_equal(model_format(m[1]), "GGUF 3");
    assert_string_equal(model_format(m[2]), "safetensors");
    same(&w[0], &w[1]);
    same(&w[0], &w[2]);
    for (int k = 0; k < 3; k++) {
        model_unload(&w[k]);
        model_close(m[k]);
    }
}

/* The same safetensors file as a directory, whole and in two shards. */
static void directories(void **state)
{
    const char *from = shared_path("data/models/stories260K.hf.safetensors");
    const char *conf = shared_path("data/models/stories260K.hf.config.json");
    if (!present(from, "directories of safetensors"))
        return;
    struct model *a, *b;
    struct num_fmodel x, y;
    struct fl_error err;
    WORKS(model_open(&a, from, &err), err);
    WORKS(model_load(a, &x, &err), err);
    FAILS(model_open(&b, root, &err), err, "without config.json");
    copy("config.json", conf);
    copy("model.safetensors", from);
    WORKS(model_open(&b, root, &err), err);
    assert_null(model_tok(b));
    assert_non_null(strstr(model_tok_why(b), "no tokenizer beside it"));
    WORKS(model_load(b, &y, &err), err);
    same(&x, &y);
    model_unload(&y);
    model_close(b);
    assert_int_equal(rename(temp("model.safetensors"), temp("a.st")), 0);
    static const char index[] =
        "{\"weight_map\":{\"model.norm.weight\":\"a.st\","
        "\"model.embed_tokens.weight\":\"a.st\"}}";
    put("model.safetensors.index.json", index, sizeof index - 1);
    WORKS(model_open(&b, root, &err), err);
    WORKS(model_load(b, &y, &err), err);
    same(&x, &y);
    model_unload(&y);
    model_close(b);
    static const char escape[] = "{\"weight_map\":{\"w\":\"../a.st\"}}";
    put("model.safetensors.index.json", escape, sizeof escape - 1);
    FAILS(model_open(&b, root, &err), err, "has no file name");
    static const char absent[] = "{\"weight_map\":{\"w\":\"a.st\"}}";
    put("model.safetensors.index.json", absent, sizeof absent - 1);
    FAILS(model_open(&b, root, &err), err, "tensor w is not in a.st");
    unlink(temp("a.st"));
    unlink(temp("config.json"));
    unlink(temp("model.safetensors.index.json"));
    model_unload(&x);
    model_close(a);
}

/* Where channel c of our head is in a file that pairs i with i + 4. */
static const int there[8] = {0, 4, 1, 5, 2, 6, 3, 7};

static void rotary_pairs(void **state)
{
    struct gb b = {0};
    struct model *m[2];
    struct num_flayer l[2];
    struct fl_error err;
    static const char *const archs[] = {"llama", "qwen2"};
    for (int k = 0; k < 2; k++) {
        tiny_build(&b, archs[k], 1, 0, NULL);
        WORKS(model_open(&m[k], put("tiny.gguf", b.data, b.size), &err), err);
        assert_true(model_shape(m[k])->qkv_bias && model_shape(m[k])->tied);
        assert_true(model_has(m[k], MODEL_BQ) && !model_has(m[k], MODEL_HEAD));
        WORKS(model_layer(m[k], 1, &l[k], &err), err);
    }
    for (int r = 0; r < 32; r++) {
        int from = r / 8 * 8 + there[r % 8];
        assert_true(l[1].bq[r] == l[0].bq[from]);
        assert_memory_equal(l[1].wq + r * TINY_D, l[0].wq + from * TINY_D,
                            4 * TINY_D);
        if (r < 16) {
            assert_true(l[1].bk[r] == l[0].bk[from]);
            assert_memory_equal(l[1].wk + r * TINY_D, l[0].wk + from * TINY_D,
                                4 * TINY_D);
        }
    }
    assert_memory_equal(l[0].wv, l[1].wv, 4 * 16 * TINY_D);
    assert_memory_equal(l[0].bv, l[1].bv, 4 * 16);
    assert_memory_equal(l[0].wo, l[1].wo, 4 * 32 * TINY_D);
    /* Some rows alone are those rows of the whole. */
    float rows[3 * TINY_D];
    WORKS(model_read(m[1], MODEL_WQ, 1, 7, 3, rows, &err), err);
    assert_memory_equal(rows, l[1].wq + 7 * TINY_D, sizeof rows);
    WORKS(model_read(m[1], MODEL_HEAD, 0, 259, 1, rows, &err), err);
    assert_true(rows[31] == 260 * 32 / 1024.0f);
    for (int k = 0; k < 2; k++) {
        model_layer_free(&l[k]);
        model_close(m[k]);
    }
    free(b.data);
}

static void rope_freqs(void **state)
{
    struct gb b = {0};
    struct model *m;
    struct fl_error err;
    tiny_build(&b, "llama", 0, 1, NULL);
    WORKS(model_open(&m, put("tiny.gguf", b.data, b.size), &err), err);
    for (int i = 0; i < 4; i++) {
        double factor = (TINY_VOCAB * TINY_D + TINY_D + i + 1) / 1024.0;
        double want = pow(10000, -2.0 * i / 8) / factor;
        assert_true(fabs(model_inv_freq(m)[i] - want) < 1e-12 * want);
    }
    model_close(m);
    free(b.data);
}

/* config.json of Llama 3.2: head 64, base 500000, factor 32, 1, 4, 8192. */
static void rope_llama3(void **state)
{
    const char *from = shared_path("data/models/stories260K.hf.safetensors");
    if (!present(from, "Llama 3's RoPE scaling"))
        return;
    static const char config[] =
        "{\"model_type\":\"llama\",\"hidden_size\":64,"
        "\"intermediate_size\":172,\"num_hidden_layers\":5,"
        "\"num_attention_heads\":8,\"num_key_value_heads\":4,"
        "\"vocab_size\":512,\"max_position_embeddings\":131072,"
        "\"tie_word_embeddings\":true,\"rope_theta\":500000.0,"
        "\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":32.0,"
        "\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,"
        "\"original_max_position_embeddings\":8192}}";
    struct model *m;
    struct fl_error err;
    copy("l3.safetensors", from);
    put("l3.config.json", config, sizeof config - 1);
    WORKS(model_open(&m, temp("l3.safetensors"), &err), err);
    assert_int_equal(model_shape(m)->seq, 131072);
    for (int i = 0; i < 4; i++) {
        double f = pow(500000, -i / 4.0), wave = 2 * M_PI / f, want;
        if (wave < 8192 / 4.0)
            want = f;
        else if (wave > 8192)
            want = f / 32;
        else {
            double smooth = (8192 / wave - 1) / 3;
            want = (1 - smooth) * f / 32 + smooth * f;
        }
        assert_true(fabs(model_inv_freq(m)[i] - want) < 1e-9 * want);
    }
    model_close(m);
    put("l3.config.json", "{", 1);
    FAILS(model_open(&m, temp("l3.safetensors"), &err), err, "l3.config.json");
    unlink(temp("l3.config.json"));
    FAILS(model_open(&m, temp("l3.safetensors"), &err), err, "config.json");
    unlink(temp("l3.safetensors"));
}

/* Writes the tiny model after `n` bytes at `at` became `bytes`. */
static void changed(struct gb *b, size_t at, const void *bytes, size_t n,
                    const char *part)
{
    struct model *m;
    struct num_fmodel w;
    struct fl_error err = {0};
    uint8_t keep[16];
    memcpy(keep, b->data + at, n);
    memcpy(b->data + at, bytes, n);
    const char *path = put("bad.gguf", b->data, b->size);
    bool ok = model_open(&m, path, &err);
    if (ok) {
        FAILS(model_load(m, &w, &err), err, part);
        model_close(m);
    }
    if (!strstr(err.msg, part) || !strstr(err.msg, "bad.gguf"))
        fail_msg("says '%s', should say '%s'", err.msg, part);
    memcpy(b->data + at, keep, n);
}

static size_t where(const struct gb *b, const char *name)
{
    size_t n = strlen(name);
    for (size_t k = 0; k + n <= b->size; k++)
        if (memcmp(b->data + k, name, n) == 0)
            return k;
    fail_msg("no %s in the file", name);
    return 0;
}

static void refused(void **state)
{
    struct gb b = {0};
    struct model *m;
    struct fl_error err;
    static const char *const wrong[] = {"blk.1.attn_k.weight",
                                        "blk.0.ffn_down.weight"};
    for (int k = 0; k < 2; k++) {
        tiny_build(&b, "llama", 0, 0, wrong[k]);
        char want[100];
        snprintf(want, sizeof want, "tensor %s is (%d, %d), want (%d, %d)",
                 wrong[k], k ? 33 : 17, k ? 64 : 32, k ? 32 : 16, k ? 64 : 32);
        FAILS(model_open(&m, put("bad.gguf", b.data, b.size), &err), err, want);
    }
    tiny_build(&b, "llama", 0, 0, NULL);
    const uint32_t nan = 0x7fc00000u, zero = 0, three = 3, odd = 5;
    changed(&b, b.size - 4, &nan, 4,
            "tensor blk.1.ffn_down.weight, row 31, holds a value");
    changed(&b, where(&b, "blk.1.ffn_up"), "x", 1, "no tensor blk.1.ffn_up");
    changed(&b, where(&b, "llama.block_c") + 21, &zero, 4, "layers is 0");
    changed(&b, where(&b, "llama.attention.head_count_kv") + 33, &three, 4,
            "do not fit");
    changed(&b, where(&b, "llama.attention.head_count") + 30, &odd, 4,
            "do not fit");
    changed(&b, where(&b, "llama.context") + 19, "x", 1,
            "no key llama.context_length");
    changed(&b, where(&b, "llama"), "falco", 5, "architecture 'falco'");
    /* A bad tokenizer leaves the model usable, and says why. */
    memcpy(b.data + where(&b, "tokenizer.ggml.scores"), "X", 1);
    WORKS(model_open(&m, put("bad.gguf", b.data, b.size), &err), err);
    assert_null(model_tok(m));
    assert_non_null(strstr(model_tok_why(m), "scores"));
    model_close(m);
    FAILS(model_open(&m, temp("none.gguf"), &err), err, "none.gguf");
    FAILS(model_open(&m, put("bad.gguf", "", 0), &err), err, "too short");
    FAILS(model_open(&m, put("bad.gguf", b.data + 1, b.size - 1), &err), err,
          "not GGUF");
    unlink(temp("bad.gguf"));
    free(b.data);
}

/* Cut at every byte of the first 4 KiB and at others: an error or a model
 * that loads, never a crash. */
static void cut(void **state)
{
    struct gb b = {0};
    struct num_fmodel w;
    uint32_t random = 12345;
    tiny_build(&b, "llama", 1, 1, NULL);
    int accepted = 0;
    for (int k = 0; k < 4096 + 500; k++) {
        random = random * 1664525u + 1013904223u;
        size_t n = k < 4096 ? (size_t)k : random % b.size;
        const char *path = put("cut.gguf", b.data, n);
        struct model *m;
        struct fl_error err = {0};
        if (model_open(&m, path, &err)) {
            accepted++;
            if (model_load(m, &w, &err))
                model_unload(&w);
            model_close(m);
        } else if (!err.msg[0] || m) {
            fail_msg("cut at %zu: no message", n);
        }
    }
    assert_int_equal(accepted, 0);
    unlink(temp("cut.gguf"));
    free(b.data);
}

static void llama2c_untied(void **state)
{
    int32_t head[7] = {8, 12, 1, 2, 1, -5, 4};
    enum {
        EMBED = 5 * 8,
        LAYER = 8 + 64 + 32 + 32 + 64 + 8 + 3 * 96,
        N = EMBED + LAYER + 8 + 4 * 4 + EMBED
    };
    uint8_t file[28 + 4 * N];
    memcpy(file, head, 28);
    for (int k = 0; k < N; k++) {
        float w = (float)k;
        memcpy(file + 28 + 4 * k, &w, 4);
    }
    struct model *m;
    struct num_fmodel w;
    struct fl_error err;
    WORKS(model_open(&m, put("u.bin", file, sizeof file), &err), err);
    WORKS(model_load(m, &w, &err), err);
    assert_true(!w.shape.tied && w.head != w.embed && w.shape.head == 4);
    assert_true(w.embed[0] == 0 && w.layer[0].norm_attn[0] == EMBED);
    assert_true(w.layer[0].norm_ffn[0] == EMBED + 8 + 64 + 32 + 32 + 64);
    assert_true(w.layer[0].up[95] == EMBED + LAYER - 1);
    assert_true(w.norm_final[0] == EMBED + LAYER && w.head[39] == N - 1);
    model_unload(&w);
    model_close(m);
    FAILS(model_open(&m, put("u.bin", file, sizeof file - 4), &err), err,
          "u.bin: ");
    memcpy(file, "24ka", 4);
    FAILS(model_open(&m, put("u.bin", file, sizeof file), &err), err,
          "export it with version 0");
    unlink(temp("u.bin"));
}

static void smollm2(void **state)
{
    const char *path = cache_path("SmolLM2-135M-Instruct.Q4_1.gguf");
    struct model *m;
    struct fl_error err;
    if (!present(path, "SmolLM2's shape"))
        return;
    WORKS(model_open(&m, path, &err), err);
    const struct num_shape *s = model_shape(m);
    assert_true(s->layers == 30 && s->d == 576 && s->ffn == 1536);
    assert_true(s->nq == 9 && s->nkv == 3 && s->head == 64 && s->tied);
    assert_true(s->vocab == 49152 && s->seq == 8192 && !s->qkv_bias);
    assert_string_equal(model_type(m, MODEL_WQ, 0), "Q4_1");
    assert_string_equal(model_type(m, MODEL_EMBED, 0), "Q8_0");
    assert_int_equal(model_weights(m), 134515008);
    struct num_flayer l;
    WORKS(model_layer(m, 29, &l, &err), err);
    model_layer_free(&l);
    model_close(m);
}

static int make_root(void **state)
{
    const char *at = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/%s", at ? at : P_tmpdir, dir);
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    unlink(temp("tiny.gguf"));
    return rmdir(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_formats), cmocka_unit_test(directories),
        cmocka_unit_test(rotary_pairs),  cmocka_unit_test(rope_freqs),
        cmocka_unit_test(rope_llama3),   cmocka_unit_test(refused),
        cmocka_unit_test(cut),           cmocka_unit_test(llama2c_untied),
        cmocka_unit_test(smollm2)};
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
