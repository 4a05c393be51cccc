/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
struct bad_ports {
    FX_OUT(u32, 1) y;
    int n[4];
};
void bad(const struct bad_ports *p)
{
    for (int i = 0; i < 4; i++)
        FX_WRITE(p->y, (FX_BEAT(u32, 1))p->n[i]);
}
