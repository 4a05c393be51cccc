/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
struct bad_ports {
    FX_IN(u32, 1) x;
};
void good(const struct bad_ports *p)
{
    (void)FX_READ(p->x);
}
