/* SPDX-License-Identifier: Apache-2.0 */
/* engine/engine.c -- opening, memory, sessions, batches. */
#define _GNU_SOURCE
#include "engine/engine.h"
#include "engine/engine_int.h"
#include "engine/select.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { DEFAULT_BLOCK = 512, MAX_THREADS = 256 };

/* Zeroed memory for rows x cols elements, counted; *ok falls on failure.
 * Large arrays get huge pages where the system has them. */
static void *grab(struct engine *e, size_t rows, size_t cols, size_t size,
                  bool *ok)
{
    enum { LINE = 64, HUGE = 2 << 20 };
    size_t n = rows * cols * size, align = n >= HUGE / 2 ? HUGE : LINE;
    n = (n + LINE + align - 1) / align * align;
    void *p = aligned_alloc(align, n);
    if (p && align == HUGE)
        madvise(p, n, MADV_HUGEPAGE);
    if (p)
        memset(p, 0, n);
    else
        *ok = false;
    e->scratch_bytes += n;
    return p;
}

static int round_up(int x, int to)
{
    return (x + to - 1) / to * to;
}

static bool alloc_scratch(struct engine *e, struct eng_scratch *w, int wide)
{
    const struct num_shape *m = &e->m->shape;
    bool ok = true;
    size_t rows = ENG_CHUNK, tile = (size_t)e->k->p_rows * (size_t)e->hp;
    struct eng_in *in = &w->in;
    in->xs = round_up(wide, 64);
    in->ps = round_up(wide / ENG_KB + 2, 16);
    in->x = grab(e, rows, (size_t)in->xs, 1, &ok);
    in->pre = grab(e, rows, (size_t)in->ps, sizeof *in->pre, &ok);
    if (e->k->pairs)
        in->pair = grab(e, rows, (size_t)in->ps, sizeof *in->pair, &ok);
    in->q = grab(e, rows, 1, sizeof *in->q, &ok);
    in->scale = grab(e, rows, 1, sizeof *in->scale, &ok);
    in->zp = grab(e, rows, 1, sizeof *in->zp, &ok);
    in->run = grab(e, rows, 1, sizeof *in->run, &ok);
    w->qkv = grab(e, rows, (size_t)((m->nq + 2 * m->nkv) * m->head),
                  sizeof *w->qkv, &ok);
    w->att = grab(e, rows, (size_t)(m->nq * m->head), sizeof *w->att, &ok);
    w->h = grab(e, rows, (size_t)e->fs, sizeof *w->h, &ok);
    w->y = grab(e, 1, (size_t)wide, sizeof *w->y, &ok);
    w->part = grab(e, rows, ENG_SEGMENT, sizeof *w->part, &ok);
    w->av = grab(e, 1, tile, sizeof *w->av, &ok);
    w->av_sum = grab(e, 1, tile, sizeof *w->av_sum, &ok);
    return ok;
}

static void free_scratch(struct eng_scratch *w)
{
    void *p[] = {w->in.x,     w->in.pre, w->in.pair, w->in.q,
                 w->in.scale, w->in.zp,  w->in.run,  w->qkv,
                 w->att,      w->h,      w->y,       w->part,
                 w->score,    w->p,      w->av,      w->av_sum};
    for (size_t i = 0; i < sizeof p / sizeof *p; i++)
        free(p[i]);
}

static bool alloc_rows(struct engine *e)
{
    const struct num_shape *m = &e->m->shape;
    size_t rows = (size_t)e->block;
    int wide = m->nq * m->head;
    wide = m->d > wide ? m->d : wide;
    wide = m->ffn > wide ? m->ffn : wide;
    int segments = (m->vocab + ENG_SEGMENT - 1) / ENG_SEGMENT;
    bool ok = true;
    /* not a multiple of 4096 bytes: rows would share cache sets */
    e->fs = round_up(m->ffn, 16) + 16;
    e->r = grab(e, rows, (size_t)m->d, sizeof *e->r, &ok);
    e->qc = grab(e, rows, (size_t)m->nq * (size_t)e->hp, 1, &ok);
    e->logits =
        grab(e, ENG_HEAD_ROWS, (size_t)m->vocab, sizeof *e->logits, &ok);
    e->part = grab(e, ENG_CHUNK, (size_t)segments, sizeof *e->part, &ok);
    e->at = grab(e, rows, 1, sizeof *e->at, &ok);
    e->want = grab(e, rows, 1, sizeof *e->want, &ok);
    int threads = pool_threads(e->pool);
    e->scratch = grab(e, (size_t)threads, 1, sizeof *e->scratch, &ok);
    for (int i = 0; i < threads && e->scratch; i++)
        ok = alloc_scratch(e, &e->scratch[i], wide) && ok;
    return ok;
}

