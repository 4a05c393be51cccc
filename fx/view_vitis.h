/* SPDX-License-Identifier: Apache-2.0 */
/* fx/view_vitis.h -- fx.h as Vitis HLS reads it: C++14 with ap_int.h and
 * hls_stream.h. A beat is an ap_uint, a port a typed end of an hls::stream. */
#ifndef FX_VIEW_VITIS_H
#define FX_VIEW_VITIS_H
#include <ap_int.h>
#include <hls_stream.h>
#include "fx/elem.h"

#ifndef _Static_assert
#define _Static_assert static_assert
#endif

#define FX_INT(n)  ap_int<(n)>
#define FX_UINT(n) ap_uint<(n)>
#define FX_MODULE  static
/* clang-format off */
#define FX_ZERO {0}
/* clang-format on */

template <int BITS, int IS_SIGNED> struct fx_raw {
    typedef ap_uint<BITS> type;
};
template <int BITS> struct fx_raw<BITS, 1> {
    typedef ap_int<BITS> type;
};

#define FX_X(T, bits_, sgn, cont, val)                                         \
    struct fx_##T {                                                            \
        enum { bits = (bits_) };                                               \
        typedef fx_raw<bits_, sgn>::type raw;                                  \
        typedef val value;                                                     \
    };                                                                         \
    enum { fx_bits_##T = (bits_) };
FX_ELEMENTS(FX_X)
#undef FX_X

template <class T, int W>
inline typename T::value fx_get(const ap_uint<W> &b, int k)
{
    typename T::raw lane =
        (typename T::raw)b.range((k + 1) * T::bits - 1, k * T::bits);
    return (typename T::value)lane;
}

template <class T, int W, class V>
inline void fx_set(ap_uint<W> &b, int k, const V &v)
{
    b.range((k + 1) * T::bits - 1, k * T::bits) = (ap_uint<T::bits>)v;
}

#define FX_BEAT(T, n)      ap_uint<((n) * FX_JOIN(fx_bits_, T))>
#define FX_GET(T, b, k)    fx_get<struct FX_JOIN(fx_, T)>(b, k)
#define FX_SET(T, b, k, v) fx_set<struct FX_JOIN(fx_, T)>(b, k, v)

/* ---- ports -------------------------------------------------------------- */

template <class T, int N> struct fx_in {
    hls::stream<ap_uint<N * T::bits>> *s;
    ap_uint<N * T::bits> read() const
    {
        return s->read();
    }
};
template <class T, int N> struct fx_out {
    hls::stream<ap_uint<N * T::bits>> *s;
    void write(const ap_uint<N * T::bits> &v) const
    {
        s->write(v);
    }
};
template <class T, int N> struct fx_channel {
    hls::stream<ap_uint<N * T::bits>> s;
    fx_in<T, N> from()
    {
        fx_in<T, N> end = {&s};
        return end;
    }
    fx_out<T, N> to()
    {
        fx_out<T, N> end = {&s};
        return end;
    }
};

#define FX_IN(T, n)    fx_in<struct FX_JOIN(fx_, T), (n)>
#define FX_OUT(T, n)   fx_out<struct FX_JOIN(fx_, T), (n)>
#define FX_READ(p)     ((p).read())
#define FX_WRITE(p, v) ((p).write(v))
#define FX_FROM(c)     ((c).from())
#define FX_TO(c)       ((c).to())

#define FX_PRAGMA(x) _Pragma(#x)
#define FX_STREAM(T, n, name, depth_)                                          \
    fx_channel<struct FX_JOIN(fx_, T), (n)> name;                              \
    FX_PRAGMA(HLS stream variable = name.s depth = depth_)
#define FX_STREAMS(T, n, name, count, depth_)                                  \
    fx_channel<struct FX_JOIN(fx_, T), (n)> name[count];                       \
    FX_PRAGMA(HLS stream variable = name depth = depth_)

/* ---- loops and tasks ---------------------------------------------------- */

#define FX_PIPELINE(name, ii) FX_PRAGMA(HLS pipeline II = ii)
#define FX_UNROLL             FX_PRAGMA(HLS unroll)
#define FX_NEST               ((void)0)
#define FX_NODEP(array)                                                        \
    FX_PRAGMA(HLS dependence variable = array inter false)
#define FX_DATAFLOW           FX_PRAGMA(HLS dataflow)

#define FX_TASK(fn, ...)                                                       \
    do {                                                                       \
        struct FX_JOIN(fn, _ports) fx_p = {__VA_ARGS__};                       \
        fn(&fx_p);                                                             \
    } while (0)
#define FX_TASK_AT(fn, i, ...) FX_TASK(fn, __VA_ARGS__)
#define FX_ENTRY(fn)           FX_ENTRY_(fn)
#define FX_ENTRY_(fn)                                                          \
    __attribute__((unused)) static void fn##_task(const void *p)               \
    {                                                                          \
        fn((const struct fn##_ports *)p);                                      \
    }

#endif
