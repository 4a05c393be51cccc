/* SPDX-License-Identifier: Apache-2.0 */
/* intake_value.c -- what an LLVM value is to us: a node, a memory, a port. */
#include "fxc/intake.h"

typedef struct Pair {
    LLVMValueRef key;
    void *val;
} Pair;

static Pair *map;
static size_t mapcap, mapn;

static Pair *map_slot(LLVMValueRef k)
{
    if (2 * (mapn + 1) > mapcap) {
        Pair *old = map;
        size_t cap = mapcap;
        mapcap = cap ? cap * 2 : 1024;
        map = xalloc(mapcap * sizeof *map);
        mapn = 0;
        for (size_t i = 0; i < cap; i++)
            if (old[i].key) {
                *map_slot(old[i].key) = old[i];
                mapn++;
            }
    }
    size_t h = ((size_t)k >> 4) * 0x9E3779B97F4A7C15u;
    for (h &= mapcap - 1; map[h].key && map[h].key != k;)
        h = (h + 1) & (mapcap - 1);
    return &map[h];
}

void *map_get(LLVMValueRef k)
{
    return map_slot(k)->val;
}

void map_set(LLVMValueRef k, void *v)
{
    Pair *p = map_slot(k);
    mapn += !p->key;
    p->key = k;
    p->val = v;
}

int width_of(LLVMTypeRef t, LLVMValueRef at)
{
    if (LLVMGetTypeKind(t) == LLVMIntegerTypeKind)
        return (int)LLVMGetIntTypeWidth(t);
    reject(loc_of(at), "use integers; num/ has exp2, rsqrt and the like",
           "floating point, vectors and pointers have no hardware here");
}

/* LLVM's C API reads at most 64 bits of a constant: parse its decimal text. */
static Node *big_const(Fn *fn, LLVMValueRef v, int w)
{
    char *s = LLVMPrintValueToString(v), *d = strchr(s, ' ') + 1;
    bool neg = *d == '-';
    size_t words = (size_t)(w + 63) / 64;
    uint64_t *b = xalloc(words * sizeof *b);
    for (d += neg; *d; d++) {
        unsigned __int128 c = (unsigned)(*d - '0');
        for (size_t i = 0; i < words; i++) {
            c += (unsigned __int128)b[i] * 10;
            b[i] = (uint64_t)c;
            c >>= 64;
        }
    }
    unsigned carry = 1;
    for (size_t i = 0; neg && i < words; i++) {
        b[i] = ~b[i] + carry;
        carry = carry && !b[i];
    }
    return node_wide(fn, w, b);
}

Node *value(Fn *fn, LLVMValueRef v)
{
    Node *n = map_get(v);
    if (n)
        return n;
    if (LLVMIsAConstantInt(v)) {
        int w = width_of(LLVMTypeOf(v), v);
        n = w <= 64 ? node_const(fn, w, LLVMConstIntGetZExtValue(v))
                    : big_const(fn, v, w);
    } else if (LLVMIsUndef(v) || LLVMIsPoison(v)) {
        n = node_const(fn, width_of(LLVMTypeOf(v), v), 0);
        n->undef = true;
    } else {
        reject(fn->loc, NULL, "'%s' uses a value fxc cannot follow: %s",
               fn->name, LLVMPrintValueToString(v));
    }
    map_set(v, n);
    return n;
}

/* The declared width of an access: _BitInt(24) lies in memory as 32 bits, but
 * its TBAA type still says 24. */
int declared_width(LLVMValueRef i, int stored)
{
    LLVMValueRef tag =
        LLVMGetMetadata(i, LLVMGetMDKindIDInContext(llctx, "tbaa", 4));
    if (!tag || LLVMGetMDNodeNumOperands(tag) < 2)
        return stored;
    LLVMMetadataRef t = md_op(LLVMValueAsMetadata(tag), 1);
    LLVMMetadataRef s = t ? md_op(t, 0) : NULL;
    unsigned len = 0;
    const char *name =
        s ? LLVMGetMDString(LLVMMetadataAsValue(llctx, s), &len) : NULL;
    int w;
    if (name && len < 40 &&
        sscanf(fmt("%.*s", (int)len, name), "_BitInt(%d)", &w) == 1 &&
        w < stored)
        return w;
    return stored;
}

