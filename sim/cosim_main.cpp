// SPDX-License-Identifier: Apache-2.0
// sim/cosim_main.cpp -- the Verilator half of a co-simulation.
//
// Reads the tape of the native run and feeds it to the model of the same top:
// every case at every rate pair with every seed, one after the other without a
// reset between, so that what a run leaves behind can hurt the next. Registers
// that nobody resets begin with random bits.
//
// In a run, every input offers its words at the rate of `valid`, holds what it
// has offered, and goes on with garbage behind the last word; every output
// takes at the rate of `ready`. The run is good if
//   - every output word is equal, in order, and there are just as many,
//   - just as many words were taken from every input,
//   - valid, once high, stays with its data until ready, and neither moves
//     when only a ready moves,
//   - done comes, once, with everything delivered, before the cycle limit,
//   - nothing moves after it.
//
// With -c PERCENT the cycles at full rate are compared as well, where the
// header has a formula: hardware, timed run and formula.
//
//     usage: cosim TAPE [-r V/R,V/R...] [-s SEEDS] [-n NAME] [-c PERCENT]
//
// Prints one JSON line. Exit status: 0 all equal, 1 not, 2 no usable tape.
#include "Vcosim.h"
#include "cosim_ports.h"
#include "sim/cosim_tape.h"
#include "verilated.h"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace {

struct tape_port {
    cosim_port head;
    std::vector<uint8_t> words;
    const uint8_t *word(uint64_t k) const
    {
        return words.data() + k * cosim_bytes(head.bits);
    }
};
struct tape_case {
    cosim_case head;
    std::vector<tape_port> ports;
};

uint64_t rng_state = 1;
uint32_t rng()
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return (uint32_t)(rng_state >> 32);
}
bool chance(int percent)
{
    return (int)(rng() % 100) < percent;
}

// ---- words in and out of Verilator's types ----
template <class T> void put(T &signal, const uint8_t *word, int bits)
{
    uint64_t v = 0;
    memcpy(&v, word, cosim_bytes(bits));
    signal = (T)v;
}
template <size_t N> void put(VlWide<N> &signal, const uint8_t *word, int bits)
{
    signal[N - 1] = 0;
    memcpy(&signal[0], word, cosim_bytes(bits));
}
template <class T> bool same(const T &signal, const uint8_t *word, int bits)
{
    uint64_t v = 0;
    memcpy(&v, word, cosim_bytes(bits));
    return (uint64_t)signal == v;
}
template <size_t N>
bool same(const VlWide<N> &signal, const uint8_t *word, int bits)
{
    return memcmp(&signal[0], word, cosim_bytes(bits)) == 0;
}
template <class T> std::string hex(const T &signal)
{
    char text[32];
    snprintf(text, sizeof text, "%llx", (unsigned long long)signal);
    return text;
}
template <size_t N> std::string hex(const VlWide<N> &signal)
{
    std::string s;
    char text[16];
    for (size_t k = N; k-- > 0;) {
        snprintf(text, sizeof text, "%08x", signal[k]);
        s += text;
    }
    return s;
}

// ---- the ports of the model, without their types ----
struct port {
    const char *name;
    int bits;
    port(const char *n, int b) : name(n), bits(b) {}
    virtual ~port() {}
    virtual void begin(const tape_port &t) = 0;
    virtual void drive(int valid, int ready, bool flip) = 0;
    virtual void sample() {}
    virtual int faults(const char *&what) { return what = nullptr, 0; }
    virtual void taken() {}
    virtual bool complete(std::string &why) { return why.clear(), true; }
    virtual void show() {}
};

template <class D> struct scalar : port {
    D &signal;
    scalar(const char *n, int b, D &s) : port(n, b), signal(s) {}
    void begin(const tape_port &t) override { signal = (D)t.head.n; }
    void drive(int, int, bool) override {}
};

