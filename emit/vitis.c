/* SPDX-License-Identifier: Apache-2.0 */
#include "emit/parts.h"
void emit_vitis_kernel(struct emit_dir *d, const struct emit_design *e,
                       const struct emit_kernel *k)
{
}
