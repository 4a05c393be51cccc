/* error: field designator 'xx' does not refer to any field */
/* SPDX-License-Identifier: Apache-2.0 */
#define FX_NAME w
#define FX_ELEM i8
#define FX_N    2
#define FX_M    2
#include "fx/widen.h"
#define FX_NAME top
struct FX_(ports) {
    FX_IN(i8, 2) x;
    FX_OUT(i8, 2) y;
};
FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_TASK(w, .xx = p->x, .y = p->y, .beats = 1);
}
#include "fx/end.h"
