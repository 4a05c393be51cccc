/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
struct bad_ports {
    FX_IN(u32, 1) x;
    FX_OUT(u32, 1) y;
    int n;
};
void bad(const struct bad_ports *p)
{
    struct {
        uint32_t a;
        uint16_t b;
    } m[64];
    for (int i = 0; i < p->n; i++) {
        uint32_t v = (uint32_t)FX_READ(p->x);
        m[v & 63].a = v;
        m[v & 63].b = (uint16_t)v;
        FX_WRITE(p->y, (FX_BEAT(u32, 1))(m[i].a + m[i].b));
    }
}
