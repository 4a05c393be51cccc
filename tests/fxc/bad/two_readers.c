/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
struct copy_ports {
    FX_IN(u32, 1) x;
    FX_OUT(u32, 1) y;
    int n;
};
void copy(const struct copy_ports *p)
{
    for (int i = 0; i < p->n; i++) {
        FX_PIPELINE(copy, 1);
        FX_WRITE(p->y, FX_READ(p->x));
    }
}
struct bad_ports {
    FX_IN(u32, 1) x;
    FX_OUT(u32, 1) y;
    int n;
};
void bad(const struct bad_ports *p)
{
    FX_DATAFLOW;
    FX_STREAM(u32, 1, q, 2);
    FX_STREAM(u32, 1, r, 2);
    FX_TASK(copy, .x = p->x, .y = FX_TO(q), .n = p->n);
    FX_TASK(copy, .x = FX_FROM(q), .y = FX_TO(r), .n = p->n);
    FX_TASK(copy, .x = FX_FROM(q), .y = p->y, .n = p->n);
}
