/* SPDX-License-Identifier: Apache-2.0 */
/* tests/emit/vitis/threads.h -- stands before a kernel for Vitis HLS, so that
 * it runs as C++: every task of a dataflow region is a thread, a region ends
 * when all have. Streams of a region are never freed: its threads may still
 * use them while it is left. */
#ifndef TESTS_EMIT_THREADS_H
#define TESTS_EMIT_THREADS_H
#define FX_VIEW_VITIS
#include "fx/fx.h"
#include <thread>
#include <vector>

struct card_region {
    std::vector<std::thread> tasks;
    template <class F> void add(F f)
    {
        tasks.emplace_back(f);
    }
    ~card_region()
    {
        for (auto &t : tasks)
            t.join();
    }
};

#undef FX_DATAFLOW
#undef FX_TASK
#undef FX_STREAM
#undef FX_STREAMS
#define FX_DATAFLOW card_region card_here
#define FX_TASK(fn, ...)                                                       \
    do {                                                                       \
        struct FX_JOIN(fn, _ports) fx_p = {__VA_ARGS__};                       \
        card_here.add([fx_p] { fn(&fx_p); });                                  \
    } while (0)
#define FX_STREAM(T, n, name, depth_)                                          \
    auto &name = *new fx_channel<struct FX_JOIN(fx_, T), (n)>
#define FX_STREAMS(T, n, name, count, depth_)                                  \
    auto &name = *(fx_channel<struct FX_JOIN(fx_, T), (n)>(                    \
            *)[count]) new fx_channel<struct FX_JOIN(fx_, T), (n)>[count]

#define CARD_TASK(fn, ...) card_here.add([&] { fn(__VA_ARGS__); })
#define CARD_STREAM(bits, name, deep)                                          \
    auto &name = *new hls::stream<ap_uint<(bits)>>;

#endif
