/* SPDX-License-Identifier: Apache-2.0 */
/* tests/sim/tasks.c -- the runtime under the modules: a design of tasks and
 * arrays of streams, deadlocks and leftovers named, sources, growing queues,
 * beats as hardware packs them, and time. */
#include "fx/fx.h"
#include "sim/sim.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int bad;
#define CHECK(cond)                                                            \
    do {                                                                       \
        if (!(cond) && ++bad)                                                  \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #cond);                  \
    } while (0)
#define SAYS(s, text)                                                          \
    do {                                                                       \
        if (strcmp(sim_message(s), text) && ++bad)                             \
            printf("%s:%d: \"%s\"\n", __FILE__, __LINE__, sim_message(s));     \
    } while (0)

/* y = x + 1, `beats` times. */
#define FX_NAME inc
struct FX_(ports) {
    FX_IN(i16, 3) x;
    FX_OUT(i16, 3) y;
    int beats;
};
FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    char deep[64 << 10]; /* a module may have large arrays */
    memset(deep, 0, sizeof deep);
    for (int k = 0; k < p->beats; k++) {
        FX_PIPELINE(inc, 1);
        FX_BEAT(i16, 3) b = FX_READ(p->x);
        for (int l = 0; l < 3; l++) {
            FX_UNROLL;
            FX_SET(i16, b, l, FX_GET(i16, b, l) + 1 + deep[k]);
        }
        FX_WRITE(p->y, b);
    }
}
#include "fx/end.h"

/* A chain of WAYS of them: a design, itself a task. */
enum { WAYS = 5 };
#define FX_NAME chain
struct FX_(ports) {
    FX_IN(i16, 3) x;
    FX_OUT(i16, 3) y;
    int beats, depth;
};
FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_DATAFLOW;
    FX_STREAMS(i16, 3, u, WAYS - 1, (unsigned)p->depth);
    FX_TASK_AT(inc, 0, .x = p->x, .y = FX_TO(u[0]), .beats = p->beats);
    for (int i = 1; i < WAYS - 1; i++) {
        FX_UNROLL;
        FX_TASK_AT(inc, i, .x = FX_FROM(u[i - 1]), .y = FX_TO(u[i]),
                   .beats = p->beats);
    }
    FX_TASK_AT(inc, WAYS - 1, .x = FX_FROM(u[WAYS - 2]), .y = p->y,
               .beats = p->beats);
}
#include "fx/end.h"

static struct sim *open_sim(unsigned min_depth)
{
    struct sim *s = sim_new(&(struct sim_config){.min_depth = min_depth});
    sim_enter(s);
    return s;
}

static int count_up(void *user, void *beat)
{
    int *left = user;
    if (*left == 0)
        return 0;
    int16_t v[3] = {(int16_t)(10 - *left), 100, -200};
    memcpy(beat, v, sizeof v);
    (*left)--;
    return 1;
}

static void test_chain(void)
{
    for (int depth = 1; depth <= 64; depth *= 8) {
        struct sim *s = open_sim(depth == 8 ? 1000 : 0);
        FX_STREAM(i16, 3, x, 1);
        FX_STREAM(i16, 3, y, 1);
        int left = 10;
        sim_source(x, count_up, &left);
        sim_unbounded(y);
        FX_TASK(chain, .x = FX_FROM(x), .y = FX_TO(y), .beats = 10,
                .depth = depth);
        CHECK(sim_run(s));
        CHECK(left == 0);
        CHECK(sim_left(s) == 10);
        SAYS(s, "left over: y 10");
        for (int k = 0; k < 10; k++) {
            FX_BEAT(i16, 3) b = FX_READ(FX_FROM(y));
            CHECK(FX_GET(i16, b, 0) == k + WAYS);
            CHECK(FX_GET(i16, b, 2) == -200 + WAYS);
        }
        CHECK(sim_left(s) == 0);
        struct sim_stat t;
        CHECK(sim_stream_stat(s, 2, &t) && t.index == 0 && t.beats == 10);
        CHECK(t.max_fill <= t.depth &&
              (int)t.depth == (depth == 8 ? 1000 : depth));
        CHECK(!sim_stream_stat(s, 2 + WAYS - 1, &t));
#ifdef FX_VIEW_TIMED
        CHECK(sim_cycles(s) == 10);
#endif
        sim_free(s);
    }
}

