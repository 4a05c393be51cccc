/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fxc/kernels.c -- small programs, each after one part of the compiler.
 *
 * tests/fxc/kernels.sh runs each of them through sim/cosim.sh: hardware and C
 * must agree word for word at every rate of valid and ready. Run by itself
 * this program runs them natively with random data and trip counts 0, 1, 2 ...
 */
#include "tests/fx/harness.h"

#define PORTS(name)                                                            \
    struct name##_ports {                                                      \
        FX_IN(u32, 1) x;                                                       \
        FX_OUT(u32, 1) y;                                                      \
        int rows, cols;                                                        \
    }
#define GET(p)    ((uint32_t)FX_READ((p)->x))
#define PUT(p, v) FX_WRITE((p)->y, (FX_BEAT(u32, 1))(uint32_t)(v))

/* Two reads and two writes of one stream in an interval of 2. */
PORTS(pairs);
FX_MODULE void pairs(const struct pairs_ports *p)
{
    for (int i = 0; i < p->rows; i++) {
        FX_PIPELINE(pair, 2);
        uint32_t a = GET(p), b = GET(p);
        PUT(p, a + b);
        PUT(p, a * b);
    }
}
FX_ENTRY(pairs)

/* A recurrence through a multiplier. */
PORTS(hash);
FX_MODULE void hash(const struct hash_ports *p)
{
    uint16_t h = 1;
    for (int i = 0; i < p->rows; i++) {
        FX_PIPELINE(hash, 2);
        h = (uint16_t)(h * 31u + GET(p));
        PUT(p, h);
    }
}
FX_ENTRY(hash)

/* A dependence through memory that cannot be proved absent. */
PORTS(histogram);
FX_MODULE void histogram(const struct histogram_ports *p)
{
    uint32_t bin[64];
    for (int i = 0; i < 64; i++) {
        FX_PIPELINE(clear, 1);
        bin[i] = (uint32_t)i;
    }
    for (int i = 0; i < p->rows; i++) {
        FX_PIPELINE(count, 2);
        uint32_t v = GET(p);
        bin[v & 63] += v >> 6;
    }
    for (int i = 0; i < 64; i++) {
        FX_PIPELINE(send, 1);
        PUT(p, bin[i]);
    }
}
FX_ENTRY(histogram)

/* Nests of unknown length; an accumulator that outlives its loop; a buffer
 * written by one loop and read backwards by the next. */
PORTS(nest);
FX_MODULE void nest(const struct nest_ports *p)
{
    uint32_t buf[128], all = 0;
    for (int r = 0; r < p->rows; r++) {
        uint32_t sum = 0;
        for (int c = 0; c < p->cols; c++) {
            FX_PIPELINE(fill, 1);
            uint32_t v = GET(p);
            buf[c] = v * 3;
            sum += v;
        }
        all ^= sum;
        PUT(p, sum);
        for (int c = 0; c < p->cols; c++) {
            FX_PIPELINE(back, 1);
            PUT(p, buf[p->cols - 1 - c] + all);
        }
    }
    PUT(p, all);
}
FX_ENTRY(nest)

/* Values that copies join and that must not become one register: the row before
 * beside this one, and two that change places. */
PORTS(earlier);
FX_MODULE void earlier(const struct earlier_ports *p)
{
    uint32_t old = 1, now = 2, left = 3, right = 4;
    for (int r = 0; r < p->rows; r++) {
        for (int c = 0; c < p->cols; c++) {
            FX_PIPELINE(add, 1);
            now += GET(p);
        }
        PUT(p, now ^ old);
        for (int c = 0; c < p->cols; c++) {
            FX_PIPELINE(use, 1);
            PUT(p, old + left);
            left += 7;
        }
        old = now;
        uint32_t kept = left;
        left = right;
        right = kept;
    }
    PUT(p, old - right);
}
FX_ENTRY(earlier)