/* ---- memories ---- */

static bool is_gep(LLVMValueRef p)
{
    return LLVMIsAGetElementPtrInst(p) ||
           (LLVMIsAConstantExpr(p) &&
            LLVMGetConstOpcode(p) == LLVMGetElementPtr);
}

static void flatten_rom(Mem *m, LLVMValueRef init, LLVMTypeRef t)
{
    if (LLVMGetTypeKind(t) == LLVMIntegerTypeKind) {
        PUSH(m->init, m->ninit, LLVMConstIntGetZExtValue(init));
        return;
    }
    bool arr = LLVMGetTypeKind(t) == LLVMArrayTypeKind;
    uint64_t n = arr ? LLVMGetArrayLength2(t) : 1;
    for (unsigned i = 0; i < n; i++)
        flatten_rom(m, LLVMGetAggregateElement(init, i),
                    arr ? LLVMGetElementType(t)
                        : LLVMStructGetTypeAtIndex(t, 0));
}

Mem *memory_of(Fn *fn, LLVMValueRef base, LLVMValueRef at)
{
    Mem *m = map_get(base);
    if (m)
        return m;
    m = xalloc(sizeof *m);
    size_t len;
    m->id = fn->nmem;
    m->name = cleanname(LLVMGetValueName2(base, &len));
    if (!*m->name)
        m->name = fmt("mem%d", m->id);
    for (int i = 0; i < fn->nmem; i++)
        if (!strcmp(fn->mem[i]->name, m->name))
            m->name = fmt("%s_m%d", m->name, m->id);
    m->loc = loc_of(at);
    LLVMTypeRef t;
    if (LLVMIsAAllocaInst(base)) {
        t = LLVMGetAllocatedType(base);
    } else if (LLVMIsAGlobalVariable(base) && LLVMIsGlobalConstant(base) &&
               LLVMGetInitializer(base)) {
        t = LLVMGlobalGetValueType(base);
        m->constant = true;
    } else if (LLVMIsAGlobalVariable(base)) {
        reject(m->loc, "make it const, or a local array",
               "'%s' is a variable that outlives the module", m->name);
    } else {
        reject(m->loc, "index one array; choose between values, not pointers",
               "a pointer that is not known when compiling");
    }
    LLVMTypeRef whole = t;
    for (;;) {
        LLVMTypeKind k = LLVMGetTypeKind(t);
        if (k == LLVMArrayTypeKind && m->nd < 8) {
            m->dim[m->nd] = (int64_t)LLVMGetArrayLength2(t);
            t = LLVMGetElementType(t);
            m->stride[m->nd++] = (int64_t)LLVMABISizeOfType(layout, t);
        } else if (k == LLVMStructTypeKind &&
                   LLVMCountStructElementTypes(t) == 1) {
            t = LLVMStructGetTypeAtIndex(t, 0);
        } else {
            break;
        }
    }
    if (LLVMGetTypeKind(t) != LLVMIntegerTypeKind)
        reject(m->loc, "use one array for each member",
               "'%s' is not an array of integers or beats", m->name);
    if (!m->nd) {
        m->dim[0] = 1;
        m->stride[m->nd++] = (int64_t)LLVMABISizeOfType(layout, t);
    }
    m->storew = (int)LLVMGetIntTypeWidth(t);
    if (m->constant) {
        if (m->storew > 64)
            reject(m->loc, "split the table", "'%s' is a table of over 64 bits",
                   m->name);
        flatten_rom(m, LLVMGetInitializer(base), whole);
    }
    PUSH(fn->mem, fn->nmem, m);
    map_set(base, m);
    return m;
}

