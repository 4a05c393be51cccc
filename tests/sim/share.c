/* SPDX-License-Identifier: Apache-2.0 */
/* tests/sim/share.c -- two ports on one channel in the timed view. Tasks run
 * one after another, not in the order of their clocks: a slow reader that was
 * run to its end first must not hold up a fast one, and together they get what
 * the channel has and no more. */
#include "sim/memory.h"
#include "sim/sim.h"
#include "fx/fx.h"
#include <stdio.h>

enum { SLOW = 1000, FAST = 4000 };

static int bad;
#define CHECK(cond)                                                            \
    do {                                                                       \
        if (!(cond))                                                           \
            bad = 1, printf("%s:%d: %s\n", __FILE__, __LINE__, #cond);         \
    } while (0)

struct taker_ports {
    FX_OUT(u32, 2) req;
    FX_IN(i8, 8) data;
    int words, each; /* cycles a word */
};
FX_MODULE void taker(const struct taker_ports *p)
{
    FX_BEAT(u32, 2) r = FX_ZERO;
    FX_SET(u32, r, 1, p->words);
    FX_WRITE(p->req, r);
    for (int n = 0; n < p->words; n++) {
        FX_PIPELINE(take, p->each);
        (void)FX_READ(p->data);
    }
}
FX_ENTRY(taker)

/* Cycles of the run, and until the fast one has ended: words of 8 bytes, the
 * channel moves `bytes` a cycle. */
static void run(unsigned bytes, int slow, uint64_t *all, uint64_t *quick)
{
    static struct sim_channel bank, port[2];
    static uint8_t data[8 * FAST];
    bank = (struct sim_channel){.bytes_per_cycle = bytes, .latency = 10};
    struct sim *s = sim_new(&(struct sim_config){0});
    sim_enter(s);
    FX_STREAMS(u32, 2, req, 2, 2);
    FX_STREAMS(i8, 8, word, 2, 2);
    for (int k = 0; k < 2; k++) {
        port[k] = (struct sim_channel){
            .bytes = data, .size = sizeof data, .latency = 10, .of = &bank};
        sim_memory_read(s, &port[k], req[k], word[k]);
        struct taker_ports p = {.req = FX_TO(req[k]),
                                .data = FX_FROM(word[k]),
                                .words = k == 0 ? slow : FAST,
                                .each = k == 0 ? 10 : 1};
        fx_spawn(k == 0 ? "slow" : "fast", -1, taker_task, &p, sizeof p);
    }
    CHECK(sim_run(s));
    *all = sim_cycles(s);
    *quick = sim_cycles_of(s, "fast");
    sim_free(s);
}

int main(void)
{
    uint64_t all, quick;
    run(16, SLOW, &all, &quick); /* room for both: nobody waits */
    printf("16 bytes a cycle: %llu, fast %llu\n", (unsigned long long)all,
           (unsigned long long)quick);
    CHECK(quick <= FAST + 100 && all >= 10 * SLOW && all <= 10 * SLOW + 100);
    run(4, SLOW, &all, &quick); /* two cycles a word: the fast one gets what
                                   the slow one leaves */
    printf("4 bytes a cycle: %llu, fast %llu\n", (unsigned long long)all,
           (unsigned long long)quick);
    CHECK(quick >= 2 * (FAST + 2 * SLOW / 3) && quick <= 2 * (FAST + SLOW));
    CHECK(all <= 10 * SLOW + 200);
    run(4, 0, &all, &quick); /* alone: the channel's rate, to the cycle */
    printf("alone: %llu\n", (unsigned long long)quick);
    CHECK(quick >= 2 * FAST && quick <= 2 * FAST + 20);
    return bad;
}
