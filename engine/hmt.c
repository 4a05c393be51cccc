/* SPDX-License-Identifier: Apache-2.0 */
/* engine/hmt.c -- windows as batches of rows, and the search.
 *
 * T and P are the engine's vectors 0 and 1: a pass is one batch of tokens of
 * which some lie beyond the vocabulary. All passes share one session; closing
 * a segment leaves nothing in it that the next pass needs.
 */
#include "engine/hmt.h"
#include "engine/engine_int.h"
#include <stdlib.h>
#include <string.h>

enum { ROW_T, ROW_P, ROWS };

struct eng_hmt {
    struct engine *e;
    const struct num_hmt *m;
    struct eng_session *s;
    int64_t pushed, tokens;
    int len; /* tokens of the open segment, -1: none */
    eng_hmt_progress *fn;
    void *user;
    struct num_row row[ROWS];
    struct eng_row *batch; /* (window) */
    double *nll;           /* (window) */
    int32_t *last;         /* (sensory) */
    int8_t *half[2][2];    /* {Wq, Wk}, {hi, lo}: (dm, d) */
    int16_t *key, *mem;    /* (memories, dm), (memories, d) */
    int16_t *q;            /* (dm) */
    int32_t *x;            /* (d) */
    int64_t *sum;          /* (d) */
    int8_t *code, *p_code; /* (d) */
    int32_t *score;        /* (memories) */
};

/* ---- memory ------------------------------------------------------------- */

static bool fits(const struct engine *e, const struct num_hmt *m,
                 struct fl_error *err)
{
    FL_FAIL_IF(m->d != e->m->shape.d, err, FL_UNSUPPORTED, 0,
               "the memory is of width %d, the model of %d", m->d,
               e->m->shape.d);
    FL_FAIL_IF(m->memories < 0 || m->memories > NUM_HMT_MAX_MEMORIES ||
                   m->dm < 1 || m->dm > NUM_HMT_MAX_DM,
               err, FL_UNSUPPORTED, 0,
               "a queue of %d memories, searched by %d numbers: at most %d and "
               "%d",
               m->memories, m->dm, NUM_HMT_MAX_MEMORIES, NUM_HMT_MAX_DM);
    FL_FAIL_IF(m->segment < 1 || m->sensory < 0 || m->sensory > m->segment ||
                   m->segment > e->m->seq - m->sensory - 2,
               err, FL_RANGE, 0,
               "segments of %d and %d tokens again make windows of %d; this "
               "model has %d positions: quantise with a larger --ctx",
               m->segment, m->sensory, num_hmt_window(m), e->m->seq);
    return true;
}

static void split(const struct num_hmt *m, const struct num_hmt_matrix *w,
                  int8_t *half[2])
{
    for (size_t i = 0; i < (size_t)m->dm * (size_t)m->d; i++) {
        half[0][i] = (int8_t)num_hmt_hi(w->w[i]);
        half[1][i] = (int8_t)num_hmt_lo(w->w[i]);
    }
}

