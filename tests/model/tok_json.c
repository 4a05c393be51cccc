/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/tok_json.c -- tokenizer.json and other files of vocabularies.
 *
 * No model's tokenizer.json is at hand, so they are written here: SmolLM2's
 * out of its GGUF, GPT-2's out of the two files it was published in, a small
 * SentencePiece one out of tok512.
 */
#include "tests/model/check.h"
#include "model/gguf.h"
#include "tests/model/gguf_build.h"
#include "tests/model/vectors.h"

#define WORDS(number)                                                          \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" number       \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

static cJSON *pre_tokenizer(const char *text)
{
    cJSON *pre = cJSON_Parse(text);
    assert_non_null(pre);
    return pre;
}

static struct tok *from(cJSON *root)
{
    struct tok *t;
    struct fl_error err;
    char *text = cJSON_PrintUnformatted(root);
    WORKS(tok_from_json(&t, text, strlen(text), "made.json", &err), err);
    cJSON_free(text);
    cJSON_Delete(root);
    return t;
}

/* {"model": ..., "added_tokens": ...} of a byte-level GGUF vocabulary. */
static cJSON *from_gguf(const struct gguf *g)
{
    const struct gguf_key *tokens = gguf_find(g, "tokenizer.ggml.tokens");
    const struct gguf_key *types = gguf_find(g, "tokenizer.ggml.token_type");
    const struct gguf_key *merges = gguf_find(g, "tokenizer.ggml.merges");
    cJSON *root = cJSON_CreateObject();
    cJSON *model = cJSON_AddObjectToObject(root, "model");
    cJSON_AddStringToObject(model, "type", "BPE");
    cJSON *vocab = cJSON_CreateObject(), *list = cJSON_CreateArray();
    cJSON *added = cJSON_CreateArray();
    size_t at = 0;
    for (uint64_t k = 0; k < tokens->count; k++) {
        struct gguf_str s = gguf_item_next(tokens, &at);
        char *piece = strndup(s.s, s.n);
        if (gguf_item_int(types, k) == 3) {
            cJSON *a = cJSON_CreateObject();
            cJSON_AddNumberToObject(a, "id", (double)k);
            cJSON_AddStringToObject(a, "content", piece);
            cJSON_AddTrueToObject(a, "special");
            cJSON_AddItemToArray(added, a);
        } else {
            cJSON_AddNumberToObject(vocab, piece, (double)k);
        }
        free(piece);
    }
    at = 0;
    for (uint64_t k = 0; k < merges->count; k++) {
        struct gguf_str s = gguf_item_next(merges, &at);
        char *merge = strndup(s.s, s.n);
        char *gap = strchr(merge + 1, ' ');
        *gap = 0;
        if (k % 2) { /* both ways of writing a merge */
            *gap = ' ';
            cJSON_AddItemToArray(list, cJSON_CreateString(merge));
        } else {
            const char *pair[] = {merge, gap + 1};
            cJSON_AddItemToArray(list, cJSON_CreateStringArray(pair, 2));
        }
        free(merge);
    }
    cJSON_AddItemToObject(model, "vocab", vocab);
    cJSON_AddItemToObject(model, "merges", list);
    cJSON_AddItemToObject(root, "added_tokens", added);
    return root;
}

static void smollm2(void **state)
{
    const char *path = cache_path("SmolLM2-135M-Instruct.Q4_1.gguf");
    const char *want = shared_path("data/tokenizers/smollm2.vectors.json");
    struct gguf g;
    struct fl_error err;
    if (!present(path, "tokenizer.json of SmolLM2") ||
        !present(want, "tokenizer.json of SmolLM2"))
        return;
    WORKS(gguf_open(&g, path, &err), err);
    cJSON *root = from_gguf(&g);
    cJSON_AddItemToObject(
        root, "pre_tokenizer",
        pre_tokenizer("{\"type\":\"Sequence\",\"pretokenizers\":["
                      "{\"type\":\"Digits\",\"individual_digits\":true},"
                      "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
                      "\"use_regex\":true}]}"));
    cJSON_AddItemToObject(
        root, "post_processor",
        pre_tokenizer("{\"type\":\"TemplateProcessing\",\"single\":["
                      "{\"SpecialToken\":{\"id\":\"<|im_start|>\"}},"
                      "{\"Sequence\":{\"id\":\"A\"}}]}"));
    gguf_close(&g);
    struct tok *t = from(root);
    assert_int_equal(tok_count(t), 49152);
    assert_string_equal(tok_family(t), "byte-level BPE, smollm");
    assert_int_equal(tok_special(t, "<|im_end|>"), 2);
    assert_true(tok_eos(t) == 2 && tok_bos(t) == 1 && tok_wants_bos(t));
    assert_int_equal(json_vectors(t, want), 45);
    tok_free(t);
}

