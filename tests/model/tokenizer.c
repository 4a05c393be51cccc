/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/tokenizer.c -- tokens against those of other programs.
 *
 * smollm2.vectors.json and ggml-vocab/ are llama.cpp's, tok512.vectors.json
 * SentencePiece's, llama3_vectors.json (beside this file) tiktoken's on
 * texts of our own.
 */
#include "tests/model/check.h"
#include "base/progress.h"
#include "tests/model/vectors.h"

static struct tok *smollm2(void)
{
    const char *path = cache_path("SmolLM2-135M-Instruct.Q4_1.gguf");
    struct tok *t;
    struct fl_error err;
    if (!present(path, "SmolLM2's tokens"))
        return NULL;
    WORKS(tok_open(&t, path, &err), err);
    return t;
}

static void smollm2_vectors(void **state)
{
    const char *path = shared_path("data/tokenizers/smollm2.vectors.json");
    struct tok *t = smollm2();
    if (t && present(path, "SmolLM2's tokens")) {
        assert_string_equal(tok_family(t), "byte-level BPE, smollm");
        assert_int_equal(json_vectors(t, path), 45);
        assert_int_equal(tok_special(t, "<|im_end|>"), 2);
        assert_true(tok_is_end(t, 2) && tok_is_end(t, 0));
        assert_false(tok_is_end(t, 1) || tok_wants_bos(t));
    }
    tok_free(t);
}

static void smollm2_wikitext(void **state)
{
    const char *path = shared_path("data/wikitext/wiki.test.raw");
    struct tok *t = smollm2();
    if (t && present(path, "WikiText's number of tokens")) {
        size_t n;
        char *text = slurp(path, &n);
        struct tok_ids ids = {0};
        struct fl_error err;
        double start = fl_now();
        WORKS(tok_encode(t, text, n, 0, &ids, &err), err);
        print_message("%zu bytes, %zu tokens, %.2f s\n", n, ids.n,
                      fl_now() - start);
        assert_int_equal(ids.n, 303415);
        tok_ids_free(&ids);
        free(text);
    }
    tok_free(t);
}

static void tok512_vectors(void **state)
{
    const char *path = shared_path("data/tokenizers/tok512.vectors.json");
    const char *from[] = {shared_path("data/models/tok512.bin"),
                          shared_path("data/models/stories260K.f32.gguf")};
    if (!present(path, "tok512's tokens"))
        return;
    for (int k = 0; k < 2; k++) {
        struct tok *t;
        struct fl_error err;
        WORKS(tok_open(&t, from[k], &err), err);
        assert_int_equal(tok_count(t), 512);
        assert_true(tok_bos(t) == 1 && tok_eos(t) == 2 && tok_wants_bos(t));
        assert_int_equal(json_vectors(t, path), 45);
        tok_free(t);
    }
}

static void llama3_vectors(void **state)
{
    const char *path = cache_path("llama3-tokenizer.model");
    if (!present(path, "Llama 3's tokens"))
        return;
    struct tok *t;
    struct fl_error err;
    double start = fl_now();
    WORKS(tok_open(&t, path, &err), err);
    print_message("loaded in %.2f s\n", fl_now() - start);
    assert_int_equal(tok_count(t), 128256);
    assert_int_equal(tok_bos(t), 128000);
    assert_int_equal(tok_special(t, "<|eot_id|>"), 128009);
    assert_int_equal(tok_special(t, "<|reserved_special_token_246|>"), -1);
    assert_int_equal(tok_special(t, "<|reserved_special_token_245|>"), 128255);
    assert_true(tok_is_end(t, 128001) && tok_is_end(t, 128008) &&
                tok_is_end(t, 128009));
    assert_true(json_vectors(t, "tests/model/llama3_vectors.json") > 40);
    int done = ggml_vectors(t, "ggml-vocab-llama-bpe.gguf");
    assert_true(done == 0 || done > 40);
    tok_free(t);
}