/* Room for scores of `seq` positions; false: out of memory, as before. */
static bool grow_scores(struct engine *e, int seq)
{
    if (seq <= e->seq)
        return true;
    bool ok = true;
    size_t rows = (size_t)e->k->p_rows, n = (size_t)seq;
    for (int i = 0; i < pool_threads(e->pool) && ok; i++) {
        struct eng_scratch *w = &e->scratch[i];
        int32_t *score = grab(e, rows, n, sizeof *score, &ok);
        void *p = grab(e, rows, n, (size_t)e->k->p_bytes, &ok);
        if (ok) { /* larger than needed is fine should the next one fail */
            free(w->score);
            free(w->p);
            w->score = score;
            w->p = p;
        } else {
            free(score);
            free(p);
        }
    }
    if (ok)
        e->seq = seq;
    return ok;
}

struct engine *eng_open(const struct num_qmodel *m, const struct eng_options *o,
                        struct fl_error *err)
{
    if (!eng_check(m, err))
        return NULL;
    const struct eng_kernels *k = eng_select(o->isa, err);
    if (!k)
        return NULL;
    int threads = o->threads > 0 ? o->threads : pool_processors();
    threads = threads < MAX_THREADS ? threads : MAX_THREADS;
    struct engine *e = calloc(1, sizeof *e);
    if (!e) {
        fl_fail(err, FL_NOMEM, 0, "out of memory for the engine");
        return NULL;
    }
    eng_tables_make();
    e->m = m;
    e->k = k;
    e->block = o->block > 0 ? o->block : DEFAULT_BLOCK;
    e->block = e->block < ENG_HEAD_ROWS ? ENG_HEAD_ROWS : e->block;
    e->hp = round_up(m->shape.head, ENG_HP);
    e->pool = pool_new(threads);
    if (!e->pool) {
        fl_fail(err, FL_NOMEM, 0, "cannot start %d threads", threads);
        eng_close(e);
        return NULL;
    }
    if (!eng_pack(e, err)) {
        eng_close(e);
        return NULL;
    }
    if (!alloc_rows(e)) {
        fl_fail(err, FL_NOMEM, 0, "out of memory for the engine's buffers");
        eng_close(e);
        return NULL;
    }
    return e;
}

void eng_close(struct engine *e)
{
    if (!e)
        return;
    for (int i = 0; e->scratch && i < pool_threads(e->pool); i++)
        free_scratch(&e->scratch[i]);
    void *p[] = {e->r,    e->qc,      e->logits, e->part, e->at,
                 e->want, e->scratch, e->arena,  e->layer};
    for (size_t i = 0; i < sizeof p / sizeof *p; i++)
        free(p[i]);
    pool_free(e->pool);
    free(e);
}

const char *eng_isa(const struct engine *e)
{
    return e->k->name;
}

int eng_threads(const struct engine *e)
{
    return pool_threads(e->pool);
}

size_t eng_bytes(const struct engine *e)
{
    return e->arena_bytes + e->scratch_bytes;
}

/* ---- sessions ------------------------------------------------------------ */

struct eng_session *eng_session_new(struct engine *e, int max_seq,
                                    struct fl_error *err)
{
    const struct num_shape *m = &e->m->shape;
    int max = max_seq > 0 ? max_seq : e->m->seq;
    if (max > e->m->seq) {
        fl_fail(err, FL_RANGE, (uint64_t)max,
                "a sequence of %d tokens: this model takes at most %d", max,
                e->m->seq);
        return NULL;
    }
    struct eng_session *s = calloc(1, sizeof *s);
    int padded = round_up(max, ENG_TB);
    size_t bytes =
        2 * (size_t)m->layers * (size_t)m->nkv * (size_t)padded * (size_t)e->hp;
    if (s)
        s->kv = calloc(bytes, 1);
    if (!s || !s->kv || !grow_scores(e, padded)) {
        eng_session_free(s);
        fl_fail(err, FL_NOMEM, 0,
                "out of memory: a cache of %d tokens needs %zu MiB", max,
                bytes >> 20);
        return NULL;
    }
    s->e = e;
    s->max = max;
    s->padded = padded;
    s->bytes = bytes;
    return s;
}

void eng_session_free(struct eng_session *s)
{
    if (!s)
        return;
    free(s->kv);
    free(s);
}

int eng_session_len(const struct eng_session *s)
{
    return s->len;
}

size_t eng_session_bytes(const struct eng_session *s)
{
    return s->bytes;
}

void eng_session_cut(struct eng_session *s, int len)
{
    if (len < s->len)
        s->len = len < 0 ? 0 : len;
}

/* ---- batches -------------------------------------------------------------- */

