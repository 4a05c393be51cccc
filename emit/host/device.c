/* SPDX-License-Identifier: Apache-2.0 */
/* emit/host/device.c -- a job of the hls engine becomes a run of a kernel: its
 * buffers are filled when they are first wanted, its scalars set by name.
 *
 *     run   step records | 8 end tokens (decode) | tokens, 32-bit words
 *     out   word 0: bit 31 a memory error, rest the tokens that follow
 *
 * Decode runs PIECE tokens at a time, so that text appears as it is made; the
 * cache stays on the card, and a piece starts at the token before it. Where each
 * stage has an image of its own, the cache goes through the host from one to
 * the other, and every other memory is loaded again.
 */
#include "emit/host/device.h"
#include "designs/scalars.h"
#include "emit/host/kernels.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 32, OUT_BYTES = 4096 };

struct device {
    const char *image[DSN_STAGES];
    struct card *card;
    int loaded; /* with two images: the stage whose image is on the card */
    struct card_buffer *buffer[DSN_STAGES][KERNEL_MAX_ARGS];
    size_t run_bytes[DSN_STAGES];
};

static bool is_cache(const char *name)
{
    return strncmp(name, "k_", 2) == 0 || strncmp(name, "v_", 2) == 0;
}

/* What both kernels have in the same buffer. */
static bool is_shared(const char *name)
{
    return is_cache(name) || strcmp(name, "rope") == 0 ||
           strcmp(name, "embed") == 0;
}

static const struct dsn_mem *memory_of(const struct dsn_image *im, int stage,
                                       const char *name)
{
    int i;
    if (sscanf(name, "weights_%d", &i) == 1 && i < DSN_MAX_CH)
        return &im->stage[stage].w[i];
    if (sscanf(name, "k_%d", &i) == 1 && i < DSN_MAX_HP)
        return &im->k[i];
    if (sscanf(name, "v_%d", &i) == 1 && i < DSN_MAX_HP)
        return &im->v[i];
    return strcmp(name, "side") == 0    ? &im->stage[stage].side
           : strcmp(name, "mul") == 0   ? &im->stage[stage].mul
           : strcmp(name, "embed") == 0 ? &im->embed
           : strcmp(name, "rope") == 0  ? &im->rope
                                        : 0;
}

/* A buffer that argument `name` of a stage has already. */
static struct card_buffer *have(struct device *d, int stage, const char *name)
{
    const struct kernel_info *k = &kernel_info[stage];
    for (int i = 0; i < k->args; i++)
        if (d->buffer[stage][i] != 0 && strcmp(k->arg[i].name, name) == 0)
            return d->buffer[stage][i];
    return 0;
}

/* Fills d->buffer[stage][i] from the image, once. */
static bool load_memory(struct device *d, const struct dsn_image *im, int stage,
                        int i, struct fl_error *err)
{
    const char *name = kernel_info[stage].arg[i].name;
    struct card_buffer **b = &d->buffer[stage][i];
    if (*b == 0)
        *b = have(d, stage, name);
    if (*b == 0 && is_shared(name))
        *b = have(d, 1 - stage, name);
    if (*b != 0)
        return true;
    const struct dsn_mem *m = memory_of(im, stage, name);
    FL_FAIL_IF(m == 0, err, FL_UNSUPPORTED, 0,
               "the image has no memory called %s", name);
    /* whole beats are read: the last one may reach past the end */
    *b = card_alloc(d->card, stage, i, (m->bytes + 4095) / 4096 * 4096 + 4096,
                    err);
    FL_TRY(*b != 0);
    /* one image: the cache is written before it is read */
    return (is_cache(name) && kernel_images == 1) || m->bytes == 0 ||
           card_write(d->card, *b, m->data, m->bytes, err);
}

/* Puts the image of a stage on the card. */
static bool change_image(struct device *d, const struct dsn_image *im,
                         int stage, struct fl_error *err)
{
    int old = d->loaded;
    if (kernel_images == 1 || old == stage)
        return true;
    for (int i = 0; i < kernel_info[old].args; i++) {
        const char *name = kernel_info[old].arg[i].name;
        const struct dsn_mem *m = memory_of(im, old, name);
        if (is_cache(name) && d->buffer[old][i] != 0)
            FL_TRY(
                card_read(d->card, d->buffer[old][i], m->data, m->bytes, err));
    }
    card_close(d->card);
    memset(d->buffer, 0, sizeof d->buffer);
    memset(d->run_bytes, 0, sizeof d->run_bytes);
    d->loaded = stage;
    d->card = card_open(d->image[stage], 1 << stage, err);
    return d->card != 0;
}

