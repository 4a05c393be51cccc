/* SPDX-License-Identifier: Apache-2.0 */
/* fx/fx.h -- the whole vocabulary of a module. One source, four meanings:
 *
 *   native           streams are bounded queues, tasks are coroutines (sim/)
 *   FX_VIEW_TIMED    the same, and every task has a clock
 *   FX_VIEW_FXC      what fxc reads: one word a beat, ports in address spaces
 *   FX_VIEW_VITIS    C++14 with ap_int.h and hls_stream.h
 *
 * Only this file and its view_*.h know which; a module has no #ifdef for it.
 *
 *   beats     FX_BEAT(T, n) b = FX_ZERO;     n lanes of element type T; n is
 *             FX_GET(T, b, k)                any integer constant expression
 *             FX_SET(T, b, k, v);            v wraps to T's width
 *   ports     FX_IN(T, n) x;  FX_OUT(T, n) y;   members of struct FX_(ports)
 *             FX_READ(p->x)   FX_WRITE(p->y, b)
 *   designs   FX_STREAM(T, n, u, depth);     FX_STREAMS(T, n, u, count, depth)
 *             FX_TASK(up, .x = p->x, .y = FX_TO(u), .tokens = p->tokens);
 *             FX_TASK(down, .x = FX_FROM(u), .y = p->y);
 *             FX_TASK_AT(pe, i, ...)         in a loop with FX_UNROLL
 *             FX_DATAFLOW;                   first statement of a design
 *             FX_CALL(up, .x = p->x, ...)    a module as a step of a task: runs
 *                                            to its end, then the task goes on
 *   loops     FX_PIPELINE(name, ii);  FX_UNROLL;   first in the loop's body
 *             FX_NEST;            first in the body of a loop around pipelined
 *                                 ones; only the timed view looks at it
 *             FX_NODEP(array);    no iteration reads what another one wrote
 *   integers  FX_INT(n), FX_UINT(n)          n bits, exact in hardware
 *   template  FX_NAME, FX_(member), FX_MODULE, fx/end.h
 *
 * Element types (fx/elem.h): u1 u2 i4 u4 i8 u8 i16 u16 i27 i32 u32 i40 i48
 * i64 u64 and `scale`, a word with a mantissa, an exponent and a zero point.
 * FX_GET gives a plain C integer that holds the value (int32_t for T below 32
 * bits), the same in every view, so arithmetic never depends on the view.
 */
#ifndef FX_FX_H
#define FX_FX_H
#include "num/num.h"

#define FX_JOIN_(a, b) a##b
#define FX_JOIN(a, b)  FX_JOIN_(a, b)
#define FX_STR_(a)     #a
#define FX_STR(a)      FX_STR_(a)
#define FX_(member)    FX_JOIN(FX_NAME, FX_JOIN_(_, member))

/* Bits needed to count 0 .. n-1, and bits needed for the number n. */
#define FX_CLOG2(n)   ((n) <= 1 ? 0 : 32 - __builtin_clz((unsigned)(n) - 1))
#define FX_BITS(n)    ((n) < 1 ? 1 : 32 - __builtin_clz((unsigned)(n)))
#define FX_CEIL(n, d) (((n) + (d) - 1) / (d))
#define FX_MAX(a, b)  ((a) > (b) ? (a) : (b))
#define FX_MIN(a, b)  ((a) < (b) ? (a) : (b))

#if defined FX_VIEW_FXC
#include "fx/view_fxc.h"
#elif defined FX_VIEW_VITIS
#include "fx/view_vitis.h"
#else
#include "fx/view_native.h"
#endif

#ifndef FX_INLINE
#define FX_INLINE
#endif
#define FX_CALL(fn, ...)                                                       \
    do {                                                                       \
        struct FX_JOIN(fn, _ports) fx_c = {__VA_ARGS__};                       \
        FX_INLINE fn(&fx_c);                                                   \
    } while (0)

/* ---- the `scale` word ---------------------------------------------------- */

/*   | zp : 8 | exp : 8, signed | mant : 16 |    mant * 2^exp, zero point zp */
NUM_FN uint32_t fx_scale_pack(struct num_scale s, int zp)
{
    return (uint32_t)s.mant | ((uint32_t)s.exp & 255u) << 16 |
           ((uint32_t)zp & 255u) << 24;
}

NUM_FN struct num_scale fx_scale(uint32_t word)
{
    struct num_scale s = {(uint16_t)(word & 0xFFFFu),
                          (int16_t)(int8_t)(uint8_t)(word >> 16)};
    return s;
}

NUM_FN int32_t fx_zp(uint32_t word)
{
    return (int32_t)(word >> 24);
}

#if defined FX_VIEW_FXC || defined FX_VIEW_VITIS
#define FX_WAY_(from, to, levels) UINT64_C(0)
#define FX_HAS(loop)              1
#else
/* Set by sim_timing_load; without levels: is there a way to that loop? */
__attribute__((weak)) int (*fx_way_cycles)(const char *module,
                                           const char *from, const char *to,
                                           int levels);
#define FX_WAY_(from, to, levels)                                              \
    (fx_way_cycles                                                             \
         ? (uint64_t)fx_way_cycles(FX_STR(FX_NAME), from, to, levels)          \
         : 0)
#define FX_HAS(loop)                                                           \
    (!fx_way_cycles || fx_way_cycles(FX_STR(FX_NAME), 0, #loop, 0))
#endif
#define FX_WAY(from, to, levels) FX_WAY_(#from, #to, levels)
#define FX_WAY_IN(to, levels)    FX_WAY_("start", #to, levels)
#define FX_WAY_OUT(from, levels) FX_WAY_(#from, "finish", levels)
#define FX_UNKNOWN               UINT64_MAX
#define FX_WAY_NONE              FX_WAY_("start", "finish", 0)
/* Of a module that is one loop of n iterations; one with an outer loop that
 * runs it k times. */
#define FX_LOOP_CYCLES(loop, n)                                                \
    ((n) ? FX_WAY_IN(loop, 0) + (n) + FX_WAY_OUT(loop, 0) : FX_WAY_NONE)
#define FX_NEST_CYCLES(loop, k, n)                                             \
    ((k) && (n) ? FX_WAY_IN(loop, 1) + (k) * (n) +                             \
                      ((k)-1) * FX_WAY(loop, loop, 1) + FX_WAY_OUT(loop, 0)    \
                : FX_WAY_NONE)

/* ---- what an instance costs ---------------------------------------------- */

/* Beside this record every module has
 *     uint64_t NAME_cycles(const struct NAME_ports *p)
 * the cycles of one call as a function of its run-time scalars, while inputs
 * come and outputs are taken at once; only the scalars of p are looked at.
 *
 * Iterations are counted by formula. What lies between loops depends on the
 * chip and the clock, so fxc says it (sim/timing.h): FX_WAY(a, b, levels) are
 * the cycles control takes from loop a to loop b while it enters `levels`
 * bodies of outer loops; FX_WAY_IN(b, levels) from the start, FX_WAY_OUT(a,
 * levels) to the finish. FX_HAS(a): the loop is there (one that always has one
 * iteration becomes part of the way). FX_UNKNOWN: no formula. Without a table, the ideal machine, all
 * ways are 0 and all loops there. */
#define FX_COST static __attribute__((unused))
struct fx_cost {
    int fill;          /* cycles from the last input to the last output */
    int mul;           /* multipliers, a packed pair counting as one */
    uint64_t ram_bits; /* arrays that become memories */
};

#endif
