/* SPDX-License-Identifier: Apache-2.0 */
/* model/tok_json.c -- a tokenizer from Hugging Face's tokenizer.json.
 *
 *   model           {type: BPE, vocab: {piece: id}, merges: [...]}
 *   added_tokens    [{id, content, special}]
 *   pre_tokenizer   ByteLevel alone: gpt-2. Digits, ByteLevel: smollm.
 *                   Split(Regex), ByteLevel: the pre-tokeniser that has
 *                   this expression. Metaspace or none: SentencePiece.
 *   normalizer      Prepend puts a space in front (SentencePiece)
 *   post_processor  a template that starts with a special token: the model
 *                   wants that one first
 *
 * A piece that stands in both lists is an added token.
 */
#include "model/tok_vocab.h"
#include "base/file.h"
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ID = 1 << 22 };

static const cJSON *get(const cJSON *o, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(o, name);
}

static const char *text_of(const cJSON *o, const char *name)
{
    const cJSON *v = get(o, name);
    return cJSON_IsString(v) ? v->valuestring : "";
}

/* The id in a number, or -1. */
static int id_of(const cJSON *v)
{
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0) ||
        v->valuedouble >= MAX_ID || v->valuedouble != (int)v->valuedouble)
        return -1;
    return (int)v->valuedouble;
}

/* The element of this type: o itself, or the first in its list. */
static const cJSON *of_type(const cJSON *o, const char *list, const char *type)
{
    if (strcmp(text_of(o, "type"), type) == 0)
        return o;
    const cJSON *e;
    cJSON_ArrayForEach(e, get(o, list))
    {
        if (strcmp(text_of(e, "type"), type) == 0)
            return e;
    }
    return NULL;
}

static const char *words_name(const cJSON *pre)
{
    const cJSON *split = of_type(pre, "pretokenizers", "Split");
    const cJSON *digits = of_type(pre, "pretokenizers", "Digits");
    if (split)
        return tok_split_named(text_of(get(split, "pattern"), "Regex"));
    if (digits)
        return cJSON_IsTrue(get(digits, "individual_digits")) ? "smollm" : NULL;
    return "gpt-2";
}

static bool choose_family(struct tok *t, const cJSON *root,
                          struct fl_error *err)
{
    const cJSON *model = get(root, "model");
    const cJSON *pre = get(root, "pre_tokenizer");
    const cJSON *bytes = of_type(pre, "pretokenizers", "ByteLevel");
    const cJSON *blocks = of_type(pre, "pretokenizers", "Metaspace");
    /* Old files leave the type out. */
    const char *type = text_of(model, "type");
    FL_FAIL_IF(strcmp(type, "BPE") != 0 &&
                   (*type || !cJSON_IsArray(get(model, "merges"))),
               err, FL_UNSUPPORTED, 0,
               "%s: tokenizer model '%.60s'; only BPE is supported", t->name,
               type);
    t->order = TOK_BY_PAIR;
    t->whole = cJSON_IsTrue(get(model, "ignore_merges"));
    if (bytes) {
        const char *name = words_name(pre);
        FL_FAIL_IF(!name || cJSON_IsTrue(get(bytes, "add_prefix_space")), err,
                   FL_UNSUPPORTED, 0,
                   "%s: this pre_tokenizer is not one of gpt-2, smollm, "
                   "llama-bpe, qwen2",
                   t->name);
        snprintf(t->family, sizeof t->family, "byte-level BPE, %s", name);
        t->split = tok_split_new(name, strlen(name), err);
        return t->split != NULL;
    }
    FL_FAIL_IF(!cJSON_IsTrue(get(model, "byte_fallback")), err, FL_UNSUPPORTED,
               0, "%s: neither byte-level nor with byte_fallback", t->name);
    t->chars = true;
    snprintf(t->family, sizeof t->family, "SentencePiece BPE");
    const char *scheme = text_of(blocks, "prepend_scheme");
    if (of_type(get(root, "normalizer"), "normalizers", "Prepend") ||
        strcmp(scheme, "always") == 0 ||
        (blocks && !*scheme && cJSON_IsTrue(get(blocks, "add_prefix_space"))))
        t->space = TOK_SPACE_ALWAYS;
    else if (strcmp(scheme, "first") == 0)
        t->space = TOK_SPACE_FIRST;
    return true;
}

