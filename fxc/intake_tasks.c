/* SPDX-License-Identifier: Apache-2.0 */
/* intake_tasks.c -- a dataflow function: local streams, and tasks between them.
 *
 * After unrolling it is one block. It is read like a program: a compound
 * literal is an alloca whose fields are stored, then handed to a call; what the
 * fields hold at the call is the wiring of one instance. A local stream is an
 * array of beats; its length is the depth of the FIFO, and an array of arrays
 * is that many FIFOs.
 */
#include "fxc/intake.h"

typedef struct Field {
    LLVMValueRef base;
    int64_t off;
    LLVMValueRef val;
} Field;

static Field *field;
static int nfield;

static void set_field(LLVMValueRef base, int64_t off, LLVMValueRef v)
{
    for (int i = 0; i < nfield; i++)
        if (field[i].base == base && field[i].off == off) {
            field[i].val = v;
            return;
        }
    Field f = {base, off, v};
    PUSH(field, nfield, f);
}

static LLVMValueRef get_field(LLVMValueRef base, int64_t off)
{
    for (int i = 0; i < nfield; i++)
        if (field[i].base == base && field[i].off == off)
            return field[i].val;
    return NULL;
}

static LLVMValueRef strip_casts(LLVMValueRef v)
{
    while (
        LLVMIsAAddrSpaceCastInst(v) || LLVMIsABitCastInst(v) ||
        (LLVMIsAConstantExpr(v) && LLVMGetConstOpcode(v) == LLVMAddrSpaceCast))
        v = LLVMGetOperand(v, 0);
    return v;
}

/* Base and constant offset of a pointer. */
static LLVMValueRef locate(Fn *fn, LLVMValueRef p, int64_t *off)
{
    Node tmp = {0};
    for (;;) {
        LLVMValueRef q = address(fn, &tmp, strip_casts(p));
        if (q == p)
            break;
        p = q;
    }
    if (tmp.nterm)
        reject(fn->loc, "unroll the loop around it",
               "a task of '%s' is wired by an index that is not constant",
               fn->name);
    *off = tmp.off;
    return p;
}

static Fifo *fifo_of(Fn *fn, LLVMValueRef base, int64_t off, Loc at)
{
    if (!LLVMIsAAllocaInst(base))
        reject(at, "wire a port of the function or a local stream",
               "'%s' wires something that is not a stream", fn->name);
    LLVMTypeRef t = LLVMGetAllocatedType(base);
    int64_t k = 0;
    bool many = false;
    while (LLVMGetTypeKind(t) == LLVMArrayTypeKind &&
           LLVMGetTypeKind(LLVMGetElementType(t)) == LLVMArrayTypeKind) {
        int64_t n = (int64_t)LLVMGetArrayLength2(t);
        t = LLVMGetElementType(t);
        int64_t size = (int64_t)LLVMABISizeOfType(layout, t);
        k = k * n + off / size % n;
        many = true;
    }
    size_t len;
    const char *name = cleanname(LLVMGetValueName2(base, &len));
    if (many)
        name = fmt("%s_%lld", name, (long long)k);
    for (int i = 0; i < fn->nfifo; i++)
        if (!strcmp(fn->fifo[i]->name, name))
            return fn->fifo[i];
    Fifo *q = xalloc(sizeof *q);
    q->name = name;
    q->loc = at;
    q->depth = LLVMGetTypeKind(t) == LLVMArrayTypeKind
                   ? (int64_t)LLVMGetArrayLength2(t)
                   : 1;
    PUSH(fn->fifo, fn->nfifo, q);
    return q;
}

static void join_fifo(Fifo *q, Port *p, Inst *in)
{
    Inst **end = p->out ? &q->writer : &q->reader;
    if (*end)
        reject(in->loc, "every stream has one writer and one reader",
               "stream '%s' has two %s: '%s' and '%s'", q->name,
               p->out ? "writers" : "readers", (*end)->fn->name, in->fn->name);
    *end = in;
    if (q->w && q->w != p->w)
        reject(in->loc, NULL, "stream '%s' carries %d bits, '%s' of '%s' %d",
               q->name, q->w, p->name, in->fn->name, p->w);
    q->w = p->w;
}

static void join_outer(Fn *fn, Wire *w, Inst *in)
{
    Port *o = w->outer;
    if (o->out != w->port->out)
        reject(in->loc, NULL, "port '%s' is wired against its direction",
               o->name);
    for (int i = 0; i < fn->ninst; i++)
        for (int k = 0; k < fn->inst[i]->nwire; k++)
            if (fn->inst[i]->wire[k].outer == o)
                reject(in->loc, "every stream has one writer and one reader",
                       "port '%s' of '%s' is wired twice", o->name, fn->name);
    o->w = w->port->w;
}

static void wire_port(Fn *fn, LLVMValueRef f, Inst *in, Port *p, LLVMValueRef v)
{
    Wire w = {.port = p};
    if (!v || LLVMIsNull(v))
        reject(in->loc, "every port of a task must be wired",
               "port '%s' of '%s' is not wired", p->name, in->fn->name);
    LLVMValueRef s = strip_casts(v);
    if (LLVMIsALoadInst(s)) {
        w.outer = port_of(fn, f, s, s);
        join_outer(fn, &w, in);
    } else {
        int64_t off;
        LLVMValueRef base = locate(fn, s, &off);
        w.fifo = fifo_of(fn, base, off, in->loc);
        join_fifo(w.fifo, p, in);
    }
    PUSH(in->wire, in->nwire, w);
}

