/* SPDX-License-Identifier: Apache-2.0 */
/* delays.c -- the scheduler's idea of a clock period, operation by operation.
 *
 * `fxc --target T --delays` prints a line `OPERATION BITS NS` for each: from a
 * register through the operation into the next, as target.c has it.
 * bench/delays.sh sets them beside what placement and static timing analysis
 * say of the same circuits.
 */
#include "fxc/all.h"

static const struct {
    const char *name;
    enum Op op;
    int w;
} ops[] = {{"logic", Oand, 32},    {"select", Oselect, 32},
           {"add", Oadd, 16},      {"add", Oadd, 32},
           {"add", Oadd, 48},      {"less", Oult, 32},
           {"equal", Oeq, 32},     {"shift", Oshl, 32},
           {"multiply", Omul, 18}, {"memory", Oload, 18}};

void delays(void)
{
    Fn fn = {.name = "delays"};
    Mem mem = {.kind = Mram, .depth = 1024};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        Node *n = node_new(&fn, ops[i].op, ops[i].w, opinfo[ops[i].op].arity);
        for (int k = 0; k < n->nin; k++) {
            n->in[k] = node_new(&fn, Oarg, ops[i].w, 0);
            n->in[k]->rw = ops[i].w;
        }
        n->rw = ops[i].w;
        n->mem = &mem;
        double ns = n->op == Oload ? target->ramq : target->clkq + op_delay(n);
        printf("%s %d %.2f\n", ops[i].name, ops[i].w, ns + target->setup);
    }
}
