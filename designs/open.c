/* SPDX-License-Identifier: Apache-2.0 */
/* designs/open.c -- an hls engine whose designs are compiled here and run as
 * shared objects. */
#include "designs/build.h"
#include "designs/host.h"
#include <dlfcn.h>
#include <stdlib.h>

struct objects {
    void *so[DSN_STAGES];
};

static void objects_close(void *self)
{
    struct objects *o = self;
    for (int s = 0; s < DSN_STAGES; s++)
        if (o->so[s] != 0)
            dlclose(o->so[s]);
    free(o);
}

struct hls *hls_open(const struct num_qmodel *m, const struct hls_options *o,
                     struct fl_error *err)
{
    struct objects *own = calloc(1, sizeof *own);
    if (own == 0) {
        fl_fail(err, FL_NOMEM, 0, "out of memory");
        return 0;
    }
    struct dsn_config c = o->config != 0 ? *o->config : dsn_config_for(m);
    int cap = o->cap > 0 ? o->cap : m->seq;
    struct hls_device device = {
        .self = own,
        .close = objects_close,
        .min_depth = o->exact_depth || o->timed ? 0 : 256,
    };
    bool ok = dsn_config_check(&c, m, err);
    for (int s = 0; ok && s < DSN_STAGES; s++) {
        own->so[s] = dsn_build(s, o, &c, m, cap, err);
        ok = own->so[s] != 0;
        if (ok)
            device.run[s] = (dsn_run_fn *)dlsym(own->so[s], "dsn_run");
        if (ok && device.run[s] == 0) {
            fl_fail(err, FL_FORMAT, 0, "a compiled design has no dsn_run");
            ok = false;
        }
    }
    struct hls *e = ok ? hls_attach(m, &c, cap, &device, o->progress, err) : 0;
    if (e == 0)
        objects_close(own);
    return e;
}