struct eng_hmt *eng_hmt_new(struct engine *e, const struct num_hmt *m,
                            struct fl_error *err)
{
    if (!fits(e, m, err))
        return NULL;
    struct eng_hmt *h = calloc(1, sizeof *h);
    if (!h) {
        fl_fail(err, FL_NOMEM, 0, "out of memory");
        return NULL;
    }
    size_t d = (size_t)m->d, dm = (size_t)m->dm, n = (size_t)m->memories;
    size_t window = (size_t)num_hmt_window(m);
    h->e = e;
    h->m = m;
    h->batch = calloc(window, sizeof *h->batch);
    h->nll = calloc(window, sizeof *h->nll);
    h->last = calloc((size_t)m->sensory + 1, sizeof *h->last);
    h->key = calloc(n * dm + 1, sizeof *h->key);
    h->mem = calloc(n * d + 1, sizeof *h->mem);
    h->q = calloc(dm, sizeof *h->q);
    h->x = calloc(d, sizeof *h->x);
    h->sum = calloc(d, sizeof *h->sum);
    h->code = calloc(d, 1);
    h->p_code = calloc(d, 1);
    h->score = calloc(n + 1, sizeof *h->score);
    bool ok = h->batch && h->nll && h->last && h->key && h->mem && h->q &&
              h->x && h->sum && h->code && h->p_code && h->score;
    for (int i = 0; i < 4; i++)
        ok = (h->half[i / 2][i % 2] = calloc(dm * d, 1)) && ok;
    if (!ok)
        fl_fail(err, FL_NOMEM, 0, "out of memory for %d memories", m->memories);
    ok = ok && (h->s = eng_session_new(e, (int)window, err));
    if (!ok) {
        eng_hmt_free(h);
        return NULL;
    }
    split(m, &m->q, h->half[0]);
    split(m, &m->k, h->half[1]);
    h->row[ROW_T] = m->t;
    h->row[ROW_P].code = h->p_code;
    eng_vectors(e, h->row, ROWS);
    eng_hmt_reset(h);
    return h;
}

void eng_hmt_free(struct eng_hmt *h)
{
    if (!h)
        return;
    void *p[] = {h->batch,      h->nll,        h->last,      h->key,
                 h->mem,        h->q,          h->x,         h->sum,
                 h->code,       h->p_code,     h->score,     h->half[0][0],
                 h->half[0][1], h->half[1][0], h->half[1][1]};
    for (size_t i = 0; i < sizeof p / sizeof *p; i++)
        free(p[i]);
    eng_vectors(h->e, NULL, 0);
    eng_session_free(h->s);
    free(h);
}

size_t eng_hmt_bytes(const struct eng_hmt *h)
{
    size_t slot = ((size_t)h->m->d + (size_t)h->m->dm) * sizeof *h->key;
    return eng_session_bytes(h->s) + (size_t)h->m->memories * slot;
}

int64_t eng_hmt_tokens(const struct eng_hmt *h)
{
    return h->tokens;
}

void eng_hmt_reset(struct eng_hmt *h)
{
    h->pushed = h->tokens = 0;
    h->len = -1;
    eng_session_cut(h->s, 0);
}

void eng_hmt_on_segment(struct eng_hmt *h, eng_hmt_progress *fn, void *user)
{
    h->fn = fn;
    h->user = user;
}

/* ---- states, keys, the search -------------------------------------------- */

/* The state of the engine's last row: codes into h->code. */
static struct num_scale state(struct eng_hmt *h)
{
    int d = h->m->d;
    eng_state(h->e, h->x);
    uint32_t amax = 0;
    for (int i = 0; i < d; i++)
        amax = num_abs32(h->x[i]) > amax ? num_abs32(h->x[i]) : amax;
    struct num_qparam p = num_qparam_i8(amax, 65536, NUM_NORM_FRAC);
    for (int i = 0; i < d; i++)
        h->code[i] = (int8_t)num_code_i8(h->x[i], p);
    return p.scale;
}

static int32_t dot8(const int8_t *a, const int8_t *b, int n)
{
    int32_t s = 0; /* 127 * 8 * 2^17 < 2^31 */
    for (int i = 0; i < n; i++)
        s += a[i] * b[i];
    return s;
}

static int64_t dot16(const int16_t *a, const int16_t *b, int n)
{
    int64_t s = 0;
    for (int i = 0; i < n; i++)
        s += (int32_t)a[i] * b[i];
    return s;
}

static void project(struct eng_hmt *h, const struct num_hmt_matrix *w,
                    int8_t *const half[2], struct num_scale s, int16_t *y)
{
    int d = h->m->d;
    for (int o = 0; o < h->m->dm; o++) {
        size_t at = (size_t)o * (size_t)d;
        struct num_scale row = {w->mant[o], w->exp[o]};
        int64_t part[2];
        for (int i = 0; i < 2; i++)
            part[i] = num_dequant(dot8(h->code, half[i] + at, d), s,
                                  num_scale_shift(row, i == 0 ? 4 : 0), w->frac,
                                  0, NUM_ACT_BITS);
        y[o] = (int16_t)num_hmt_i16((int32_t)part[0], (int32_t)part[1]);
    }
}

