/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fx/vitis/hls_stream.h -- enough of hls::stream to run one module as
 * C++: an unbounded queue. A read of an empty one asks `refill` first (the
 * memory model hangs there) and aborts if nothing comes. */
#ifndef TESTS_FX_HLS_STREAM_H
#define TESTS_FX_HLS_STREAM_H
#include <deque>
#include <functional>
#include <stdio.h>
#include <stdlib.h>

namespace hls
{
template <class T> class stream
{
  public:
    std::function<void()> refill;

    bool empty() const
    {
        return queue.empty();
    }
    T read()
    {
        if (queue.empty() && refill)
            refill();
        if (queue.empty()) {
            fputs("hls::stream: read while empty\n", stderr);
            abort();
        }
        T v = queue.front();
        queue.pop_front();
        return v;
    }
    void write(const T &v)
    {
        queue.push_back(v);
    }

  private:
    std::deque<T> queue;
};
} // namespace hls

#endif
