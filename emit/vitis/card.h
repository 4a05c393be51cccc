/* SPDX-License-Identifier: Apache-2.0 */
/* emit/vitis/card.h -- what stands between a design in its Vitis view and the
 * AXI4 ports of a kernel: processes of a dataflow region.
 *
 *     run --> card_feed --> table, ends, ids        y --> card_keep --> out
 *     X_req --> card_read --> X             X_write --> card_write --> X_ack
 *
 * Words of W bits lie behind one another, each in whole bytes, in beats of BEAT
 * bits. A request is {address, length} in words; one of CARD_END words ends its
 * process, and the token CARD_END ends card_keep: the design is followed by one
 * of each.
 *
 * The acknowledgement of a write is sent when its last word has been handed to
 * the port; that it waits for the answer of the memory is HLS's to schedule.
 */
#ifndef EMIT_VITIS_CARD_H
#define EMIT_VITIS_CARD_H
#include "fx/fx.h"

/* Tests run a process as a thread; for HLS it is a call. */
#ifndef CARD_TASK
#define CARD_TASK(fn, ...) fn(__VA_ARGS__)
#define CARD_STREAM(bits, name, deep)                                          \
    hls::stream<ap_uint<(bits)>> name;                                         \
    FX_PRAGMA(HLS stream variable = name depth = deep)
#endif

#define CARD_IN(number, name, bits)  const ap_uint<bits> *name
#define CARD_OUT(number, name, bits) ap_uint<bits> *name
#define CARD_INT(number, name, bits) uint##bits##_t name

static const uint32_t CARD_END = 0xFFFFFFFFu;

static inline uint32_t card_length(const ap_uint<64> &req)
{
    return (uint32_t)(ap_uint<32>)req.range(63, 32);
}

static inline uint32_t card_address(const ap_uint<64> &req)
{
    return (uint32_t)(ap_uint<32>)req.range(31, 0);
}

static void card_finish(hls::stream<ap_uint<64>> &req)
{
    req.write(ap_uint<64>(CARD_END) << 32);
}

/* n words from word `at` on. */
template <int W, int BEAT>
static void card_fetch(const ap_uint<BEAT> *mem, uint32_t at, uint32_t n,
                       hls::stream<ap_uint<W>> &data)
{
    enum { BYTES = (W + 7) / 8, STEP = BEAT / 8, ROOM = STEP + BYTES };
    if (STEP == BYTES) {
        for (uint32_t i = 0; i < n; i++) {
            FX_PRAGMA(HLS pipeline II = 1)
            data.write((ap_uint<W>)mem[at + i]);
        }
        return;
    }
    uint64_t from = (uint64_t)at * BYTES, beat = from / STEP;
    int lost = (int)(from % STEP), have = 0; /* bytes */
    ap_uint<8 * ROOM> store = 0;
    for (uint32_t left = n; left > 0;) {
        FX_PRAGMA(HLS pipeline II = 1)
        if (have < BYTES) {
            ap_uint<8 * ROOM> more = mem[beat++];
            store |= (ap_uint<8 * ROOM>)(more >> 8 * lost) << 8 * have;
            have += STEP - lost;
            lost = 0;
        }
        if (have >= BYTES) {
            data.write((ap_uint<W>)store);
            store = store >> 8 * BYTES;
            have -= BYTES;
            left--;
        }
    }
}

template <int W, int BEAT>
static void card_read(const ap_uint<BEAT> *mem, hls::stream<ap_uint<64>> &req,
                      hls::stream<ap_uint<W>> &data)
{
    for (ap_uint<64> r = req.read(); card_length(r) != CARD_END; r = req.read())
        card_fetch<W, BEAT>(mem, card_address(r), card_length(r), data);
}

/* Words that are written are whole beats. */
template <int W>
static void card_store(ap_uint<W> *mem, uint32_t at, uint32_t n,
                       hls::stream<ap_uint<W>> &data)
{
    for (uint32_t i = 0; i < n; i++) {
        FX_PRAGMA(HLS pipeline II = 1)
        mem[at + i] = data.read();
    }
}

template <int W>
static void card_write(ap_uint<W> *mem, hls::stream<ap_uint<64>> &req,
                       hls::stream<ap_uint<W>> &data,
                       hls::stream<ap_uint<1>> &ack)
{
    for (ap_uint<64> r = req.read(); card_length(r) != CARD_END;
         r = req.read()) {
        card_store<W>(mem, card_address(r), card_length(r), data);
        if (card_length(r) > 0)
            ack.write(1);
    }
}

/* n beats of W bits out of 32-bit words; gives the words read so far. */
template <int W>
static uint32_t card_beats(const ap_uint<32> *run, uint32_t at, uint32_t n,
                           hls::stream<ap_uint<W>> &y)
{
    for (uint32_t i = 0; i < n; i++) {
        ap_uint<W> beat = 0;
        for (int k = 0; k < W / 32; k++) {
            FX_PRAGMA(HLS pipeline II = 1)
            beat.range(32 * k + 31, 32 * k) = run[at++];
        }
        y.write(beat);
    }
    return at;
}

template <int T, int I>
static void card_feed(const ap_uint<32> *run, uint32_t steps, uint32_t beats,
                      hls::stream<ap_uint<T>> &table,
                      hls::stream<ap_uint<I>> &ids)
{
    uint32_t at = card_beats<T>(run, 0, steps, table);
    (void)card_beats<I>(run, at, beats, ids);
}

template <int T, int I>
static void card_feed_ends(const ap_uint<32> *run, uint32_t steps,
                           uint32_t beats, hls::stream<ap_uint<T>> &table,
                           hls::stream<ap_uint<256>> &ends,
                           hls::stream<ap_uint<I>> &ids)
{
    uint32_t at = card_beats<T>(run, 0, steps, table);
    at = card_beats<256>(run, at, 1, ends);
    (void)card_beats<I>(run, at, beats, ids);
}

/* out[0] tokens, then they. */
static void card_keep(ap_uint<32> *out, hls::stream<ap_uint<32>> &y)
{
    uint32_t n = 0;
    for (uint32_t id = y.read(); id != CARD_END; id = y.read())
        out[++n] = id;
    out[0] = n;
}

/* No stream of tokens: none. */
static void card_none(ap_uint<32> *out)
{
    out[0] = 0;
}

#endif
