/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/tok_gguf.c -- vocabularies in GGUF, odd and wrong. */
#include "tests/model/check.h"
#include "model/tokenizer.h"
#include "tests/model/gguf_build.h"

#define KEY(name) "tokenizer.ggml." name

static void list(struct gb *b, const char *name, size_t n, const char *const *s)
{
    gb_key_array(b, name, 8, n);
    for (size_t k = 0; k < n; k++)
        gb_str(b, s[k]);
}

#define LIST(b, name, ...)                                                     \
    do {                                                                       \
        static const char *const s_[] = {__VA_ARGS__};                         \
        list(b, KEY(name), sizeof s_ / sizeof *s_, s_);                        \
    } while (0)

static bool parse(struct gb *b, struct tok **t, struct fl_error *err)
{
    struct gguf g;
    gb_align(b, 32);
    if (!gguf_parse(&g, b->data, b->size, "t.gguf", err))
        fail_msg("%s", err->msg);
    bool ok = tok_from_gguf(t, &g, err);
    gguf_close(&g);
    return ok;
}

/* The tokens of a text. */
static void gives(const struct tok *t, const char *text, size_t n,
                  const int32_t *want)
{
    struct tok_ids ids = {0};
    struct fl_error err;
    WORKS(tok_encode(t, text, strlen(text), TOK_SPECIAL, &ids, &err), err);
    if (ids.n != n || (n && memcmp(ids.id, want, n * sizeof *want) != 0))
        fail_msg("'%s': %zu tokens, the first %d", text, ids.n,
                 ids.n ? ids.id[0] : -1);
    tok_ids_free(&ids);
}

static void sentencepiece(struct gb *b, float score)
{
    gb_start(b, 3);
    gb_key_str(b, KEY("model"), "llama");
    LIST(b, "tokens", "<unk>", "<0xC3>", "<0xA9>", "a", "\u2581", "\xc3");
    gb_key_array(b, KEY("scores"), 6, 6);
    for (int k = 0; k < 6; k++)
        gb_put(b, &score, 4);
}

/* Without types, "<0xC3>" is still a byte and not six characters. */
static void no_types(void **state)
{
    struct gb b = {0};
    struct tok *t;
    struct fl_error err;
    sentencepiece(&b, 0);
    gb_key_u32(&b, KEY("unknown_token_id"), 0);
    gb_key(&b, KEY("add_space_prefix"), 7);
    gb_put(&b, "\0", 1);
    WORKS(parse(&b, &t, &err), err);
    gives(t, "\u00e9", 2, (const int32_t[]){1, 2});
    gives(t, "a a", 3, (const int32_t[]){3, 4, 3});
    gives(t, "b", 1, (const int32_t[]){0});
    tok_free(t);
    free(b.data);
}

/* A special token that is half a character is never found: what is left
 * would not be text. */
static void half_special(void **state)
{
    struct gb b = {0};
    struct tok *t;
    struct fl_error err;
    sentencepiece(&b, 0);
    gb_key_array(&b, KEY("token_type"), 5, 6);
    static const uint32_t types[6] = {2, 6, 6, 1, 1, 4};
    gb_put(&b, types, sizeof types);
    WORKS(parse(&b, &t, &err), err);
    gives(t, "\u00e9", 3, (const int32_t[]){4, 1, 2});
    tok_free(t);
    free(b.data);
}

static void bytes(struct gb *b, const char *pre)
{
    gb_start(b, 3);
    gb_key_str(b, KEY("model"), "gpt2");
    gb_key_str(b, KEY("pre"), pre);
    LIST(b, "tokens", "a", "b", "ab", "\u0120", "<x>", "<x><y>");
    gb_key_array(b, KEY("token_type"), 5, 6);
    static const uint32_t types[6] = {1, 1, 1, 1, 3, 3};
    gb_put(b, types, sizeof types);
}

/* The longest special token wins; bytes without a token are counted. */
static void byte_level(void **state)
{
    struct gb b = {0};
    struct tok *t;
    struct tok_ids ids = {0};
    struct fl_error err;
    bytes(&b, "gpt-2");
    LIST(&b, "merges", "a b");
    WORKS(parse(&b, &t, &err), err);
    gives(t, "ab a<x><y>b<x>", 6, (const int32_t[]){2, 3, 0, 5, 1, 4});
    WORKS(tok_encode(t, "aczb", 4, 0, &ids, &err), err);
    assert_true(ids.n == 2 && ids.lost == 2);
    tok_ids_free(&ids);
    tok_free(t);
    free(b.data);
}

static void wrong(struct gb *b, const char *part)
{
    struct tok *t;
    struct fl_error err;
    FAILS(parse(b, &t, &err), err, part);
    assert_null(t);
}

static void refused(void **state)
{
    struct gb b = {0};
    gb_start(&b, 3);
    wrong(&b, "no tokenizer in this file");
    gb_start(&b, 3);
    gb_key_str(&b, KEY("model"), "rwkv");
    wrong(&b, "tokenizer model 'rwkv'");
    gb_start(&b, 3);
    gb_key_str(&b, KEY("model"), "llama");
    wrong(&b, "no vocabulary");
    sentencepiece(&b, 0.0f / 0.0f);
    wrong(&b, "score of token 0");
    sentencepiece(&b, 0);
    gb_key_array(&b, KEY("token_type"), 5, 1);
    gb_u32(&b, 1);
    wrong(&b, "differ in length");
    sentencepiece(&b, 0);
    gb_key_u32(&b, KEY("bos_token_id"), 6);
    wrong(&b, "special token 6 is outside");
    sentencepiece(&b, 0);
    gb_key_str(&b, KEY("add_bos_token"), "yes");
    wrong(&b, "add_bos_token");
    bytes(&b, "other");
    wrong(&b, "'other' is not known; known are gpt-2, smollm, llama-bpe");
    bytes(&b, "qwen2");
    wrong(&b, "without tokenizer.ggml.merges");
    bytes(&b, "qwen2");
    LIST(&b, "merges", "a b", "a a");
    wrong(&b, "merge 1 joins pieces that are not");
    bytes(&b, "qwen2");
    LIST(&b, "merges", "ab");
    wrong(&b, "merge 0 is not two pieces");
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_types), cmocka_unit_test(half_special),
        cmocka_unit_test(byte_level), cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
