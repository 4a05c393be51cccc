/* SPDX-License-Identifier: Apache-2.0 */
/* tests/sim/timing.c -- a table of fxc --timing in the timed view: loops, ways
 * between them and nested bodies take what it says, a queue's beat is there
 * when the hardware's is, formulas agree; a file that is no table is refused
 * with its line. */
#include "sim/sim.h"
#include "sim/timing.h"
#include "fx/fx.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int bad;
#define CHECK(cond)                                                            \
    do {                                                                       \
        if (!(cond))                                                           \
            bad = 1, printf("%s:%d: %s\n", __FILE__, __LINE__, #cond);         \
    } while (0)

struct twice_ports {
    FX_IN(i16, 1) x;
    FX_OUT(i16, 1) y;
    int rows, beats;
};
FX_MODULE void twice(const struct twice_ports *p)
{
    for (int r = 0; r < p->rows; r++) {
        FX_NEST;
        for (int n = 0; n < p->beats; n++) {
            FX_PIPELINE(copy, 1);
            FX_WRITE(p->y, FX_READ(p->x));
        }
        for (int n = 0; n < 1; n++)
            FX_PIPELINE(gone, 1);
    }
}
FX_ENTRY(twice)

#define FX_NAME twice
FX_COST uint64_t twice_cycles(const struct twice_ports *p)
{
    return FX_NEST_CYCLES(copy, (uint64_t)p->rows, (uint64_t)p->beats);
}

static const char *put(const char *text)
{
    static char path[] = "timing_test.txt";
    FILE *out = fopen(path, "w");
    if (!out || fputs(text, out) < 0 || fclose(out))
        exit(2);
    return path;
}

static void run(int tasks, int rows, int beats, uint64_t want)
{
    struct sim *s = sim_new(&(struct sim_config){0});
    sim_enter(s);
    FX_STREAMS(i16, 1, t, 4, 4);
    FX_BEAT(i16, 1) b = {7};
    sim_unbounded(t[0]);
    sim_unbounded(t[tasks]);
    for (int k = 0; k < rows * beats; k++)
        FX_WRITE(FX_TO(t[0]), b);
    struct twice_ports p = {.rows = rows, .beats = beats};
    for (int k = 0; k < tasks; k++) {
        p.x = FX_FROM(t[k]);
        p.y = FX_TO(t[k + 1]);
        fx_spawn("twice", k, twice_task, &p, sizeof p);
    }
    CHECK(sim_run(s));
    if (sim_cycles(s) != want)
        printf("%d tasks of %d x %d: %llu cycles\n", tasks, rows, beats,
               (unsigned long long)sim_cycles(s));
    CHECK(sim_cycles(s) == want && sim_cycles_of(s, "twice") == want);
    CHECK(sim_cycles_of(s, "other") == 0);
    if (fx_way_cycles && tasks == 1 && rows * beats > 0)
        CHECK(twice_cycles(&p) == want);
    sim_free(s);
}

static void refused(const char *text, const char *says)
{
    struct fl_error err = {0};
    CHECK(!sim_timing_load(put(text), &err));
    CHECK(strstr(err.msg, says) != NULL);
}

int main(void)
{
    struct fl_error err;
    run(1, 3, 5, 18); /* ideal: gone counts as a loop of one */
    CHECK(sim_timing_load(put("# comment\nmodule twice\nloop copy 1 0 2\n"
                              "way start copy 1 3 3\nway copy copy 1 4 4\n"
                              "way copy finish 0 5 5\nway start finish 0 2 2\n"
                              "way start finish 1 3 3\n"),
                          &err));
    run(1, 3, 5, 3 + 3 * 5 + 2 * 4 + 5);
    run(1, 1, 1, 3 + 1 + 5);
    run(1, 0, 1, 2);
    run(1, 4, 0, 2 + 4 * 1); /* bodies that run empty: continued */
    /* written in step 2, there a cycle later: 3 cycles a task */
    run(2, 1, 5, 3 + 1 + 3 + 4 + 5);
    refused("module m\nway a b\n", "line 2");
    refused("loop copy 1 0 0\n", "line 1");
    CHECK(!sim_timing_load("no/such/file", &err) &&
          strstr(err.msg, "fxc --timing") != NULL);
    sim_timing_clear();
    remove("timing_test.txt");
    puts(bad ? "timing: FAILED" : "timing: ok");
    return bad;
}
