/* SPDX-License-Identifier: Apache-2.0 */
/* sim/cosim_record.c -- the native half of a co-simulation.
 *
 * It is compiled around a program that runs the top natively (a test of
 * tests/fx, of tests/designs ...), and listens: every beat that is read from
 * a stream at the top's ports goes on a tape, packed as hardware packs it.
 * Nothing in the program knows. sim/cosim.sh builds it with
 *
 *     -DCOSIM_SOURCE="\"tests/fx/widen.c\""  the program, with its main()
 *     -DCOSIM_TOP=pow2                       the top
 *     -DFX_VIEW_TIMED                        so that reads can be heard
 *     -include cosim_ports.h                 COSIM_PORTS(IN, OUT, SCALAR)
 *     -Wl,--wrap=fx_spawn,--wrap=fx_clock_read,--wrap=sim_free,--wrap=sim_enter
 *
 * A case begins when a task with the top's entry is started and ends when its
 * sim is freed or the next one begins. Cases of one shape (scalars and counts)
 * are kept twice at most, CASES in all (the first ones and the longest), two
 * without words, none over COSIM_WORDS words unless all are.
 *
 * After main() has returned, the top runs again with its trip counts (scalars
 * called tokens, steps, beats, rows ...) at 0, 1 and 2, fed from the tape of
 * the longest case, over again when it is at its end. A run that cannot finish
 * on that is left out and counted.
 *
 * Environment: COSIM_TAPE, the file to write; COSIM_WORDS, a limit (6000);
 * COSIM_TIMING, a file of fxc --timing, so that the run has hardware's cycles.
 * The last line of stderr says what was recorded.
 */
#include COSIM_SOURCE
#include "sim/cosim_tape.h"
#include "sim/sim.h"
#include "sim/timing.h"
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOP_PORTS FX_JOIN(COSIM_TOP, _ports)
#define TOP_ENTRY FX_JOIN(COSIM_TOP, _task)

void __real_fx_spawn(const char *name, int index,
                     void (*entry)(const void *ports), const void *ports,
                     size_t bytes);
void __real_fx_clock_read(struct fx_fifo *f);
void __real_sim_free(struct sim *s);

