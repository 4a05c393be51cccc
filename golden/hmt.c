/* SPDX-License-Identifier: Apache-2.0 */
/* golden/hmt.c -- docs/hmt.md on the integer model. */
#include "golden/hmt.h"
#include <stdlib.h>
#include <string.h>

bool gold_hmt_init(struct gold_hmt *g, const struct num_qmodel *m,
                   const struct num_hmt *h)
{
    *g = (struct gold_hmt){.h = h, .len = -1};
    if (h->d != m->shape.d || h->memories > NUM_HMT_MAX_MEMORIES ||
        !gold_int_init(&g->g, m, num_hmt_window(h)))
        return false;
    size_t d = (size_t)h->d, dm = (size_t)h->dm, n = (size_t)h->memories;
    g->last = calloc((size_t)h->sensory + 1, sizeof *g->last);
    g->key = calloc(n * dm + 1, sizeof *g->key);
    g->m = calloc(n * d + 1, sizeof *g->m);
    g->q = calloc(dm, sizeof *g->q);
    g->y = calloc(d, sizeof *g->y);
    g->p_code = calloc(d, sizeof *g->p_code);
    bool ok = g->last && g->key && g->m && g->q && g->y && g->p_code;
    if (!ok)
        gold_hmt_free(g);
    return ok;
}

void gold_hmt_free(struct gold_hmt *g)
{
    void *p[] = {g->last, g->key, g->m, g->q, g->y, g->p_code};
    for (size_t i = 0; i < sizeof p / sizeof *p; i++)
        free(p[i]);
    gold_int_free(&g->g);
    *g = (struct gold_hmt){0};
}

/* The state after the last step: codes in g->g.code. */
static struct num_scale state(struct gold_hmt *g)
{
    const struct num_qmodel *m = g->g.m;
    static const struct num_qsite site = {
        .abits = 8, .frac = NUM_NORM_FRAC, .clip = 65536};
    gold_rmsnorm(g->g.r, m->shape.d, m->eps_q, m->sqrt_d, g->g.x);
    return gold_quantise(&site, g->g.x, m->shape.d, g->g.code).scale;
}

static int filled(const struct gold_hmt *g)
{
    return g->pushed < g->h->memories ? (int)g->pushed : g->h->memories;
}

/* Steps 1 and 2: P of a segment that a summary of n tokens stands for. */
static void search(struct gold_hmt *g, const int32_t *token, int n)
{
    const struct num_hmt *h = g->h;
    g->p = h->t;
    if (filled(g) == 0)
        return;
    g->g.pos = 0;
    gold_int_row(&g->g, h->t, 0);
    for (int i = 0; i < n; i++)
        gold_int_step(&g->g, token[i], 0);
    gold_int_row(&g->g, h->t, 0);
    struct num_scale s = state(g);
    gold_hmt_project(&h->q, h->dm, h->d, g->g.code, s, g->q);
    gold_hmt_search(g->q, g->key, g->m, filled(g), h->dm, h->d, h->s_scale,
                    g->y);
    g->p.scale = gold_hmt_row(
        g->y, h->d, h->m_frac - NUM_HMT_DROP + NUM_HMT_SHIFT, g->p_code);
    g->p.code = g->p_code;
}

/* Begins a segment whose first tokens are these (n = 0: none yet): P and the
 * sensory tokens are in the window then; logits those after them. */
static void open_segment(struct gold_hmt *g, const int32_t *token, int n,
                         int32_t *logits)
{
    const struct num_hmt *h = g->h;
    int k = g->tokens == 0 ? 0 : h->sensory;
    if (n > 0)
        search(g, token, (n + 1) / 2);
    else
        search(g, g->last, k);
    g->g.pos = 0;
    gold_int_row(&g->g, g->p, k > 0 ? 0 : logits);
    for (int i = 0; i < k; i++)
        gold_int_step(&g->g, g->last[i], i < k - 1 ? 0 : logits);
    g->len = 0;
}

/* Steps 3 and 4: the trailing P, and its state into the queue. */
static void close_segment(struct gold_hmt *g)
{
    const struct num_hmt *h = g->h;
    g->len = -1;
    if (h->memories == 0)
        return;
    gold_int_row(&g->g, g->p, 0);
    struct num_scale s = state(g);
    int64_t slot = g->pushed++ % h->memories;
    gold_hmt_project(&h->k, h->dm, h->d, g->g.code, s, g->key + slot * h->dm);
    gold_hmt_memory(g->g.code, s, h->size, h->m_frac, h->d, g->m + slot * h->d);
}

void gold_hmt_feed(struct gold_hmt *g, const int32_t *token, int n,
                   void (*predict)(void *user, int i, const int32_t *logits),
                   void *user, int32_t *logits)
{
    const struct num_hmt *h = g->h;
    int32_t *all = predict ? logits : 0;
    for (int at = 0; at < n;) {
        bool fresh = g->len < 0;
        if (fresh) {
            int m = n - at < h->segment ? n - at : h->segment;
            open_segment(g, token + at, m, all);
        }
        for (; at < n && g->len < h->segment; at++) {
            if (predict && g->tokens > 0 && (fresh || at > 0))
                predict(user, at, logits);
            fresh = true; /* the logits are of this call */
            g->len++;
            g->tokens++;
            int last = at == n - 1 && g->len < h->segment;
            gold_int_step(&g->g, token[at], last ? logits : all);
            memmove(g->last, g->last + 1,
                    (size_t)(h->sensory > 0 ? h->sensory - 1 : 0) *
                        sizeof *g->last);
            if (h->sensory > 0)
                g->last[h->sensory - 1] = token[at];
        }
        if (g->len == h->segment)
            close_segment(g);
    }
    if (g->len < 0)
        open_segment(g, 0, 0, logits);
}
