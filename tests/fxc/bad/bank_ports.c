/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
struct bad_ports {
    FX_IN(u32, 1) x;
    FX_OUT(u32, 1) y;
    int n;
};
void bad(const struct bad_ports *p)
{
    uint32_t m[8192];
    for (int i = 0; i < 8192; i++) {
        FX_PIPELINE(fill, 1);
        m[i] = (uint32_t)FX_READ(p->x);
    }
    for (int i = 0; i < p->n; i++) {
        FX_PIPELINE(work, 1);
        FX_WRITE(p->y, (FX_BEAT(u32, 1))(m[i & 8191] + m[(i + 9) & 8191]));
    }
}
