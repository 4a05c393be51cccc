/* SPDX-License-Identifier: Apache-2.0 */
/* Tokenizer files and texts from anywhere. The first byte chooses:
 *
 *   0 1 2   the rest is a tokenizer.json, a llama2.c or a tiktoken file
 *   3..6    the rest is text for byte-level BPE with each pre-tokeniser: it
 *           is refused if it is not UTF-8, else it comes back unchanged
 *   7       the rest is tokens, two bytes each: what comes out is UTF-8
 *   8       the rest is text for SentencePiece
 *   9       the rest is a SentencePiece model
 */
#include "model/utf8.h"
#include "model/tokenizer.h"
#include "tests/fuzz/vocab.h"
#include "tests/model/tiny.h"

enum { BYTES = 4 };

static struct tok *bytes[BYTES], *pieces;

static struct tok *made(struct gb *b)
{
    struct gguf g;
    struct tok *t;
    if (!gguf_parse(&g, b->data, b->size, "made", NULL) ||
        !tok_from_gguf(&t, &g, NULL))
        abort();
    gguf_close(&g);
    return t;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const names[BYTES] = {"gpt-2", "smollm", "llama-bpe",
                                             "qwen2"};
    struct gb b = {0};
    for (int k = 0; k < BYTES; k++) {
        vocab_bytes(&b, names[k]);
        bytes[k] = made(&b);
    }
    tiny_build(&b, "llama", 0, 0, NULL);
    pieces = made(&b);
    free(b.data);
    return 0;
}

static int is_utf8(const uint8_t *s, size_t n)
{
    size_t at = 0, len;
    while (at < n && utf8_next(s + at, n - at, &len) == UTF8_WHOLE)
        at += len;
    return at == n;
}

/* text -> tokens -> text. `same`: it must come back as it was. */
static void around(const struct tok *t, const uint8_t *s, size_t n,
                   unsigned flags, int same)
{
    struct tok_ids ids = {0};
    struct tok_text text = {0};
    struct tok_stream stream;
    struct fl_error err = {0};
    bool ok = tok_encode(t, (const char *)s, n, flags, &ids, &err);
    if (ok != is_utf8(s, n) || (!ok && !err.msg[0]))
        abort();
    tok_stream_start(&stream, t, true);
    stream.show = true;
    for (size_t k = 0; k < ids.n; k++)
        if (!tok_stream_put(&stream, ids.id[k], &text) ||
            !is_utf8((const uint8_t *)text.s, text.n))
            abort();
    tok_stream_end(&stream, &text);
    if (ok && same &&
        (text.n != n || ids.lost || (n && memcmp(text.s, s, n) != 0)))
        abort();
    tok_ids_free(&ids);
    tok_text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct fl_error err = {0};
    struct tok *t = NULL;
    if (n == 0)
        return 0;
    int what = data[0];
    data++;
    n--;
    bool ok = true;
    if (what == 0)
        ok = tok_from_json(&t, (const char *)data, n, "fuzz", &err);
    else if (what == 1)
        ok = tok_from_llama2c(&t, data, n, "fuzz", &err);
    else if (what == 2)
        ok = tok_from_tiktoken(&t, data, n, "fuzz", &err);
    else if (what == 9)
        ok = tok_from_spm(&t, data, n, "fuzz", &err);
    else if (what < 3 + BYTES)
        around(bytes[what - 3], data, n, n % 2 ? TOK_SPECIAL : 0, 1);
    else if (what == 8)
        around(pieces, data, n, 0, 0);
    else if (what == 7) {
        struct tok_text text = {0};
        struct tok_stream s;
        tok_stream_start(&s, bytes[0], true);
        for (size_t k = 0; k + 2 <= n; k += 2)
            tok_stream_put(&s, data[k] | data[k + 1] << 8, &text);
        tok_stream_end(&s, &text);
        if (!is_utf8((const uint8_t *)text.s, text.n))
            abort();
        tok_text_free(&text);
    }
    if (ok != (t != NULL) && (what < 3 || what == 9))
        abort();
    if (!ok && !err.msg[0])
        abort();
    if (t) /* what was read can be used */
        around(t, (const uint8_t *)" the \u00e9 <s>12", 13, TOK_SPECIAL, 0);
    tok_free(t);
    return 0;
}
