/* SPDX-License-Identifier: Apache-2.0 */
/* model/tok_spm.c -- a tokenizer from SentencePiece's own file, the
 * tokenizer.model of Llama 2 and Mistral: a protocol-buffer message.
 *
 *   1  pieces, repeated: { 1 text | 2 f32 score | 3 type (1 normal, 2 unknown,
 *                          3 control, 4 user, 5 unused, 6 byte) }
 *   2  training: { 3 model (1 unigram, 2 BPE) | 40 unknown, 41 beginning,
 *                  42 end; by default 0, 1, 2 }
 *   3  normalisation: { 3 space in front | 4 spaces joined; by default both }
 *
 * Only BPE without joined spaces is taken: that is what language models use.
 */
#include "model/tok_vocab.h"
#include <stdlib.h>
#include <string.h>

struct field {
    uint32_t number;
    uint64_t value;      /* of a varint; the bits of an f32 */
    const uint8_t *data; /* of a string or message, else NULL */
    size_t n;
};

struct message {
    const uint8_t *at, *end;
};

static bool varint(struct message *m, uint64_t *v)
{
    *v = 0;
    for (int shift = 0; m->at < m->end && shift < 64; shift += 7) {
        uint8_t b = *m->at++;
        *v |= (uint64_t)(b & 127) << shift;
        if (b < 128)
            return true;
    }
    return false;
}

/* The next field; false where it is malformed. */
static bool next(struct message *m, struct field *f)
{
    uint64_t key;
    *f = (struct field){0};
    if (!varint(m, &key) || key >> 3 == 0 || key >> 3 > UINT32_MAX)
        return false;
    f->number = (uint32_t)(key >> 3);
    size_t left = (size_t)(m->end - m->at);
    switch (key & 7) {
    case 0:
        return varint(m, &f->value);
    case 2:
        if (!varint(m, &f->value) || f->value > (uint64_t)(m->end - m->at))
            return false;
        f->n = (size_t)f->value;
        f->data = m->at;
        break;
    case 1:
    case 5:
        f->n = (key & 7) == 1 ? 8 : 4;
        if (left < f->n)
            return false;
        memcpy(&f->value, m->at, f->n);
        break;
    default:
        return false;
    }
    m->at += f->n;
    return true;
}

static bool malformed(const struct tok *t, struct fl_error *err)
{
    fl_fail(err, FL_FORMAT, (uint64_t)t->count,
            "%s: not a SentencePiece model, or damaged after token %d", t->name,
            t->count - 1);
    return false;
}

static bool add_piece(struct tok *t, const struct field *piece,
                      struct fl_error *err)
{
    static const enum tok_kind kinds[] = {TOK_TEXT,    TOK_TEXT, TOK_UNKNOWN,
                                          TOK_CONTROL, TOK_USER, TOK_UNUSED,
                                          TOK_BYTE};
    struct message m = {piece->data, piece->data + piece->n};
    struct field f;
    uint8_t real[4096];
    size_t n = 0;
    float score = 0;
    enum tok_kind kind = TOK_TEXT;
    while (m.at < m.end) {
        if (!next(&m, &f))
            return malformed(t, err);
        if (f.number == 1 && f.data && f.n <= sizeof real) {
            n = tok_from_blocks((const char *)f.data, f.n, real);
        } else if (f.number == 2) {
            uint32_t bits = (uint32_t)f.value;
            memcpy(&score, &bits, sizeof score);
        } else if (f.number == 3 && f.value < 7) {
            kind = kinds[f.value];
        }
    }
    return tok_add(t, real, n, kind, score, err);
}

static bool read_spec(struct tok *t, const struct field *spec, int *model,
                      bool *joined, struct fl_error *err)
{
    struct message m = {spec->data, spec->data + spec->n};
    struct field f;
    while (m.at < m.end) {
        if (!next(&m, &f))
            return malformed(t, err);
        int v = f.value < INT32_MAX ? (int)f.value : -1;
        if (spec->number == 2 && f.number == 3)
            *model = v;
        else if (spec->number == 2 && f.number == 40)
            t->unk = v;
        else if (spec->number == 2 && f.number == 41)
            t->bos = v;
        else if (spec->number == 2 && f.number == 42)
            t->eos = v;
        else if (spec->number == 3 && f.number == 3)
            t->space = v ? TOK_SPACE_ALWAYS : TOK_SPACE_NONE;
        else if (spec->number == 3 && f.number == 4)
            *joined = v != 0;
    }
    return true;
}

static bool fill(struct tok *t, const uint8_t *data, size_t size,
                 struct fl_error *err)
{
    struct message m = {data, data + size};
    struct field f;
    int model = 1;
    bool joined = true;
    t->order = TOK_BY_SCORE;
    t->chars = true;
    t->space = TOK_SPACE_ALWAYS;
    t->wants_bos = true;
    t->unk = 0;
    t->bos = 1;
    t->eos = 2;
    snprintf(t->family, sizeof t->family, "SentencePiece BPE");
    while (m.at < m.end) {
        if (!next(&m, &f) || (f.number <= 3 && !f.data))
            return malformed(t, err);
        if (f.number == 1)
            FL_TRY(add_piece(t, &f, err));
        else if (f.number <= 3)
            FL_TRY(read_spec(t, &f, &model, &joined, err));
    }
    FL_FAIL_IF(model != 2 || joined, err, FL_UNSUPPORTED, 0,
               "%s: a SentencePiece model that is not BPE, or joins spaces, is "
               "not supported",
               t->name);
    return tok_index(t, err) && tok_finish(t, err);
}

bool tok_from_spm(struct tok **t, const uint8_t *data, size_t size,
                  const char *name, struct fl_error *err)
{
    *t = tok_new(name, err);
    FL_TRY(*t != NULL);
    if (fill(*t, data, size, err))
        return true;
    tok_free(*t);
    *t = NULL;
    return false;
}