/* The words the kernel reads before it starts. */
static uint32_t *run_words(const struct dsn_job *j, int stage, size_t *count)
{
    const struct dsn_stage *st = &j->image->stage[stage];
    size_t tp = stage == DSN_PREFILL ? (size_t)j->image->config.tp : 1;
    size_t table = (size_t)st->steps * DSN_WORDS;
    size_t ends = stage == DSN_DECODE ? DSN_MAX_EOS : 0;
    size_t ids = ((size_t)j->given + tp - 1) / tp * tp;
    uint32_t *w = calloc(table + ends + ids, sizeof *w);
    *count = table + ends + ids;
    if (w == 0)
        return 0;
    memcpy(w, st->table, table * sizeof *w);
    for (size_t k = 0; k < ends; k++)
        w[table + k] = k < (size_t)j->eos_count ? j->eos[k] : 0xFFFFFFFFu;
    for (size_t k = 0; k < (size_t)j->given; k++)
        w[table + ends + k] = (uint32_t)j->ids[k];
    return w;
}

static bool put_run(struct device *d, const struct dsn_job *j, int stage, int i,
                    struct fl_error *err)
{
    size_t n;
    uint32_t *w = run_words(j, stage, &n);
    FL_FAIL_IF(w == 0, err, FL_NOMEM, 0, "out of memory");
    bool ok = true;
    if (4 * n > d->run_bytes[stage]) {
        d->run_bytes[stage] = 8 * n + 4096;
        d->buffer[stage][i] =
            card_alloc(d->card, stage, i, d->run_bytes[stage], err);
        ok = d->buffer[stage][i] != 0;
    }
    ok = ok && card_write(d->card, d->buffer[stage][i], w, 4 * n, err);
    free(w);
    return ok;
}

/* Words from a stripe of the cache to the next, as the kernel counts. */
static bool stripe(const struct dsn_image *im, int stage, uint64_t *words,
                   struct fl_error *err)
{
    if (stage != DSN_PREFILL)
        return true;
    *words = UINT64_C(1) << kernel_part_bits;
    FL_FAIL_IF(
        im->k[0].bytes / (size_t)im->config.kp > *words, err, FL_UNSUPPORTED, 0,
        "the model's cache has stripes of %zu bytes, the kernels have "
        "room for %llu",
        im->k[0].bytes, (unsigned long long)*words * (unsigned)im->config.kp);
    return true;
}

/* One run of a kernel; `out` gets its OUT_BYTES. */
static bool run_kernel(struct device *d, struct dsn_job *j, int stage,
                       uint32_t *out, struct fl_error *err)
{
    const struct kernel_info *k = &kernel_info[stage];
    const struct dsn_scalars s = dsn_scalars_of(stage, j);
    struct card_arg arg[KERNEL_MAX_ARGS] = {{0}};
    struct card_buffer *out_buffer = 0;
    for (int i = 0; i < k->args; i++) {
        const struct kernel_arg *a = &k->arg[i];
        struct card_buffer **b = &d->buffer[stage][i];
        arg[i].bits = a->bits;
        if (!a->pointer) {
            FL_FAIL_IF(!dsn_scalar(&s, a->name, &arg[i].value), err,
                       FL_UNSUPPORTED, 0, "%s: no value for %s", k->name,
                       a->name);
            if (kernel_part_bits > 0 && strcmp(a->name, "stripe") == 0)
                FL_TRY(stripe(j->image, stage, &arg[i].value, err));
            continue;
        }
        if (strcmp(a->name, "run") == 0) {
            FL_TRY(put_run(d, j, stage, i, err));
        } else if (strcmp(a->name, "out") == 0) {
            if (*b == 0)
                *b = card_alloc(d->card, stage, i, OUT_BYTES, err);
            FL_TRY(*b != 0);
            out_buffer = *b;
        } else {
            FL_TRY(load_memory(d, j->image, stage, i, err));
        }
        arg[i].buffer = *b;
    }
    FL_TRY(card_run(d->card, stage, arg, k->args, err));
    FL_TRY(card_read(d->card, out_buffer, out, OUT_BYTES, err));
    FL_FAIL_IF(out[0] >> 31 != 0, err, FL_IO, 0,
               "%s: a memory of the card answered with an error", k->name);
    return true;
}

