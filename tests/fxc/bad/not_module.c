/* SPDX-License-Identifier: Apache-2.0 */
#include "fx/fx.h"
void bad(int n)
{
    (void)n;
}
