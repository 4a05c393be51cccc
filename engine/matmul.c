/* SPDX-License-Identifier: Apache-2.0 */
/* engine/matmul.c -- matrix products: cuts them into items for the threads
 * and each item into the kernels' tiles.
 *
 * With few rows an item is a few panels: long enough to hide the claim, short
 * enough that nobody waits long for the last one. With many rows a thread has
 * a chunk of them to itself (forward.c) and takes all panels. Panels are the
 * outer loop: a panel stays in the first-level cache, the chunk's codes and
 * results in the second.
 */
#include "engine/engine_int.h"
#include <string.h>

/* Largest share of an item, in multiply-accumulates. */
enum { ITEM_MACS = 1500000, ITEM_BYTES = 40000 };

/* One output from the model's own codes, in 64 bits. */
static int32_t plain(const struct num_qlinear *q, const int8_t *x,
                     const struct num_qparam *p, int o)
{
    int64_t acc = 0, part = 0;
    int group = q->group ? q->group : q->din;
    for (int i = 0; i < q->din; i++) {
        part += (x[i] - p->zp) * num_weight(q, o, i);
        if ((i + 1) % group == 0) {
            size_t g =
                (size_t)o * (size_t)(q->din / group) + (size_t)(i / group);
            acc += part * (q->group ? q->mul[g] : 1);
            part = 0;
        }
    }
    struct num_scale sw = {q->mant[o], q->exp[o]};
    return (int32_t)num_dequant(acc, p->scale, sw, q->frac,
                                q->bias ? q->bias[o] : 0, q->obits);
}

static void plain_rows(const struct eng_mm *m, int i, int row, int n, int from,
                       int to)
{
    for (int t = row; t < row + n; t++)
        for (int o = from; o < to; o++) {
            int32_t *y = m->y[i] + t * m->ys[i] + o - m->y_first;
            int32_t v =
                plain(m->lin[i]->q, m->in->x + t * m->in->xs, &m->in->q[t], o);
            *y = m->add ? (int32_t)num_sat((int64_t)*y + v, NUM_RES_BITS) : v;
        }
}

/* One tile: n rows from `row`, one panel of linear i. */
static void tile(const struct eng_mm *m, int i, int panel, int row, int n,
                 const uint8_t *next)
{
    const struct eng_lin *l = m->lin[i];
    const struct eng_in *in = m->in;
    int p = m->e->k->vec / 2, o = panel * p;
    int left = l->q->dout - o;
    int slow = l->plain;
    /* num_shift caps left shifts at 8: no sane scale gets there */
    for (int t = row; t < row + n; t++)
        slow |= in->q[t].scale.exp + l->top_exp + 16 > 8;
    if (slow) {
        plain_rows(m, i, row, n, o, o + (left < p ? left : p));
        return;
    }
    static const double none[ENG_MAX_PANEL];
    _Alignas(64) int32_t acc[ENG_MAX_ROWS * ENG_MAX_PANEL];
    l->mm(&(struct eng_tile){
        .x = in->x + row * in->xs,
        .pre = in->pre + row * in->ps,
        .pair = in->pair ? in->pair + row * in->ps : NULL,
        .w = eng_panel(l, panel),
        .next = next,
        .mul = l->mul ? l->mul + (ptrdiff_t)panel * (l->blocks / l->gblocks) * p
                      : NULL,
        .xs = in->xs,
        .ps = in->ps,
        .n = n,
        .run = in->run + row,
        .blocks = l->blocks,
        .gblocks = l->gblocks,
        .acc = acc,
    });
    m->e->k->dequant(&(struct eng_dequant){
        .acc = acc,
        .xs = in->scale + row,
        .zp = in->zp + row,
        .ws = l->ws + o,
        .colsum = l->colsum + o,
        .bias = l->bias ? l->bias + o : none,
        .panel = p,
        .valid = left < p ? left : p,
        .n = n,
        .obits = l->q->obits,
        .add = m->add,
        .y = m->y[i] + row * m->ys[i] + o - m->y_first,
        .ys = m->ys[i],
    });
}

/* What follows panel p of linear i: its next one, the next linear's first, or
 * what the caller does next. */
static const uint8_t *next_panel(const struct eng_mm *m, int i, int p, int more,
                                 int others)
{
    const uint8_t *next = others ? m->lin[i + 1]->w : m->next;
    return more || !next ? eng_panel(m->lin[i], p + 1) : next;
}

static void panels(const struct eng_mm *m, int from, int to, int row0, int row1)
{
    int step = m->e->k->rows;
    for (int i = 0, base = 0; i < m->count; base += m->lin[i]->panels, i++) {
        int a = from > base ? from - base : 0;
        int b = to - base < m->lin[i]->panels ? to - base : m->lin[i]->panels;
        for (int p = a; p < b; p++)
            for (int t = row0; t < row1; t += step)
                tile(m, i, p, t, row1 - t < step ? row1 - t : step,
                     next_panel(m, i, p, p + 1 < b,
                                i + 1 < m->count && base + b < to));
    }
}

void eng_matmul_panels(const struct eng_mm *m, int from, int to)
{
    panels(m, from, to, 0, m->rows);
}

static void item(void *arg, int index, int thread)
{
    const struct eng_mm *m = arg;
    int from = index / m->row_chunks * m->panel_step;
    int row0 = index % m->row_chunks * m->row_step;
    int row1 = row0 + m->row_step < m->rows ? row0 + m->row_step : m->rows;
    panels(m, from, from + m->panel_step, row0, row1);
}

void eng_matmul(struct eng_mm *m)
{
    int all = 0;
    for (int i = 0; i < m->count; i++)
        all += m->lin[i]->panels;
    if (!m->parallel) {
        panels(m, 0, all, 0, m->rows);
        return;
    }
    int tile_rows = m->e->k->unit;
    int64_t macs = (int64_t)m->lin[0]->blocks * ENG_KB * (m->e->k->vec / 2);
    /* rows: all, or a half, or less, in whole tiles */
    m->row_chunks = (int)((macs * m->rows + ITEM_MACS - 1) / ITEM_MACS);
    int tiles = (m->rows + tile_rows - 1) / tile_rows;
    m->row_step = (tiles + m->row_chunks - 1) / m->row_chunks * tile_rows;
    m->row_chunks = (m->rows + m->row_step - 1) / m->row_step;
    int64_t by_macs = ITEM_MACS / (macs * m->row_step);
    int64_t by_bytes = ITEM_BYTES / (macs / 2);
    int64_t step = by_macs < by_bytes ? by_macs : by_bytes;
    m->panel_step = step < 1 ? 1 : step > all ? all : (int)step;
    int chunks = (all + m->panel_step - 1) / m->panel_step;
    pool_run(m->e->pool, item, m, chunks * m->row_chunks);
}
