// SPDX-License-Identifier: Apache-2.0
// bench.cpp -- the clock of every bench in tests/rtl.
//
// A bench is a module tb_* (Verilated with --prefix Vtb) with
//     input clk, rst;  output finished;  output int errors, checks
// This program drives clk and rst and says whether it went well: finished
// within the cycle limit, something checked, nothing wrong.
//
//     usage: bench [+seed=N] [+limit=CYCLES]
#include "Vtb.h"
#include "verilated.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>

static long plus(const char *name, long otherwise)
{
    const char *at = Verilated::commandArgsPlusMatch(name);
    const char *value = at ? strchr(at, '=') : nullptr;
    return value ? atol(value + 1) : otherwise;
}

int main(int argc, char **argv)
{
    Verilated::commandArgs(argc, argv);
    long seed = plus("seed", 1), limit = plus("limit", 2000000);
    Verilated::randReset(2); // what nobody set is random, not zero
    Verilated::randSeed((int)seed);
    Vtb tb;
    long cycle = 0;
    for (; cycle < limit; cycle++) {
        if (cycle > 4 && (tb.finished || Verilated::gotFinish()))
            break;
        tb.rst = cycle < 4;
        tb.clk = 0;
        tb.eval();
        tb.clk = 1;
        tb.eval();
    }
    bool good = tb.finished && tb.errors == 0 && tb.checks > 0;
    printf("%s: seed %ld, %ld cycles, %d checks, %d errors%s\n",
           good ? "ok" : "FAILED", seed, cycle, tb.checks, tb.errors,
           tb.finished ? "" : ", hung");
    return good ? 0 : 1;
}