template <class D> struct input : port {
    D &data;
    CData &valid, &ready;
    const tape_port *tape = nullptr;
    uint64_t at = 0;
    bool offered = false;
    input(const char *n, int b, D &d, CData &v, CData &r)
        : port(n, b), data(d), valid(v), ready(r)
    {
    }
    void begin(const tape_port &t) override
    {
        tape = &t;
        at = 0;
        offered = false;
        valid = 0;
    }
    void drive(int rate, int, bool) override
    {
        if (offered)
            return;
        offered = valid = chance(rate);
        if (!offered)
            return;
        if (at < tape->head.n) {
            put(data, tape->word(at), bits);
        } else { // the end: nobody may take this
            std::vector<uint8_t> junk(cosim_bytes(bits) + 1);
            for (auto &b : junk)
                b = (uint8_t)rng();
            if (bits % 8)
                junk[cosim_bytes(bits) - 1] &= (uint8_t)((1 << bits % 8) - 1);
            put(data, junk.data(), bits);
        }
    }
    void taken() override
    {
        if (valid && ready) {
            at++;
            offered = false; // the signals move after the clock edge
        }
    }
    bool complete(std::string &why) override
    {
        if (at == tape->head.n)
            return true;
        why = std::string("input ") + name + ": " + std::to_string(at) +
              " words taken, not " + std::to_string(tape->head.n);
        return false;
    }
};

template <class D> struct output : port {
    D &data;
    CData &valid, &ready;
    const tape_port *tape = nullptr;
    uint64_t at = 0;
    bool was_valid = false, stood = false; // stood: valid and not taken
    D was;
    output(const char *n, int b, D &d, CData &v, CData &r)
        : port(n, b), data(d), valid(v), ready(r)
    {
    }
    void begin(const tape_port &t) override
    {
        tape = &t;
        at = 0;
        stood = false;
    }
    void drive(int, int rate, bool flip) override
    {
        ready = flip ? !ready : chance(rate);
    }
    void sample() override
    {
        was_valid = valid;
        was = data;
    }
    // Called after only readies have moved (valid must not follow), and once
    // a cycle for the word that stood before it.
    int faults(const char *&what) override
    {
        if (valid != was_valid)
            return what = "valid follows a ready", 1;
        if (valid && memcmp(&data, &was, sizeof was) != 0)
            return what = "data follow a ready", 1;
        return 0;
    }
    D stood_data;
    bool stands(const char *&what)
    {
        if (stood && !valid)
            return what = "valid fell before ready", false;
        if (stood && memcmp(&data, &stood_data, sizeof data) != 0)
            return what = "data changed before ready", false;
        return true;
    }
    bool right()
    {
        return !(valid && ready) ||
               (at < tape->head.n && same(data, tape->word(at), bits));
    }
    void taken() override
    {
        stood = valid && !ready;
        stood_data = data;
        if (valid && ready)
            at++;
    }
    bool complete(std::string &why) override
    {
        if (at == tape->head.n)
            return true;
        why = std::string("output ") + name + ": " + std::to_string(at) +
              " words, not " + std::to_string(tape->head.n);
        return false;
    }
    void show() override
    {
        fprintf(stderr, "cosim: output %s word %llu is %s\n", name,
                (unsigned long long)at, hex(data).c_str());
    }
};

// Verilator gives references to the ports; the three macros make objects.
template <class D> port *make_scalar(const char *n, int b, D &s)
{
    return new scalar<D>(n, b, s);
}
template <class D>
port *make_input(const char *n, int b, D &d, CData &v, CData &r)
{
    return new input<D>(n, b, d, v, r);
}
struct out_port {
    port *p;
    bool (*stands)(port *, const char *&);
    bool (*right)(port *);
};
template <class D>
out_port make_output(const char *n, int b, D &d, CData &v, CData &r)
{
    return {new output<D>(n, b, d, v, r),
            [](port *p, const char *&w) {
                return static_cast<output<D> *>(p)->stands(w);
            },
            [](port *p) { return static_cast<output<D> *>(p)->right(); }};
}

