/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fxc/design.c -- a whole design (prefill or decode) on a small random
 * model, for sim/cosim.sh: every word at every port of the design, to and from
 * its memories, is taped here and held against its hardware.
 *
 * DSN_STAGE and the lanes come by -D (tests/fxc/design.sh).
 */
#define finish host_finish /* cosim_record.c has one, too */
#include "designs/host.c"
#undef finish
#include "designs/config.h"
#define linear random_linear /* the design's engine is called linear */
#include "tests/golden/qmodel_random.c"
#undef linear

int main(void)
{
    struct qrandom shape = {.shape = {.layers = MAX_LAYERS,
                                      .d = MAX_D,
                                      .ffn = MAX_FFN,
                                      .nq = MAX_NQ,
                                      .nkv = MAX_NQ / MAX_SHARE,
                                      .head = MAX_HEAD,
                                      .vocab = 37,
                                      .eps = 1e-5},
                            .seq = MAX_SEQ,
                            .wbits = WBITS,
                            .abits = 8,
                            .mean = 1,
                            .bias = 1,
                            .r4 = 1,
                            .seed = 1};
    struct dsn_config c = {.tp = TP,
                           .wp = WP,
                           .bp = BP,
                           .dwp = WP,
                           .ch = CH,
                           .kp = KP,
                           .hp = HP,
                           .wbits = WBITS};
    struct num_qmodel *m = qrandom_new(&shape);
    struct fl_error err;
    struct dsn_image image;
    if (!m || !dsn_image_build(&image, m, &c, MAX_SEQ, &err)) {
        printf("design: %s\n", m ? err.msg : "out of memory");
        return 1;
    }
    enum { TOKENS = 5 };
    int32_t ids[TOKENS];
    uint64_t seed = 7;
    for (int i = 0; i < TOKENS; i++)
        ids[i] = (int32_t)(qrandom_word(&seed) % 37);
    struct dsn_job j = {.image = &image,
                        .shape = &m->shape,
                        .eps_q = m->eps_q,
                        .sqrt_d = m->sqrt_d,
                        .r3 = m->r3,
                        .r4 = m->r4,
                        .ids = ids,
                        .given = TOKENS,
                        .total = TOKENS + 2,
                        .k = 1,
                        .t_scale = {1u << 15, -15},
                        .top_p = 65536};
    bool ok = dsn_run(&j);
    printf("design: %s\n", ok ? "ok" : j.message);
    dsn_image_free(&image);
    qrandom_free(m);
    return !ok;
}
