/* SPDX-License-Identifier: Apache-2.0 */
/* emit/parts.h -- the writers of single files; emit/build.c puts a directory
 * together from them. */
#ifndef EMIT_PARTS_H
#define EMIT_PARTS_H
#include "emit/dir.h"
#include "emit/emit.h"
#include "emit/kernel.h"

/* The XRT platform or the Vivado part of the device, "" where none is known;
 * the wanted clock of a stage. */
const char *emit_platform(const struct emit_design *e, int part);
double emit_mhz(const struct emit_design *e, int stage);

/* The kernel's SystemVerilog: AXI and registers around the design. */
void emit_top(struct emit_dir *d, const struct emit_kernel *k);

/* kernel.xml, and the Tcl that packages a kernel for XRT. */
void emit_kernel_xml(struct emit_dir *d, const struct emit_kernel *k);
void emit_registers_tcl(struct emit_dir *d, const struct emit_kernel *k);
void emit_package_tcl(struct emit_dir *d, const struct emit_design *e);
void emit_xdc(struct emit_dir *d, const struct emit_design *e);

/* What the linker needs: kernel.cfg, Makefile. */
void emit_link(struct emit_dir *d, const struct emit_design *e,
               const struct emit_kernel k[2], enum emit_target target);

/* The host program: its sources, a table of the kernels, its Makefile. */
void emit_host(struct emit_dir *d, const struct emit_design *e,
               const struct emit_kernel k[2], enum emit_target target);

/* The C++ kernel around a design, for Vitis HLS. */
void emit_vitis_kernel(struct emit_dir *d, const struct emit_design *e,
                       const struct emit_kernel *k);

void emit_readme(struct emit_dir *d, const struct emit_design *e,
                 const struct emit_kernel k[2], enum emit_target target);

#endif
