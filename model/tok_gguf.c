/* SPDX-License-Identifier: Apache-2.0 */
/* model/tok_gguf.c -- a tokenizer from the tokenizer.ggml.* keys of GGUF. */
#include "model/tok_vocab.h"
#include <stdlib.h>
#include <string.h>

#define KEY(name) "tokenizer.ggml." name

static bool is(struct gguf_str s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.s, text, s.n) == 0;
}

/* An array of `item`s (numbers: of any number kind), or NULL. */
static const struct gguf_key *array(const struct gguf *g, const char *name,
                                    bool strings)
{
    const struct gguf_key *k = gguf_find(g, name);
    if (!k || k->kind != GGUF_ARRAY || k->item == GGUF_ARRAY)
        return NULL;
    return strings == (k->item == GGUF_STRING) ? k : NULL;
}

static enum tok_kind kind_of(int64_t type)
{
    static const enum tok_kind kinds[] = {TOK_TEXT,    TOK_TEXT, TOK_UNKNOWN,
                                          TOK_CONTROL, TOK_USER, TOK_UNUSED,
                                          TOK_BYTE};
    return type >= 0 && type < 7 ? kinds[type] : TOK_TEXT;
}

static bool add_pieces(struct tok *t, const struct gguf *g,
                       struct fl_error *err)
{
    const struct gguf_key *tokens = array(g, KEY("tokens"), true);
    const struct gguf_key *types = array(g, KEY("token_type"), false);
    const struct gguf_key *scores = array(g, KEY("scores"), false);
    FL_FAIL_IF(!tokens, err, FL_FORMAT, 0,
               "%s: no vocabulary (" KEY("tokens") ")", g->path);
    FL_FAIL_IF((types && types->count != tokens->count) ||
                   (scores && scores->count != tokens->count),
               err, FL_FORMAT, 0,
               "%s: " KEY("tokens") ", token_type and scores differ in length",
               g->path);
    FL_FAIL_IF(t->order == TOK_BY_SCORE && !scores, err, FL_FORMAT, 0,
               "%s: a SentencePiece vocabulary without " KEY("scores"),
               g->path);
    uint8_t *real = NULL;
    size_t at = 0, room = 0;
    bool ok = true;
    for (uint64_t k = 0; k < tokens->count && ok; k++) {
        struct gguf_str s = gguf_item_next(tokens, &at);
        enum tok_kind kind = kind_of(types ? gguf_item_int(types, k) : 1);
        float score = scores ? (float)gguf_item_float(scores, k) : 0;
        if (s.n >= room) {
            free(real);
            room = 2 * s.n + 64;
            real = malloc(room);
            FL_FAIL_IF(!real, err, FL_NOMEM, 0, "%s: out of memory", g->path);
        }
        size_t n;
        if (t->chars) {
            n = tok_from_blocks(s.s, s.n, real);
            if (!types && tok_byte_name(real, n) >= 0)
                kind = TOK_BYTE;
        } else if (kind == TOK_TEXT) {
            n = tok_from_alphabet(s.s, s.n, real);
        } else {
            n = s.n;
            memcpy(real, s.s, n);
        }
        ok = tok_add(t, real, n, kind, score, err);
    }
    free(real);
    return ok && tok_index(t, err);
}

static bool add_merges(struct tok *t, const struct gguf *g,
                       struct fl_error *err)
{
    const struct gguf_key *merges = array(g, KEY("merges"), true);
    FL_FAIL_IF(!merges, err, FL_FORMAT, 0,
               "%s: byte-level BPE without " KEY("merges"), g->path);
    FL_TRY(tok_merges(t, (size_t)merges->count, err));
    size_t at = 0;
    for (uint64_t k = 0; k < merges->count; k++) {
        struct gguf_str s = gguf_item_next(merges, &at);
        uint8_t left[512], right[512];
        const char *gap = s.n > 2 ? memchr(s.s + 1, ' ', s.n - 1) : NULL;
        size_t nl = gap ? (size_t)(gap - s.s) : 0;
        size_t nr = gap ? s.n - nl - 1 : 0;
        FL_FAIL_IF(!gap || nl > sizeof left || nr > sizeof right, err,
                   FL_FORMAT, k, "%s: merge %llu is not two pieces", g->path,
                   (unsigned long long)k);
        nl = tok_from_alphabet(s.s, nl, left);
        nr = tok_from_alphabet(gap + 1, nr, right);
        FL_TRY(tok_add_merge(t, left, nl, right, nr, err));
    }
    return true;
}