static void gpt2(void **state)
{
    const char *vocab = cache_path("gpt2-encoder.json");
    const char *merges = cache_path("gpt2-vocab.bpe");
    if (!present(vocab, "GPT-2's tokens") || !present(merges, "GPT-2's"))
        return;
    size_t n;
    char *text = slurp(vocab, &n);
    cJSON *root = cJSON_CreateObject();
    cJSON *model = cJSON_AddObjectToObject(root, "model");
    cJSON *list = cJSON_CreateArray();
    cJSON_AddStringToObject(model, "type", "BPE");
    cJSON_AddItemToObject(model, "vocab", cJSON_Parse(text));
    free(text);
    text = slurp(merges, &n);
    char *line = strchr(text, '\n') + 1; /* the first is a version */
    for (char *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        if (*line)
            cJSON_AddItemToArray(list, cJSON_CreateString(line));
    }
    free(text);
    cJSON_AddItemToObject(model, "merges", list);
    cJSON_AddItemToObject(root, "pre_tokenizer",
                          pre_tokenizer("{\"type\":\"ByteLevel\"}"));
    struct tok *t = from(root);
    assert_string_equal(tok_family(t), "byte-level BPE, gpt-2");
    int done = ggml_vectors(t, "ggml-vocab-gpt-2.gguf");
    assert_true(done == 0 || done > 40);
    tok_free(t);
}

static void qwen2(void **state)
{
    const char *path = cache_path("qwen2.tiktoken");
    struct tok *t;
    struct fl_error err;
    if (!present(path, "Qwen2's tokens"))
        return;
    WORKS(tok_open(&t, path, &err), err);
    assert_string_equal(tok_family(t), "byte-level BPE, qwen2");
    assert_int_equal(tok_special(t, "<|im_end|>"), 151645);
    int done = ggml_vectors(t, "ggml-vocab-qwen2.gguf");
    assert_true(done == 0 || done > 40);
    tok_free(t);
}

