/* SPDX-License-Identifier: Apache-2.0 */
/* designs/timed.c -- jobs for the elided designs. */
#include "designs/timed.h"
#include "designs/build.h"
#include <dlfcn.h>
#include <stdlib.h>

struct timed {
    const struct num_qmodel *m;
    const struct dsn_place *place;
    struct hls_options options;
    struct dsn_image image;
    int cap;
    int32_t *ids; /* (cap) zeros */
    void *so[DSN_STAGES];
};

struct timed *timed_open(const struct num_qmodel *m,
                         const struct hls_options *o,
                         const struct dsn_place place[DSN_STAGES],
                         struct fl_error *err)
{
    struct timed *t = calloc(1, sizeof *t);
    if (t == 0) {
        fl_fail(err, FL_NOMEM, 0, "out of memory");
        return 0;
    }
    t->m = m;
    t->place = place;
    t->options = *o;
    t->options.elide = 1;
    t->cap = o->cap > 0 ? o->cap : m->seq;
    t->ids = calloc((size_t)t->cap + 1, sizeof *t->ids);
    if (t->ids == 0)
        fl_fail(err, FL_NOMEM, 0, "out of memory");
    if (t->ids == 0 || !dsn_image_plan(&t->image, m, o->config, t->cap, err)) {
        timed_close(t);
        return 0;
    }
    return t;
}

void timed_close(struct timed *t)
{
    if (t == 0)
        return;
    for (int s = 0; s < DSN_STAGES; s++)
        if (t->so[s] != 0)
            dlclose(t->so[s]);
    dsn_image_free(&t->image);
    free(t->ids);
    free(t);
}

/* Compiles a stage when it is first wanted, and runs the job. */
static bool run(struct timed *t, int stage, struct dsn_job *j,
                struct timed_run *out, struct fl_error *err)
{
    if (t->so[stage] == 0)
        t->so[stage] =
            dsn_build(stage, &t->options, &t->image.config, t->m, t->cap, err);
    if (t->so[stage] == 0)
        return false;
    dsn_run_fn *fn = (dsn_run_fn *)dlsym(t->so[stage], "dsn_run");
    FL_FAIL_IF(fn == 0, err, FL_FORMAT, 0, "a compiled design has no dsn_run");
    j->image = &t->image;
    j->shape = &t->m->shape;
    j->r3 = t->m->r3;
    j->r4 = t->m->r4;
    j->ids = t->ids;
    j->k = 1;
    j->place = &t->place[stage];
    j->seen = &out->seen;
    FL_FAIL_IF(!fn(j), err, FL_UNSUPPORTED, 0, "the %s design stopped: %s",
               stage == DSN_PREFILL ? "prefill" : "decode", j->message);
    out->cycles = j->cycles;
    return true;
}

bool timed_prefill(struct timed *t, int n, struct timed_run *out,
                   struct fl_error *err)
{
    return timed_prefill_at(t, 0, n, out, err);
}

bool timed_prefill_at(struct timed *t, int first, int n, struct timed_run *out,
                      struct fl_error *err)
{
    FL_FAIL_IF(first < 0 || n < 1 || n > t->cap - first, err, FL_RANGE, 0,
               "%d tokens of prompt after %d, there is room for %d", n, first,
               t->cap);
    struct dsn_job j = {.given = n, .first = first, .total = n};
    return run(t, DSN_PREFILL, &j, out, err);
}

bool timed_decode(struct timed *t, int first, int tokens, struct timed_run *out,
                  struct fl_error *err)
{
    FL_FAIL_IF(first < 0 || tokens < 1 || tokens > t->cap - first, err,
               FL_RANGE, 0, "%d tokens after %d, there is room for %d", tokens,
               first, t->cap);
    struct dsn_job j = {.given = 1, .first = first, .total = tokens};
    for (int i = 0; i < DSN_MAX_EOS; i++)
        j.eos[i] = UINT32_MAX;
    return run(t, DSN_DECODE, &j, out, err);
}

const struct dsn_image *timed_image(const struct timed *t)
{
    return &t->image;
}
