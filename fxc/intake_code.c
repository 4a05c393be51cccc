/* SPDX-License-Identifier: Apache-2.0 */
/* intake_code.c -- the instructions of a module, one Node or a few each.
 *
 * What LLVM can say and the netlist cannot is rewritten here: greater-than by
 * exchanged operands, minimum by a comparison and a select, saturation by a
 * wider sum, and so on. What is left is in ops.h.
 */
#include "fxc/intake.h"

static Node *op1(LLVMValueRef i, Fn *fn, unsigned k)
{
    return value(fn, LLVMGetOperand(i, k));
}

static Node *compare(Fn *fn, Node *at, LLVMIntPredicate p, Node *a, Node *b)
{
    switch (p) {
    case LLVMIntEQ:
        return node_op(fn, at, Oeq, 1, a, b);
    case LLVMIntNE:
        return node_op(fn, at, One, 1, a, b);
    case LLVMIntUGT:
        return node_op(fn, at, Oult, 1, b, a);
    case LLVMIntUGE:
        return node_op(fn, at, Oule, 1, b, a);
    case LLVMIntULT:
        return node_op(fn, at, Oult, 1, a, b);
    case LLVMIntULE:
        return node_op(fn, at, Oule, 1, a, b);
    case LLVMIntSGT:
        return node_op(fn, at, Oslt, 1, b, a);
    case LLVMIntSGE:
        return node_op(fn, at, Osle, 1, b, a);
    case LLVMIntSLT:
        return node_op(fn, at, Oslt, 1, a, b);
    default:
        return node_op(fn, at, Osle, 1, a, b);
    }
}

/* Sum or difference in one more bit, then held to the range of w bits. */
static Node *saturate(Fn *fn, Node *at, bool sub, bool sgn, Node *a, Node *b)
{
    int w = a->w;
    Node *x = node_op(fn, at, sub ? Osub : Oadd, w + 2,
                      node_ext(fn, at, a, w + 2, sgn),
                      node_ext(fn, at, b, w + 2, sgn));
    size_t words = (size_t)(w + 65) / 64;
    uint64_t *v = xalloc(words * sizeof *v);
    for (int k = 0; k < (sgn ? w - 1 : w); k++)
        v[k / 64] |= UINT64_C(1) << k % 64;
    Node *hi = node_wide(fn, w + 2, v);
    for (size_t k = 0; k < words; k++)
        v[k] = sgn ? ~v[k] : 0;
    Node *lo = node_wide(fn, w + 2, v);
    x = node_select(fn, at, node_op(fn, at, Oslt, 1, hi, x), hi, x);
    x = node_select(fn, at, node_op(fn, at, Oslt, 1, x, lo), lo, x);
    return node_slice(fn, at, x, 0, w);
}

static Node *pick(Fn *fn, Node *at, enum Op lt, bool max, Node *a, Node *b)
{
    Node *c = node_op(fn, at, lt, 1, a, b);
    return max ? node_select(fn, at, c, b, a) : node_select(fn, at, c, a, b);
}

static Node *reversed(Fn *fn, Node *at, Node *a)
{
    Node **bit = xalloc(sizeof *bit * (size_t)a->w);
    for (int k = 0; k < a->w; k++)
        bit[a->w - 1 - k] = node_slice(fn, at, a, k, 1);
    return node_cat(fn, at, a->w, bit);
}

static Node *popcount(Fn *fn, Node *at, Node *a)
{
    Node *s = node_const(fn, a->w, 0);
    for (int k = 0; k < a->w; k++)
        s = node_op(fn, at, Oadd, a->w, s,
                    node_ext(fn, at, node_slice(fn, at, a, k, 1), a->w, false));
    return s;
}