/* An optional key: wrong types are errors, absence is not. */
static bool optional_id(const struct gguf *g, const char *name, int *id,
                        struct fl_error *err)
{
    int64_t v = -1;
    if (!gguf_find(g, name))
        return true;
    FL_TRY(gguf_int(g, name, &v, err));
    FL_FAIL_IF(v < -1 || v >= INT32_MAX, err, FL_FORMAT, 0, "%s: %s is %lld",
               g->path, name, (long long)v);
    *id = (int)v;
    return true;
}

static bool optional_bool(const struct gguf *g, const char *name, bool *v,
                          struct fl_error *err)
{
    return !gguf_find(g, name) || gguf_bool(g, name, v, err);
}

static bool read_all(struct tok *t, const struct gguf *g, struct fl_error *err)
{
    struct gguf_str model = {"", 0}, pre = {"", 0}, template;
    FL_FAIL_IF(!gguf_find(g, KEY("model")), err, FL_FORMAT, 0,
               "%s: no tokenizer in this file (" KEY("model") ")", g->path);
    FL_TRY(gguf_string(g, KEY("model"), &model, err));
    if (gguf_find(g, KEY("pre")))
        FL_TRY(gguf_string(g, KEY("pre"), &pre, err));
    if (is(model, "llama")) {
        t->order = TOK_BY_SCORE;
        t->chars = true;
        t->wants_bos = true;
        bool space = true;
        FL_TRY(optional_bool(g, KEY("add_space_prefix"), &space, err));
        t->space = space ? TOK_SPACE_ALWAYS : TOK_SPACE_NONE;
        snprintf(t->family, sizeof t->family, "SentencePiece BPE");
        FL_TRY(add_pieces(t, g, err));
    } else if (is(model, "gpt2")) {
        t->order = TOK_BY_PAIR;
        t->split = tok_split_new(pre.s, pre.n, err);
        FL_TRY(t->split != NULL);
        t->whole = is(pre, "llama-bpe");
        t->wants_bos = t->whole;
        snprintf(t->family, sizeof t->family, "byte-level BPE, %.*s",
                 (int)pre.n, pre.s);
        FL_TRY(add_pieces(t, g, err) && add_merges(t, g, err));
    } else {
        fl_fail(err, FL_UNSUPPORTED, 0,
                "%s: tokenizer model '%.*s'; gpt2 and llama are supported",
                g->path, model.n < 60 ? (int)model.n : 60, model.s);
        return false;
    }
    FL_TRY(optional_id(g, KEY("bos_token_id"), &t->bos, err) &&
           optional_id(g, KEY("eos_token_id"), &t->eos, err) &&
           optional_id(g, KEY("unknown_token_id"), &t->unk, err) &&
           optional_bool(g, KEY("add_bos_token"), &t->wants_bos, err));
    if (gguf_find(g, "tokenizer.chat_template"))
        FL_TRY(gguf_string(g, "tokenizer.chat_template", &template, err) &&
               tok_set_template(t, template.s, template.n, err));
    return tok_finish(t, err);
}

bool tok_from_gguf(struct tok **t, const struct gguf *g, struct fl_error *err)
{
    *t = tok_new(g->path, err);
    FL_TRY(*t != NULL);
    if (read_all(*t, g, err))
        return true;
    tok_free(*t);
    *t = NULL;
    return false;
}
