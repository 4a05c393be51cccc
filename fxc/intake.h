/* SPDX-License-Identifier: Apache-2.0 */
/* intake.h -- shared by intake*.c, the only files that see LLVM. */
#ifndef FXC_INTAKE_H
#define FXC_INTAKE_H
#include "fxc/all.h"
#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>
#include <llvm-c/Target.h>
#include <stdlib.h>
#include <string.h>

extern LLVMContextRef llctx;
extern LLVMTargetDataRef layout;

/* intake.c */
Loc loc_of(LLVMValueRef);
const char *called(LLVMValueRef);
bool is_task_call(LLVMValueRef);
Fn *fn_of(LLVMValueRef);

/* intake_marks.c */
void inline_calls(LLVMValueRef fn);
bool is_dataflow(LLVMValueRef fn);
void take_marks(LLVMValueRef fn);
void mark_invariant(LLVMValueRef fn);

/* intake_ports.c */
LLVMMetadataRef md_op(LLVMMetadataRef, unsigned k);
void take_ports(Fn *, LLVMValueRef fn);

/* intake_value.c */
void map_clear(void);
void *map_get(LLVMValueRef);
void map_set(LLVMValueRef, void *);
int width_of(LLVMTypeRef, LLVMValueRef at);
Node *value(Fn *, LLVMValueRef);
int declared_width(LLVMValueRef access, int stored);
Mem *memory_of(Fn *, LLVMValueRef base, LLVMValueRef at);
LLVMValueRef address(Fn *, Node *, LLVMValueRef p);
Port *port_of(Fn *, LLVMValueRef fn, LLVMValueRef p, LLVMValueRef at);
Node *param_load(Fn *, LLVMValueRef fn, LLVMValueRef load);

/* intake_code.c, intake_tasks.c */
bool take_arith(Fn *, Node *at, LLVMValueRef);
void take_code(Fn *, LLVMValueRef fn);
void take_tasks(Fn *, LLVMValueRef fn);
#endif
