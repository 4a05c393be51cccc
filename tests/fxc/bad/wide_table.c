/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
static const unsigned _BitInt(96) table[3] = {1, 2, 3};
struct bad_ports {
    FX_IN(u32, 1) x;
    FX_OUT(u32, 1) y;
    int n;
};
void bad(const struct bad_ports *p)
{
    for (int i = 0; i < p->n; i++)
        FX_WRITE(p->y, (FX_BEAT(u32, 1))table[(uint32_t)FX_READ(p->x) & 1]);
}