/* Merges in an order that differs from the ids: "ab" before "bc". */
static void sentencepiece(void **state)
{
    static const char text[] =
        "{\"added_tokens\":[{\"id\":0,\"content\":\"<s>\",\"special\":true},"
        "{\"id\":9,\"content\":\"<mask>\",\"special\":false}],"
        "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":["
        "{\"type\":\"Prepend\",\"prepend\":\"\u2581\"},"
        "{\"type\":\"Replace\"}]},\"pre_tokenizer\":null,"
        "\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,"
        "\"vocab\":{\"\u2581\":1,\"a\":2,\"b\":3,\"c\":4,\"bc\":5,"
        "\"ab\":6,\"\u2581ab\":7,\"<0x64>\":8},"
        "\"merges\":[\"a b\",\"b c\",[\"\u2581\",\"ab\"]]}}";
    static const int32_t want[] = {7, 4, 5, 1, 8, 2, 9, 7};
    struct tok *t;
    struct tok_ids ids = {0};
    struct tok_text out = {0};
    struct tok_stream s;
    struct fl_error err;
    WORKS(tok_from_json(&t, text, strlen(text), "sp", &err), err);
    static const char in[] = "abcbc da<mask>ab";
    WORKS(tok_encode(t, in, strlen(in), 0, &ids, &err), err);
    assert_int_equal(ids.n, 8);
    assert_memory_equal(ids.id, want, sizeof want);
    tok_stream_start(&s, t, true);
    for (size_t k = 0; k < ids.n; k++)
        assert_true(tok_stream_put(&s, ids.id[k], &out));
    assert_string_equal(out.s, "abcbc da<mask> ab");
    tok_text_free(&out);
    tok_ids_free(&ids);
    tok_free(t);
}

static void field(struct gb *b, int number, const void *from, size_t n)
{
    uint8_t head[2] = {(uint8_t)(number << 3 | 2), (uint8_t)n};
    assert_true(n < 128);
    gb_put(b, head, 2);
    gb_put(b, from, n);
}

/* tok512 as SentencePiece would have written it; the vectors are its own. */
static void spm(void **state)
{
    const char *path = shared_path("data/models/stories260K.f32.gguf");
    const char *want = shared_path("data/tokenizers/tok512.vectors.json");
    struct gguf g;
    struct fl_error err;
    if (!present(path, "SentencePiece's file") || !present(want, "its tokens"))
        return;
    WORKS(gguf_open(&g, path, &err), err);
    const struct gguf_key *tokens = gguf_find(&g, "tokenizer.ggml.tokens");
    const struct gguf_key *types = gguf_find(&g, "tokenizer.ggml.token_type");
    const struct gguf_key *scores = gguf_find(&g, "tokenizer.ggml.scores");
    struct gb b = {0}, piece = {0};
    size_t at = 0;
    for (uint64_t k = 0; k < tokens->count; k++) {
        struct gguf_str s = gguf_item_next(tokens, &at);
        float score = (float)gguf_item_float(scores, k);
        uint8_t type = (uint8_t)gguf_item_int(types, k);
        piece.size = 0;
        field(&piece, 1, s.s, s.n);
        gb_put(&piece, "\x15", 1);
        gb_put(&piece, &score, 4);
        gb_put(&piece, "\x18", 1);
        gb_put(&piece, &type, 1);
        field(&b, 1, piece.data, piece.size);
    }
    gguf_close(&g);
    size_t pieces = b.size;
    field(&b, 2, "\x18\2", 2); /* BPE */
    field(&b, 3, "\x20\0", 2); /* spaces stay */
    struct tok *t;
    WORKS(tok_from_spm(&t, b.data, b.size, "made", &err), err);
    assert_true(tok_bos(t) == 1 && tok_eos(t) == 2 && tok_wants_bos(t));
    assert_int_equal(json_vectors(t, want), 45);
    tok_free(t);
    FAILS(tok_from_spm(&t, b.data, pieces, "made", &err), err, "not BPE");
    for (size_t n = 0; n < b.size; n++) {
        uint8_t *exact = malloc(n ? n : 1);
        memcpy(exact, b.data, n);
        assert_false(tok_from_spm(&t, exact, n, "made", &err));
        free(exact);
    }
    free(piece.data);
    free(b.data);
}

static void refused(void **state)
{
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"", "not valid JSON"},
        {"{\"model\":", "not valid JSON"},
        {"[]", "model ''"},
        {"{\"model\":{\"type\":\"Unigram\"}}", "model 'Unigram'"},
        {"{\"model\":{\"type\":\"BPE\"}}", "neither byte-level"},
        {"{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true}}",
         "vocabulary is empty"},
        {"{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,"
         "\"vocab\":{\"a\":-1}}}",
         "no valid id"},
        {"{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,"
         "\"vocab\":{\"a\":4194304}}}",
         "no valid id"},
        {"{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,"
         "\"vocab\":{\"a\":0.5}}}",
         "no valid id"},
        {"{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,"
         "\"vocab\":{\"a\":0},\"merges\":[\"a b\"]}}",
         "merge 0 joins pieces"},
        {"{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,"
         "\"vocab\":{\"a\":0},\"merges\":[7]}}",
         "merge 0 is not two"},
        {"{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":["
         "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"x\"}},"
         "{\"type\":\"ByteLevel\"}]},\"model\":{\"type\":\"BPE\"}}",
         "not one of gpt-2"},
    };
    struct tok *t;
    struct fl_error err;
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        FAILS(
            tok_from_json(&t, bad[k].text, strlen(bad[k].text), "t.json", &err),
            err, bad[k].part);
        assert_null(t);
    }
    static const uint8_t long_piece[] = {9, 0, 0, 0, 0, 0,  0,
                                         0, 9, 0, 0, 0, 'a'};
    FAILS(tok_from_llama2c(&t, long_piece, sizeof long_piece, "t", &err), err,
          "token 0 is said to be 9 bytes");
    FAILS(tok_from_llama2c(&t, long_piece, 7, "t", &err), err, "inside");
    FAILS(tok_from_llama2c(&t, long_piece, 4, "t", &err), err, "empty");
    static const struct {
        const char *text;
        int line;
    } lines[] = {{"YQ== 1\n", 1},        {"YQ== 0\nYg==\n", 2},
                 {"YQ= 0\n", 1},         {"==== 0\n", 1},
                 {"YQ== 0\n\n", 2},      {"Y\xffQ= 0\n", 1},
                 {"YQ== 0\nYg== 0\n", 2}};
    for (size_t k = 0; k < sizeof lines / sizeof *lines; k++) {
        char want[40];
        snprintf(want, sizeof want, "line %d is not", lines[k].line);
        FAILS(tok_from_tiktoken(&t, (const uint8_t *)lines[k].text,
                                strlen(lines[k].text), "t", &err),
              err, want);
    }
}

/* Both published expressions are recognised. */
static void split_names(void **state)
{
    static const struct {
        const char *regex, *name;
    } known[] = {{WORDS("\\p{N}{1,3}"), "byte-level BPE, llama-bpe"},
                 {WORDS("\\p{N}"), "byte-level BPE, qwen2"}};
    for (int k = 0; k < 2; k++) {
        cJSON *root = cJSON_CreateObject();
        cJSON *model = cJSON_AddObjectToObject(root, "model");
        cJSON_AddStringToObject(model, "type", "BPE");
        cJSON_AddItemToObject(model, "vocab", cJSON_Parse("{\"a\":0}"));
        cJSON *pre = pre_tokenizer(
            "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\"},"
            "{\"type\":\"ByteLevel\",\"use_regex\":false}]}");
        cJSON *split = cJSON_GetObjectItem(pre, "pretokenizers")->child;
        cJSON *pattern = cJSON_AddObjectToObject(split, "pattern");
        cJSON_AddStringToObject(pattern, "Regex", known[k].regex);
        cJSON_AddItemToObject(root, "pre_tokenizer", pre);
        struct tok *t = from(root);
        assert_string_equal(tok_family(t), known[k].name);
        tok_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smollm2),    cmocka_unit_test(gpt2),
        cmocka_unit_test(qwen2),      cmocka_unit_test(sentencepiece),
        cmocka_unit_test(spm),        cmocka_unit_test(refused),
        cmocka_unit_test(split_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
