/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fxc/layer.c -- layers of a real model through a whole design (prefill
 * or decode), for sim/cosim.sh: every word at every port of the design, to and
 * from its memories, is taped here and held against its hardware.
 *
 *     FL_PACKAGE=MODEL.fxq    the package whose weights fill the memories
 *
 * The model is cut to its first two layers. Prefill does all of the first and,
 * as of every last layer, only the keys and values of the second, which are
 * made of what the first gave out; decode does both, and the head. The first
 * TOKENS tokens of `text` go in. DSN_STAGE and the lanes come by -D
 * (tests/fxc/layer.sh).
 */
#define finish host_finish /* cosim_record.c has one, too */
#include "designs/host.c"
#undef finish
#include "designs/config.h"
#include "model/package.h"

enum { LAYERS = 2, TOKENS = 3, GENERATED = 2 };
static const char text[] = "Once upon a time";

static bool token(void *user, int id)
{
    (void)user;
    printf("layer: token %d\n", id);
    return true;
}

int main(void)
{
    const char *path = getenv("FL_PACKAGE");
    struct dsn_config c = {.tp = TP,
                           .wp = WP,
                           .bp = BP,
                           .dwp = WP,
                           .ch = CH,
                           .kp = KP,
                           .pch = CH,
                           .ap = AP,
                           .turns = TURNS,
                           .hp = HP,
                           .wbits = WBITS};
    struct dsn_image image;
    struct tok_ids ids = {0};
    struct fl_error err;
    struct pkg pkg;
    if (!path) {
        printf("layer: FL_PACKAGE names no package\n");
        return 1;
    }
    if (!pkg_open(&pkg, path, &err)) {
        printf("layer: %s\n", err.msg);
        return 1;
    }
    struct num_qmodel *m = &pkg.model;
    if (m->shape.layers < LAYERS) {
        printf("layer: %s has %d layers, %d are needed\n", path,
               m->shape.layers, LAYERS);
        return 1;
    }
    m->shape.layers = LAYERS;
    if (!tok_encode(pkg.tok, text, sizeof text - 1, TOK_BOS, &ids, &err) ||
        !dsn_image_build(&image, m, &c, MAX_SEQ, &err)) {
        printf("layer: %s\n", err.msg);
        return 1;
    }
    int given = (int)ids.n < TOKENS ? (int)ids.n : TOKENS;
    struct dsn_job j = {.image = &image,
                        .shape = &m->shape,
                        .eps_q = m->eps_q,
                        .sqrt_d = m->sqrt_d,
                        .r3 = m->r3,
                        .r4 = m->r4,
                        .ids = ids.id,
                        .given = given,
                        .total = given + GENERATED,
                        .k = 1,
                        .t_scale = {1u << 15, -15},
                        .top_p = 65536,
                        .token = token};
    bool ok = dsn_run(&j);
    printf("layer: %s\n", ok ? "ok" : j.message);
    dsn_image_free(&image);
    tok_ids_free(&ids);
    pkg_close(&pkg);
    return !ok;
}