static int64_t gep_step(LLVMTypeRef *t, LLVMValueRef idx)
{
    if (LLVMGetTypeKind(*t) == LLVMStructTypeKind) {
        unsigned k = (unsigned)LLVMConstIntGetZExtValue(idx);
        LLVMTypeRef st = *t;
        *t = LLVMStructGetTypeAtIndex(st, k);
        return (int64_t)LLVMOffsetOfElement(layout, st, k);
    }
    *t = LLVMGetElementType(*t);
    return (int64_t)LLVMABISizeOfType(layout, *t);
}

/* Strips indexing from p; adds it to n's offset and terms. */
LLVMValueRef address(Fn *fn, Node *n, LLVMValueRef p)
{
    while (is_gep(p)) {
        LLVMTypeRef t = LLVMGetGEPSourceElementType(p);
        int k = LLVMGetNumOperands(p);
        for (int i = 1; i < k; i++) {
            LLVMValueRef x = LLVMGetOperand(p, (unsigned)i);
            bool st = i > 1 && LLVMGetTypeKind(t) == LLVMStructTypeKind;
            int64_t s = i == 1 ? (int64_t)LLVMABISizeOfType(layout, t)
                               : gep_step(&t, x);
            if (st) {
                n->off += s;
            } else if (LLVMIsAConstantInt(x)) {
                n->off += s * LLVMConstIntGetSExtValue(x);
            } else {
                Term term = {value(fn, x), s};
                PUSH(n->term, n->nterm, term);
            }
        }
        p = LLVMGetOperand(p, 0);
    }
    return p;
}

Port *port_of(Fn *fn, LLVMValueRef f, LLVMValueRef p, LLVMValueRef at)
{
    if (LLVMIsALoadInst(p)) {
        Node tmp = {0};
        LLVMValueRef base = address(fn, &tmp, LLVMGetOperand(p, 0));
        if (base == LLVMGetParam(f, 0) && !tmp.nterm)
            for (int i = 0; i < fn->nport; i++)
                if (fn->port[i]->off == tmp.off)
                    return fn->port[i];
    }
    reject(loc_of(at), "a stream is a member of the ports struct, read by name",
           "a stream that is not known when compiling");
}

void map_clear(void)
{
    map = NULL;
    mapcap = mapn = 0;
}

static Node *param_at(Fn *fn, LLVMValueRef f, LLVMValueRef p, LLVMValueRef load)
{
    if (LLVMIsASelectInst(p)) {
        Node at = {.loc = loc_of(load),
                   .blk = map_get(
                       LLVMBasicBlockAsValue(LLVMGetInstructionParent(load)))};
        Node *a = param_at(fn, f, LLVMGetOperand(p, 1), load);
        Node *b = param_at(fn, f, LLVMGetOperand(p, 2), load);
        return a && b
                   ? node_select(fn, &at, value(fn, LLVMGetOperand(p, 0)), a, b)
                   : NULL;
    }
    Node tmp = {0};
    LLVMValueRef base = address(fn, &tmp, p);
    if (base != LLVMGetParam(f, 0))
        return NULL;
    for (int i = 0; i < fn->nscalar && !tmp.nterm; i++)
        if (fn->scalar[i]->off == tmp.off)
            return fn->scalar[i]->arg;
    reject(loc_of(load), "index the ports struct by constants",
           "a member of the ports struct that is not known when compiling");
}

/* A load of a scalar member of the ports struct. */
Node *param_load(Fn *fn, LLVMValueRef f, LLVMValueRef load)
{
    Node *n = param_at(fn, f, LLVMGetOperand(load, 0), load);
    if (n && n->scalar) {
        int d = declared_width(load, width_of(LLVMTypeOf(load), load));
        if (d < n->w)
            n->w = n->scalar->w = d;
    }
    return n;
}
