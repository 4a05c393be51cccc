/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
struct bad_ports {
    FX_IN(u32, 1) x;
    FX_OUT(u32, 1) y;
    int n;
};
void bad(const struct bad_ports *p)
{
    uint32_t m[64];
    for (int i = 0; i < p->n; i++) {
        uint32_t v = (uint32_t)FX_READ(p->x);
        m[v & 63] = v;
        ((uint8_t *)m)[i] = 1;
        FX_WRITE(p->y, (FX_BEAT(u32, 1))m[i]);
    }
}
