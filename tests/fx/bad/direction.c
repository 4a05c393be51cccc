/* error: initializing */
/* SPDX-License-Identifier: Apache-2.0 */
#define FX_NAME w
#define FX_ELEM i8
#define FX_N    2
#define FX_M    2
#include "fx/widen.h"
#define FX_NAME top
struct FX_(ports) {
    FX_IN(i8, 2) x;
};
FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_STREAM(i8, 2, u, 1);
    FX_TASK(w, .x = p->x, .y = FX_FROM(u), .beats = 1);
}
#include "fx/end.h"