/* Every operation, in widths that do not divide 64. */
PORTS(arith);
static const int16_t few[5] = {-300, 7, 0, 12345, -1};
static const uint16_t many[100] = {9, 65535, 3, 4, 1000, [50] = 77, [99] = 5};
FX_MODULE void arith(const struct arith_ports *p)
{
    for (int i = 0; i < p->rows; i++) {
        FX_PIPELINE(mix, 13);
        uint32_t x = GET(p);
        int32_t s = (int32_t)x >> (x & 15);
        uint64_t w = (uint64_t)x * x + 12345u;
        int64_t q = (int64_t)s * (int64_t)(w >> 3);
        PUT(p, s / 7 + s % 10);
        PUT(p, x / 12u + x % 1000u);
        PUT(p, s / 16 + s % 16);
        PUT(p, x ? (uint32_t)__builtin_clz(x) : 99u);
        PUT(p, __builtin_clzll(w | 1) + __builtin_ctz(x | 0x40000000u));
        PUT(p, q >> (x & 31));
        PUT(p, (uint64_t)q >> 40);
        PUT(p, s > 1000 ? 1000 : s < -1000 ? -1000 : s);
        PUT(p, (x << (s & 7)) ^ (x >> (s & 31)));
        FX_INT(5) n = (FX_INT(5))s;
        FX_UINT(37) u = (FX_UINT(37))(w >> 20);
        PUT(p, (int32_t)n * 3 + (int32_t)(u >> 30));
        PUT(p, few[x % 5] + many[(x >> 8) % 100]);
        PUT(p, __builtin_popcount(x) + (s < 0 ? -s : s));
        PUT(p, (x << 7 | x >> 25) + (x == 5) + (s <= -3) + (x > 77u));
    }
}
FX_ENTRY(arith)

/* Comparisons with 2^k, -2^k and their neighbours: bits instead of carries. */
PORTS(bounds);
FX_MODULE void bounds(const struct bounds_ports *p)
{
    for (int i = 0; i < p->rows; i++) {
        FX_PIPELINE(bounds, 1);
        uint32_t x = GET(p), y = 0;
        int32_t s = (int32_t)x >> ((x & 7) * 4);
        uint32_t u = x >> ((x & 7) * 4);
        FX_INT(11) n = (FX_INT(11))s;
        y |= (uint32_t)(s < 64) << 0 | (uint32_t)(s <= 64) << 1;
        y |= (uint32_t)(s > 64) << 2 | (uint32_t)(s >= 64) << 3;
        y |= (uint32_t)(s < -64) << 4 | (uint32_t)(s <= -64) << 5;
        y |= (uint32_t)(s > -64) << 6 | (uint32_t)(s >= -64) << 7;
        y |= (uint32_t)(s < 0) << 8 | (uint32_t)(s <= 0) << 9;
        y |= (uint32_t)(s > 0) << 10 | (uint32_t)(s >= 0) << 11;
        y |= (uint32_t)(s < 63) << 12 | (uint32_t)(s > 63) << 13;
        y |= (uint32_t)(s < -65) << 14 | (uint32_t)(s > -65) << 15;
        y |= (uint32_t)(u < 64) << 16 | (uint32_t)(u > 64) << 17;
        y |= (uint32_t)(u < 1) << 18 | (uint32_t)(u > 63) << 19;
        y |= (uint32_t)(u < 0x80000000u) << 20;
        y |= (uint32_t)(n < 16) << 21 | (uint32_t)(n > -17) << 22;
        y |= (uint32_t)(n < -1) << 23 | (uint32_t)(n > -512) << 24;
        y |= (uint32_t)((int64_t)s * 5 < 1024) << 25;
        PUT(p, y);
    }
}
FX_ENTRY(bounds)

/* Conditional reads and writes, a switch, a loop-carried shift register. */
PORTS(choose);
FX_MODULE void choose(const struct choose_ports *p)
{
    uint32_t a = 0, b = 0, held = 1;
    for (int i = 0; i < p->rows; i++) {
        FX_PIPELINE(choose, 1);
        if ((i & 3) != 2)
            held = GET(p);
        uint32_t v = held;
        switch (i & 7) {
        case 0:
            v += 1;
            break;
        case 3:
            v *= 5;
            break;
        case 5:
            v ^= b;
            break;
        default:
            v -= a;
        }
        b = a;
        a = held;
        if (v & 1)
            PUT(p, v);
    }
    PUT(p, a + b);
}
FX_ENTRY(choose)

/* An array of registers, written by one index and read by another. */
PORTS(registers);
FX_MODULE void registers(const struct registers_ports *p)
{
    uint32_t r[4][8];
    for (int i = 0; i < 8; i++) {
        FX_UNROLL;
        for (int k = 0; k < 4; k++) {
            FX_UNROLL;
            r[k][i] = (uint32_t)(i * 10 + k);
        }
    }
    for (int i = 0; i < p->rows; i++) {
        FX_PIPELINE(turn, 1);
        uint32_t v = GET(p), s = 0;
        for (int k = 0; k < 4; k++) {
            FX_UNROLL;
            s += r[k][v & 7];
            r[k][(v >> 3) & 7] = v + (uint32_t)k;
        }
        PUT(p, s);
    }
}
FX_ENTRY(registers)