static bool run_decode(struct device *d, struct dsn_job *j,
                       struct fl_error *err)
{
    uint32_t out[OUT_BYTES / 4];
    int wanted = j->total - j->given + 1, made = 0;
    struct dsn_job piece = *j;
    int32_t last;
    bool more = true;
    while (more && made < wanted) {
        int n = wanted - made < PIECE ? wanted - made : PIECE;
        piece.total = piece.given + n - 1;
        FL_TRY(run_kernel(d, &piece, DSN_DECODE, out, err));
        int got = (int)(out[0] & 0x7FFFFFFF);
        FL_FAIL_IF(got < 1 || got > n, err, FL_FORMAT, 0,
                   "%s: %d tokens were wanted, %d came", kernel_info[1].name, n,
                   got);
        for (int i = 0; more && i < got; i++) {
            more = j->token == 0 || j->token(j->user, (int)out[1 + i]);
            made++;
            if (j->step != 0)
                j->step(j->user, made);
        }
        more = more && got == n;
        last = (int32_t)out[got];
        for (int i = 0; i < j->eos_count; i++)
            more = more && (uint32_t)last != j->eos[i];
        piece.first += piece.given + n - 1;
        piece.ids = &last;
        piece.given = 1;
    }
    return true;
}

static bool run(struct dsn_job *j, int stage)
{
    struct device *d = j->device;
    struct fl_error err;
    uint32_t out[OUT_BYTES / 4];
    bool ok = j->logits == 0;
    if (!ok)
        fl_fail(&err, FL_UNSUPPORTED, 0, "the kernels keep their logits");
    ok = ok && change_image(d, j->image, stage, &err);
    uint64_t before = ok ? card_cycles(d->card) : 0;
    ok = ok && (stage == DSN_DECODE ? run_decode(d, j, &err)
                                    : run_kernel(d, j, stage, out, &err));
    if (!ok)
        snprintf(j->message, sizeof j->message, "%s", err.msg);
    else
        j->cycles = card_cycles(d->card) - before;
    return ok;
}

static bool prefill_run(struct dsn_job *j)
{
    return run(j, DSN_PREFILL);
}

static bool decode_run(struct dsn_job *j)
{
    return run(j, DSN_DECODE);
}

static void device_close(void *self)
{
    struct device *d = self;
    card_close(d->card);
    free(d);
}

static bool fits(const struct num_qmodel *m, struct dsn_config *c,
                 struct fl_error *err)
{
    struct dsn_room room = dsn_room_of(m, kernel_room.cap);
    struct dsn_def have[DSN_DEFS], want[DSN_DEFS];
    *c = (struct dsn_config){0};
    FL_TRY(dsn_config_parse(c, kernel_config, err));
    FL_TRY(dsn_config_check(c, m, err));
    dsn_defs(have, 0, c, &kernel_room);
    dsn_defs(want, 0, c, &room);
    for (int i = 0; i < DSN_DEFS; i++)
        FL_FAIL_IF(want[i].value > have[i].value ||
                       (strcmp(have[i].name, "GROUP") == 0 &&
                        want[i].value != have[i].value),
                   err, FL_UNSUPPORTED, 0,
                   "the kernels were built with %s %d, the model needs %d",
                   have[i].name, have[i].value, want[i].value);
    return true;
}

struct hls *device_open(const char *const image[DSN_STAGES],
                        const struct num_qmodel *m, struct fl_error *err)
{
    struct device *d = calloc(1, sizeof *d);
    int cap = kernel_room.cap < m->seq ? kernel_room.cap : m->seq;
    struct hls_device device = {
        .run = {prefill_run, decode_run}, .self = d, .close = device_close};
    struct dsn_config config;
    struct hls *e = 0;
    if (d == 0) {
        fl_fail(err, FL_NOMEM, 0, "out of memory");
        return 0;
    }
    for (int s = 0; s < DSN_STAGES; s++)
        d->image[s] = image[s];
    if (fits(m, &config, err))
        d->card = card_open(image[0], kernel_images == 1 ? 3 : 1, err);
    if (d->card != 0)
        e = hls_attach(m, &config, cap, &device, 0, err);
    if (e == 0)
        device_close(d);
    return e;
}
