/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
struct bad_ports {
    FX_IN(u32, 1) x;
    FX_OUT(u32, 1) y;
    int n;
};
void bad(const struct bad_ports *p)
{
    FX_WRITE(p->y, *(const volatile unsigned _BitInt(32) FX_AS(2) *)p->y);
}