/* Sequential code: streams in program order, a loop that is not pipelined. */
PORTS(straight);
FX_MODULE void straight(const struct straight_ports *p)
{
    for (int i = 0; i < p->rows; i++) {
        uint32_t a = GET(p);
        PUT(p, a);
        uint32_t b = GET(p), s = 0;
        for (int k = 0; k < p->cols; k++)
            s = s * 3 + (a ^ b) * (uint32_t)k;
        if (b & 1)
            PUT(p, s);
        else
            PUT(p, a - b);
    }
}
FX_ENTRY(straight)

/* Products that share multipliers: of the states of a sequence, with writes that
 * hold it up between them and one that is needed long after; and of the slots
 * of a loop, where it may be held up before each. */
PORTS(turns);
FX_MODULE void turns(const struct turns_ports *p)
{
    for (int i = 0; i < p->rows; i++) {
        uint16_t a = (uint16_t)GET(p), b = (uint16_t)GET(p);
        uint32_t f = (uint32_t)a * b;
        PUT(p, f);
        int16_t g = (int16_t)(f >> 3), h = (int16_t)(f >> 13);
        int32_t k = g * h;
        PUT(p, k);
        uint32_t s = (uint32_t)(int16_t)(k >> 5) * (uint32_t)p->cols;
        for (int j = 0; j < p->cols; j++) {
            FX_PIPELINE(turn, 3);
            int16_t x = (int16_t)GET(p);
            PUT(p, x * (int16_t)a);
            uint16_t y = (uint16_t)GET(p);
            PUT(p, (uint32_t)y * b);
        }
        PUT(p, f ^ s);
    }
}
FX_ENTRY(turns)

/* An array of multipliers that writes late and not always: it runs freely, an
 * iteration begins when there is room for all that are under way. */
PORTS(array);
FX_MODULE void array(const struct array_ports *p)
{
    uint32_t all = 0;
    for (int i = 0; i < p->rows; i++) {
        uint32_t sum = 0;
        for (int k = 0; k < p->cols; k++) {
            FX_PIPELINE(array, 1);
            uint32_t v = GET(p);
            for (int l = 0; l < 4; l++) {
                FX_UNROLL;
                sum += (v >> 8 * l & 255) * (v >> (24 - 6 * l) & 255);
            }
            if (v & 1)
                PUT(p, sum ^ all);
        }
        all += sum * 3;
    }
}
FX_ENTRY(array)

/* Independence that is proved (other addresses) and vouched for: in a RAM, and
 * in an array of registers. */
PORTS(inplace);
FX_MODULE void inplace(const struct inplace_ports *p)
{
    uint32_t m[256];
    uint8_t s[32];
    for (int i = 0; i < 256; i++) {
        FX_PIPELINE(fill, 1);
        m[i] = (uint32_t)i * 7;
        s[i & 31] = (uint8_t)i;
    }
    for (int r = 0; r < p->rows; r++) {
        for (int i = 0; i < 100; i++) {
            FX_PIPELINE(own, 2); /* two reads: 1 would make registers of m */
            m[i] = m[i] * 3 + m[i + 101];
        }
        for (int i = 0; i < 50; i++) {
            FX_PIPELINE(vouched, 1);
            FX_NODEP(m);
            int k = (int)(i * 37 % 101);
            m[k] = m[k] + 1;
        }
        for (int i = 0; i < 32; i++) {
            FX_PIPELINE(small, 1);
            FX_NODEP(s);
            int k = (int)(i * 5 % 32);
            s[k] = (uint8_t)(s[k] * (s[k] + 3));
        }
        PUT(p, m[(uint32_t)GET(p) & 127] + s[r & 31]);
    }
}
FX_ENTRY(inplace)

/* What is vouched for is not true: each iteration reads what the one before
 * wrote. The assertion in the SystemVerilog must find it. */
PORTS(liar);
FX_MODULE void liar(const struct liar_ports *p)
{
    uint8_t s[32];
    for (int i = 0; i < 32; i++) {
        FX_PIPELINE(fill, 1);
        s[i] = (uint8_t)i;
    }
    for (int i = 0; i < p->rows; i++) {
        FX_PIPELINE(liar, 1);
        FX_NODEP(s);
        uint32_t k = GET(p) & 1;
        s[k] = (uint8_t)(s[k] * (s[k] + 3));
        PUT(p, s[k]);
    }
}
FX_ENTRY(liar)