/* A piece of the file as bytes; 0 and no bytes if it is too long. */
static size_t real_bytes(const struct tok *t, const char *s, size_t n,
                         uint8_t *to, size_t room)
{
    if (n > room)
        return 0;
    return t->chars ? tok_from_blocks(s, n, to) : tok_from_alphabet(s, n, to);
}

struct entry {
    const char *s;
    enum tok_kind kind;
};

static bool collect(const struct tok *t, const cJSON *root, struct entry **list,
                    int *count, struct fl_error *err)
{
    const cJSON *vocab = get(get(root, "model"), "vocab"), *v;
    const cJSON *added = get(root, "added_tokens");
    int most = -1, id;
    cJSON_ArrayForEach(v, vocab)
    {
        id = cJSON_IsObject(vocab) && v->string ? id_of(v) : -1;
        FL_FAIL_IF(id < 0, err, FL_FORMAT, 0,
                   "%s: a token of model.vocab has no valid id", t->name);
        most = id > most ? id : most;
    }
    cJSON_ArrayForEach(v, added)
    {
        id = id_of(get(v, "id"));
        FL_FAIL_IF(id < 0, err, FL_FORMAT, 0,
                   "%s: an added token has no valid id", t->name);
        most = id > most ? id : most;
    }
    *count = most + 1;
    *list = calloc((size_t)*count + 1, sizeof **list);
    FL_FAIL_IF(!*list, err, FL_NOMEM, 0, "%s: out of memory", t->name);
    cJSON_ArrayForEach(v, vocab)
    {
        bool byte = t->chars && tok_byte_name((const uint8_t *)v->string,
                                              strlen(v->string)) >= 0;
        (*list)[id_of(v)] =
            (struct entry){v->string, byte ? TOK_BYTE : TOK_TEXT};
    }
    cJSON_ArrayForEach(v, added)
    {
        (*list)[id_of(get(v, "id"))] = (struct entry){
            text_of(v, "content"),
            cJSON_IsTrue(get(v, "special")) ? TOK_CONTROL : TOK_USER};
    }
    return true;
}

static bool add_pieces(struct tok *t, const cJSON *root, struct fl_error *err)
{
    struct entry *list = NULL;
    int count = 0;
    bool ok = collect(t, root, &list, &count, err);
    for (int id = 0; id < count && ok; id++) {
        uint8_t real[4096];
        const char *s = list[id].s ? list[id].s : "";
        size_t n = strlen(s);
        if (list[id].kind == TOK_TEXT)
            ok = tok_add(t, real, real_bytes(t, s, n, real, sizeof real),
                         list[id].s ? TOK_TEXT : TOK_UNUSED, 0, err);
        else
            ok = tok_add(t, s, n, list[id].kind, 0, err);
    }
    free(list);
    return ok && tok_index(t, err);
}

static bool add_merges(struct tok *t, const cJSON *root, struct fl_error *err)
{
    const cJSON *merges = get(get(root, "model"), "merges"), *m;
    size_t count = 0;
    cJSON_ArrayForEach(m, merges) count++;
    FL_TRY(tok_merges(t, count, err));
    size_t k = 0;
    cJSON_ArrayForEach(m, merges)
    {
        uint8_t left[512], right[512];
        size_t nl = 0, nr = 0;
        const char *gap;
        if (cJSON_IsString(m) && m->valuestring[0] &&
            (gap = strchr(m->valuestring + 1, ' '))) {
            nl = real_bytes(t, m->valuestring, (size_t)(gap - m->valuestring),
                            left, sizeof left);
            nr = real_bytes(t, gap + 1, strlen(gap + 1), right, sizeof right);
        } else if (cJSON_IsArray(m) && cJSON_IsString(m->child) &&
                   cJSON_IsString(m->child->next)) {
            const char *a = m->child->valuestring;
            const char *b = m->child->next->valuestring;
            nl = real_bytes(t, a, strlen(a), left, sizeof left);
            nr = real_bytes(t, b, strlen(b), right, sizeof right);
        }
        FL_FAIL_IF(!nl || !nr, err, FL_FORMAT, k,
                   "%s: merge %zu is not two pieces", t->name, k);
        FL_TRY(tok_add_merge(t, left, nl, right, nr, err));
        k++;
    }
    return true;
}

