/* SPDX-License-Identifier: Apache-2.0 */
/* designs/hls_hmt.c -- the order of runs for a text: docs/hmt.md with a
 * prefill and a decode run for every pass. The host knows lengths and slots,
 * not one number of a memory. */
#include "designs/hls_hmt.h"
#include "base/progress.h"
#include "designs/build.h"
#include "designs/hmt_image.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

struct hls_hmt {
    const struct num_qmodel *m;
    const struct num_hmt *h;
    struct dsn_image image;
    struct dsn_hmt plug;
    void *so[DSN_STAGES];
    dsn_run_fn *run[DSN_STAGES];
    unsigned min_depth;
    int64_t pushed;
    /* of a text */
    int32_t *text;
    int tokens, room;
    const struct hls_want *want;
    bool (*token)(void *user, int id);
    void *user;
    struct hls_stats *stats;
    int left;    /* tokens wanted yet */
    int in_run;  /* tokens of this run that count */
    bool ended;  /* the caller wants no more */
    bool failed; /* out of memory in a callback */
};

struct hls_hmt *hls_hmt_open(const struct num_qmodel *m,
                             const struct num_hmt *memory,
                             const struct hls_options *o, struct fl_error *err)
{
    struct hls_hmt *e = calloc(1, sizeof *e);
    struct dsn_config c = o->config != 0 ? *o->config : dsn_config_for(m);
    struct hls_options own = *o;
    int window = num_hmt_window(memory);
    if (e == 0) {
        fl_fail(err, FL_NOMEM, 0, "out of memory");
        return 0;
    }
    own.hmt = memory;
    e->m = m;
    e->h = memory;
    e->min_depth = o->exact_depth || o->timed ? 0 : 256;
    bool ok = dsn_config_check(&c, m, err) &&
              dsn_image_build(&e->image, m, &c, window, err) &&
              dsn_hmt_build(&e->plug, &e->image, m, memory, err);
    for (int s = 0; ok && s < DSN_STAGES; s++) {
        e->so[s] = dsn_build(s, &own, &c, m, window, err);
        ok = e->so[s] != 0;
        if (ok)
            e->run[s] = (dsn_run_fn *)dlsym(e->so[s], "dsn_run");
        if (ok && e->run[s] == 0) {
            fl_fail(err, FL_FORMAT, 0, "a compiled design has no dsn_run");
            ok = false;
        }
    }
    if (ok)
        return e;
    hls_hmt_close(e);
    return 0;
}

void hls_hmt_close(struct hls_hmt *e)
{
    if (e == 0)
        return;
    for (int s = 0; s < DSN_STAGES; s++)
        if (e->so[s] != 0)
            dlclose(e->so[s]);
    dsn_hmt_free(&e->plug);
    dsn_image_free(&e->image);
    free(e->text);
    free(e);
}

/* ---- runs ------------------------------------------------------------------ */

static int filled(const struct hls_hmt *e)
{
    return e->pushed < e->h->memories ? (int)e->pushed : e->h->memories;
}

/* The id of P: T while nothing is in the queue. */
static uint32_t vector_of(const struct hls_hmt *e)
{
    return (uint32_t)(e->m->shape.vocab + (filled(e) > 0));
}

static struct dsn_job job_for(struct hls_hmt *e, struct dsn_hmt_run *run)
{
    run->hmt = &e->plug;
    run->text = e->text;
    run->tokens = (size_t)e->tokens;
    struct dsn_job j = {
        .image = &e->image,
        .shape = &e->m->shape,
        .eps_q = e->m->eps_q,
        .sqrt_d = e->m->sqrt_d,
        .r3 = e->m->r3,
        .r4 = e->m->r4,
        .hmt = run,
        .k = 1,
        .t_scale = {1u << 15, -15},
        .top_p = 65536,
        .user = e,
        .min_depth = e->min_depth,
    };
    return j;
}

static bool go(struct hls_hmt *e, int stage, struct dsn_job *j,
               struct fl_error *err)
{
    double start = fl_now();
    bool ok = e->run[stage](j);
    double *seconds =
        stage == DSN_PREFILL ? &e->stats->prefill_s : &e->stats->decode_s;
    *seconds += fl_now() - start;
    *(stage == DSN_PREFILL ? &e->stats->prefill_cycles
                           : &e->stats->decode_cycles) += j->cycles;
    FL_FAIL_IF(!ok && !e->ended, err, FL_UNSUPPORTED, 0,
               "the %s design stopped: %s",
               stage == DSN_PREFILL ? "prefill" : "decode", j->message);
    FL_FAIL_IF(e->failed, err, FL_NOMEM, 0, "out of memory");
    return true;
}

/* A vector and `count` tokens of the text at positions 0 .. count. */
static bool prefill(struct hls_hmt *e, uint32_t vector, int from, int count,
                    struct fl_error *err)
{
    struct dsn_hmt_run run = {.from = from, .count = count, .vector = vector};
    struct dsn_job j = job_for(e, &run);
    j.given = 1 + count;
    return go(e, DSN_PREFILL, &j, err);
}

/* A vector at position `at`, whose state is searched with or pushed. */
static bool last(struct hls_hmt *e, uint32_t vector, int at, bool push,
                 struct fl_error *err)
{
    struct dsn_hmt_run run = {.search = !push, .push = push, .live = filled(e)};
    struct dsn_job j = job_for(e, &run);
    int32_t id = (int32_t)vector;
    if (push)
        run.slot = (int)(e->pushed % e->h->memories);
    j.table = e->plug.table[push ? DSN_HMT_PUSH : DSN_HMT_SEARCH];
    j.ids = &id;
    j.given = j.total = 1;
    j.first = at;
    FL_TRY(go(e, DSN_DECODE, &j, err));
    e->pushed += push;
    return true;
}

