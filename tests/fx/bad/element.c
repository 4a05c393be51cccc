/* error: incompatible pointer types */
/* SPDX-License-Identifier: Apache-2.0 */
#define FX_NAME w
#define FX_ELEM i8
#define FX_N    2
#define FX_M    4
#include "fx/widen.h"
#define FX_NAME top
struct FX_(ports) {
    FX_IN(i4, 4) x; /* as many bits, another type */
    FX_OUT(i8, 4) y;
};
FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_TASK(w, .x = p->x, .y = p->y, .beats = 1);
}
#include "fx/end.h"
