/* SPDX-License-Identifier: Apache-2.0 */
/* tests/designs/test_broken.c -- runs a broken copy of the designs: the engine
 * must stop, and its message must hold the given words (task, stream).
 *
 *     test_designs_broken SOURCES WORD...
 */
#include "designs/hls.h"
#include "tests/golden/qmodel_random.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct fl_error err = {0};
    struct qrandom random = {.shape = {.layers = 2,
                                       .d = 16,
                                       .ffn = 24,
                                       .nq = 4,
                                       .nkv = 2,
                                       .head = 8,
                                       .vocab = 37,
                                       .eps = 1e-5},
                             .seq = 16,
                             .wbits = 4,
                             .abits = 8,
                             .seed = 1};
    struct dsn_config c = {.tp = 4,
                           .wp = 8,
                           .bp = 2,
                           .dwp = 4,
                           .ch = 1,
                           .kp = 4,
                           .hp = 1,
                           .wbits = 0};
    if (argc < 3)
        return 2;
    struct num_qmodel *m = qrandom_new(&random);
    struct hls_options o = {
        .config = &c, .source_dir = argv[1], .cache_dir = argv[1]};
    struct hls *e = m != 0 ? hls_open(m, &o, &err) : 0;
    if (e == 0) {
        printf("not opened: %s\n", err.msg);
        return 1;
    }
    struct hls_want want = {.tokens = 2, .sampling = {.k = 1}};
    static const int prompt[] = {1, 2, 3};
    bool ok = hls_generate(e, prompt, 3, &want, 0, 0, 0, &err);
    printf("%s\n", ok ? "the broken design ran through" : err.msg);
    int bad = ok;
    for (int i = 2; i < argc; i++)
        if (strstr(err.msg, argv[i]) == 0) {
            printf("the message does not name \"%s\"\n", argv[i]);
            bad = 1;
        }
    hls_close(e);
    qrandom_free(m);
    return bad;
}
