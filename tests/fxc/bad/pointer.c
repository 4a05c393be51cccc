/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
struct bad_ports {
    FX_IN(u32, 1) x;
    FX_OUT(u32, 1) y;
    int n;
};
void bad(const struct bad_ports *p)
{
    uint32_t a[64], b[64];
    for (int i = 0; i < 64; i++)
        a[i] = b[63 - i] = (uint32_t)FX_READ(p->x);
    uint32_t *m = p->n & 1 ? a : b;
    for (int i = 0; i < p->n; i++)
        FX_WRITE(p->y, (FX_BEAT(u32, 1))m[i]);
}
