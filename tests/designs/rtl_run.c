/* SPDX-License-Identifier: Apache-2.0 */
/* tests/designs/rtl_run.c -- a run of a whole design for sim/cosim.sh, which
 * tapes its ports: a random model of two layers, three prompt tokens, four
 * generated. -DDSN_STAGE=0 prefill, 1 decode.
 */
#include "tests/designs/rtl_tiny.h"
#include "designs/host.c"
#define linear random_linear /* a task is called linear */
#include "tests/golden/qmodel_random.c"
#undef linear

static bool token(void *user, int id)
{
    (void)user;
    printf("token %d\n", id);
    return true;
}

int main(void)
{
    struct qrandom random = {.shape = {.layers = MAX_LAYERS,
                                       .d = MAX_D,
                                       .ffn = MAX_FFN,
                                       .nq = MAX_NQ,
                                       .nkv = MAX_NQ / MAX_SHARE,
                                       .head = MAX_HEAD,
                                       .vocab = 27,
                                       .eps = 1e-5},
                             .seq = MAX_SEQ,
                             .wbits = WBITS,
                             .abits = 8,
                             .mean = 1,
                             .bias = 1,
                             .r3 = 1,
                             .r4 = 1,
                             .seed = 7};
    struct dsn_config c = {.tp = TINY_TP,
                           .wp = TINY_WP,
                           .bp = TINY_BP,
                           .dwp = TINY_DWP,
                           .ch = TINY_CH,
                           .kp = KP,
                           .pch = TINY_PCH,
                           .ap = TINY_AP,
                           .turns = TINY_TURNS,
                           .hp = TINY_HP,
                           .wbits = WBITS};
    struct dsn_image image;
    struct fl_error err;
    static const int32_t ids[] = {5, 11, 2};
    struct num_qmodel *m = qrandom_new(&random);
    if (m == 0 || !dsn_image_build(&image, m, &c, MAX_SEQ, &err))
        return 1;
    struct dsn_job job = {.image = &image,
                          .shape = &m->shape,
                          .eps_q = m->eps_q,
                          .sqrt_d = m->sqrt_d,
                          .r3 = m->r3,
                          .r4 = m->r4,
                          .ids = ids,
                          .given = 3,
                          .total = 6,
                          .k = 5,
                          .t_scale = {47274, -15},
                          .top_p = 60000,
                          .seed = 3,
                          .token = token};
    bool ok = dsn_run(&job);
    if (!ok)
        fprintf(stderr, "%s\n", job.message);
    dsn_image_free(&image);
    qrandom_free(m);
    return !ok;
}
