/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
struct bad_ports {
    FX_IN(u32, 1) x;
    FX_OUT(u32, 1) y;
    int n;
};
void bad(const struct bad_ports *p)
{
    uint32_t m[20][3];
    for (int i = 0; i < p->n; i++)
        ((uint32_t(*)[5])m)[i][0] = (uint32_t)FX_READ(p->x);
    for (int i = 0; i < p->n; i++)
        FX_WRITE(p->y, (FX_BEAT(u32, 1))m[i][0]);
}