bool read_tape(const char *path, std::vector<tape_case> &cases)
{
    FILE *in = fopen(path, "rb");
    char magic[sizeof COSIM_MAGIC] = "";
    if (!in || fread(magic, 1, 8, in) != 8 || strcmp(magic, COSIM_MAGIC) != 0)
        return false;
    for (tape_case c; fread(&c.head, sizeof c.head, 1, in) == 1;) {
        c.ports.assign(c.head.ports, {});
        for (auto &p : c.ports) {
            if (fread(&p.head, sizeof p.head, 1, in) != 1)
                return false;
            if (p.head.kind == COSIM_KIND_SCALAR)
                continue;
            p.words.resize(p.head.n * cosim_bytes(p.head.bits) + 8);
            if (fread(p.words.data(), cosim_bytes(p.head.bits), p.head.n,
                      in) != p.head.n)
                return false;
        }
        cases.push_back(c);
    }
    fclose(in);
    return true;
}

} // namespace

int main(int argc, char **argv)
{
    std::vector<std::pair<int, int>> rates = {
        {100, 100}, {100, 50}, {50, 100}, {60, 60}, {30, 90}, {90, 20}, {50, 5},
    };
    int seeds = 3, percent = -1;
    const char *label = "";
    for (int k = 2; k + 1 < argc; k += 2) {
        if (!strcmp(argv[k], "-s"))
            seeds = atoi(argv[k + 1]);
        if (!strcmp(argv[k], "-n"))
            label = argv[k + 1];
        if (!strcmp(argv[k], "-c"))
            percent = atoi(argv[k + 1]);
        if (!strcmp(argv[k], "-r")) {
            rates.clear();
            int v, r, used;
            for (const char *s = argv[k + 1];
                 sscanf(s, "%d/%d%n", &v, &r, &used) == 2;
                 s += s[used] ? used + 1 : used)
                rates.push_back({v, r});
        }
    }
    std::vector<tape_case> cases;
    if (argc < 2 || !read_tape(argv[1], cases) || cases.empty() ||
        rates.empty() || seeds < 1) {
        fprintf(stderr, "cosim: no usable tape\n");
        return 2;
    }

    Verilated::randReset(2);
    Verilated::randSeed(12345);
    Vcosim top;
    std::vector<port *> ports;
    std::vector<out_port> outs;
#define IN(member, name, bits)                                                 \
    ports.push_back(make_input(#name, bits, top.name##_data,                   \
                               top.name##_valid, top.name##_ready));
#define OUT(member, name, bits)                                                \
    outs.push_back(make_output(#name, bits, top.name##_data,                   \
                               top.name##_valid, top.name##_ready));           \
    ports.push_back(outs.back().p);
#define SCALAR(member, name, bits)                                             \
    ports.push_back(make_scalar(#name, bits, top.name));
    COSIM_PORTS(IN, OUT, SCALAR)

    auto tick = [&] {
        top.clk = 1;
        top.eval();
        top.clk = 0;
    };
    top.start = 0;
    for (int k = 0; k < 5; k++) {
        top.rst = k < 4;
        for (size_t i = 0; i < ports.size(); i++)
            ports[i]->begin(cases[0].ports[i]);
        top.clk = 0;
        top.eval();
        tick();
    }

    long runs = 0, errors = 0, words = 0, slack = 0, formula_slack = 0;
    std::string full; // cycles at 100/100
    for (size_t c = 0; c < cases.size() && errors < 5; c++) {
        const tape_case &it = cases[c];
        uint64_t beats = 0;
        for (auto &p : it.ports)
            if (p.head.kind != COSIM_KIND_SCALAR)
                beats += p.head.n;
        long full_cycles = 0;
        for (auto rate : rates)
            for (int seed = 1; seed <= seeds && errors < 5; seed++) {
                rng_state = 0x9E3779B97F4A7C15ull * (uint64_t)seed + c;
                rng_state += (uint64_t)(rate.first * 128 + rate.second);
                int low = std::min(rate.first, rate.second);
                long limit = 2000 + 60 * (long)(beats + it.head.timed);
                if (full_cycles && low > 0)
                    limit = 2000 + full_cycles * 400 / low;
                for (size_t k = 0; k < ports.size(); k++)
                    ports[k]->begin(it.ports[k]);
                long cycle = 0, done_at = -1;
                const char *fault = nullptr, *where = "";
                std::string why;
                for (; cycle < limit && !fault; cycle++) {
                    top.start = cycle == 0;
                    for (auto p : ports)
                        p->drive(rate.first, rate.second, false);
                    if (cycle % 8 == 5) { // move only the readies, and back
                        top.eval();
                        for (auto &o : outs) {
                            o.p->sample();
                            o.p->drive(0, 0, true);
                        }
                        top.eval();
                        for (auto &o : outs) {
                            const char *what;
                            if (o.p->faults(what))
                                fault = what, where = o.p->name;
                            o.p->drive(0, 0, true);
                        }
                    }
                    top.eval();
                    for (auto &o : outs) {
                        const char *what;
                        if (!o.stands(o.p, what))
                            fault = what, where = o.p->name;
                        if (!o.right(o.p)) {
                            fault = "wrong or surplus word";
                            where = o.p->name;
                            o.p->show();
                        }
                    }
                    if (top.done && done_at >= 0)
                        fault = "done twice";
                    if (top.done && done_at < 0)
                        done_at = cycle;
                    for (auto p : ports)
                        p->taken();
                    if (done_at == cycle)
                        for (auto p : ports)
                            if (!p->complete(why))
                                fault = why.c_str();
                    tick();
                    if (done_at >= 0 && cycle >= done_at + 12)
                        break;
                }
                for (auto p : ports)
                    if (!fault && done_at >= 0 && !p->complete(why))
                        fault = why.c_str();
                if (!fault && done_at < 0) {
                    fault = "hangs";
                    for (auto p : ports)
                        if (!p->complete(why))
                            fprintf(stderr, "cosim: %s\n", why.c_str());
                }
                runs++;
                if (fault) {
                    errors++;
                    fprintf(stderr,
                            "cosim: %s case %zu rate %d/%d seed %d cycle %ld: "
                            "%s%s%s\n",
                            label, c, rate.first, rate.second, seed, cycle,
                            where, *where ? ": " : "", fault);
                    top.rst = 1; // the next run begins clean
                    for (int k = 0; k < 4; k++)
                        top.eval(), tick();
                    top.rst = 0;
                } else if (rate.first == 100 && rate.second == 100) {
                    full_cycles = done_at;
                    if (seed == 1) {
                        char text[64];
                        snprintf(text, sizeof text, "%s[%ld,%llu,%llu]",
                                 full.empty() ? "" : ",", done_at,
                                 (unsigned long long)it.head.timed,
                                 (unsigned long long)it.head.formula);
                        full += text;
                        long timed = (long)it.head.timed;
                        long formula = (long)it.head.formula;
                        if (it.head.depth > 1)
                            slack = std::max(slack, labs(done_at - timed));
                        if (it.head.depth > 1 && formula)
                            formula_slack = std::max(formula_slack,
                                                     labs(done_at - formula));
                        long off = labs(done_at - formula);
                        if (it.head.depth > 1)
                            off = std::max(off, labs(done_at - timed));
                        if (percent >= 0 && formula &&
                            off * 100 > percent * done_at) {
                            errors++;
                            fprintf(stderr,
                                    "cosim: %s case %zu: %ld cycles, the timed "
                                    "run has %ld, the formula %ld\n",
                                    label, c, done_at, timed, formula);
                        }
                    }
                }
                words += (long)beats;
            }
    }
    for (auto p : ports)
        delete p;
    printf("{\"top\":\"%s\",\"cases\":%zu,\"rates\":%zu,\"seeds\":%d,"
           "\"runs\":%ld,\"words\":%ld,\"errors\":%ld,\"timed_off\":%ld,"
           "\"formula_off\":%ld,\"cycles\":[%s]}\n",
           label, cases.size(), rates.size(), seeds, runs, words, errors,
           slack, formula_slack, full.c_str());
    return errors != 0 || words == 0;
}
