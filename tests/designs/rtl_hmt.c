/* SPDX-License-Identifier: Apache-2.0 */
/* tests/designs/rtl_hmt.c -- runs of designs/hmt.c for sim/cosim.sh, which
 * tapes its ports, on a random model of two layers: windows of several lengths
 * through prefill; pushes into a ring that goes round, a search and some
 * generated tokens through decode. -DDSN_STAGE=0 prefill, 1 decode.
 */
#define DSN_HMT
#include "tests/designs/rtl_tiny.h"
#define MAX_DM       6
#define MAX_MEMORIES 3
#include "designs/host.c"
#include "designs/hmt_image.c"
#define linear random_linear /* a task is called linear */
#include "tests/golden/qmodel_random.c"
#undef linear
#define uniform hmt_uniform
#include "tests/golden/hmt_random.c"

static bool token(void *user, int id)
{
    (void)user;
    printf("token %d\n", id);
    return true;
}

static int failed;

static void go(struct dsn_job *job)
{
    if (!dsn_run(job)) {
        fprintf(stderr, "%s\n", job->message);
        failed = 1;
    }
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
                             .r3 = 1,
                             .r4 = 1,
                             .seed = 7};
    struct dsn_config c = {.tp = 2,
                           .wp = 3,
                           .bp = 2,
                           .dwp = 4,
                           .ch = 2,
                           .kp = KP,
                           .pch = 3,
                           .ap = 2,
                           .turns = 2,
                           .hp = TINY_HP,
                           .wbits = WBITS};
    struct dsn_image image;
    struct dsn_hmt plug;
    struct fl_error err;
    static const int32_t text[] = {5, 11, 2, 26, 0, 8, 19};
    struct num_qmodel *m = qrandom_new(&random);
    struct num_hmt *h = hrandom_new(MAX_D, MAX_DM, 6, 2, MAX_MEMORIES, 3);
    if (m == 0 || h == 0 || !dsn_image_build(&image, m, &c, MAX_SEQ, &err) ||
        !dsn_hmt_build(&plug, &image, m, h, &err))
        return 1;
    struct dsn_hmt_run run = {.hmt = &plug, .text = text, .tokens = 7};
    struct dsn_job job = {.image = &image,
                          .shape = &m->shape,
                          .eps_q = m->eps_q,
                          .sqrt_d = m->sqrt_d,
                          .r3 = m->r3,
                          .r4 = m->r4,
                          .hmt = &run,
                          .k = 1,
                          .t_scale = {47274, -15},
                          .top_p = 60000,
                          .seed = 3,
                          .token = token};
    int32_t id = random.shape.vocab;
#if DSN_STAGE == 0
    for (run.count = 0; run.count <= 4; run.count += 2) {
        run.from = 7 - run.count;
        run.vector = (uint32_t)(id + run.count / 4);
        job.given = 1 + run.count;
        go(&job);
    }
#else
    job.ids = &id;
    job.given = job.total = 1;
    for (int n = 0; n < 5; n++) { /* the last of them searches */
        run.push = n < 4;
        run.search = n == 4;
        run.slot = n % MAX_MEMORIES;
        run.live = MAX_MEMORIES;
        job.table = plug.table[run.push ? DSN_HMT_PUSH : DSN_HMT_SEARCH];
        job.first = n;
        go(&job);
    }
    run.search = 0;
    id++; /* P, as just written */
    job.table = 0;
    job.first = 5;
    job.total = 3;
    job.k = 5;
    go(&job);
#endif
    dsn_hmt_free(&plug);
    dsn_image_free(&image);
    qrandom_free(m);
    hrandom_free(h);
    return failed;
}
