/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
static const uint32_t table[2] = {1, 2};
struct bad_ports {
    FX_IN(u32, 1) x;
    FX_OUT(u32, 1) y;
    int n;
};
void bad(const struct bad_ports *p)
{
    FX_WRITE(p->y, (FX_BEAT(u32, 1))(uint32_t)(uintptr_t)table);
}
