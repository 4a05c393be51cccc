/* SPDX-License-Identifier: Apache-2.0 */
/* model/tok_files.c -- the two plain tokenizer files, and tok_open.
 *
 *   llama2.c   u32 longest | tokens x { f32 score | i32 n | n bytes }
 *              0 unknown, 1 beginning, 2 end, 3..258 the bytes "<0x00>"..
 *   tiktoken   lines of "base64 id", ids 0, 1, 2, ...
 */
#include "model/tok_vocab.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>

static bool fill_llama2c(struct tok *t, const uint8_t *data, size_t size,
                         struct fl_error *err)
{
    t->order = TOK_BY_SCORE;
    t->chars = true;
    t->space = TOK_SPACE_ALWAYS;
    t->wants_bos = true;
    t->unk = 0;
    t->bos = 1;
    t->eos = 2;
    snprintf(t->family, sizeof t->family, "SentencePiece BPE, llama2.c");
    FL_FAIL_IF(size < 4, err, FL_FORMAT, size,
               "%s: too short for a llama2.c tokenizer", t->name);
    for (size_t at = 4; at < size;) {
        float score;
        int32_t n;
        FL_FAIL_IF(size - at < 8, err, FL_FORMAT, at,
                   "%s: the file ends inside token %d", t->name, t->count);
        memcpy(&score, data + at, 4);
        memcpy(&n, data + at + 4, 4);
        at += 8;
        FL_FAIL_IF(n < 0 || (size_t)n > size - at, err, FL_FORMAT, at,
                   "%s: token %d is said to be %d bytes long", t->name,
                   t->count, n);
        enum tok_kind kind = t->count == 0  ? TOK_UNKNOWN
                             : t->count < 3 ? TOK_CONTROL
                             : tok_byte_name(data + at, (size_t)n) >= 0
                                 ? TOK_BYTE
                                 : TOK_TEXT;
        static const char *const ends[] = {"<unk>", "<s>", "</s>"};
        if (t->count < 3) /* the file has newlines around these */
            FL_TRY(tok_add(t, ends[t->count], strlen(ends[t->count]), kind,
                           score, err));
        else
            FL_TRY(tok_add(t, data + at, (size_t)n, kind, score, err));
        at += (size_t)n;
    }
    return tok_index(t, err) && tok_finish(t, err);
}

/* -1 if s[0..n) is not base64; else the number of bytes put into `to`. */
static int from_base64(const uint8_t *s, size_t n, uint8_t *to, size_t room)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    if (n == 0 || n % 4 || n / 4 * 3 > room)
        return -1;
    size_t pad = (s[n - 1] == '=') + (s[n - 1] == '=' && s[n - 2] == '=');
    uint32_t bits = 0;
    size_t m = 0;
    for (size_t k = 0; k < n; k++) {
        const char *d = s[k] ? strchr(digits, s[k]) : NULL;
        if (!d && k < n - pad)
            return -1;
        bits = bits << 6 | (d && k < n - pad ? (uint32_t)(d - digits) : 0);
        if (k % 4 == 3) {
            to[m++] = (uint8_t)(bits >> 16);
            to[m++] = (uint8_t)(bits >> 8);
            to[m++] = (uint8_t)bits;
        }
    }
    return (int)(m - pad);
}

/* Vocabularies known by their size: how they split words, and the special
 * tokens that follow. Llama 3 (3.1 and later) fills up to 256 with reserved
 * ones. */
static const struct family {
    int ranks;
    const char *split, *bos, *eos;
    int reserved;
    const char *named[12];
} families[] = {
    {128000,
     "llama-bpe",
     "<|begin_of_text|>",
     "<|end_of_text|>",
     244,
     {"<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>",
      "<|reserved_special_token_1|>", "<|finetune_right_pad_id|>",
      "<|step_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>",
      "<|eot_id|>", "<|python_tag|>", "<|image|>"}},
    {151643,
     "qwen2",
     NULL,
     "<|im_end|>",
     0,
     {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}},
};

