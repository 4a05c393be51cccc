/* SPDX-License-Identifier: Apache-2.0 */
/* tests/emit/tiny.c -- the model of the emission tests.
 *
 *     tiny write FILE.fxq           a random model of two layers
 *     tiny golden FILE.fxq N TEMPERATURE SEED ID ...
 *                                   the N tokens golden draws after the IDs
 */
#include "golden/int.h"
#include "model/package.h"
#include "num/convert.h"
#include "tests/golden/qmodel_random.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int write_package(const char *path)
{
    struct qrandom random = {.shape = {.layers = 2,
                                       .d = 16,
                                       .ffn = 24,
                                       .nq = 4,
                                       .nkv = 2,
                                       .head = 8,
                                       .vocab = 27,
                                       .eps = 1e-5},
                             .seq = 48,
                             .wbits = 4,
                             .abits = 8,
                             .mean = 1,
                             .bias = 1,
                             .r4 = 1,
                             .group = 8,
                             .seed = 7};
    struct num_qmodel *m = qrandom_new(&random);
    struct fl_error err;
    struct pkg_info info = {"w4a8kv8", "{}", "0", "0", "tests/emit/tiny"};
    m->shape.seq = random.seq;
    bool ok = m != 0 && pkg_write(path, m, 0, 0, &info, &err);
    if (!ok)
        fprintf(stderr, "%s\n", m != 0 ? err.msg : "out of memory");
    qrandom_free(m);
    return !ok;
}

static int golden(int argc, char **argv)
{
    struct pkg pkg;
    struct fl_error err;
    struct gold_int g;
    int n = atoi(argv[3]), next = 0;
    double temperature = atof(argv[4]);
    struct gold_sampler s = {
        temperature > 0 ? 64 : 1,
        temperature > 0 ? num_scale_of(1.4426950408889634 / temperature)
                        : (struct num_scale){1u << 15, -15},
        65536, (uint32_t)atoi(argv[5])};
    if (!pkg_open(&pkg, argv[2], &err)) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    int32_t *logits = calloc((size_t)pkg.model.shape.vocab, sizeof *logits);
    if (logits == 0 || !gold_int_init(&g, &pkg.model, argc - 6 + n))
        return 1;
    for (int i = 6; i < argc; i++)
        gold_int_step(&g, atoi(argv[i]), logits);
    for (int i = 0; i < n; i++) {
        next = gold_sample(logits, pkg.model.shape.vocab, &s, (uint32_t)g.pos);
        printf("%d\n", next);
        if (i + 1 < n)
            gold_int_step(&g, next, logits);
    }
    gold_int_free(&g);
    free(logits);
    pkg_close(&pkg);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "write") == 0)
        return write_package(argv[2]);
    if (argc > 6 && strcmp(argv[1], "golden") == 0)
        return golden(argc, argv);
    return 2;
}
