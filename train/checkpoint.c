/* SPDX-License-Identifier: Apache-2.0 */
/* train/checkpoint.c -- everything a step needs, in one file of this machine:
 *
 *   struct ckpt_head | value (train) | m (train) | v (train) | loss (steps)
 *
 * in native byte order, with XXH3 over what follows the head. `options` is a
 * hash of what the run was asked for and of the text.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/file.h"
#include "model/package.h"
#include "train/train.h"

struct ckpt_head {
    char magic[8];
    uint64_t options, hash, train, steps, step, rng;
    double trained;
};

static const char magic[8] = "flckpt1";

static uint64_t asked_for(const struct train *t)
{
    const struct train_options *o = &t->o;
    char text[512];
    int n =
        snprintf(text, sizeof text,
                 "%d %d %d %d %d %d %d %d %.17g %.17g %.17g %" PRIu64
                 " %zu %zu %d %d %d %.17g %016" PRIx64 " %.17g %.17g %d",
                 o->seg.segment, o->seg.sensory, o->seg.memories, o->seg.depth,
                 o->sequence, o->batch, o->steps, o->warmup, o->rate, o->decay,
                 o->clip, o->seed, t->net->total, t->net->train, t->net->dm,
                 t->net->wbits, t->net->abits, t->net->scale,
                 pkg_hash(t->token, t->tokens * sizeof *t->token),
                 (double)o->seg.distil, o->echo, o->skip);
    return pkg_hash(text, (size_t)n);
}

/* A piece of the file: its place in memory and its bytes. */
struct piece {
    void *at;
    size_t n;
};
enum { PIECES = 4 };

static void pieces(const struct train *t, struct piece p[PIECES])
{
    size_t n = t->net->train * sizeof(real);
    p[0] = (struct piece){t->net->value, n};
    p[1] = (struct piece){t->m, n};
    p[2] = (struct piece){t->v, n};
    p[3] = (struct piece){t->loss, (size_t)t->o.steps * sizeof *t->loss};
}

static uint64_t mix(uint64_t hash, uint64_t more)
{
    return hash * 31 + more;
}

bool train_save(const struct train *t, const char *path, struct fl_error *err)
{
    struct piece p[PIECES];
    struct ckpt_head h = {.options = asked_for(t),
                          .train = t->net->train,
                          .steps = (uint64_t)t->o.steps,
                          .step = (uint64_t)t->step,
                          .rng = t->rng,
                          .trained = t->trained};
    memcpy(h.magic, magic, sizeof magic);
    pieces(t, p);
    for (int i = 0; i < PIECES; i++)
        h.hash = mix(h.hash, pkg_hash(p[i].at, p[i].n));
    struct fl_out out;
    FL_TRY(fl_out_open(&out, path, err));
    fwrite(&h, sizeof h, 1, out.f); /* short writes are found by the commit */
    for (int i = 0; i < PIECES; i++)
        fwrite(p[i].at, 1, p[i].n, out.f);
    return fl_out_commit(&out, err);
}

static bool load(struct train *t, const struct fl_map *m, const char *path,
                 struct fl_error *err)
{
    struct ckpt_head h;
    struct piece p[PIECES];
    size_t want = sizeof h;
    uint64_t hash = 0;
    pieces(t, p);
    for (int i = 0; i < PIECES; i++)
        want += p[i].n;
    FL_FAIL_IF(m->size < sizeof h || memcmp(m->data, magic, sizeof magic), err,
               FL_FORMAT, 0, "%s: not a checkpoint of flexllm train", path);
    memcpy(&h, m->data, sizeof h);
    FL_FAIL_IF(h.options != asked_for(t) || h.train != t->net->train, err,
               FL_UNSUPPORTED, 0,
               "%s: the checkpoint of another run; give the options, the "
               "model and the text it was made with, or remove it",
               path);
    FL_FAIL_IF(m->size != want || h.step > (uint64_t)t->o.steps, err, FL_FORMAT,
               0, "%s: %zu bytes, not %zu: it is not complete; remove it", path,
               m->size, want);
    const uint8_t *from = m->data + sizeof h;
    for (int i = 0; i < PIECES; from += p[i++].n)
        hash = mix(hash, pkg_hash(from, p[i].n));
    FL_FAIL_IF(hash != h.hash, err, FL_FORMAT, 0,
               "%s: damaged (its hash is wrong); remove it", path);
    from = m->data + sizeof h;
    for (int i = 0; i < PIECES; from += p[i++].n)
        memcpy(p[i].at, from, p[i].n);
    t->step = (int)h.step;
    t->rng = h.rng;
    t->trained = h.trained;
    net_round(t->net);
    return true;
}

bool train_load(struct train *t, const char *path, struct fl_error *err)
{
    struct fl_map m;
    FL_TRY(fl_map_open(&m, path, err));
    bool ok = load(t, &m, path, err);
    fl_map_close(&m);
    return ok;
}