static bool add_specials(struct tok *t, const struct family *f,
                         struct fl_error *err)
{
    enum { NAMED = sizeof f->named / sizeof *f->named };
    for (int k = 0; k < NAMED && f->named[k]; k++) {
        if (f->bos && strcmp(f->named[k], f->bos) == 0)
            t->bos = t->count;
        if (strcmp(f->named[k], f->eos) == 0)
            t->eos = t->count;
        FL_TRY(
            tok_add(t, f->named[k], strlen(f->named[k]), TOK_CONTROL, 0, err));
    }
    for (int k = 0; k < f->reserved; k++) {
        char name[64];
        int n =
            snprintf(name, sizeof name, "<|reserved_special_token_%d|>", k + 2);
        FL_TRY(tok_add(t, name, (size_t)n, TOK_CONTROL, 0, err));
    }
    t->wants_bos = t->bos >= 0;
    return true;
}

static bool fill_tiktoken(struct tok *t, const uint8_t *data, size_t size,
                          struct fl_error *err)
{
    t->order = TOK_BY_ID;
    t->whole = true;
    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t n = end ? (size_t)(end - data) - at : size - at;
        const uint8_t *gap = memchr(data + at, ' ', n);
        uint8_t piece[512];
        char id[16];
        int len = -1;
        if (gap && data[at + n - 1] != ' ') {
            size_t nb = (size_t)(gap - data) - at, nid = n - nb - 1;
            len = from_base64(data + at, nb, piece, sizeof piece);
            /* The line has the id this token would get anyway. */
            int want = snprintf(id, sizeof id, "%d", t->count);
            if ((int)nid != want || memcmp(gap + 1, id, nid) != 0)
                len = -1;
        }
        FL_FAIL_IF(len < 1, err, FL_FORMAT, (uint64_t)t->count + 1,
                   "%s: line %d is not a token in base64 and its number %d",
                   t->name, t->count + 1, t->count);
        FL_TRY(tok_add(t, piece, (size_t)len, TOK_TEXT, 0, err));
        at += n + 1;
    }
    const char *split = "llama-bpe";
    for (size_t k = 0; k < sizeof families / sizeof *families; k++)
        if (families[k].ranks == t->count) {
            split = families[k].split;
            FL_TRY(add_specials(t, &families[k], err));
            break;
        }
    t->split = tok_split_new(split, strlen(split), err);
    FL_TRY(t->split != NULL);
    snprintf(t->family, sizeof t->family, "byte-level BPE, %s", split);
    return tok_index(t, err) && tok_finish(t, err);
}

static bool
make(struct tok **t, const uint8_t *data, size_t size, const char *name,
     bool (*fill)(struct tok *, const uint8_t *, size_t, struct fl_error *),
     struct fl_error *err)
{
    *t = tok_new(name, err);
    FL_TRY(*t != NULL);
    if (fill(*t, data, size, err))
        return true;
    tok_free(*t);
    *t = NULL;
    return false;
}

bool tok_from_llama2c(struct tok **t, const uint8_t *data, size_t size,
                      const char *name, struct fl_error *err)
{
    return make(t, data, size, name, fill_llama2c, err);
}

bool tok_from_tiktoken(struct tok **t, const uint8_t *data, size_t size,
                       const char *name, struct fl_error *err)
{
    return make(t, data, size, name, fill_tiktoken, err);
}

bool tok_open(struct tok **t, const char *path, struct fl_error *err)
{
    *t = NULL;
    struct fl_map map;
    FL_TRY(fl_map_open(&map, path, err));
    const uint8_t *d = map.data;
    size_t n = map.size, k = 0;
    bool ok;
    while (k < n && (d[k] == ' ' || d[k] == '\n' || d[k] == '\t'))
        k++;
    if (n >= 4 && memcmp(d, "GGUF", 4) == 0) {
        struct gguf g;
        ok = gguf_parse(&g, d, n, path, err) && tok_from_gguf(t, &g, err);
        gguf_close(&g);
    } else if (k < n && d[k] == '{') {
        ok = tok_from_json(t, (const char *)d, n, path, err) &&
             tok_read_config(*t, path, err);
        if (!ok) {
            tok_free(*t);
            *t = NULL;
        }
    } else if (n >= 4 && d[3] == 0) { /* longest token < 2^24 */
        ok = tok_from_llama2c(t, d, n, path, err);
    } else if (n >= 1 && d[0] == '\n') { /* field 1, a message */
        ok = tok_from_spm(t, d, n, path, err);
    } else {
        ok = tok_from_tiktoken(t, d, n, path, err);
    }
    fl_map_close(&map);
    return ok;
}