/* Tasks: a row of equal ones, and a ring that feeds back. */
PORTS(inc);
FX_MODULE void inc(const struct inc_ports *p)
{
    for (int i = 0; i < p->rows; i++) {
        FX_PIPELINE(inc, 1);
        PUT(p, GET(p) * 3 + (uint32_t)p->cols);
    }
}
FX_ENTRY(inc)

struct ring_ports {
    FX_IN(u32, 1) x;
    FX_IN(u32, 1) back;
    FX_OUT(u32, 1) y;
    FX_OUT(u32, 1) forth;
    int rows;
};
FX_MODULE void ring(const struct ring_ports *p)
{
    uint32_t f = 1;
    for (int i = 0; i < p->rows; i++) {
        FX_PIPELINE(ring, 1);
        uint32_t v = (uint32_t)FX_READ(p->x) ^ f;
        FX_WRITE(p->forth, (FX_BEAT(u32, 1))v);
        FX_WRITE(p->y, (FX_BEAT(u32, 1))(v >> 1));
    }
    for (int i = 0; i < p->rows; i++) {
        FX_PIPELINE(rest, 1);
        FX_WRITE(p->y, FX_READ(p->back));
    }
}
FX_ENTRY(ring)

PORTS(flow);
FX_MODULE void flow(const struct flow_ports *p)
{
    enum { ROW = 3 };
    FX_DATAFLOW;
    FX_STREAMS(u32, 1, q, ROW + 1, 2);
    FX_STREAM(u32, 1, back, 64);
    FX_STREAM(u32, 1, out, 1);
    for (int i = 0; i < ROW; i++) {
        FX_UNROLL;
        FX_TASK_AT(inc, i, .x = FX_FROM(q[i]), .y = FX_TO(q[i + 1]),
                   .rows = p->rows, .cols = p->cols + i);
    }
    FX_TASK(ring, .x = p->x, .back = FX_FROM(back), .y = FX_TO(out),
            .forth = FX_TO(q[0]), .rows = p->rows);
    FX_TASK(inc, .x = FX_FROM(q[ROW]), .y = FX_TO(back), .rows = p->rows,
            .cols = 5);
    FX_TASK(inc, .x = FX_FROM(out), .y = p->y, .rows = p->rows * 2,
            .cols = p->rows + p->cols);
}
FX_ENTRY(flow)

#define RUN(name, rows_, cols_, in)                                            \
    do {                                                                       \
        h_begin(#name, 4);                                                     \
        H_INPUT(u32, 1, x);                                                    \
        H_OUTPUT(u32, 1, y);                                                   \
        for (int k = 0; k < (in); k++)                                         \
            H_PUT(x, (FX_BEAT(u32, 1))(uint32_t)h_rand(0, 0xFFFFFFFF));        \
        struct name##_ports ports = {                                          \
            .x = FX_FROM(x), .y = FX_TO(y), .rows = (rows_), .cols = (cols_)}; \
        fx_spawn(#name, -1, name##_task, &ports, sizeof ports);                \
        CHECK(sim_run(h_sim));                                                 \
        while (H_HAVE(y))                                                      \
            (void)H_TAKE(y);                                                   \
        h_end();                                                               \
    } while (0)

int main(int argc, char **argv)
{
    h_args(argc, argv);
    static const int trips[] = {0, 1, 2, 3, 40};
    for (int t = 0; t < 5; t++) {
        int n = trips[t];
        RUN(pairs, n, 0, 2 * n);
        RUN(hash, n, 0, n);
        RUN(histogram, n, 0, n);
        for (int c = 0; c < 5; c++)
            RUN(nest, n, trips[c], n * trips[c]);
        for (int c = 0; c < 5; c++)
            RUN(earlier, n, trips[c], n * trips[c]);
        RUN(arith, n, 0, n);
        RUN(bounds, n, 0, n);
        RUN(choose, n, 0, n - (n + 1) / 4);
        RUN(registers, n, 0, n);
        for (int c = 0; c < 5; c++)
            RUN(straight, n, trips[c], 2 * n);
        for (int c = 0; c < 5; c++)
            RUN(array, n, trips[c], n * trips[c]);
        for (int c = 0; c < 5; c++)
            RUN(turns, n, trips[c], n * (2 + 2 * trips[c]));
        RUN(inplace, n, 0, n);
        RUN(liar, n, 0, n);
        RUN(flow, n, n + 3, n);
    }
    return h_done("kernels");
}