/* fshl(a, b, c): the high word of {a, b} << (c mod w). */
static Node *funnel(Fn *fn, Node *at, bool left, Node *a, Node *b, Node *c)
{
    int w = a->w;
    Node *two[2] = {b, a};
    Node *cat = node_cat(fn, at, 2, two);
    uint64_t k;
    if (const_small(c, &k)) {
        int s = (int)(k % (uint64_t)w);
        return node_slice(fn, at, cat, left ? w - s : s, w);
    }
    Node *sh = node_ext(fn, at, c, 2 * w, false);
    if ((w & (w - 1)) == 0)
        sh = node_op(fn, at, Oand, 2 * w, sh,
                     node_const(fn, 2 * w, (uint64_t)w - 1));
    Node *x = node_op(fn, at, left ? Oshl : Olshr, 2 * w, cat, sh);
    return node_slice(fn, at, x, left ? w : 0, w);
}

static bool starts(const char *s, const char *p)
{
    return !strncmp(s, p, strlen(p));
}

static bool ignored(const char *s)
{
    return starts(s, "llvm.lifetime") || starts(s, "llvm.dbg") ||
           starts(s, "llvm.assume") || starts(s, "llvm.experimental.noalias");
}

static Node *intrinsic(Fn *fn, Node *at, LLVMValueRef i, const char *s)
{
    Node *a = op1(i, fn, 0);
    Node *b = LLVMGetNumArgOperands(i) > 1 ? op1(i, fn, 1) : NULL;
    if (starts(s, "llvm.smax."))
        return pick(fn, at, Oslt, true, a, b);
    if (starts(s, "llvm.smin."))
        return pick(fn, at, Oslt, false, a, b);
    if (starts(s, "llvm.umax."))
        return pick(fn, at, Oult, true, a, b);
    if (starts(s, "llvm.umin."))
        return pick(fn, at, Oult, false, a, b);
    if (starts(s, "llvm.abs.")) {
        Node *zero = node_const(fn, a->w, 0);
        return node_select(fn, at, node_op(fn, at, Oslt, 1, a, zero),
                           node_op(fn, at, Osub, a->w, zero, a), a);
    }
    if (starts(s, "llvm.uadd.sat."))
        return saturate(fn, at, false, false, a, b);
    if (starts(s, "llvm.usub.sat."))
        return saturate(fn, at, true, false, a, b);
    if (starts(s, "llvm.sadd.sat."))
        return saturate(fn, at, false, true, a, b);
    if (starts(s, "llvm.ssub.sat."))
        return saturate(fn, at, true, true, a, b);
    if (starts(s, "llvm.ctlz."))
        return node_op(fn, at, Oclz, a->w, a, NULL);
    if (starts(s, "llvm.cttz."))
        return node_op(fn, at, Oclz, a->w, reversed(fn, at, a), NULL);
    if (starts(s, "llvm.bitreverse."))
        return reversed(fn, at, a);
    if (starts(s, "llvm.ctpop."))
        return popcount(fn, at, a);
    if (starts(s, "llvm.fshl."))
        return funnel(fn, at, true, a, b, op1(i, fn, 2));
    if (starts(s, "llvm.fshr."))
        return funnel(fn, at, false, a, b, op1(i, fn, 2));
    return NULL;
}

static const struct {
    LLVMOpcode ll;
    enum Op op;
} direct[] = {
    {LLVMAdd, Oadd},   {LLVMSub, Osub},   {LLVMMul, Omul},   {LLVMAnd, Oand},
    {LLVMOr, Oor},     {LLVMXor, Oxor},   {LLVMShl, Oshl},   {LLVMLShr, Olshr},
    {LLVMAShr, Oashr}, {LLVMUDiv, Oudiv}, {LLVMURem, Ourem}, {LLVMSDiv, Osdiv},
    {LLVMSRem, Osrem}, {LLVMZExt, Ozext}, {LLVMSExt, Osext},
};