static void test_deadlock(void)
{
    struct sim *s = open_sim(0);
    FX_STREAM(i16, 3, x, 2);
    FX_STREAM(i16, 3, y, 1);
    FX_BEAT(i16, 3) b = {0};
    FX_WRITE(FX_TO(x), b);
    FX_WRITE(FX_TO(x), b);
    FX_TASK(chain, .x = FX_FROM(x), .y = FX_TO(y), .beats = 2, .depth = 1);
    CHECK(!sim_run(s));
    SAYS(s, "deadlock: inc[4] waits to write y (stream y, 1 of 1 beats in "
            "it)");
    (void)FX_READ(FX_FROM(y)); /* and it goes on where it stood */
    CHECK(sim_run(s));
    (void)FX_READ(FX_FROM(y));
    CHECK(sim_left(s) == 0);
    FX_TASK(inc, .x = FX_FROM(x), .y = FX_TO(y), .beats = 1);
    CHECK(!sim_run(s));
    SAYS(s, "deadlock: inc waits to read x (stream x, 0 of 2 beats in it)");
    sim_free(s);
}

/* Two sims in one process do not disturb each other. */
static void test_two(void)
{
    struct sim *a = open_sim(0);
    FX_STREAM(i16, 3, x, 4);
    FX_STREAM(i16, 3, y, 4);
    FX_TASK(inc, .x = FX_FROM(x), .y = FX_TO(y), .beats = 1);
    struct sim *b = open_sim(0);
    FX_STREAM(i16, 3, u, 4);
    FX_STREAM(i16, 3, v, 4);
    FX_TASK(inc, .x = FX_FROM(u), .y = FX_TO(v), .beats = 1);
    FX_BEAT(i16, 3) beat = {1, 2, 3};
    FX_WRITE(FX_TO(u), beat);
    CHECK(sim_run(b));
    CHECK(!sim_run(a));
    FX_WRITE(FX_TO(x), beat);
    CHECK(sim_run(a));
    CHECK(sim_left(a) == 1 && sim_left(b) == 1);
    sim_free(b);
    sim_free(a);
}

static void test_fault_task(void *arg)
{
    sim_fault(arg, "device %d is on fire", 7);
}

static void test_fault(void)
{
    struct sim *s = open_sim(0);
    sim_daemon(s, "device", test_fault_task, s);
    CHECK(!sim_run(s));
    SAYS(s, "device 7 is on fire");
    sim_free(s);
}

/* Every element type, odd lane counts: wrapping, and the word as hardware has
 * it: lane k in bits k * BITS up. */
#define PACK(T, n, bits, sgn)                                                  \
    do {                                                                       \
        FX_STREAM(T, n, q, 1);                                                 \
        FX_BEAT(T, n) b = FX_ZERO, c = FX_ZERO;                                \
        uint8_t word[512];                                                     \
        CHECK(sim_word_bytes(q) == ((n) * (bits) + 7) / 8);                    \
        CHECK(sim_beat_bytes(q) == sizeof b);                                  \
        for (int k = 0; k < (n); k++)                                          \
            FX_SET(T, b, k, (int64_t)(k * 0x9E3779B97F4A7C15u));               \
        sim_pack(q, &b, word);                                                 \
        for (int k = 0; k < (n) * (bits); k++) {                               \
            uint64_t v = (uint64_t)(k / (bits)) * 0x9E3779B97F4A7C15u;         \
            CHECK((word[k / 8] >> k % 8 & 1) == (v >> k % (bits) & 1));        \
        }                                                                      \
        sim_unpack(q, word, &c);                                               \
        for (int k = 0; k < (n); k++) {                                        \
            CHECK(FX_GET(T, b, k) == FX_GET(T, c, k));                         \
            CHECK((sgn) || (bits) == 64 ||                                     \
                  (uint64_t)FX_GET(T, b, k) >> (bits) == 0);                   \
        }                                                                      \
    } while (0)

static void test_pack(void)
{
    struct sim *s = open_sim(0);
#define X(T, bits, sgn, cont, val)                                             \
    PACK(T, 1, bits, sgn);                                                     \
    PACK(T, 43, bits, sgn);
    FX_ELEMENTS(X)
#undef X
    sim_free(s);
}

static void test_scale(void)
{
    for (int e = -128; e < 128; e++) {
        struct num_scale s = {(uint16_t)(65535 - 128 + e), (int16_t)e};
        uint32_t w = fx_scale_pack(s, (e + 128) & 255);
        CHECK(fx_scale(w).mant == s.mant && fx_scale(w).exp == e);
        CHECK(fx_zp(w) == e + 128);
    }
}

int main(void)
{
    test_chain();
    test_deadlock();
    test_two();
    test_fault();
    test_pack();
    test_scale();
    printf("sim tasks: %s\n", bad ? "FAILED" : "ok");
    return bad != 0;
}
