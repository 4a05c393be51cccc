/* SPDX-License-Identifier: Apache-2.0 */
/* fx/view_fxc.h -- fx.h as fxc reads it. A beat is one unsigned _BitInt; a
 * port is a pointer into address space 1 (in) or 2 (out) and an access is one
 * volatile load or store of the word. The pointee `array of n struct fx_T` is
 * never loaded: it makes ports of different element types or lane counts
 * different types. A local FIFO is a local array, its length the depth. */
#ifndef FX_VIEW_FXC_H
#define FX_VIEW_FXC_H
#include "fx/elem.h"

#define FX_AS(n)   __attribute__((address_space(n)))
#define FX_INT(n)  signed _BitInt(n)
#define FX_UINT(n) unsigned _BitInt(n)
#define FX_MODULE
#define FX_ZERO {0}

#define FX_X(T, bits_, sgn, cont, val)                                         \
    struct fx_##T {                                                            \
        char bits[bits_];                                                      \
    };                                                                         \
    enum { fx_bits_##T = (bits_) };                                            \
    typedef val fx_val_##T;
FX_ELEMENTS(FX_X)
#undef FX_X

/* Signed elements sign-extend through a signed _BitInt of their width. */
#define FX_LANE_u1    unsigned _BitInt(1)
#define FX_LANE_u2    unsigned _BitInt(2)
#define FX_LANE_i4    signed _BitInt(4)
#define FX_LANE_u4    unsigned _BitInt(4)
#define FX_LANE_i8    signed _BitInt(8)
#define FX_LANE_u8    unsigned _BitInt(8)
#define FX_LANE_i16   signed _BitInt(16)
#define FX_LANE_u16   unsigned _BitInt(16)
#define FX_LANE_i27   signed _BitInt(27)
#define FX_LANE_i32   signed _BitInt(32)
#define FX_LANE_u32   unsigned _BitInt(32)
#define FX_LANE_i40   signed _BitInt(40)
#define FX_LANE_i48   signed _BitInt(48)
#define FX_LANE_i64   signed _BitInt(64)
#define FX_LANE_u64   unsigned _BitInt(64)
#define FX_LANE_scale unsigned _BitInt(32)

#define FX_BEAT(T, n) unsigned _BitInt((n) * FX_JOIN(fx_bits_, T))
#define FX_GET(T, b, k)                                                        \
    ((FX_JOIN(fx_val_, T))(FX_JOIN(FX_LANE_, T))(                              \
        (b) >> ((k) * (int)FX_JOIN(fx_bits_, T))))
#define FX_SET(T, b, k, v)                                                     \
    ((b) = ((b) & ~((typeof(b))(unsigned _BitInt(FX_JOIN(fx_bits_, T))) ~0ull  \
                    << ((k) * (int)FX_JOIN(fx_bits_, T)))) |                   \
           (typeof(b))(unsigned _BitInt(FX_JOIN(fx_bits_, T)))(v)              \
               << ((k) * (int)FX_JOIN(fx_bits_, T)))

#define FX_IN(T, n)                                                            \
    typeof(const volatile struct FX_JOIN(fx_, T) FX_AS(1)(*)[n])
#define FX_OUT(T, n) typeof(volatile struct FX_JOIN(fx_, T) FX_AS(2)(*)[n])
#define FX_WORD(s)   unsigned _BitInt(sizeof(*(s)))
#define FX_READ(s)   (*(const volatile FX_WORD(s) FX_AS(1) *)(s))
#define FX_WRITE(s, v)                                                         \
    ((void)_Generic((v), FX_WORD(s): 0),                                       \
     *(volatile FX_WORD(s) FX_AS(2) *)(s) = (v))

#define FX_STREAM(T, n, name, depth)                                           \
    struct {                                                                   \
        FX_BEAT(T, n) w;                                                       \
        struct FX_JOIN(fx_, T) t[0][n];                                        \
    } name[depth]
#define FX_STREAMS(T, n, name, count, depth) FX_STREAM(T, n, name[count], depth)
#define FX_FROM(s)                                                             \
    ((typeof(const volatile typeof((s)[0].t[0][0]) FX_AS(                      \
        1)(*)[sizeof((s)[0].t[0]) / sizeof((s)[0].t[0][0])]))(s))
#define FX_TO(s)                                                               \
    ((typeof(volatile typeof((s)[0].t[0][0]) FX_AS(                            \
        2)(*)[sizeof((s)[0].t[0]) / sizeof((s)[0].t[0][0])]))(s))

/* Markers: fxc finds the calls and drops them. */
void __fx_pipeline(const char *name, int ii)
    __attribute__((nothrow, leaf, noduplicate));
void __fx_unroll(void) __attribute__((nothrow, leaf));
void __fx_nodep(const volatile void *array) __attribute__((nothrow, leaf));
void __fx_dataflow(void) __attribute__((nothrow, leaf));
#define FX_PIPELINE(name, ii) __fx_pipeline(#name, ii)
#define FX_UNROLL             __fx_unroll()
#define FX_NEST               ((void)0)
#define FX_NODEP(array)       __fx_nodep(array)
#define FX_DATAFLOW           __fx_dataflow()

#define FX_INLINE              [[clang::always_inline]]
#define FX_TASK(fn, ...)       fn(&(struct FX_JOIN(fn, _ports)){__VA_ARGS__})
#define FX_TASK_AT(fn, i, ...) FX_TASK(fn, __VA_ARGS__)
#define FX_ENTRY(fn)

#endif
