/* SPDX-License-Identifier: Apache-2.0 */
/* hmt_make MODEL OUT.hmt SEGMENT SENSORY MEMORIES [lora] -- a memory file with
 * random numbers for a checkpoint, to test with what needs no training. */
#include "model/hmt.h"
#include "model/model.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static float uniform(double size)
{
    static uint64_t z = 1;
    z = z * 6364136223846793005u + 1442695040888963407u;
    return (float)(size * (2 * (double)(z >> 11) * 0x1p-53 - 1));
}

int main(int argc, char **argv)
{
    struct fl_error err = {0};
    struct model *m = NULL;
    struct hmt h = {.dm = 16, .scale = 0.1};
    if (argc < 6)
        return 2;
    bool ok = model_open(&m, argv[1], &err);
    if (ok) {
        const struct num_shape *s = model_shape(m);
        h.d = s->d;
        h.layers = s->layers;
        h.segment = atoi(argv[3]);
        h.sensory = atoi(argv[4]);
        h.memories = atoi(argv[5]);
        ok = hmt_init(&h, &err);
        for (int i = 0; ok && i < s->d; i++)
            h.t[i] = uniform(0.1);
        for (int i = 0; ok && i < s->d * h.dm; i++) {
            h.wq[i] = uniform(5);
            h.wk[i] = uniform(5);
        }
        struct hmt_lora *l = &h.lora[HMT_WO];
        if (ok && argc > 6) {
            ok = hmt_lora_init(l, 2, s->nq * s->head, s->d, &err);
            for (int i = 0; ok && i < 2 * l->in; i++)
                l->a[i] = uniform(0.5);
            for (int i = 0; ok && i < 2 * l->out; i++)
                l->b[i] = uniform(0.5);
        }
        ok = ok && hmt_write(argv[2], &h, false, &err);
    }
    if (!ok)
        printf("%s\n", err.msg);
    hmt_free(&h);
    model_close(m);
    return !ok;
}
