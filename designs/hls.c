/* SPDX-License-Identifier: Apache-2.0 */
/* designs/hls.c -- builds the image and runs jobs, whatever runs them. */
#include "designs/hls.h"
#include "base/progress.h"
#include <stdlib.h>

struct hls {
    const struct num_qmodel *m;
    struct dsn_image image;
    int cap;      /* positions a caller may use */
    int progress; /* 1: a line on the terminal */
    struct hls_device device;
};

struct hls *hls_attach(const struct num_qmodel *m, const struct dsn_config *c,
                       int cap, const struct hls_device *device, int progress,
                       struct fl_error *err)
{
    struct hls *e = calloc(1, sizeof *e);
    if (e == 0) {
        fl_fail(err, FL_NOMEM, 0, "out of memory");
        return 0;
    }
    e->m = m;
    e->cap = cap;
    e->progress = progress;
    if (!dsn_image_build(&e->image, m, c, cap, err)) {
        free(e);
        return 0;
    }
    e->device = *device;
    return e;
}

void hls_close(struct hls *e)
{
    if (e == 0)
        return;
    if (e->device.close != 0)
        e->device.close(e->device.self);
    dsn_image_free(&e->image);
    free(e);
}

static struct dsn_job job_for(struct hls *e, const int *ids, int given)
{
    struct dsn_job j = {
        .image = &e->image,
        .shape = &e->m->shape,
        .eps_q = e->m->eps_q,
        .sqrt_d = e->m->sqrt_d,
        .r3 = e->m->r3,
        .r4 = e->m->r4,
        .ids = ids,
        .given = given,
        .total = given,
        .k = 1,
        .t_scale = {1u << 15, -15},
        .top_p = 65536,
        .device = e->device.self,
        .min_depth = e->device.min_depth,
    };
    return j;
}

static bool check_ids(const struct hls *e, const int *ids, int n, int more,
                      struct fl_error *err)
{
    FL_FAIL_IF(n < 1, err, FL_RANGE, 0, "the prompt is empty");
    FL_FAIL_IF(n > e->cap || more > e->cap - n, err, FL_RANGE, 0,
               "%d prompt tokens and %d to generate need %d positions, there "
               "are %d",
               n, more + 1, n + more, e->cap);
    for (int i = 0; i < n; i++)
        FL_FAIL_IF(ids[i] < 0 || ids[i] >= e->m->shape.vocab, err, FL_RANGE,
                   (uint64_t)i, "token %d is %d, the vocabulary has %d", i,
                   ids[i], e->m->shape.vocab);
    return true;
}

/* ---- what comes back from a run ----------------------------------------- */

struct sink {
    const struct hls_want *want;
    bool (*token)(void *user, int id);
    void (*logits)(void *user, int pos, const int32_t *logits);
    void *user;
    struct hls_stats *stats;
    struct fl_progress bar;
    int ended; /* the caller wants no more */
};

static bool take_token(void *user, int id)
{
    struct sink *s = user;
    s->stats->generated++;
    for (int i = 0; i < s->want->eos_count; i++)
        s->stats->stopped |= id == s->want->eos[i];
    s->ended = s->token != 0 && !s->token(s->user, id);
    return !s->ended;
}

static void take_logits(void *user, int pos, const int32_t *logits)
{
    struct sink *s = user;
    s->logits(s->user, pos, logits);
}

static void take_step(void *user, int done)
{
    struct sink *s = user;
    fl_progress_set(&s->bar, (uint64_t)done, 0);
}

/* Runs a job of a stage; `ended` is a fair reason for beats left behind. */
static bool run(struct hls *e, int stage, struct dsn_job *j, struct sink *s,
                const char *what, int steps, struct fl_error *err)
{
    j->user = s;
    if (e->progress) {
        j->step = take_step;
        fl_progress_start(&s->bar, what, (uint64_t)steps);
    }
    bool ok = e->device.run[stage](j);
    if (e->progress)
        fl_progress_end(&s->bar);
    FL_FAIL_IF(!ok && !s->ended, err, FL_UNSUPPORTED, 0,
               "the %s design stopped: %s",
               stage == DSN_PREFILL ? "prefill" : "decode", j->message);
    return true;
}

bool hls_generate(struct hls *e, const int *prompt, int n,
                  const struct hls_want *want,
                  bool (*token)(void *user, int id), void *user,
                  struct hls_stats *stats, struct fl_error *err)
{
    struct hls_stats none;
    stats = stats != 0 ? stats : &none;
    *stats = (struct hls_stats){.prefill_tokens = n - 1};
    FL_FAIL_IF(want->tokens < 1 || want->sampling.k < 1 ||
                   want->sampling.k > 64 || want->eos_count < 0 ||
                   want->eos_count > HLS_MAX_EOS,
               err, FL_RANGE, 0,
               "%d tokens of %d candidates wanted, at least 1 and 1 to 64",
               want->tokens, want->sampling.k);
    FL_TRY(check_ids(e, prompt, n, want->tokens - 1, err));
    struct sink s = {.want = want,
                     .token = token,
                     .logits = want->logits,
                     .user = user,
                     .stats = stats};
    double start = fl_now();
    struct dsn_job j = job_for(e, prompt, n - 1);
    if (n > 1)
        FL_TRY(run(e, DSN_PREFILL, &j, &s, "prefill", n - 1, err));
    stats->prefill_s = fl_now() - start;
    stats->prefill_cycles = j.cycles;
    start = fl_now();
    j = job_for(e, prompt + n - 1, 1);
    j.first = n - 1;
    j.total = want->tokens;
    j.k = want->sampling.k;
    if (j.k > 1) {
        /* Beyond these exponents num_scaled gives the same: 8 bits hold it. */
        j.t_scale = want->sampling.t_scale;
        j.t_scale.exp = (int16_t)num_clamp(j.t_scale.exp, -62, 8);
        j.top_p = want->sampling.top_p;
        j.seed = want->sampling.seed;
    }
    for (int i = 0; i < want->eos_count; i++)
        j.eos[i] = (uint32_t)want->eos[i];
    j.eos_count = want->eos_count;
    j.token = take_token;
    j.logits = want->logits != 0 ? take_logits : 0;
    bool ok = run(e, DSN_DECODE, &j, &s, "decode", want->tokens, err);
    stats->decode_s = fl_now() - start;
    stats->decode_cycles = j.cycles;
    return ok;
}

bool hls_logits(struct hls *e, const int *text, int n,
                void (*logits)(void *user, int pos, const int32_t *logits),
                void *user, struct fl_error *err)
{
    FL_TRY(check_ids(e, text, n, 0, err));
    struct sink s = {.logits = logits, .user = user};
    struct dsn_job j = job_for(e, text, n);
    j.logits = take_logits;
    return run(e, DSN_DECODE, &j, &s, "logits", n, err);
}