static int filled(const struct eng_hmt *h)
{
    return h->pushed < h->m->memories ? (int)h->pushed : h->m->memories;
}

/* P from the query h->q. */
static void mix(struct eng_hmt *h)
{
    const struct num_hmt *m = h->m;
    int n = filled(h), d = m->d;
    int32_t top = INT32_MIN;
    uint32_t total = 0;
    for (int s = 0; s < n; s++) {
        int64_t dot = dot16(h->q, h->key + (size_t)s * (size_t)m->dm, m->dm);
        h->score[s] = num_hmt_score(dot, m->s_scale);
        top = h->score[s] > top ? h->score[s] : top;
    }
    memset(h->sum, 0, (size_t)d * sizeof *h->sum);
    for (int s = 0; s < n; s++) {
        uint32_t w = num_hmt_weight((int64_t)top - h->score[s]);
        const int16_t *row = h->mem + (size_t)s * (size_t)d;
        total += w;
        for (int i = 0; w != 0 && i < d; i++)
            h->sum[i] += (int64_t)w * row[i];
    }
    struct num_scale f = num_hmt_mean_scale(total);
    uint32_t amax = 0;
    for (int i = 0; i < d; i++) {
        h->x[i] = num_hmt_mean(h->sum[i], f);
        amax = num_abs32(h->x[i]) > amax ? num_abs32(h->x[i]) : amax;
    }
    struct num_qparam p =
        num_qparam_i8(amax, 65536, m->m_frac - NUM_HMT_DROP + NUM_HMT_SHIFT);
    for (int i = 0; i < d; i++)
        h->p_code[i] = (int8_t)num_code_i8(h->x[i], p);
    h->row[ROW_P].scale = p.scale;
}

/* ---- passes --------------------------------------------------------------- */

static void put(struct eng_hmt *h, int *n, int32_t token)
{
    h->batch[(*n)++] = (struct eng_row){h->s, token, -1, 0};
}

static int32_t vector(const struct eng_hmt *h, int row)
{
    return h->e->m->shape.vocab + row;
}

static bool run(struct eng_hmt *h, int n, struct fl_error *err)
{
    return eng_batch(h->e, h->batch, n, NULL, NULL, h->nll, err);
}

/* Steps 1 and 2 of docs/hmt.md. With one slot the weight is 1 whatever the
 * summary says, so it is not run. */
static bool search(struct eng_hmt *h, const int32_t *token, int count,
                   struct fl_error *err)
{
    int n = 0;
    if (filled(h) > 1) {
        eng_session_cut(h->s, 0);
        put(h, &n, vector(h, ROW_T));
        for (int i = 0; i < count; i++)
            put(h, &n, token[i]);
        put(h, &n, vector(h, ROW_T));
        FL_TRY(run(h, n, err));
        project(h, &h->m->q, h->half[0], state(h), h->q);
    }
    if (filled(h) > 0)
        mix(h);
    return true;
}

/* Opens a segment that begins with these tokens: its P, then P and the sensory
 * tokens as rows 0 .. of the batch, which are not run yet. */
static bool open_segment(struct eng_hmt *h, const int32_t *token, int count,
                         int *rows, struct fl_error *err)
{
    int k = h->tokens == 0 ? 0 : h->m->sensory;
    FL_TRY(count > 0 ? search(h, token, (count + 1) / 2, err)
                     : search(h, h->last, k, err));
    eng_session_cut(h->s, 0);
    h->len = 0;
    put(h, rows, vector(h, filled(h) > 0 ? ROW_P : ROW_T));
    for (int i = 0; i < k; i++)
        put(h, rows, h->last[i]);
    return true;
}

