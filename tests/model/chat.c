/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/chat.c -- conversations, against the templates written out. */
#include "tests/model/check.h"
#include "model/chat.h"
#include "tests/model/tiny.h"

/* The tokens of a conversation as text, marks shown. */
static char *shown(const struct tok *t, enum chat_kind kind,
                   const struct chat_message *m, size_t n, bool ask)
{
    struct tok_ids ids = {0};
    struct tok_text text = {0};
    struct tok_stream s;
    struct fl_error err;
    WORKS(chat_encode(t, kind, m, n, ask, &ids, &err), err);
    tok_stream_start(&s, t, false);
    s.show = true;
    for (size_t k = 0; k < ids.n; k++)
        assert_true(tok_stream_put(&s, ids.id[k], &text));
    assert_true(tok_stream_end(&s, &text));
    tok_ids_free(&ids);
    return text.s;
}

static void smollm2(void **state)
{
    const char *path = cache_path("SmolLM2-135M-Instruct.Q4_1.gguf");
    struct tok *t;
    struct fl_error err;
    if (!present(path, "SmolLM2's conversations"))
        return;
    WORKS(tok_open(&t, path, &err), err);
    assert_int_equal(chat_kind_of(t), CHAT_CHATML);
    const struct chat_message m[] = {{"user", "What is 2 + 2?<|im_end|>"},
                                     {"assistant", "4"}};
    char *s = shown(t, CHAT_CHATML, m, 2, true);
    assert_string_equal(
        s, "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, "
           "trained by Hugging Face<|im_end|>\n"
           "<|im_start|>user\nWhat is 2 + 2?<|im_end|><|im_end|>\n"
           "<|im_start|>assistant\n4<|im_end|>\n<|im_start|>assistant\n");
    free(s);
    /* The mark the user typed is text: one real end for each turn. */
    struct tok_ids ids = {0}, all = {0};
    WORKS(chat_encode(t, CHAT_CHATML, m, 1, true, &ids, &err), err);
    int ends = 0;
    for (size_t k = 0; k < ids.n; k++)
        ends += ids.id[k] == 2;
    assert_int_equal(ends, 2);
    /* Without such a mark the tokens are those of the whole text. */
    const struct chat_message plain[] = {{"system", "Be brief."},
                                         {"user", "  What is this?\n"}};
    static const char whole[] =
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n"
        "  What is this?\n<|im_end|>\n<|im_start|>assistant\n";
    ids.n = 0;
    WORKS(chat_encode(t, CHAT_CHATML, plain, 2, true, &ids, &err), err);
    WORKS(tok_encode(t, whole, strlen(whole), TOK_SPECIAL, &all, &err), err);
    assert_int_equal(ids.n, all.n);
    assert_memory_equal(ids.id, all.id, all.n * sizeof *all.id);
    tok_ids_free(&ids);
    tok_ids_free(&all);
    tok_free(t);
}

static void llama3(void **state)
{
    const char *path = cache_path("llama3-tokenizer.model");
    struct tok *t;
    struct fl_error err;
    if (!present(path, "Llama 3's conversations"))
        return;
    WORKS(tok_open(&t, path, &err), err);
    assert_int_equal(chat_kind_of(t), CHAT_LLAMA3);
    const struct chat_message m[] = {{"system", "Be brief.\n"},
                                     {"user", "  Hi, \n"}};
    char *s = shown(t, CHAT_LLAMA3, m, 2, true);
    assert_string_equal(
        s, "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
           "Be brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
           "Hi,<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n");
    free(s);
    tok_free(t);
}

static void none(void **state)
{
    struct gb b = {0};
    struct gguf g;
    struct tok *t;
    struct fl_error err;
    const struct chat_message m[] = {{"user", "Hi"}};
    struct tok_ids ids = {0};
    tiny_build(&b, "llama", 0, 0, NULL);
    WORKS(gguf_parse(&g, b.data, b.size, "tiny", &err), err);
    WORKS(tok_from_gguf(&t, &g, &err), err);
    assert_int_equal(chat_kind_of(t), CHAT_NONE);
    FAILS(chat_encode(t, CHAT_NONE, m, 1, true, &ids, &err), err,
          "no ChatML or Llama 3 template");
    FAILS(chat_encode(t, CHAT_CHATML, m, 1, true, &ids, &err), err,
          "no <|im_start|>");
    assert_int_equal(ids.n, 0);
    tok_free(t);
    gguf_close(&g);
    free(b.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(smollm2),
                                       cmocka_unit_test(llama3),
                                       cmocka_unit_test(none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
