/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
static uint32_t count[8];
struct bad_ports {
    FX_IN(u32, 1) x;
    FX_OUT(u32, 1) y;
    int n;
};
void bad(const struct bad_ports *p)
{
    for (int i = 0; i < p->n; i++)
        FX_WRITE(p->y, (FX_BEAT(u32, 1))count[(uint32_t)FX_READ(p->x) & 7]++);
}
