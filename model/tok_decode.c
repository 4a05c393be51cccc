/* SPDX-License-Identifier: Apache-2.0 */
/* model/tok_decode.c -- tokens to text, and what a tokenizer tells about
 * itself.
 */
#include "model/tok_vocab.h"
#include "model/utf8.h"
#include <stdlib.h>
#include <string.h>

bool tok_text_put(struct tok_text *text, const char *s, size_t n)
{
    if (n >= text->room - text->n || !text->s) {
        size_t room = 2 * (text->n + n) + 64;
        char *grown = realloc(text->s, room);
        if (!grown)
            return false;
        text->s = grown;
        text->room = room;
    }
    if (n)
        memcpy(text->s + text->n, s, n);
    text->n += n;
    text->s[text->n] = 0;
    return true;
}

void tok_text_free(struct tok_text *text)
{
    free(text->s);
    *text = (struct tok_text){0};
}

void tok_stream_start(struct tok_stream *s, const struct tok *t, bool start)
{
    *s = (struct tok_stream){.t = t};
    s->strip = start && t->space != TOK_SPACE_NONE;
}

static bool put_bad(struct tok_text *out)
{
    return tok_text_put(out, "\xef\xbf\xbd", 3);
}

/* Puts out what is decided among the waiting bytes. */
static bool settle(struct tok_stream *s, struct tok_text *out)
{
    while (s->waiting) {
        size_t len;
        enum utf8_is is = utf8_next(s->wait, (size_t)s->waiting, &len);
        if (is == UTF8_PART)
            return true;
        if (!(is == UTF8_WHOLE ? tok_text_put(out, (const char *)s->wait, len)
                               : put_bad(out)))
            return false;
        s->waiting -= (int)len;
        memmove(s->wait, s->wait + len, (size_t)s->waiting);
    }
    return true;
}

bool tok_stream_put(struct tok_stream *s, int id, struct tok_text *out)
{
    if (id < 0 || id >= s->t->count)
        return true;
    const struct tok_piece *p = &s->t->piece[id];
    const uint8_t *from = s->t->bytes + p->at;
    size_t n = p->n;
    uint8_t byte;
    if (p->kind == TOK_CONTROL || p->kind == TOK_UNKNOWN ||
        p->kind == TOK_UNUSED) {
        if (!s->show)
            return true;
    } else if (p->kind == TOK_BYTE) {
        int b = tok_byte_name(from, n);
        byte = (uint8_t)b;
        if (b >= 0) {
            from = &byte;
            n = 1;
        }
    }
    if (n && s->strip && *from == ' ' && p->kind == TOK_TEXT) {
        from++;
        n--;
    }
    if (p->kind != TOK_CONTROL)
        s->strip = false;
    for (size_t k = 0; k < n; k++) {
        s->wait[s->waiting++] = from[k];
        if (!settle(s, out))
            return false;
    }
    return true;
}

bool tok_stream_end(struct tok_stream *s, struct tok_text *out)
{
    bool ok = s->waiting == 0 || put_bad(out);
    s->waiting = 0;
    return ok;
}

void tok_default_ends(struct tok *t, int bos, int eos)
{
    if (t->bos < 0 && bos >= 0 && bos < t->count)
        t->bos = bos;
    if (t->eos < 0 && eos >= 0 && eos < t->count)
        t->eos = eos;
}

int tok_count(const struct tok *t)
{
    return t->count;
}

int tok_bos(const struct tok *t)
{
    return t->bos;
}

int tok_eos(const struct tok *t)
{
    return t->eos;
}

bool tok_wants_bos(const struct tok *t)
{
    return t->wants_bos && t->bos >= 0;
}

bool tok_is_end(const struct tok *t, int id)
{
    static const char *const ends[] = {"<|eot_id|>",    "<|eom_id|>",
                                       "<|im_end|>",    "<|end_of_text|>",
                                       "<|endoftext|>", "</s>"};
    if (id < 0 || id >= t->count)
        return false;
    if (id == t->eos)
        return true;
    const struct tok_piece *p = &t->piece[id];
    if (p->kind != TOK_CONTROL)
        return false;
    for (size_t k = 0; k < sizeof ends / sizeof *ends; k++)
        if (p->n == strlen(ends[k]) &&
            memcmp(t->bytes + p->at, ends[k], p->n) == 0)
            return true;
    return false;
}

int tok_special(const struct tok *t, const char *text)
{
    size_t n = strlen(text);
    for (int k = 0; k < t->specials; k++) {
        const struct tok_piece *p = &t->piece[t->special[k]];
        if (p->n == n && memcmp(t->bytes + p->at, text, n) == 0)
            return t->special[k];
    }
    return -1;
}

const uint8_t *tok_bytes(const struct tok *t, int id, size_t *n)
{
    bool there = id >= 0 && id < t->count;
    *n = there ? t->piece[id].n : 0;
    return there ? t->bytes + t->piece[id].at : (const uint8_t *)"";
}

const char *tok_chat_template(const struct tok *t)
{
    return t->chat_template;
}

const char *tok_family(const struct tok *t)
{
    return t->family;
}