/* Arithmetic: makes the value of i and remembers it. */
bool take_arith(Fn *fn, Node *at, LLVMValueRef i)
{
    LLVMOpcode op = LLVMGetInstructionOpcode(i);
    Node *n = NULL;
    for (size_t k = 0; k < sizeof direct / sizeof *direct && !n; k++)
        if (direct[k].ll == op)
            n = node_op(fn, at, direct[k].op, width_of(LLVMTypeOf(i), i),
                        op1(i, fn, 0),
                        LLVMGetNumOperands(i) > 1 ? op1(i, fn, 1) : NULL);
    if (n && (op == LLVMAdd || op == LLVMSub || op == LLVMMul)) {
        n->nsw = LLVMGetNSW(i);
        n->nuw = LLVMGetNUW(i);
    }
    if (op == LLVMTrunc)
        n = node_slice(fn, at, op1(i, fn, 0), 0, width_of(LLVMTypeOf(i), i));
    if (op == LLVMICmp) {
        width_of(LLVMTypeOf(LLVMGetOperand(i, 0)), i);
        n = compare(fn, at, LLVMGetICmpPredicate(i), op1(i, fn, 0),
                    op1(i, fn, 1));
    }
    if (op == LLVMSelect) {
        width_of(LLVMTypeOf(i), i);
        n = node_select(fn, at, op1(i, fn, 0), op1(i, fn, 1), op1(i, fn, 2));
    }
    if (op == LLVMFreeze)
        n = op1(i, fn, 0);
    if (op == LLVMCall && starts(called(i), "llvm.") && !ignored(called(i)) &&
        !starts(called(i), "llvm.mem"))
        n = intrinsic(fn, at, i, called(i));
    if (!n)
        return false;
    size_t len;
    const char *nm = LLVMGetValueName2(i, &len);
    if (!*n->name && len && n->op != Oconst)
        n->name = cleanname(nm);
    map_set(i, n);
    return true;
}

static Node *access_node(Fn *fn, Block *b, LLVMValueRef i, enum Op op, int w)
{
    size_t len;
    Node *n = node_new(fn, op, w, opinfo[op].arity);
    n->loc = loc_of(i);
    n->blk = b;
    n->name = cleanname(LLVMGetValueName2(i, &len));
    PUSH(b->node, b->nnode, n);
    return n;
}

static void take_load(Fn *fn, LLVMValueRef f, Block *b, LLVMValueRef i)
{
    LLVMValueRef p = LLVMGetOperand(i, 0);
    if (LLVMGetTypeKind(LLVMTypeOf(i)) == LLVMPointerTypeKind)
        return; /* a stream of the ports struct; its use asks again */
    int w = width_of(LLVMTypeOf(i), i);
    Node *n;
    if (LLVMGetPointerAddressSpace(LLVMTypeOf(p))) {
        Node tmp = {0};
        Port *port = port_of(fn, f, address(fn, &tmp, p), i);
        n = access_node(fn, b, i, Opop, declared_width(i, w));
        port->w = n->w;
        n->port = port;
        n->name = port->name;
        if (port->out)
            reject(n->loc, "read FX_IN streams, write FX_OUT streams",
                   "'%s' is an output and is read", port->name);
        PUSH(port->op, port->nop, n);
    } else {
        n = param_load(fn, f, i);
        if (!n) {
            n = access_node(fn, b, i, Oload, w);
            n->mem = memory_of(fn, address(fn, n, p), i);
            PUSH(n->mem->acc, n->mem->nacc, n);
        }
    }
    Node at = {.blk = b, .loc = loc_of(i)};
    map_set(i, node_ext(fn, &at, n, w, n->scalar && n->scalar->sgn));
}

static void take_store(Fn *fn, LLVMValueRef f, Block *b, LLVMValueRef i)
{
    LLVMValueRef p = LLVMGetOperand(i, 1);
    Node at = {.blk = b, .loc = loc_of(i)}, *v = op1(i, fn, 0), *n;
    if (LLVMGetPointerAddressSpace(LLVMTypeOf(p))) {
        Node tmp = {0};
        Port *port = port_of(fn, f, address(fn, &tmp, p), i);
        int d = declared_width(i, v->w);
        n = access_node(fn, b, i, Opush, d);
        n->port = port;
        n->name = fmt("%s_push", port->name);
        n->in[0] = node_slice(fn, &at, v, 0, d);
        port->w = d;
        if (!port->out)
            reject(n->loc, "read FX_IN streams, write FX_OUT streams",
                   "'%s' is an input and is written", port->name);
        PUSH(port->op, port->nop, n);
        return;
    }
    n = access_node(fn, b, i, Ostore, v->w);
    n->in[1] = v;
    n->mem = memory_of(fn, address(fn, n, p), i);
    if (n->mem->constant)
        die("the constant '%s' is written", n->mem->name);
    PUSH(n->mem->acc, n->mem->nacc, n);
}

