/* SPDX-License-Identifier: Apache-2.0 */
/* intake_ports.c -- the members of a module's ports struct.
 *
 * LLVM's types know the layout and the address spaces, 1 for a stream that
 * comes in and 2 for one that goes out; the debug information knows the names.
 */
#include "fxc/intake.h"

LLVMMetadataRef md_op(LLVMMetadataRef md, unsigned k)
{
    LLVMValueRef v = LLVMMetadataAsValue(llctx, md);
    unsigned n = LLVMGetMDNodeNumOperands(v);
    if (k >= n)
        return NULL;
    LLVMValueRef *op = xalloc(n * sizeof *op);
    LLVMGetMDNodeOperands(v, op);
    return op[k] ? LLVMValueAsMetadata(op[k]) : NULL;
}

/* Through pointers, const, volatile, typedefs and members. */
static LLVMMetadataRef di_base(LLVMMetadataRef t)
{
    while (t && LLVMGetMetadataKind(t) == LLVMDIDerivedTypeMetadataKind)
        t = md_op(t, 3);
    return t;
}

static bool di_is_array(LLVMMetadataRef t)
{
    size_t len = 1;
    return t && LLVMGetMetadataKind(t) == LLVMDICompositeTypeMetadataKind &&
           (LLVMDITypeGetName(t, &len), len == 0);
}

static Port *port_new(const char *name, bool out, int64_t off, int w, Loc at)
{
    Port *p = xalloc(sizeof *p);
    p->name = name;
    p->out = out;
    p->off = off;
    p->w = w;
    p->loc = at;
    return p;
}

static void add_member(Fn *fn, LLVMMetadataRef m, LLVMTypeRef st)
{
    size_t len;
    const char *nm = LLVMDITypeGetName(m, &len);
    const char *name = fmt("%.*s", (int)len, nm);
    int64_t off = (int64_t)(LLVMDITypeGetOffsetInBits(m) / 8);
    Loc at = fn->loc;
    at.line = (int)LLVMDITypeGetLine(m);
    at.col = 1;
    unsigned k = LLVMElementAtOffset(layout, st, (unsigned long long)off);
    LLVMTypeRef t = LLVMStructGetTypeAtIndex(st, k);
    int64_t n = 1, size = 8;
    bool array = LLVMGetTypeKind(t) == LLVMArrayTypeKind;
    if (array) {
        n = (int64_t)LLVMGetArrayLength2(t);
        t = LLVMGetElementType(t);
        size = (int64_t)LLVMABISizeOfType(layout, t);
    }
    LLVMMetadataRef b = di_base(m);
    if (array && di_is_array(b))
        b = di_base(md_op(b, 3));
    if (b == NULL)
        die("a member without a type");
    /* In fx.h's view a stream points to an array of lanes, each a struct with a
     * byte for each bit; else to the word itself. The accesses know better
     * (declared_width); this is for a stream that is never accessed. */
    for (int64_t i = 0; i < n; i++) {
        const char *full = array ? fmt("%s_%lld", name, (long long)i) : name;
        if (LLVMGetTypeKind(t) == LLVMIntegerTypeKind) {
            Scalar *s = xalloc(sizeof *s);
            const char *tn = b ? LLVMDITypeGetName(b, &len) : "";
            s->name = full;
            s->w = (int)LLVMGetIntTypeWidth(t);
            s->off = off + i * size;
            s->sgn = strncmp(tn, "unsigned", 8) && strncmp(tn, "_Bool", 5);
            s->arg = node_new(fn, Oarg, s->w, 0);
            s->arg->scalar = s;
            s->arg->name = full;
            PUSH(fn->scalar, fn->nscalar, s);
            continue;
        }
        unsigned as = LLVMGetTypeKind(t) == LLVMPointerTypeKind
                          ? LLVMGetPointerAddressSpace(t)
                          : 0;
        if (as != 1 && as != 2)
            reject(at, "use FX_IN, FX_OUT or an integer",
                   "'%s' of '%s' is neither a stream nor an integer", full,
                   fn->name);
        int w = di_is_array(b) ? (int)LLVMDITypeGetSizeInBits(b) / 8
                               : (int)LLVMDITypeGetSizeInBits(b);
        PUSH(fn->port, fn->nport,
             port_new(full, as == 2, off + i * size, w, at));
    }
}

void take_ports(Fn *fn, LLVMValueRef f)
{
    static const char hint[] =
        "write void f(const struct f_ports *p), and compile with -g";
    fn->loc = loc_of(f);
    LLVMMetadataRef sp = LLVMGetSubprogram(f);
    if (LLVMCountParams(f) != 1 || !sp ||
        LLVMGetTypeKind(LLVMTypeOf(LLVMGetParam(f, 0))) != LLVMPointerTypeKind)
        reject(fn->loc, hint, "'%s' is not a module: it takes no ports struct",
               fn->name);
    LLVMMetadataRef types = md_op(md_op(sp, 4), 3);
    LLVMMetadataRef st = types ? di_base(md_op(types, 1)) : NULL;
    size_t len;
    if (!st || LLVMGetMetadataKind(st) != LLVMDICompositeTypeMetadataKind)
        reject(fn->loc, hint, "'%s' is not a module: it takes no ports struct",
               fn->name);
    const char *tag = LLVMDITypeGetName(st, &len);
    LLVMTypeRef t =
        LLVMGetTypeByName2(llctx, fmt("struct.%.*s", (int)len, tag));
    LLVMMetadataRef list = md_op(st, 4);
    if (!t || !list)
        return; /* never looked into: nothing to wire */
    unsigned n = LLVMGetMDNodeNumOperands(LLVMMetadataAsValue(llctx, list));
    for (unsigned i = 0; i < n; i++)
        add_member(fn, md_op(list, i), t);
}