static void take(struct eng_hmt *h, const int32_t *token, int count)
{
    int k = h->m->sensory;
    int keep = count < k ? k - count : 0; /* of those before */
    memmove(h->last, h->last + k - keep, (size_t)keep * sizeof *h->last);
    for (int i = keep; i < k; i++)
        h->last[i] = token[count - k + i];
    h->len += count;
    h->tokens += count;
}

/* The trailing P, at the end of the batch. */
static void put_trail(struct eng_hmt *h, int *rows)
{
    if (h->len == h->m->segment && h->m->memories > 0)
        put(h, rows, vector(h, filled(h) > 0 ? ROW_P : ROW_T));
}

/* What is left to do for a full segment whose batch has been run. */
static void close_segment(struct eng_hmt *h)
{
    const struct num_hmt *m = h->m;
    h->len = -1;
    if (m->memories == 0)
        return;
    struct num_scale s = state(h);
    size_t slot = (size_t)(h->pushed++ % m->memories);
    project(h, &m->k, h->half[1], s, h->key + slot * (size_t)m->dm);
    for (int i = 0; i < m->d; i++) {
        int64_t v =
            num_dequant(h->code[i], s, m->size, m->m_frac, 0, NUM_ACT_BITS);
        h->mem[slot * (size_t)m->d + (size_t)i] =
            (int16_t)num_hmt_i16((int32_t)v, 0);
    }
}

static bool check(const struct eng_hmt *h, const int32_t *token, int n,
                  struct fl_error *err)
{
    int vocab = h->e->m->shape.vocab;
    FL_FAIL_IF(n < 1, err, FL_RANGE, 0, "no tokens: give at least one");
    for (int i = 0; i < n; i++)
        FL_FAIL_IF(token[i] < 0 || token[i] >= vocab, err, FL_RANGE,
                   (uint64_t)i, "token %d is outside the vocabulary of %d",
                   token[i], vocab);
    return true;
}

const int32_t *eng_hmt_feed(struct eng_hmt *h, const int32_t *token, int n,
                            struct fl_error *err)
{
    if (!check(h, token, n, err))
        return NULL;
    for (int at = 0; at < n || h->len < 0;) {
        int rows = 0, room = h->m->segment - (h->len < 0 ? 0 : h->len);
        int count = n - at < room ? n - at : room;
        if (h->len < 0 && !open_segment(h, token + at, count, &rows, err))
            return NULL;
        for (int i = 0; i < count; i++)
            put(h, &rows, token[at + i]);
        take(h, token + at, count);
        at += count;
        bool full = h->len == h->m->segment;
        h->batch[rows - 1].logits = at == n && !full;
        put_trail(h, &rows);
        if (!run(h, rows, err))
            return NULL;
        if (full)
            close_segment(h);
        if (h->fn)
            h->fn(h->user, at);
    }
    return h->e->logits;
}

bool eng_hmt_score(struct eng_hmt *h, const int32_t *token, int n, double *nll,
                   struct fl_error *err)
{
    FL_TRY(check(h, token, n, err));
    h->len = -1;
    for (int at = 0; at < n;) {
        int rows = 0, count = n - at < h->m->segment ? n - at : h->m->segment;
        bool first = h->tokens == 0;
        FL_TRY(open_segment(h, token + at, count, &rows, err));
        int before = rows - 1; /* the row that predicts token[at] */
        for (int i = 0; i < count; i++) {
            if (i > 0 || !first)
                h->batch[rows - 1].target = token[at + i];
            put(h, &rows, token[at + i]);
        }
        take(h, token + at, count);
        bool full = h->len == h->m->segment;
        put_trail(h, &rows);
        FL_TRY(run(h, rows, err));
        for (int i = 0; i < count; i++)
            nll[at + i] = i > 0 || !first ? h->nll[before + i] : 0;
        h->len = full ? h->len : -1;
        if (full)
            close_segment(h);
        at += count;
        if (h->fn)
            h->fn(h->user, at);
    }
    return true;
}
