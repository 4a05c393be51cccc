/* SPDX-License-Identifier: Apache-2.0 */
/* model/tok_encode.c -- text to tokens: special tokens are cut out first,
 * leftmost and longest; what is between them goes to the pre-tokeniser and
 * the merger.
 */
#include "model/tok_vocab.h"
#include "model/utf8.h"
#include <stdlib.h>
#include <string.h>

bool tok_ids_push(struct tok_ids *ids, int id, struct fl_error *err)
{
    if (ids->n == ids->room) {
        size_t room = ids->room ? 2 * ids->room : 64;
        void *grown = realloc(ids->id, room * sizeof *ids->id);
        FL_FAIL_IF(!grown, err, FL_NOMEM, 0, "tokens: out of memory");
        ids->id = grown;
        ids->room = room;
    }
    ids->id[ids->n++] = id;
    return true;
}

void tok_ids_free(struct tok_ids *ids)
{
    free(ids->id);
    *ids = (struct tok_ids){0};
}

/* The special token that s[0..n), n > 0, starts with, or -1. */
static int special_at(const struct tok *t, const uint8_t *s, size_t n,
                      bool control)
{
    for (int k = t->special_first[s[0]]; k < t->special_first[s[0] + 1]; k++) {
        int id = t->special[k];
        const struct tok_piece *p = &t->piece[id];
        if ((control || p->kind == TOK_USER) && p->n <= n &&
            memcmp(t->bytes + p->at, s, p->n) == 0)
            return id;
    }
    return -1;
}

struct job {
    const struct tok *t;
    struct tok_merger *merger;
    struct tok_ids *ids;
    uint8_t *copy; /* SentencePiece: the text with its spaces as it has them */
};

static bool word(void *state, const uint8_t *s, size_t n, struct fl_error *err)
{
    struct job *j = state;
    return tok_merge(j->merger, s, n, j->ids, err);
}

static bool between(struct job *j, const uint8_t *s, size_t n, bool space,
                    struct fl_error *err)
{
    if (n == 0)
        return true;
    if (j->t->split)
        return tok_split_run(j->t->split, s, n, word, j, err);
    if (!j->t->chars)
        return word(j, s, n, err);
    size_t m = 0;
    if (space)
        j->copy[m++] = ' ';
    m += tok_from_blocks((const char *)s, n, j->copy + m);
    return word(j, j->copy, m, err);
}

static bool encode(struct job *j, const uint8_t *s, size_t n, unsigned flags,
                   struct fl_error *err)
{
    const struct tok *t = j->t;
    bool control = flags & TOK_SPECIAL;
    bool space = t->space != TOK_SPACE_NONE && !(flags & TOK_CONTINUE);
    size_t from = 0, at = 0;
    while (at < n) {
        int id = special_at(t, s + at, n - at, control);
        if (id < 0) {
            at++;
            continue;
        }
        FL_TRY(between(j, s + from, at - from, space, err) &&
               tok_ids_push(j->ids, id, err));
        at += t->piece[id].n;
        from = at;
        space = t->space == TOK_SPACE_ALWAYS;
    }
    return between(j, s + from, n - from, space, err);
}

bool tok_encode(const struct tok *t, const char *text, size_t n, unsigned flags,
                struct tok_ids *ids, struct fl_error *err)
{
    const uint8_t *s = (const uint8_t *)text;
    for (size_t at = 0, len; at < n; at += len)
        FL_FAIL_IF(utf8_next(s + at, n - at, &len) != UTF8_WHOLE, err,
                   FL_FORMAT, at,
                   "text: byte %zu (0x%02x) is not UTF-8; convert the text "
                   "first",
                   at, s[at]);
    size_t before = ids->n, lost = ids->lost;
    struct job j = {t, tok_merger_new(t), ids, NULL};
    if (t->chars)
        j.copy = malloc(n + 1);
    bool ok = j.merger && (j.copy || !t->chars);
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "text: out of memory");
    if (ok && (flags & TOK_BOS) && t->bos >= 0)
        ok = tok_ids_push(ids, t->bos, err);
    ok = ok && encode(&j, s, n, flags, err);
    if (!ok) {
        ids->n = before;
        ids->lost = lost;
    }
    tok_merger_free(j.merger);
    free(j.copy);
    return ok;
}
