/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
struct bad_ports {
    FX_IN(u32, 1) x;
    FX_OUT(u32, 1) y;
    int n;
};
void bad(const struct bad_ports *p)
{
    uint32_t v = (uint32_t)FX_READ(p->x);
    for (int i = 0; i < 2100; i++) {
        FX_UNROLL;
        FX_WRITE(p->y, (FX_BEAT(u32, 1))v);
    }
}
