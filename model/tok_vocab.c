/* SPDX-License-Identifier: Apache-2.0 */
/* model/tok_vocab.c -- a vocabulary: pieces, the two hash tables, special
 * tokens. Both tables use linear probing and are at most half full.
 */
#include "model/tok_vocab.h"
#include "model/utf8.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TOKENS = 1 << 22, MAX_BYTES = 1 << 30 };

struct tok *tok_new(const char *name, struct fl_error *err)
{
    struct tok *t = calloc(1, sizeof *t);
    if (t)
        t->name = strdup(name);
    if (!t || !t->name) {
        free(t);
        fl_fail(err, FL_NOMEM, 0, "%s: out of memory", name);
        return NULL;
    }
    t->bos = t->eos = t->unk = -1;
    for (int b = 0; b < 256; b++)
        t->byte_id[b] = -1;
    return t;
}

void tok_free(struct tok *t)
{
    if (!t)
        return;
    free(t->name);
    free(t->bytes);
    free(t->piece);
    free(t->slot);
    free(t->pair);
    free(t->special);
    free(t->chat_template);
    tok_split_free(t->split);
    free(t);
}

bool tok_add(struct tok *t, const void *s, size_t n, enum tok_kind kind,
             float score, struct fl_error *err)
{
    FL_FAIL_IF(t->count >= MAX_TOKENS || n > MAX_BYTES - t->used, err, FL_RANGE,
               0, "%s: the vocabulary is too large", t->name);
    FL_FAIL_IF(!isfinite(score), err, FL_FORMAT, (uint64_t)t->count,
               "%s: the score of token %d is not a number", t->name, t->count);
    if (t->count == t->piece_room) {
        int room = t->piece_room ? 2 * t->piece_room : 1024;
        void *grown = realloc(t->piece, (size_t)room * sizeof *t->piece);
        FL_FAIL_IF(!grown, err, FL_NOMEM, 0, "%s: out of memory", t->name);
        t->piece = grown;
        t->piece_room = room;
    }
    if (t->used + n > t->room || !t->bytes) {
        size_t room = 2 * (t->used + n) + 4096;
        void *grown = realloc(t->bytes, room);
        FL_FAIL_IF(!grown, err, FL_NOMEM, 0, "%s: out of memory", t->name);
        t->bytes = grown;
        t->room = room;
    }
    if (n)
        memcpy(t->bytes + t->used, s, n);
    t->piece[t->count++] = (struct tok_piece){(uint32_t)t->used, (uint32_t)n,
                                              score, (uint8_t)kind};
    t->used += n;
    return true;
}

static uint32_t hash_bytes(const uint8_t *s, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t k = 0; k < n; k++)
        h = (h ^ s[k]) * 0x100000001b3u;
    return (uint32_t)(h ^ h >> 32);
}

static uint32_t hash_pair(int left, int right)
{
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) *
                 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32);
}

/* A power of two, at least twice `n`. */
static uint32_t table_size(size_t n)
{
    uint32_t size = 16;
    while (size < 2 * n)
        size *= 2;
    return size;
}

int tok_lookup(const struct tok *t, const uint8_t *s, size_t n)
{
    for (uint32_t k = hash_bytes(s, n);; k++) {
        int id = t->slot[k & t->slot_mask];
        if (id < 0)
            return -1;
        const struct tok_piece *p = &t->piece[id];
        if (p->n == n && memcmp(t->bytes + p->at, s, n) == 0)
            return id;
    }
}

bool tok_index(struct tok *t, struct fl_error *err)
{
    FL_FAIL_IF(t->count == 0, err, FL_FORMAT, 0, "%s: the vocabulary is empty",
               t->name);
    uint32_t size = table_size((size_t)t->count);
    t->slot = malloc(size * sizeof *t->slot);
    FL_FAIL_IF(!t->slot, err, FL_NOMEM, 0, "%s: out of memory", t->name);
    memset(t->slot, 0xff, size * sizeof *t->slot);
    t->slot_mask = size - 1;
    for (int id = 0; id < t->count; id++) {
        const struct tok_piece *p = &t->piece[id];
        const uint8_t *s = t->bytes + p->at;
        int byte = p->kind == TOK_BYTE ? tok_byte_name(s, p->n) : -1;
        if (byte >= 0 && t->byte_id[byte] < 0)
            t->byte_id[byte] = id;
        if (p->kind != TOK_TEXT || p->n == 0 || tok_lookup(t, s, p->n) >= 0)
            continue;
        uint32_t k = hash_bytes(s, p->n);
        while (t->slot[k & t->slot_mask] >= 0)
            k++;
        t->slot[k & t->slot_mask] = id;
        if (p->n == 1 && !t->chars)
            t->byte_id[s[0]] = id;
    }
    return true;
}

bool tok_merges(struct tok *t, size_t count, struct fl_error *err)
{
    FL_FAIL_IF(count > 4 * (size_t)MAX_TOKENS, err, FL_RANGE, 0,
               "%s: too many merges", t->name);
    uint32_t size = table_size(count);
    t->pair = malloc(size * sizeof *t->pair);
    FL_FAIL_IF(!t->pair, err, FL_NOMEM, 0, "%s: out of memory", t->name);
    memset(t->pair, 0xff, size * sizeof *t->pair);
    t->pair_mask = size - 1;
    t->pairs_max = (uint32_t)count;
    return true;
}

