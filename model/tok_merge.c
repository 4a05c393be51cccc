/* SPDX-License-Identifier: Apache-2.0 */
/* model/tok_merge.c -- byte pair encoding of one word in O(n log n).
 *
 * The word is a linked list of symbols, at first one a byte or character.
 * Every neighbouring pair that may be merged waits in a heap, best first,
 * leftmost first among equals. A merge makes the pairs around it stale; they
 * are recognised when they come up, by the lengths they were made for.
 *
 * source   Sennrich, Haddow and Birch, arXiv 1508.07909; SentencePiece's
 *          variant by score, Kudo and Richardson, arXiv 1808.06226
 */
#include "model/tok_vocab.h"
#include "model/utf8.h"
#include <stdlib.h>
#include <string.h>

enum { NONE = -1, MAX_WORD = 1 << 30 };

struct symbol {
    uint32_t at, n; /* n = 0: merged into its left neighbour */
    int32_t left, right;
    int32_t id; /* NONE: no token is exactly this */
};

struct merge {
    uint64_t key; /* priority, then position: the smallest is next */
    int32_t right;
    uint32_t n;
    int32_t id;
};

struct tok_merger {
    const struct tok *t;
    const uint8_t *s;
    struct symbol *symbol;
    struct merge *heap;
    size_t room, heaped, heap_room;
};

struct tok_merger *tok_merger_new(const struct tok *t)
{
    struct tok_merger *m = calloc(1, sizeof *m);
    if (m)
        m->t = t;
    return m;
}

void tok_merger_free(struct tok_merger *m)
{
    if (m) {
        free(m->symbol);
        free(m->heap);
    }
    free(m);
}

/* Larger scores to smaller numbers, order kept. */
static uint32_t falling(float score)
{
    uint32_t bits;
    score += 0.0f; /* -0 is 0 */
    memcpy(&bits, &score, sizeof bits);
    uint32_t rising = bits >> 31 ? ~bits : bits | 1u << 31;
    return ~rising;
}

/* Puts the pair (left, its neighbour) into the heap if it may be merged. */
static bool offer(struct tok_merger *m, int left)
{
    const struct tok *t = m->t;
    int right = left == NONE ? NONE : m->symbol[left].right;
    if (right == NONE)
        return true;
    const struct symbol *a = &m->symbol[left], *b = &m->symbol[right];
    uint32_t first;
    int id;
    if (t->order == TOK_BY_PAIR) {
        const struct tok_pair *p =
            a->id < 0 || b->id < 0 ? NULL : tok_lookup_pair(t, a->id, b->id);
        if (!p)
            return true;
        first = (uint32_t)p->rank;
        id = p->id;
    } else {
        id = tok_lookup(t, m->s + a->at, a->n + b->n);
        if (id < 0)
            return true;
        first =
            t->order == TOK_BY_ID ? (uint32_t)id : falling(t->piece[id].score);
    }
    if (m->heaped == m->heap_room) {
        size_t room = m->heap_room ? 2 * m->heap_room : 256;
        void *grown = realloc(m->heap, room * sizeof *m->heap);
        if (!grown)
            return false;
        m->heap = grown;
        m->heap_room = room;
    }
    uint64_t key = (uint64_t)first << 32 | (uint32_t)left;
    size_t k = m->heaped++;
    for (; k && m->heap[(k - 1) / 2].key > key; k = (k - 1) / 2)
        m->heap[k] = m->heap[(k - 1) / 2];
    m->heap[k] = (struct merge){key, right, a->n + b->n, id};
    return true;
}

static struct merge take_best(struct tok_merger *m)
{
    struct merge best = m->heap[0], last = m->heap[--m->heaped];
    size_t k = 0;
    for (size_t c; (c = 2 * k + 1) < m->heaped; k = c) {
        if (c + 1 < m->heaped && m->heap[c + 1].key < m->heap[c].key)
            c++;
        if (m->heap[c].key >= last.key)
            break;
        m->heap[k] = m->heap[c];
    }
    m->heap[k] = last;
    return best;
}

/* One symbol a byte, or a character where merging starts from those. */
static int start(struct tok_merger *m, size_t n)
{
    int count = 0;
    size_t len = 1;
    for (size_t at = 0; at < n; at += len, count++) {
        if (m->t->chars)
            (void)utf8_next(m->s + at, n - at, &len);
        m->symbol[count] =
            (struct symbol){(uint32_t)at, (uint32_t)len, count - 1, count + 1,
                            m->t->chars ? tok_lookup(m->t, m->s + at, len)
                                        : m->t->byte_id[m->s[at]]};
    }
    if (count)
        m->symbol[count - 1].right = NONE;
    return count;
}

static bool emit(const struct tok_merger *m, const struct symbol *a,
                 struct tok_ids *ids, struct fl_error *err)
{
    if (a->id >= 0)
        return tok_ids_push(ids, a->id, err);
    bool covered = m->t->chars;
    for (uint32_t k = 0; k < a->n; k++)
        covered = covered && m->t->byte_id[m->s[a->at + k]] >= 0;
    for (uint32_t k = 0; covered && k < a->n; k++)
        FL_TRY(tok_ids_push(ids, m->t->byte_id[m->s[a->at + k]], err));
    if (!covered) {
        ids->lost += a->n;
        if (m->t->chars && m->t->unk >= 0)
            return tok_ids_push(ids, m->t->unk, err);
    }
    return true;
}

bool tok_merge(struct tok_merger *m, const uint8_t *s, size_t n,
               struct tok_ids *ids, struct fl_error *err)
{
    if (m->t->whole) {
        int id = tok_lookup(m->t, s, n);
        if (id >= 0)
            return tok_ids_push(ids, id, err);
    }
    FL_FAIL_IF(n > MAX_WORD, err, FL_RANGE, 0, "text: over 1 GiB");
    if (n > m->room) {
        free(m->symbol);
        m->symbol = malloc(n * sizeof *m->symbol);
        m->room = m->symbol ? n : 0;
        FL_FAIL_IF(!m->symbol, err, FL_NOMEM, 0, "text: out of memory");
    }
    m->s = s;
    m->heaped = 0;
    int count = start(m, n);
    bool ok = true;
    for (int k = 0; k < count && ok; k++)
        ok = offer(m, k);
    while (ok && m->heaped) {
        struct merge best = take_best(m);
        int left = (int)(best.key & UINT32_MAX);
        struct symbol *a = &m->symbol[left], *b = &m->symbol[best.right];
        if (a->n == 0 || b->n == 0 || a->n + b->n != best.n)
            continue;
        a->n = best.n;
        a->id = best.id;
        a->right = b->right;
        b->n = 0;
        if (a->right != NONE)
            m->symbol[a->right].left = left;
        ok = offer(m, a->left) && offer(m, left);
    }
    FL_FAIL_IF(!ok, err, FL_NOMEM, 0, "text: out of memory");
    for (int k = count ? 0 : NONE; k != NONE; k = m->symbol[k].right)
        FL_TRY(emit(m, &m->symbol[k], ids, err));
    return true;
}