static void special_flags(void **state)
{
    struct tok *t;
    struct fl_error err;
    const char *path = shared_path("data/models/tok512.bin");
    if (!present(path, "flags of the encoder"))
        return;
    WORKS(tok_open(&t, path, &err), err);
    static const struct {
        const char *text;
        unsigned flags;
        size_t n;
        int32_t id[8];
    } want[] = {
        {"", 0, 0, {0}},
        {"", TOK_BOS, 1, {1}},
        {"</s>", TOK_SPECIAL, 1, {2}},
        {"</s> ", TOK_SPECIAL, 3, {2, 410, 410}},
        {"</s>a", TOK_SPECIAL | TOK_BOS, 3, {1, 2, 261}},
        {" ", TOK_CONTINUE, 1, {410}},
    };
    for (size_t k = 0; k < sizeof want / sizeof *want; k++) {
        struct tok_ids ids = {0};
        WORKS(tok_encode(t, want[k].text, strlen(want[k].text), want[k].flags,
                         &ids, &err),
              err);
        if (ids.n != want[k].n ||
            (ids.n && memcmp(ids.id, want[k].id, ids.n * sizeof *ids.id)))
            show(want[k].text, ids.id, ids.n);
        assert_int_equal(ids.n, want[k].n);
        if (ids.n)
            assert_memory_equal(ids.id, want[k].id, ids.n * sizeof *ids.id);
        tok_ids_free(&ids);
    }
    struct tok_ids ids = {0};
    FAILS(tok_encode(t, "ab\xff", 3, 0, &ids, &err), err, "byte 2 (0xff)");
    FAILS(tok_encode(t, "\xc3", 1, 0, &ids, &err), err, "byte 0");
    FAILS(tok_encode(t, "\xed\xa0\x80", 3, 0, &ids, &err), err, "byte 0");
    assert_int_equal(ids.n, 0);
    tok_ids_free(&ids);
    tok_free(t);
}

/* Bytes one token at a time: "a", half of U+20AC, the rest, a stray byte. */
static void stream(void **state)
{
    struct tok *t;
    struct fl_error err;
    const char *path = shared_path("data/models/tok512.bin");
    if (!present(path, "the decoder's characters"))
        return;
    WORKS(tok_open(&t, path, &err), err);
    struct tok_text out = {0};
    struct tok_stream s;
    tok_stream_start(&s, t, false);
    static const struct {
        int byte;
        const char *then;
    } step[] = {{'a', "a"},
                {0xe2, "a"},
                {0x82, "a"},
                {0xac, "a\u20ac"},
                {0xf0, "a\u20ac"},
                {'b', "a\u20ac\ufffd"
                      "b"},
                {0x80, "a\u20ac\ufffd"
                       "b\ufffd"},
                {0xc3, "a\u20ac\ufffd"
                       "b\ufffd"}};
    for (size_t k = 0; k < sizeof step / sizeof *step; k++) {
        assert_true(tok_stream_put(&s, 3 + step[k].byte, &out));
        assert_string_equal(out.s, step[k].then);
    }
    assert_true(tok_stream_put(&s, -1, &out));
    assert_true(tok_stream_put(&s, 512, &out));
    assert_true(tok_stream_end(&s, &out));
    assert_string_equal(out.s, "a\u20ac\ufffd"
                               "b\ufffd\ufffd");
    tok_text_free(&out);
    tok_stream_start(&s, t, false);
    assert_true(tok_stream_put(&s, 2, &out) && out.n == 0);
    s.show = true;
    assert_true(tok_stream_put(&s, 2, &out));
    assert_string_equal(out.s, "</s>");
    tok_text_free(&out);
    tok_free(t);
}

/* The time for a long word must not grow with its square. */
static void long_words(void **state)
{
    struct tok *t;
    struct fl_error err;
    const char *path = shared_path("data/models/tok512.bin");
    if (!present(path, "the time of long words"))
        return;
    WORKS(tok_open(&t, path, &err), err);
    enum { N = 1 << 20 };
    char *text = malloc(N);
    memset(text, 'a', N);
    struct tok_ids ids = {0};
    double start = fl_now();
    WORKS(tok_encode(t, text, N, 0, &ids, &err), err);
    double took = fl_now() - start;
    print_message("1 MiB of one letter: %.2f s\n", took);
    assert_true(took < 60);
    tok_ids_free(&ids);
    free(text);
    tok_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smollm2_vectors), cmocka_unit_test(smollm2_wikitext),
        cmocka_unit_test(tok512_vectors),  cmocka_unit_test(llama3_vectors),
        cmocka_unit_test(special_flags),   cmocka_unit_test(stream),
        cmocka_unit_test(long_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