static void take_call(Fn *fn, Block *b, LLVMValueRef i)
{
    const char *s = called(i);
    if (ignored(s))
        return;
    if (!strcmp(s, "__fx_nodep")) {
        Node tmp = {0};
        Mem *m = memory_of(fn, address(fn, &tmp, LLVMGetOperand(i, 0)), i);
        PUSH(m->nodep, m->nnodep, b);
        return;
    }
    if (starts(s, "llvm.mem"))
        reject(loc_of(i), "write the loop: for (...) a[i] = 0;",
               "an array is copied or cleared as a whole");
    if (is_task_call(i))
        reject(loc_of(i), "hardware does not recurse", "'%s' calls itself", s);
    reject(loc_of(i), "define it, static inline and always_inline",
           "'%s' has no body here", *s ? s : "a function");
}

/* The first word of LLVM's text, after `%x = `. */
static const char *opcode_text(LLVMValueRef i)
{
    char *s = LLVMPrintValueToString(i), *eq = strstr(s, " = ");
    s = eq ? eq + 3 : s + strspn(s, " ");
    s[strcspn(s, " ")] = 0;
    return s;
}

static void take_instruction(Fn *fn, LLVMValueRef f, Block *b, LLVMValueRef i)
{
    Node at = {.blk = b, .loc = loc_of(i)};
    switch (LLVMGetInstructionOpcode(i)) {
    case LLVMAlloca:
    case LLVMGetElementPtr:
    case LLVMBr:
    case LLVMRet:
    case LLVMPHI:
        return;
    case LLVMLoad:
        take_load(fn, f, b, i);
        return;
    case LLVMStore:
        take_store(fn, f, b, i);
        return;
    case LLVMUnreachable:
        reject(b->loc, "give every loop an exit",
               "this code never comes to an end");
    default:
        if (LLVMGetTypeKind(LLVMTypeOf(i)) == LLVMPointerTypeKind)
            return; /* whoever loads through it looks */
        if (take_arith(fn, &at, i))
            return;
        if (LLVMGetInstructionOpcode(i) == LLVMCall) {
            take_call(fn, b, i);
            return;
        }
        width_of(LLVMTypeOf(i), i);
        reject(at.loc, NULL, "fxc has no hardware for '%s'", opcode_text(i));
    }
}

static void take_loop_md(Block *b, LLVMValueRef term)
{
    LLVMValueRef md =
        LLVMGetMetadata(term, LLVMGetMDKindIDInContext(llctx, "llvm.loop", 9));
    for (unsigned k = 1; md && k < LLVMGetMDNodeNumOperands(md); k++) {
        LLVMMetadataRef d = md_op(LLVMValueAsMetadata(md), k);
        unsigned len;
        LLVMValueRef kind = d && LLVMIsAMDNode(LLVMMetadataAsValue(llctx, d))
                                ? LLVMMetadataAsValue(llctx, md_op(d, 0))
                                : NULL;
        const char *s = kind ? LLVMGetMDString(kind, &len) : NULL;
        if (!s || len != 12 || memcmp(s, "fxc.pipeline", 12))
            continue;
        LLVMValueRef op[3];
        LLVMGetMDNodeOperands(LLVMMetadataAsValue(llctx, d), op);
        b->ii = (int)LLVMConstIntGetZExtValue(op[1]);
        s = LLVMGetMDString(op[2], &len);
        b->loopname = cleanname(fmt("%.*s", (int)len, s));
    }
}

