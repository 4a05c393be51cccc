/* SPDX-License-Identifier: Apache-2.0 */
/* designs/hmt_host.h -- the part of designs/host.c that starts designs/hmt.c;
 * included there, once, with -DDSN_HMT. */
#ifndef DESIGNS_HMT_HOST_H
#define DESIGNS_HMT_HOST_H
#include "designs/hmt_image.h"

#if DSN_STAGE == 1
#define HMT_WRITE_PORT(T, n, what, mem, req_port, port, ack_port)              \
    do {                                                                       \
        FX_ANY(u32, 2) req_ = FX_OPEN(u32, 2, #what "_req", -1, 2);            \
        FX_ANY(T, n) data_ = FX_OPEN(T, n, #what, -1, 2);                      \
        FX_ANY(u1, 1) ack_ = FX_OPEN(u1, 1, #what "_ack", -1, 2);              \
        sim_memory_write(h->sim, channel(h, mem, AT(embed)), req_, data_,      \
                         ack_);                                                \
        req_port = FX_TO(req_);                                                \
        port = FX_TO(data_);                                                   \
        ack_port = FX_FROM(ack_);                                              \
    } while (0)

static void take_done(void *done)
{
    FX_IN(u1, 1) x = FX_FROM((FX_ANY(u1, 1))done);
    for (;;)
        (void)FX_READ(x);
}

static void start(struct host *h)
{
    const struct dsn_scalars s = dsn_scalars_of(DSN_STAGE, h->job);
    const struct dsn_hmt_run *r = h->job->hmt;
    const struct dsn_hmt *m = r->hmt;
    struct dsn_mem embed = h->job->image->embed;
    struct hmt_decode_ports P = {
        .given = s.given,
        .vocab = s.vocab,
        .k = s.k,
        .t_scale = s.t_scale,
        .top_p = s.top_p,
        .seed = s.seed,
        .search = r->search,
        .push = r->push,
        .slot = r->slot,
        .ring_slots = m->slots,
        .live = r->live,
        .keys = m->keys,
        .rows = m->rows,
        .s_scale = m->s_scale,
        .row_frac = m->row_frac,
        .row_words = m->row_words,
        .row_at = m->row_at,
    };
    COMMON_PORTS(h, P);
    IDS_PORT(h, P);
    READ_PORT(i16, BP, ring_read, -1, m->ring, AT(embed), P.ring_read_req,
              P.ring_read);
    HMT_WRITE_PORT(i16, BP, ring_write, m->ring, P.ring_write_req, P.ring_write,
                   P.ring_ack);
    HMT_WRITE_PORT(i8, KP, row, embed, P.row_req, P.row, P.row_ack);
    FX_STREAM(u32, 8, ends, 2);
    FX_STREAM(u32, 1, y, 2);
    FX_STREAMS(u1, 1, done, 2, 2);
    sim_source(ends, give_ends, h);
    P.ends = FX_FROM(ends);
    P.y = FX_TO(y);
    P.done[0] = FX_TO(done[0]);
    P.done[1] = FX_TO(done[1]);
    h->y = (struct fx_fifo *)y;
    sim_daemon(h->sim, "take tokens", take_tokens, h);
    sim_daemon(h->sim, "take pushed", take_done, done[0]);
    sim_daemon(h->sim, "take written", take_done, done[1]);
    fx_spawn("hmt_decode", -1, hmt_decode_task, &P, sizeof P);
}
#else
static void start(struct host *h)
{
    const struct dsn_scalars s = dsn_scalars_of(DSN_STAGE, h->job);
    const struct dsn_hmt_run *r = h->job->hmt;
    struct dsn_mem text = {(uint8_t *)(uintptr_t)r->text,
                           r->tokens * sizeof *r->text};
    struct hmt_prefill_ports P = {
        .from = r->from, .count = r->count, .lead = r->vector};
    COMMON_PORTS(h, P);
    READ_PORT(u32, 1, text, -1, text, AT(embed), P.text_req, P.text);
    fx_spawn("hmt_prefill", -1, hmt_prefill_task, &P, sizeof P);
}
#endif

#endif
