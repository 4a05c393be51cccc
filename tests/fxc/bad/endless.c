/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
struct bad_ports {
    FX_IN(u32, 1) x;
    FX_OUT(u32, 1) y;
    int n;
};
void bad(const struct bad_ports *p)
{
    for (;;) {
        FX_PIPELINE(work, 1);
        FX_WRITE(p->y, FX_READ(p->x));
    }
}
