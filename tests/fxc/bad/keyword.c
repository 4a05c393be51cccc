/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
struct bad_ports {
    FX_OUT(u32, 1) y;
    int table;
};
void bad(const struct bad_ports *p)
{
    FX_WRITE(p->y, (FX_BEAT(u32, 1))(uint32_t)p->table);
}
