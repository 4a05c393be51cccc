/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
struct bad_ports {
    FX_IN(u32, 1) x;
    FX_OUT(u32, 1) y;
    int n;
};
static uint32_t power(uint32_t x, uint32_t n)
{
    return n ? x * power(x, n - 1) : 1;
}
void bad(const struct bad_ports *p)
{
    FX_WRITE(p->y, (FX_BEAT(u32, 1))power((uint32_t)FX_READ(p->x), 3));
}
