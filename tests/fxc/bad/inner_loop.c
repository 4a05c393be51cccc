/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
struct bad_ports {
    FX_IN(u32, 1) x;
    FX_OUT(u32, 1) y;
    int n;
};
void bad(const struct bad_ports *p)
{
    for (int i = 0; i < p->n; i++) {
        FX_PIPELINE(work, 1);
        uint32_t s = 0;
        for (int j = 0; j < i; j++)
            s = s * 3 + (uint32_t)j;
        FX_WRITE(p->y, (FX_BEAT(u32, 1))s);
    }
}