const struct tok_pair *tok_lookup_pair(const struct tok *t, int left, int right)
{
    for (uint32_t k = hash_pair(left, right);; k++) {
        const struct tok_pair *p = &t->pair[k & t->pair_mask];
        if (p->left < 0)
            return NULL;
        if (p->left == left && p->right == right)
            return p;
    }
}

bool tok_add_merge(struct tok *t, const uint8_t *left, size_t nl,
                   const uint8_t *right, size_t nr, struct fl_error *err)
{
    uint8_t both[1024];
    uint32_t rank = t->pairs++;
    int a = -1, b = -1, ab = -1;
    if (rank < t->pairs_max && nl && nr && nl + nr <= sizeof both) {
        memcpy(both, left, nl);
        memcpy(both + nl, right, nr);
        a = tok_lookup(t, left, nl);
        b = tok_lookup(t, right, nr);
        ab = tok_lookup(t, both, nl + nr);
    }
    FL_FAIL_IF(a < 0 || b < 0 || ab < 0, err, FL_FORMAT, rank,
               "%s: merge %u joins pieces that are not in the vocabulary",
               t->name, rank);
    uint32_t k = hash_pair(a, b);
    for (; t->pair[k & t->pair_mask].left >= 0; k++)
        if (t->pair[k & t->pair_mask].left == a &&
            t->pair[k & t->pair_mask].right == b)
            return true; /* said before: the earlier rank counts */
    t->pair[k & t->pair_mask] = (struct tok_pair){a, b, (int32_t)rank, ab};
    return true;
}

struct special_order {
    uint8_t first;
    uint32_t n;
    int32_t id;
};

static int by_first_then_longest(const void *a, const void *b)
{
    const struct special_order *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

/* Only whole characters can be found in text, which is UTF-8. */
static bool is_text(const uint8_t *s, size_t n)
{
    size_t at = 0, len;
    while (at < n && utf8_next(s + at, n - at, &len) == UTF8_WHOLE)
        at += len;
    return at == n;
}

bool tok_finish(struct tok *t, struct fl_error *err)
{
    struct special_order *list = malloc((size_t)t->count * sizeof *list);
    t->special = malloc((size_t)t->count * sizeof *t->special);
    if (!list || !t->special) {
        free(list);
        fl_fail(err, FL_NOMEM, 0, "%s: out of memory", t->name);
        return false;
    }
    int n = 0;
    for (int id = 0; id < t->count; id++) {
        const struct tok_piece *p = &t->piece[id];
        if ((p->kind == TOK_CONTROL || p->kind == TOK_USER) && p->n &&
            is_text(t->bytes + p->at, p->n))
            list[n++] = (struct special_order){t->bytes[p->at], p->n, id};
    }
    if (n)
        qsort(list, (size_t)n, sizeof *list, by_first_then_longest);
    for (int k = 0; k < n; k++) {
        t->special[k] = list[k].id;
        t->special_first[list[k].first + 1]++;
    }
    for (int b = 0; b < 256; b++)
        t->special_first[b + 1] += t->special_first[b];
    t->specials = n;
    free(list);
    int *ends[] = {&t->bos, &t->eos, &t->unk};
    for (int k = 0; k < 3; k++)
        FL_FAIL_IF(*ends[k] < -1 || *ends[k] >= t->count, err, FL_FORMAT, 0,
                   "%s: special token %d is outside the vocabulary of %d",
                   t->name, *ends[k], t->count);
    return true;
}

bool tok_set_template(struct tok *t, const char *s, size_t n,
                      struct fl_error *err)
{
    free(t->chat_template);
    t->chat_template = strndup(s, n);
    FL_FAIL_IF(!t->chat_template, err, FL_NOMEM, 0, "%s: out of memory",
               t->name);
    return true;
}

/* GPT-2 writes a byte that is a printable Latin-1 character as itself and
 * the 68 others, in order, as U+0100, U+0101, ... */
static bool is_itself(unsigned b)
{
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 255 && b != 173);
}

size_t tok_from_alphabet(const char *s, size_t n, uint8_t *to)
{
    uint8_t other[68];
    unsigned others = 0;
    for (unsigned b = 0; b < 256; b++)
        if (!is_itself(b))
            other[others++] = (uint8_t)b;
    size_t m = 0, len;
    const uint8_t *u = (const uint8_t *)s;
    for (size_t k = 0; k < n; k += len) {
        enum utf8_is is = utf8_next(u + k, n - k, &len);
        uint32_t c = is == UTF8_WHOLE ? utf8_code(u + k, len) : UINT32_MAX;
        if (c < 256 && is_itself(c))
            to[m++] = (uint8_t)c;
        else if (c >= 256 && c < 256 + others)
            to[m++] = other[c - 256];
        else
            for (size_t j = 0; j < len; j++)
                to[m++] = u[k + j];
    }
    return m;
}

size_t tok_from_blocks(const char *s, size_t n, uint8_t *to)
{
    size_t m = 0;
    for (size_t k = 0; k < n; k++) {
        if (n - k >= 3 && memcmp(s + k, "\xe2\x96\x81", 3) == 0) {
            to[m++] = ' ';
            k += 2;
        } else {
            to[m++] = (uint8_t)s[k];
        }
    }
    return m;
}

int tok_byte_name(const uint8_t *s, size_t n)
{
    static const char digits[] = "0123456789ABCDEF";
    if (n != 6 || memcmp(s, "<0x", 3) != 0 || s[5] != '>' || !s[3] || !s[4])
        return -1;
    const char *high = strchr(digits, s[3]), *low = strchr(digits, s[4]);
    return high && low ? (int)((high - digits) * 16 + (low - digits)) : -1;
}
