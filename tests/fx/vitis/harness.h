/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/vitis/harness.h -- tests/fx/harness.h for the Vitis view: the same
 * test sources as C++14 with Xilinx's ap_int.h, so that equal results are
 * shown by passing the same checks. There are no tasks here: queues are
 * unbounded, h_run calls the modules, the last one spawned first, and a memory
 * serves requests when its data queue runs dry.
 */
#ifndef TESTS_FX_VITIS_HARNESS_H
#define TESTS_FX_VITIS_HARNESS_H
#include <functional>
#include <memory>
#include <string>
#include <vector>
extern "C" {
#include "golden/ops.h"
}

struct sim;
static struct sim *h_sim;

/* What a case has opened and started; h_end empties it. */
struct h_world {
    std::vector<std::function<bool()>> full; /* says so of each stream */
    std::vector<std::string> names;
    std::vector<std::function<void()>> tasks, memories;
};
static h_world h_now;

static inline void h_begin(const char *name, unsigned depth)
{
    h_case = name;
    h_depth = depth;
    h_now = h_world();
}

template <class T, int N> static fx_channel<T, N> &h_open(const char *name)
{
    std::shared_ptr<fx_channel<T, N>> c(new fx_channel<T, N>);
    h_now.full.push_back([c] { return !c->s.empty(); });
    h_now.names.push_back(name);
    return *c;
}

#define H_INPUT(T, n, x)  auto &x = h_open<struct FX_JOIN(fx_, T), (n)>(#x)
#define H_OUTPUT(T, n, y) H_INPUT(T, n, y)
#define H_PUT(x, beat)    ((x).s.write(beat))
#define H_HAVE(y)         (!(y).s.empty())

template <class T, int N>
static ap_uint<N * T::bits> h_take(fx_channel<T, N> &y)
{
    return y.s.empty() ? ap_uint<N * T::bits>(0) : y.s.read();
}
#define H_TAKE(y)                                                              \
    ({                                                                         \
        CHECK(H_HAVE(y));                                                      \
        h_take(y);                                                             \
    })

static inline void fx_spawn(const char *, int, void (*entry)(const void *),
                            const void *ports, size_t)
{
    h_now.tasks.push_back([=] { entry(ports); });
}

static inline bool sim_run(struct sim *)
{
    while (!h_now.tasks.empty()) {
        std::function<void()> task = h_now.tasks.back();
        h_now.tasks.pop_back();
        task();
        for (auto &serve : h_now.memories)
            serve();
    }
    return true;
}

static inline void h_run(uint64_t)
{
    h_checks++;
    sim_run(h_sim);
}
static inline void h_run_ideal(uint64_t cycles)
{
    h_run(cycles);
}

#define H_RUN(fn, ports)                                                       \
    do {                                                                       \
        fx_spawn(FX_STR(fn), -1, FX_JOIN(fn, _task), &(ports), sizeof(ports)); \
        h_run(FX_JOIN(fn, _cycles)(&(ports)));                                 \
    } while (0)

static inline void h_end(void)
{
    for (size_t k = 0; k < h_now.full.size(); k++) {
        h_checks++;
        if (h_now.full[k]() && h_bad++ < 10)
            printf("%s, seed %u: left over: %s\n", h_case, h_seed,
                   h_now.names[k].c_str());
    }
    h_now = h_world();
}

/* ---- memory: sim/memory.h without time ------------------------------------- */

#define SIM_MEMORY_H
struct sim_channel {
    uint8_t *bytes;
    size_t size;
    unsigned latency, bytes_per_cycle;
    uint64_t busy_until, bytes_read, bytes_written, requests;
};

template <int W> static ap_uint<W> h_load(const uint8_t *word)
{
    ap_uint<(W + 7) / 8 * 8> v = 0;
    for (int k = 0; k < (W + 7) / 8; k++)
        v.range(8 * k + 7, 8 * k) = ap_uint<8>(word[k]);
    return ap_uint<W>(v);
}

template <int W> static void h_store(uint8_t *word, const ap_uint<W> &beat)
{
    ap_uint<(W + 7) / 8 * 8> v = beat;
    for (int k = 0; k < (W + 7) / 8; k++)
        word[k] = (uint8_t)(unsigned)v.range(8 * k + 7, 8 * k);
}

template <class T, int N>
static void sim_memory_read(struct sim *, struct sim_channel *c,
                            fx_channel<struct fx_u32, 2> &request,
                            fx_channel<T, N> &data)
{
    enum { BYTES = (N * T::bits + 7) / 8 };
    auto serve = [c, &request, &data] {
        while (!request.s.empty()) {
            ap_uint<64> r = request.s.read();
            uint32_t at = FX_GET(u32, r, 0), words = FX_GET(u32, r, 1);
            c->requests++;
            c->bytes_read += (uint64_t)words * BYTES;
            for (uint32_t k = 0; k < words; k++)
                data.s.write(
                    h_load<N * T::bits>(c->bytes + (size_t)(at + k) * BYTES));
        }
    };
    data.s.refill = serve;
    h_now.memories.push_back(serve);
}

template <class T, int N>
static void h_memory_write(struct sim_channel *c,
                           fx_channel<struct fx_u32, 2> &request,
                           fx_channel<T, N> &data, hls::stream<ap_uint<1>> *ack)
{
    enum { BYTES = (N * T::bits + 7) / 8 };
    h_now.memories.push_back([c, &request, &data, ack] {
        while (!request.s.empty()) {
            ap_uint<64> r = request.s.read();
            uint32_t at = FX_GET(u32, r, 0), words = FX_GET(u32, r, 1);
            for (uint32_t k = 0; k < words; k++)
                h_store<N * T::bits>(c->bytes + (size_t)(at + k) * BYTES,
                                     data.s.read());
            if (ack)
                ack->write(1);
        }
    });
}

template <class T, int N>
static void sim_memory_write(struct sim *, struct sim_channel *c,
                             fx_channel<struct fx_u32, 2> &request,
                             fx_channel<T, N> &data, fx_out<fx_u1, 1> ack)
{
    h_memory_write(c, request, data, ack.s);
}

template <class T, int N>
static void sim_memory_write(struct sim *, struct sim_channel *c,
                             fx_channel<struct fx_u32, 2> &request,
                             fx_channel<T, N> &data, std::nullptr_t)
{
    h_memory_write(c, request, data, (hls::stream<ap_uint<1>> *)0);
}

#endif