/* A token's id by its text, special or not. */
static int find_text(const struct tok *t, const char *s)
{
    int id = tok_special(t, s);
    return id >= 0 ? id : tok_lookup(t, (const uint8_t *)s, strlen(s));
}

static void read_template(struct tok *t, const cJSON *root)
{
    const cJSON *p = of_type(get(root, "post_processor"), "processors",
                             "TemplateProcessing");
    const cJSON *single = get(p, "single");
    const cJSON *first = cJSON_IsArray(single) ? single->child : NULL;
    const char *name = text_of(get(first, "SpecialToken"), "id");
    if (!*name)
        return;
    t->bos = find_text(t, name);
    t->wants_bos = t->bos >= 0;
}

static bool read_all(struct tok *t, const cJSON *root, struct fl_error *err)
{
    FL_FAIL_IF(!root, err, FL_FORMAT, 0, "%s: not valid JSON", t->name);
    FL_TRY(choose_family(t, root, err) && add_pieces(t, root, err) &&
           add_merges(t, root, err) && tok_finish(t, err));
    const char *unk = text_of(get(root, "model"), "unk_token");
    if (*unk)
        t->unk = find_text(t, unk);
    read_template(t, root);
    static const char *const ends[] = {
        "<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|endoftext|>", "</s>"};
    for (size_t k = 0; k < sizeof ends / sizeof *ends && t->eos < 0; k++)
        t->eos = tok_special(t, ends[k]);
    return true;
}

bool tok_from_json(struct tok **t, const char *text, size_t size,
                   const char *name, struct fl_error *err)
{
    *t = tok_new(name, err);
    FL_TRY(*t != NULL);
    cJSON *root = cJSON_ParseWithLength(text, size);
    bool ok = read_all(*t, root, err);
    cJSON_Delete(root);
    if (!ok) {
        tok_free(*t);
        *t = NULL;
    }
    return ok;
}

/* A special token of the configuration: its text, or {content: text}. */
static void config_token(const struct tok *t, const cJSON *root,
                         const char *name, int *id)
{
    const cJSON *v = get(root, name);
    const char *s = cJSON_IsString(v) ? v->valuestring : text_of(v, "content");
    int found = *s ? find_text(t, s) : -1;
    if (found >= 0)
        *id = found;
}

bool tok_read_config(struct tok *t, const char *path, struct fl_error *err)
{
    static const char file[] = "tokenizer.json", other[] = "_config.json";
    size_t n = strlen(path), tail = sizeof file - 1;
    if (n < tail || strcmp(path + n - tail, file) != 0)
        return true;
    char *beside = malloc(n + sizeof other);
    FL_FAIL_IF(!beside, err, FL_NOMEM, 0, "%s: out of memory", path);
    memcpy(beside, path, n - 5);
    memcpy(beside + n - 5, other, sizeof other);
    struct fl_map map;
    if (!fl_map_open(&map, beside, NULL)) {
        free(beside);
        return true; /* it is optional */
    }
    cJSON *root = cJSON_ParseWithLength((const char *)map.data, map.size);
    bool ok = root != NULL;
    if (!ok)
        fl_fail(err, FL_FORMAT, 0, "%s: not valid JSON", beside);
    config_token(t, root, "bos_token", &t->bos);
    config_token(t, root, "eos_token", &t->eos);
    const cJSON *add = get(root, "add_bos_token");
    if (cJSON_IsBool(add))
        t->wants_bos = cJSON_IsTrue(add);
    const cJSON *chat = get(root, "chat_template");
    if (cJSON_IsArray(chat)) /* several, with names: the first */
        chat = get(chat->child, "template");
    if (ok && cJSON_IsString(chat))
        ok = tok_set_template(t, chat->valuestring, strlen(chat->valuestring),
                              err);
    cJSON_Delete(root);
    fl_map_close(&map);
    free(beside);
    return ok;
}