static void take_task(Fn *fn, LLVMValueRef f, LLVMValueRef call)
{
    Inst *in = xalloc(sizeof *in);
    in->loc = loc_of(call);
    in->fn = fn_of(LLVMGetCalledValue(call));
    int64_t off;
    LLVMValueRef base = locate(fn, LLVMGetOperand(call, 0), &off);
    for (int i = 0; i < in->fn->nport; i++) {
        Port *p = in->fn->port[i];
        wire_port(fn, f, in, p, get_field(base, off + p->off));
    }
    for (int i = 0; i < in->fn->nscalar; i++) {
        Scalar *s = in->fn->scalar[i];
        LLVMValueRef v = get_field(base, off + s->off);
        Node at = {.loc = in->loc};
        Node *n = v ? value(fn, v) : node_const(fn, s->w, 0);
        Wire w = {.scal = s, .value = node_ext(fn, &at, n, s->w, s->sgn)};
        PUSH(in->wire, in->nwire, w);
    }
    int same = 0;
    for (int i = 0; i < fn->ninst; i++)
        same += fn->inst[i]->fn == in->fn;
    in->name =
        same ? fmt("u_%s_%d", in->fn->name, same) : fmt("u_%s", in->fn->name);
    PUSH(fn->inst, fn->ninst, in);
}

/* A struct copied from a constant: field by field. */
static void copy_constant(Fn *fn, LLVMValueRef i)
{
    int64_t off, from;
    LLVMValueRef dst = locate(fn, LLVMGetOperand(i, 0), &off);
    LLVMValueRef src = locate(fn, LLVMGetOperand(i, 1), &from);
    if (!LLVMIsAGlobalVariable(src) || !LLVMIsGlobalConstant(src) ||
        !LLVMGetInitializer(src) || from)
        reject(loc_of(i), "give the ports of a task in the call",
               "the ports of a task are copied from elsewhere");
    LLVMTypeRef t = LLVMGlobalGetValueType(src);
    for (unsigned k = 0; k < LLVMCountStructElementTypes(t); k++)
        set_field(dst, off + (int64_t)LLVMOffsetOfElement(layout, t, k),
                  LLVMGetAggregateElement(LLVMGetInitializer(src), k));
}

static void take_step(Fn *fn, LLVMValueRef f, LLVMValueRef i)
{
    Node at = {.loc = loc_of(i)};
    switch (LLVMGetInstructionOpcode(i)) {
    case LLVMAlloca:
    case LLVMGetElementPtr:
    case LLVMAddrSpaceCast:
    case LLVMRet:
        return;
    case LLVMLoad:
        if (LLVMGetTypeKind(LLVMTypeOf(i)) == LLVMPointerTypeKind)
            return;
        if (LLVMGetVolatile(i) || !param_load(fn, f, i))
            reject(at.loc, "tasks go into a function of their own",
                   "'%s' both calls tasks and works itself", fn->name);
        map_set(i, node_ext(fn, &at, param_load(fn, f, i),
                            width_of(LLVMTypeOf(i), i),
                            param_load(fn, f, i)->scalar->sgn));
        return;
    case LLVMStore: {
        int64_t off;
        if (LLVMGetVolatile(i))
            reject(at.loc, "tasks go into a function of their own",
                   "'%s' both calls tasks and works itself", fn->name);
        LLVMValueRef base = locate(fn, LLVMGetOperand(i, 1), &off);
        set_field(base, off, LLVMGetOperand(i, 0));
        return;
    }
    case LLVMCall:
        if (is_task_call(i)) {
            take_task(fn, f, i);
            return;
        }
        if (!strncmp(called(i), "llvm.memcpy", 11)) {
            copy_constant(fn, i);
            return;
        }
        if (!strncmp(called(i), "llvm.memset", 11) ||
            !strncmp(called(i), "llvm.lifetime", 13) ||
            !strncmp(called(i), "llvm.dbg", 8))
            return;
        break;
    default:
        break;
    }
    if (!take_arith(fn, &at, i))
        reject(at.loc, "it may only declare streams and call tasks",
               "fxc cannot wire this in '%s'", fn->name);
}

void take_tasks(Fn *fn, LLVMValueRef f)
{
    fn->dataflow = true;
    field = NULL;
    nfield = 0;
    LLVMBasicBlockRef b = LLVMGetEntryBasicBlock(f);
    if (LLVMGetNextBasicBlock(b))
        reject(loc_of(LLVMGetBasicBlockTerminator(b)),
               "which tasks there are must be known when compiling",
               "a task of '%s' is under a condition or in a loop of unknown "
               "length",
               fn->name);
    for (LLVMValueRef i = LLVMGetFirstInstruction(b); i;
         i = LLVMGetNextInstruction(i))
        take_step(fn, f, i);
    for (int i = 0; i < fn->nfifo; i++)
        if (!fn->fifo[i]->writer || !fn->fifo[i]->reader)
            reject(fn->fifo[i]->loc,
                   "every stream has one writer and one reader",
                   "stream '%s' has no %s", fn->fifo[i]->name,
                   fn->fifo[i]->writer ? "reader" : "writer");
    for (int i = 0; i < fn->nport; i++) {
        bool used = false;
        for (int k = 0; k < fn->ninst; k++)
            for (int j = 0; j < fn->inst[k]->nwire; j++)
                used |= fn->inst[k]->wire[j].outer == fn->port[i];
        if (!used)
            reject(fn->port[i]->loc, "wire it, or leave it out",
                   "no task uses port '%s' of '%s'", fn->port[i]->name,
                   fn->name);
    }
}