static void post_order(LLVMBasicBlockRef bb, LLVMBasicBlockRef **v, int *n)
{
    Block *b = map_get(LLVMBasicBlockAsValue(bb));
    if (b->order)
        return;
    b->order = 1;
    LLVMValueRef t = LLVMGetBasicBlockTerminator(bb);
    for (unsigned i = 0; i < LLVMGetNumSuccessors(t); i++)
        post_order(LLVMGetSuccessor(t, i), v, n);
    PUSH(*v, *n, bb);
}

/* A value stands in a block that dominates its uses, but LLVM need not list
 * the blocks so: go in reverse post order. */
static void take_blocks(Fn *fn, LLVMValueRef f)
{
    LLVMBasicBlockRef *v = NULL;
    int n = 0;
    post_order(LLVMGetEntryBasicBlock(f), &v, &n);
    for (int k = n - 1; k >= 0; k--) {
        Block *b = map_get(LLVMBasicBlockAsValue(v[k]));
        for (LLVMValueRef i = LLVMGetFirstInstruction(v[k]); i;
             i = LLVMGetNextInstruction(i))
            take_instruction(fn, f, b, i);
        LLVMValueRef t = LLVMGetBasicBlockTerminator(v[k]);
        take_loop_md(b, t);
        b->nsucc = (int)LLVMGetNumSuccessors(t);
        for (int s = 0; s < b->nsucc; s++)
            b->succ[s] = map_get(
                LLVMBasicBlockAsValue(LLVMGetSuccessor(t, (unsigned)s)));
        if (b->nsucc == 2)
            b->cond = value(fn, LLVMGetCondition(t));
        for (int s = 0; s < b->nsucc; s++)
            PUSH(b->succ[s]->pred, b->succ[s]->npred, b);
    }
}

static void take_phis(Fn *fn, LLVMBasicBlockRef bb)
{
    for (LLVMValueRef i = LLVMGetFirstInstruction(bb); i && LLVMIsAPHINode(i);
         i = LLVMGetNextInstruction(i)) {
        Node *n = map_get(i);
        for (int k = 0; k < n->nin; k++) {
            n->in[k] = value(fn, LLVMGetIncomingValue(i, (unsigned)k));
            n->from[k] = map_get(
                LLVMBasicBlockAsValue(LLVMGetIncomingBlock(i, (unsigned)k)));
        }
    }
}

/* Blocks and phis first: a phi may name a value that comes later. */
static void take_block_heads(Fn *fn, LLVMValueRef f)
{
    for (LLVMBasicBlockRef bb = LLVMGetFirstBasicBlock(f); bb;
         bb = LLVMGetNextBasicBlock(bb)) {
        Block *b = xalloc(sizeof *b);
        b->id = fn->nblk;
        b->name = cleanname(LLVMGetBasicBlockName(bb));
        b->loopname = "";
        b->loc = loc_of(LLVMGetBasicBlockTerminator(bb));
        PUSH(fn->blk, fn->nblk, b);
        map_set(LLVMBasicBlockAsValue(bb), b);
        for (LLVMValueRef i = LLVMGetFirstInstruction(bb);
             i && LLVMIsAPHINode(i); i = LLVMGetNextInstruction(i)) {
            size_t len;
            Node *n = node_new(fn, Ophi, width_of(LLVMTypeOf(i), i),
                               (int)LLVMCountIncoming(i));
            n->from = xalloc(sizeof *n->from * (size_t)n->nin);
            n->name = cleanname(LLVMGetValueName2(i, &len));
            n->loc = loc_of(i);
            n->blk = b;
            PUSH(b->node, b->nnode, n);
            map_set(i, n);
        }
    }
}

void take_code(Fn *fn, LLVMValueRef f)
{
    take_block_heads(fn, f);
    take_blocks(fn, f);
    for (LLVMBasicBlockRef bb = LLVMGetFirstBasicBlock(f); bb;
         bb = LLVMGetNextBasicBlock(bb))
        take_phis(fn, bb);
}