/* Every token and target exists and every session has room. Counts on the
 * sessions themselves and takes it back, so nothing else is needed. */
static bool rows_ok(struct engine *e, const struct eng_row *row, int n,
                    struct fl_error *err)
{
    int vocab = e->m->shape.vocab, t = 0;
    const char *why = NULL;
    for (; t < n && !why; t++) {
        struct eng_session *s = row[t].session;
        if (row[t].token < 0 || row[t].token >= vocab + e->vectors ||
            row[t].target >= vocab)
            why = "token";
        else if (s->len == s->max)
            why = "room";
        else
            s->len++;
    }
    int bad = why ? t - 1 : n;
    for (int i = 0; i < bad; i++)
        row[i].session->len--;
    if (!why)
        return true;
    if (*why == 't')
        fl_fail(err, FL_RANGE, (uint64_t)bad,
                "token %d is outside the vocabulary of %d",
                row[bad].target >= vocab ? row[bad].target : row[bad].token,
                vocab);
    else
        fl_fail(err, FL_RANGE, (uint64_t)bad,
                "the sequence is full at %d tokens: use a longer context",
                row[bad].session->max);
    return false;
}

void eng_vectors(struct engine *e, const struct num_row *row, int count)
{
    e->vector = row;
    e->vectors = count;
}

void eng_state(const struct engine *e, int32_t *x)
{
    int d = e->m->shape.d;
    e->k->norm(e->r + (ptrdiff_t)e->last * d, d, e->m->eps_q, e->m->sqrt_d, x);
}

bool eng_batch(struct engine *e, const struct eng_row *row, int n,
               void (*on_logits)(void *arg, int row, const int32_t *logits),
               void *arg, double *nll, struct fl_error *err)
{
    FL_TRY(rows_ok(e, row, n, err));
    for (int from = 0; from < n; from += e->block) {
        int part = n - from < e->block ? n - from : e->block;
        for (int t = 0; t < part; t++) {
            struct eng_session *s = row[from + t].session;
            e->at[t] = (struct eng_at){s, s->len++};
        }
        eng_layers(e, row + from, part);
        e->last = part - 1;
        eng_finish(e, row + from, part, from, on_logits, arg, nll);
        e->prof_tokens += (uint64_t)part;
    }
    return true;
}

const int32_t *eng_prefill(struct eng_session *s, const int32_t *tokens, int n,
                           struct fl_error *err)
{
    struct engine *e = s->e;
    if (n < 1) {
        fl_fail(err, FL_RANGE, 0, "no tokens: give at least one");
        return NULL;
    }
    if (n > s->max - s->len) {
        fl_fail(err, FL_RANGE, (uint64_t)n,
                "%d tokens on top of %d: the sequence takes %d", n, s->len,
                s->max);
        return NULL;
    }
    for (int i = 0; i < n; i++)
        if (tokens[i] < 0 || tokens[i] >= e->m->shape.vocab) {
            fl_fail(err, FL_RANGE, (uint64_t)i,
                    "token %d is outside the vocabulary of %d", tokens[i],
                    e->m->shape.vocab);
            return NULL;
        }
    struct eng_row row[DEFAULT_BLOCK];
    int step = e->block < DEFAULT_BLOCK ? e->block : DEFAULT_BLOCK;
    for (int from = 0; from < n; from += step) {
        int part = n - from < step ? n - from : step;
        for (int t = 0; t < part; t++)
            row[t] =
                (struct eng_row){s, tokens[from + t], -1, from + t == n - 1};
        if (!eng_batch(e, row, part, NULL, NULL, NULL, err))
            return NULL;
    }
    return e->logits;
}

const int32_t *eng_decode(struct eng_session *s, int32_t token,
                          struct fl_error *err)
{
    return eng_prefill(s, &token, 1, err);
}

/* ---- profile --------------------------------------------------------------- */

void eng_profile_set(struct engine *e, int on)
{
    e->profile = on;
    e->prof_tokens = 0;
    for (int i = 0; i < pool_threads(e->pool); i++)
        memset(e->scratch[i].op, 0, sizeof e->scratch[i].op);
}

void eng_profile_get(const struct engine *e, struct eng_profile *p)
{
    *p = (struct eng_profile){.tokens = e->prof_tokens};
    for (int i = 0; i < pool_threads(e->pool); i++)
        for (int op = 0; op < ENG_OP_COUNT; op++)
            p->seconds[op] += e->scratch[i].op[op];
}

const char *eng_op_text(enum eng_op op)
{
#define ENG_OP_TEXT(name, text) text,
    static const char *const text[] = {ENG_OPS(ENG_OP_TEXT)};
#undef ENG_OP_TEXT
    return op < ENG_OP_COUNT ? text[op] : "unknown";
}