#define PORT(kind, member, bits)                                               \
    {kind, bits, offsetof(struct TOP_PORTS, member),                           \
     sizeof(((struct TOP_PORTS *)0)->member), #member},
#define IN(member, name, bits)     PORT(COSIM_KIND_IN, member, bits)
#define OUT(member, name, bits)    PORT(COSIM_KIND_OUT, member, bits)
#define SCALAR(member, name, bits) PORT(COSIM_KIND_SCALAR, member, bits)
static const struct {
    enum cosim_kind kind;
    uint32_t bits;
    size_t at, bytes;
    const char *name;
} port[] = {COSIM_PORTS(IN, OUT, SCALAR)};
enum { PORTS = sizeof port / sizeof *port, CASES = 8 };

/* What was heard at a port. */
struct tape {
    struct fx_fifo *f; /* NULL: a scalar, or no case is open */
    uint64_t n;
    uint8_t *words;
    size_t room;
    uint64_t value;
};

struct kept {
    struct tape tape[PORTS];
    uint32_t depth;
    uint64_t timed, formula, words;
    bool over; /* too long, but the only one there is */
};

/* The shape of a stream, to open one like it. */
static struct {
    uint32_t beat_bytes;
    int lanes, bits, is_signed;
} shape[PORTS];

static struct kept now, *cases;
static struct struct_bytes {
    unsigned char at[sizeof(struct TOP_PORTS)];
} now_ports, longest_ports;
static struct kept longest;
static bool open_case, no_limits;
static struct sim *the_sim;
static int kept, seen, skipped;

static long setting(const char *name, long otherwise)
{
    const char *s = getenv(name);
    return s && *s ? atol(s) : otherwise;
}

static void *must_have(void *p)
{
    if (!p) {
        fputs("cosim: out of memory\n", stderr);
        exit(2);
    }
    return p;
}

static bool same_shape(const struct kept *a, const struct kept *b)
{
    for (int k = 0; k < PORTS; k++)
        if (a->tape[k].n != b->tape[k].n ||
            a->tape[k].value != b->tape[k].value)
            return false;
    return true;
}

static void drop(struct kept *c)
{
    for (int k = 0; k < PORTS; k++)
        free(c->tape[k].words);
    *c = (struct kept){0};
}

/* The case that is open is the longest so far: the trip counts will use it. */
static void remember(void)
{
    drop(&longest);
    longest = now;
    longest_ports = now_ports;
    for (int k = 0; k < PORTS; k++) {
        size_t bytes = now.tape[k].n * cosim_bytes(port[k].bits);
        if (now.tape[k].words) {
            longest.tape[k].words = must_have(malloc(bytes + 1));
            memcpy(longest.tape[k].words, now.tape[k].words, bytes);
        }
    }
}

/* What the test expected of the run, by the header's formula. */
static uint64_t formula(void)
{
#ifdef TESTS_FX_HARNESS_H
    return !h_top || !strcmp(h_top, FX_STR(COSIM_TOP)) ? h_formula : 0;
#else
    return 0;
#endif
}

/* The case that is open is complete. */
static void close_case(void)
{
    if (!open_case)
        return;
    open_case = false;
    seen++;
    now.timed = sim_cycles_of(the_sim, FX_STR(COSIM_TOP));
    if (!now.timed) /* a design: its tasks' */
        now.timed = sim_cycles(the_sim);
    now.formula = no_limits ? 0 : formula();
    int twins = 0, empty = 0, least = -1;
    for (int k = 0; k < kept; k++) {
        twins += same_shape(&cases[k], &now);
        empty += cases[k].words == 0;
        if (k >= CASES / 2 &&
            (least < 0 || cases[k].words < cases[least].words))
            least = k;
    }
    bool over = now.words > (uint64_t)setting("COSIM_WORDS", 6000);
    bool first_over = kept == 1 && cases[0].over;
    if (no_limits)
        least = -1;
    else if (over ? kept > 0 && !(first_over && now.words < cases[0].words)
                  : twins >= 2 || (now.words == 0 && empty >= 2) ||
                        (kept == CASES && now.words <= cases[least].words)) {
        drop(&now);
        return;
    }
    now.over = over;
    if (first_over && !no_limits)
        least = 0;
    else if (kept < CASES)
        least = -1;
    if (now.words >= longest.words)
        remember();
    if (least >= 0) {
        drop(&cases[least]);
        cases[least] = now;
        now = (struct kept){0};
        return;
    }
    cases = must_have(realloc(cases, (size_t)(kept + 1) * sizeof *cases));
    cases[kept++] = now;
    now = (struct kept){0};
}

void __wrap_fx_spawn(const char *name, int index,
                     void (*entry)(const void *ports), const void *ports,
                     size_t bytes);
void __wrap_fx_spawn(const char *name, int index,
                     void (*entry)(const void *ports), const void *ports,
                     size_t bytes)
{
    if (entry == TOP_ENTRY) {
        close_case();
        open_case = true;
        memcpy(now_ports.at, ports, sizeof now_ports.at);
        for (int k = 0; k < PORTS; k++) {
            const char *at = (const char *)ports + port[k].at;
            if (port[k].kind == COSIM_KIND_SCALAR) {
                memcpy(&now.tape[k].value, at, port[k].bytes);
                continue;
            }
            struct fx_fifo *f;
            memcpy(&f, at, sizeof f);
            if (!f || (uint32_t)(f->lanes * f->bits) != port[k].bits) {
                fprintf(stderr, "cosim: port %s: hardware has %u bits, the "
                        "native stream %d x %d\n", port[k].name, port[k].bits,
                        f ? f->lanes : 0, f ? f->bits : 0);
                exit(2);
            }
            now.tape[k].f = f;
            now.depth = f->depth;
            shape[k].beat_bytes = f->beat_bytes;
            shape[k].lanes = f->lanes;
            shape[k].bits = f->bits;
            shape[k].is_signed = f->is_signed;
        }
    }
    __real_fx_spawn(name, index, entry, ports, bytes);
}

void __wrap_fx_clock_read(struct fx_fifo *f);
void __wrap_fx_clock_read(struct fx_fifo *f)
{
    for (int k = 0; open_case && k < PORTS; k++) {
        struct tape *t = &now.tape[k];
        if (t->f != f)
            continue;
        size_t bytes = cosim_bytes(port[k].bits), at = t->n * bytes;
        if (at + bytes > t->room) {
            t->room = 2 * at + 64 * bytes;
            t->words = must_have(realloc(t->words, t->room));
        }
        sim_pack(f, f->buf + (f->tail & f->mask) * (size_t)f->beat_bytes,
                 t->words + at);
        t->n++;
        now.words++;
    }
    __real_fx_clock_read(f);
}

void __wrap_sim_free(struct sim *s);
void __wrap_sim_free(struct sim *s)
{
    if (s == the_sim)
        close_case();
    __real_sim_free(s);
}

void __real_sim_enter(struct sim *s);
void __wrap_sim_enter(struct sim *s);
void __wrap_sim_enter(struct sim *s)
{
    if (s != the_sim)
        close_case();
    the_sim = s;
    __real_sim_enter(s);
}

/* ---- again, with other trip counts --------------------------------------- */

struct feeder {
    int port;
    uint64_t at;
    struct fx_fifo *f;
};

static int feed(void *user, void *beat)
{
    struct feeder *d = user;
    const struct tape *t = &longest.tape[d->port];
    if (t->n == 0 || d->at >= 4 * t->n)
        return 0;
    size_t bytes = cosim_bytes(port[d->port].bits);
    sim_unpack(d->f, t->words + d->at % t->n * bytes, beat);
    d->at++;
    return 1;
}

static bool is_trip_count(const char *name)
{
    static const char *const names[] = {
        "tokens", "steps", "beats", "rows",
        "vectors", "groups", "routes", "times", "words", "n",
    };
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (!strcmp(name, names[k]))
            return true;
    return false;
}

static void run_trips(unsigned trips)
{
    struct feeder feeders[PORTS];
    struct struct_bytes ports = longest_ports;
    struct sim *s = sim_new(&(struct sim_config){0});
    bool any = false;
    sim_enter(s);
    for (int k = 0; k < PORTS; k++) {
        if (port[k].kind == COSIM_KIND_SCALAR) {
            if (!is_trip_count(port[k].name))
                continue;
            any = true;
            memcpy(ports.at + port[k].at, &trips,
                   port[k].bytes < sizeof trips ? port[k].bytes
                                                : sizeof trips);
            continue;
        }
        struct fx_fifo *f = fx_fifo_open(port[k].name, -1, 4,
                                         shape[k].beat_bytes, shape[k].lanes,
                                         shape[k].bits, shape[k].is_signed);
        feeders[k] = (struct feeder){k, 0, f};
        if (port[k].kind == COSIM_KIND_IN)
            sim_source(f, feed, &feeders[k]);
        else
            sim_unbounded(f);
        memcpy(ports.at + port[k].at, &f, sizeof f);
    }
    bool done = false;
    if (any) {
        fx_spawn(FX_STR(COSIM_TOP), -1, TOP_ENTRY, &ports, sizeof ports);
        done = sim_run(s);
        for (int k = 0; done && k < PORTS; k++)
            while (port[k].kind == COSIM_KIND_OUT &&
                   now.tape[k].f->head > now.tape[k].f->tail)
                fx_pop(now.tape[k].f, "cosim");
        if (!done) { /* it wanted more, or other, input than there is */
            open_case = false;
            drop(&now);
            skipped++;
        }
    }
    sim_free(s);
}

/* ---- the end ------------------------------------------------------------- */

static void write_tape(void)
{
    const char *path = getenv("COSIM_TAPE");
    FILE *out = path ? fopen(path, "wb") : NULL;
    if (!out) {
        fprintf(stderr, "cosim: cannot write COSIM_TAPE\n");
        _Exit(2);
    }
    fputs(COSIM_MAGIC, out);
    for (int c = 0; c < kept; c++) {
        struct cosim_case head = {PORTS, cases[c].depth, cases[c].timed,
                                   cases[c].formula};
        fwrite(&head, sizeof head, 1, out);
        for (int k = 0; k < PORTS; k++) {
            const struct tape *t = &cases[c].tape[k];
            bool scalar = port[k].kind == COSIM_KIND_SCALAR;
            struct cosim_port p = {port[k].kind, port[k].bits,
                                   scalar ? t->value : t->n};
            fwrite(&p, sizeof p, 1, out);
            if (!scalar)
                fwrite(t->words, cosim_bytes(p.bits), t->n, out);
        }
    }
    if (ferror(out) || fclose(out) != 0) {
        fprintf(stderr, "cosim: cannot write %s\n", path);
        _Exit(2);
    }
}

static void finish(void)
{
    close_case();
    int from_main = kept;
    no_limits = true;
    if (kept > 0)
        for (unsigned trips = 0; trips <= 2; trips++)
            run_trips(trips);
    write_tape();
    fprintf(stderr, "cosim: %d cases seen, %d kept, %d trip counts, %d could "
            "not run\n", seen, from_main, kept - from_main, skipped);
    if (from_main == 0)
        _Exit(3);
}

__attribute__((constructor)) static void begin(void)
{
    struct fl_error err;
    const char *timing = getenv("COSIM_TIMING");
    if (timing && *timing && !sim_timing_load(timing, &err)) {
        fprintf(stderr, "cosim: %s\n", err.msg);
        _Exit(2);
    }
    atexit(finish);
}
