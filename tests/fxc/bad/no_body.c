/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
uint32_t elsewhere(uint32_t);
struct bad_ports {
    FX_IN(u32, 1) x;
    FX_OUT(u32, 1) y;
    int n;
};
void bad(const struct bad_ports *p)
{
    FX_WRITE(p->y, (FX_BEAT(u32, 1))elsewhere((uint32_t)FX_READ(p->x)));
}
