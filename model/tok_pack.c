/* SPDX-License-Identifier: Apache-2.0 */
#include "model/tok_pack.h"
#include "model/tok_vocab.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, INTS = 11 };
static const char magic[4] = {'F', 'L', 'T', 'K'};

static bool put(struct tok_text *b, const void *data, size_t n)
{
    return tok_text_put(b, data, n);
}

static bool put_string(struct tok_text *b, const void *s, size_t n)
{
    uint32_t len = (uint32_t)n;
    return put(b, &len, sizeof len) && (n == 0 || put(b, s, n));
}

static int by_rank(const void *a, const void *b)
{
    int32_t x = ((const struct tok_pair *)a)->rank;
    int32_t y = ((const struct tok_pair *)b)->rank;
    return (x > y) - (x < y);
}

static bool put_merges(struct tok_text *b, const struct tok *t)
{
    struct tok_pair *pair = malloc((t->pairs + 1) * sizeof *pair);
    uint32_t n = 0;
    for (size_t i = 0; pair && t->pairs > 0 && i <= t->pair_mask; i++)
        if (t->pair[i].left >= 0)
            pair[n++] = t->pair[i];
    bool ok = pair != NULL && n == t->pairs;
    if (ok && n > 0)
        qsort(pair, n, sizeof *pair, by_rank);
    for (uint32_t i = 0; ok && i < n; i++)
        ok = put(b, &pair[i].left, 4) && put(b, &pair[i].right, 4);
    free(pair);
    return ok;
}

bool tok_pack(const struct tok *t, uint8_t **data, size_t *size,
              struct fl_error *err)
{
    const int32_t head[INTS] = {VERSION,  t->count,     (int32_t)t->pairs,
                                t->order, t->chars,     t->whole,
                                t->space, t->wants_bos, t->bos,
                                t->eos,   t->unk};
    const char *split = t->split ? tok_split_name(t->split) : "";
    const char *chat = t->chat_template ? t->chat_template : "";
    struct tok_text b = {0};
    bool ok = put(&b, magic, sizeof magic) && put(&b, head, sizeof head) &&
              put_string(&b, t->family, strlen(t->family)) &&
              put_string(&b, split, strlen(split)) &&
              put_string(&b, chat, strlen(chat));
    for (int i = 0; ok && i < t->count; i++) {
        const struct tok_piece *p = &t->piece[i];
        ok = put(&b, &p->kind, 1) && put(&b, &p->score, 4) &&
             put_string(&b, t->bytes + p->at, p->n);
    }
    ok = ok && put_merges(&b, t);
    if (!ok) {
        tok_text_free(&b);
        fl_fail(err, FL_NOMEM, 0, "%s: out of memory", t->name);
        return false;
    }
    *data = (uint8_t *)b.s;
    *size = b.n;
    return true;
}

struct reader {
    const uint8_t *data;
    size_t size, at;
    const char *name;
    struct fl_error *err;
};

/* The next n bytes, NULL past the end. */
static const uint8_t *take(struct reader *r, size_t n)
{
    if (r->size - r->at < n) {
        fl_fail(r->err, FL_FORMAT, r->at, "%s: the tokenizer ends too early",
                r->name);
        return NULL;
    }
    r->at += n;
    return r->data + r->at - n;
}

static const uint8_t *take_string(struct reader *r, uint32_t *n)
{
    const uint8_t *p = take(r, sizeof *n);
    if (p == NULL)
        return NULL;
    memcpy(n, p, sizeof *n);
    return take(r, *n);
}

static bool read_pieces(struct reader *r, struct tok *t, int count)
{
    for (int i = 0; i < count; i++) {
        const uint8_t *p = take(r, 5);
        uint32_t n;
        float score;
        FL_TRY(p != NULL);
        uint8_t kind = p[0];
        memcpy(&score, p + 1, sizeof score);
        p = take_string(r, &n);
        FL_TRY(p != NULL);
        FL_FAIL_IF(kind > TOK_BYTE, r->err, FL_FORMAT, r->at,
                   "%s: token %d is of unknown kind %d", r->name, i, kind);
        FL_TRY(tok_add(t, p, n, kind, score, r->err));
    }
    return tok_index(t, r->err);
}

static bool read_merges(struct reader *r, struct tok *t, int merges)
{
    FL_FAIL_IF((r->size - r->at) / 8 < (size_t)merges, r->err, FL_FORMAT, r->at,
               "%s: the tokenizer ends too early", r->name);
    FL_TRY(tok_merges(t, (size_t)merges, r->err));
    for (int i = 0; i < merges; i++) {
        const uint8_t *p = take(r, 8);
        int32_t id[2];
        FL_TRY(p != NULL);
        memcpy(id, p, sizeof id);
        for (int k = 0; k < 2; k++)
            FL_FAIL_IF(id[k] < 0 || id[k] >= t->count, r->err, FL_FORMAT, r->at,
                       "%s: merge %d names token %d of %d", r->name, i, id[k],
                       t->count);
        const struct tok_piece *a = &t->piece[id[0]], *b = &t->piece[id[1]];
        FL_TRY(tok_add_merge(t, t->bytes + a->at, a->n, t->bytes + b->at, b->n,
                             r->err));
    }
    return true;
}

static bool read_all(struct reader *r, struct tok *t)
{
    int32_t head[INTS];
    const uint8_t *p = take(r, sizeof magic);
    FL_TRY(p != NULL);
    FL_FAIL_IF(memcmp(p, magic, sizeof magic) != 0, r->err, FL_FORMAT, 0,
               "%s: what should be a tokenizer is not", r->name);
    p = take(r, sizeof head);
    FL_TRY(p != NULL);
    memcpy(head, p, sizeof head);
    FL_FAIL_IF(
        head[0] != VERSION || head[1] < 1 || head[2] < 0 || head[3] < 0 ||
            head[3] > TOK_BY_PAIR || head[6] < 0 || head[6] > TOK_SPACE_ALWAYS,
        r->err, FL_FORMAT, 4,
        "%s: the tokenizer's header is damaged or of another version", r->name);
    t->order = (enum tok_order)head[3];
    t->chars = head[4] != 0;
    t->whole = head[5] != 0;
    t->space = (enum tok_space)head[6];
    t->wants_bos = head[7] != 0;
    t->bos = head[8];
    t->eos = head[9];
    t->unk = head[10];
    uint32_t n;
    FL_TRY((p = take_string(r, &n)) != NULL);
    snprintf(t->family, sizeof t->family, "%.*s", n < 63 ? (int)n : 63, p);
    FL_TRY((p = take_string(r, &n)) != NULL);
    if (n > 0)
        FL_TRY((t->split = tok_split_new((const char *)p, n, r->err)) != NULL);
    FL_TRY((p = take_string(r, &n)) != NULL);
    if (n > 0)
        FL_TRY(tok_set_template(t, (const char *)p, n, r->err));
    FL_TRY(read_pieces(r, t, head[1]));
    if (t->order == TOK_BY_PAIR)
        FL_TRY(read_merges(r, t, head[2]));
    return tok_finish(t, r->err);
}

bool tok_unpack(struct tok **t, const uint8_t *data, size_t size,
                const char *name, struct fl_error *err)
{
    struct reader r = {data, size, 0, name, err};
    *t = tok_new(name, err);
    FL_TRY(*t != NULL);
    if (read_all(&r, *t))
        return true;
    tok_free(*t);
    *t = NULL;
    return false;
}
