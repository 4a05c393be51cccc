/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
struct bad_ports {
    FX_IN(u32, 1) x;
    FX_OUT(u32, 1) y;
    int n;
};
void bad(const struct bad_ports *p)
{
    uint32_t a = 1;
    for (int i = 0; i < p->n; i++) {
        FX_PIPELINE(work, 1);
        for (int k = 0; k < 70; k++) {
            FX_UNROLL;
            a = a * (a >> 3) + 1;
        }
        FX_WRITE(p->y, (FX_BEAT(u32, 1))a);
    }
}
