/* SPDX-License-Identifier: Apache-2.0 */
/* tests/emit/vitis/hls_stream.h -- hls::stream between threads: unbounded, a
 * read of an empty one waits. */
#ifndef TESTS_EMIT_HLS_STREAM_H
#define TESTS_EMIT_HLS_STREAM_H
#include <condition_variable>
#include <deque>
#include <mutex>

namespace hls
{
template <class T> class stream
{
  public:
    bool empty()
    {
        std::lock_guard<std::mutex> lock(mutex);
        return queue.empty();
    }
    T read()
    {
        std::unique_lock<std::mutex> lock(mutex);
        there.wait(lock, [this] { return !queue.empty(); });
        T v = queue.front();
        queue.pop_front();
        return v;
    }
    void write(const T &v)
    {
        std::lock_guard<std::mutex> lock(mutex);
        queue.push_back(v);
        there.notify_one();
    }

  private:
    std::mutex mutex;
    std::condition_variable there;
    std::deque<T> queue;
};
} // namespace hls

#endif