/* Steps 1 and 2 of docs/hmt.md for a summary of these tokens. */
static bool search(struct hls_hmt *e, int from, int count, struct fl_error *err)
{
    uint32_t t = (uint32_t)e->m->shape.vocab;
    if (filled(e) == 0)
        return true;
    return prefill(e, t, from, count, err) && last(e, t, count + 1, false, err);
}

static bool keep(struct hls_hmt *e, int32_t id)
{
    if (e->tokens == e->room) {
        int room = 2 * e->room + 1024;
        int32_t *text = realloc(e->text, (size_t)room * sizeof *text);
        if (text == 0)
            return false;
        e->text = text;
        e->room = room;
    }
    e->text[e->tokens++] = id;
    return true;
}

static bool take(void *user, int id)
{
    struct hls_hmt *e = user;
    if (e->in_run == 0)
        return true; /* drawn where the next window predicts better */
    e->in_run--;
    e->left--;
    e->stats->generated++;
    e->failed = !keep(e, id);
    for (int i = 0; i < e->want->eos_count; i++)
        e->stats->stopped |= id == e->want->eos[i];
    e->ended = e->failed || (e->token != 0 && !e->token(e->user, id));
    return !e->ended;
}

/* Generates from the element at position `at` of the window, which is the
 * text's last token or a vector; the segment has room for `room` tokens more.
 * The step that fills it makes one token more, which is dropped. */
static bool generate(struct hls_hmt *e, int32_t id, int at, int room,
                     struct fl_error *err)
{
    const struct hls_sampling *s = &e->want->sampling;
    struct dsn_hmt_run run = {0};
    struct dsn_job j = job_for(e, &run);
    j.ids = &id;
    j.given = 1;
    j.first = at;
    e->in_run = e->left < room ? e->left : room;
    j.total = e->in_run + (e->left > room);
    j.k = s->k;
    if (j.k > 1) {
        j.t_scale = s->t_scale;
        j.t_scale.exp = (int16_t)num_clamp(j.t_scale.exp, -62, 8);
        j.top_p = s->top_p;
        /* The design draws for the window's position, not for the text's. */
        j.seed = s->seed + (uint32_t)(e->tokens - (at + 1)) * 0x9E3779B9u;
    }
    for (int i = 0; i < e->want->eos_count; i++)
        j.eos[i] = (uint32_t)e->want->eos[i];
    j.eos_count = e->want->eos_count;
    j.token = take;
    return go(e, DSN_DECODE, &j, err);
}

/* ---- a text ---------------------------------------------------------------- */

/* The segment of the text that begins at `from`, with `known` tokens of it (0:
 * none yet); generates where it is the last. */
static bool segment(struct hls_hmt *e, int from, int known,
                    struct fl_error *err)
{
    const struct num_hmt *h = e->h;
    int k = from == 0 ? 0 : h->sensory, room = h->segment - known;
    FL_TRY(known > 0 ? search(e, from, (known + 1) / 2, err)
                     : search(e, from - k, k, err));
    uint32_t p = vector_of(e);
    int before = k + known; /* tokens of the window */
    if (room == 0) {
        FL_TRY(prefill(e, p, from - k, before, err));
    } else if (before == 0) {
        FL_TRY(generate(e, (int32_t)p, 0, room, err));
    } else {
        int32_t id = e->text[from + known - 1];
        FL_TRY(prefill(e, p, from - k, before - 1, err) &&
               generate(e, id, before, room, err));
    }
    bool full = e->tokens - from >= h->segment;
    if (!full || e->left == 0 || e->ended || e->stats->stopped ||
        h->memories == 0)
        return true;
    return last(e, p, k + h->segment + 1, true, err);
}

static bool check(const struct hls_hmt *e, const int *prompt, int n,
                  const struct hls_want *want, struct fl_error *err)
{
    FL_FAIL_IF(n < 1, err, FL_RANGE, 0, "the prompt is empty");
    FL_FAIL_IF(want->tokens < 1 || want->sampling.k < 1 ||
                   want->sampling.k > 64 || want->eos_count < 0 ||
                   want->eos_count > HLS_MAX_EOS,
               err, FL_RANGE, 0,
               "%d tokens of %d candidates wanted, at least 1 and 1 to 64",
               want->tokens, want->sampling.k);
    for (int i = 0; i < n; i++)
        FL_FAIL_IF(prompt[i] < 0 || prompt[i] >= e->m->shape.vocab, err,
                   FL_RANGE, (uint64_t)i,
                   "token %d is %d, the vocabulary has %d", i, prompt[i],
                   e->m->shape.vocab);
    return true;
}

bool hls_hmt_generate(struct hls_hmt *e, const int *prompt, int n,
                      const struct hls_want *want,
                      bool (*token)(void *user, int id), void *user,
                      struct hls_stats *stats, struct fl_error *err)
{
    struct hls_stats none;
    e->stats = stats != 0 ? stats : &none;
    *e->stats = (struct hls_stats){.prefill_tokens = n};
    FL_TRY(check(e, prompt, n, want, err));
    e->tokens = 0;
    e->pushed = 0;
    e->want = want;
    e->token = token;
    e->user = user;
    e->left = want->tokens;
    e->ended = e->failed = false;
    for (int i = 0; i < n; i++)
        FL_FAIL_IF(!keep(e, prompt[i]), err, FL_NOMEM, 0, "out of memory");
    for (int from = 0; e->left > 0 && !e->ended && !e->stats->stopped;
         from += e->h->segment) {
        int known = n - from < 0 ? 0 : n - from;
        known = known < e->h->segment ? known : e->h->segment;
        FL_TRY(segment(e, from, known, err));
    }
    return true;
}
