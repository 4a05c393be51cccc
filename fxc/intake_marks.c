/* SPDX-License-Identifier: Apache-2.0 */
/* intake_marks.c -- loop directives: from marker calls to loop metadata.
 *
 * A call __fx_pipeline(name, ii) or __fx_unroll() in the body of a loop becomes
 * metadata of the innermost loop around it, which LLVM's passes keep on the
 * latch. A loop inside a pipelined loop is unrolled, and so is every loop of a
 * dataflow function. No other loop is.
 */
#include "fxc/intake.h"

/* ---- loops of the unoptimised code, and their marks ---- */

typedef struct Cfg {
    int n;
    LLVMBasicBlockRef *bb;
} Cfg;

typedef struct Loop {
    int header, latch, size;
    char *in;
    int ii;
    bool unroll;
    const char *name;
} Loop;

static int bb_index(const Cfg *c, LLVMBasicBlockRef b)
{
    for (int i = 0; i < c->n; i++)
        if (c->bb[i] == b)
            return i;
    die("block outside its function");
}

static void reach(const Cfg *c, int from, int without, char *seen)
{
    if (from == without || seen[from])
        return;
    seen[from] = 1;
    LLVMValueRef t = LLVMGetBasicBlockTerminator(c->bb[from]);
    for (unsigned i = 0; i < LLVMGetNumSuccessors(t); i++)
        reach(c, bb_index(c, LLVMGetSuccessor(t, i)), without, seen);
}

static void loop_body(const Cfg *c, Loop *l)
{
    l->in = xalloc((size_t)c->n);
    l->in[l->header] = l->in[l->latch] = 1;
    l->size = 0;
    for (bool more = true; more;) {
        more = false;
        for (int b = 0; b < c->n; b++) {
            if (l->in[b])
                continue;
            LLVMValueRef t = LLVMGetBasicBlockTerminator(c->bb[b]);
            for (unsigned i = 0; i < LLVMGetNumSuccessors(t); i++) {
                int s = bb_index(c, LLVMGetSuccessor(t, i));
                if (l->in[s] && s != l->header)
                    l->in[b] = 1;
            }
            more |= l->in[b];
        }
    }
    for (int b = 0; b < c->n; b++)
        l->size += l->in[b];
}

static int find_loops(const Cfg *c, Loop **out)
{
    int n = 0;
    Loop *l = NULL;
    char *live = xalloc((size_t)c->n);
    reach(c, 0, -1, live);
    for (int h = 0; h < c->n; h++) {
        char *seen = NULL;
        for (int b = 0; b < c->n; b++) {
            LLVMValueRef t = LLVMGetBasicBlockTerminator(c->bb[b]);
            for (unsigned i = 0; live[b] && i < LLVMGetNumSuccessors(t); i++) {
                if (LLVMGetSuccessor(t, i) != c->bb[h])
                    continue;
                if (!seen) {
                    seen = xalloc((size_t)c->n);
                    reach(c, 0, h, seen);
                }
                if (seen[b])
                    continue; /* h does not dominate b: no back edge */
                Loop x = {.header = h, .latch = b};
                loop_body(c, &x);
                PUSH(l, n, x);
                break;
            }
        }
    }
    *out = l;
    return n;
}

static LLVMMetadataRef md_string(const char *s)
{
    return LLVMMDStringInContext2(llctx, s, strlen(s));
}

static void set_loop_md(LLVMValueRef term, const Loop *l)
{
    LLVMMetadataRef self = LLVMTemporaryMDNode(llctx, NULL, 0);
    LLVMMetadataRef op[4] = {self};
    size_t n = 1;
    LLVMMetadataRef s = md_string(l->unroll ? "llvm.loop.unroll.full"
                                            : "llvm.loop.unroll.disable");
    op[n++] = LLVMMDNodeInContext2(llctx, &s, 1);
    if (l->ii) {
        LLVMValueRef v =
            LLVMConstInt(LLVMInt32TypeInContext(llctx), (unsigned)l->ii, 0);
        LLVMMetadataRef d[3] = {md_string("fxc.pipeline"),
                                LLVMValueAsMetadata(v), md_string(l->name)};
        op[n++] = LLVMMDNodeInContext2(llctx, d, 3);
    }
    LLVMMetadataRef node = LLVMMDNodeInContext2(llctx, op, n);
    LLVMMetadataReplaceAllUsesWith(self, node);
    LLVMSetMetadata(term, LLVMGetMDKindIDInContext(llctx, "llvm.loop", 9),
                    LLVMMetadataAsValue(llctx, node));
}

const char *called(LLVMValueRef i)
{
    size_t len;
    return LLVMGetInstructionOpcode(i) == LLVMCall
               ? LLVMGetValueName2(LLVMGetCalledValue(i), &len)
               : "";
}

static const char *global_string(LLVMValueRef v)
{
    size_t len;
    if (!LLVMIsAGlobalVariable(v) || !LLVMGetInitializer(v) ||
        !LLVMIsConstantString(LLVMGetInitializer(v)))
        return "";
    return LLVMGetAsString(LLVMGetInitializer(v), &len);
}

bool is_task_call(LLVMValueRef i)
{
    return LLVMIsACallInst(i) && LLVMIsAFunction(LLVMGetCalledValue(i)) &&
           !LLVMIsDeclaration(LLVMGetCalledValue(i));
}

static LLVMValueRef *flows; /* functions with FX_DATAFLOW */
static int nflows;

bool is_dataflow(LLVMValueRef f)
{
    for (int i = 0; i < nflows; i++)
        if (flows[i] == f)
            return true;
    return false;
}

/* In a dataflow function a call is an instance (LLVM would not unroll a loop of
 * calls that it might still inline); anywhere else the called code becomes part
 * of the caller. */
void inline_calls(LLVMValueRef f)
{
    const char *name = "alwaysinline";
    LLVMValueRef *v = NULL;
    int n = 0;
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b;
         b = LLVMGetNextBasicBlock(b))
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i;
             i = LLVMGetNextInstruction(i)) {
            if (!strcmp(called(i), "__fx_dataflow"))
                name = "noinline";
            if (is_task_call(i))
                PUSH(v, n, i);
        }
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
    LLVMAttributeRef attr = LLVMCreateEnumAttribute(llctx, kind, 0);
    for (int i = 0; i < n; i++)
        LLVMAddCallSiteAttribute(v[i], LLVMAttributeFunctionIndex, attr);
}

void take_marks(LLVMValueRef f)
{
    Cfg c = {0};
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b;
         b = LLVMGetNextBasicBlock(b))
        PUSH(c.bb, c.n, b);
    Loop *l = NULL;
    int n = find_loops(&c, &l);
    bool tasks = false;
    LLVMValueRef *dead = NULL;
    int ndead = 0;
    for (int b = 0; b < c.n; b++) {
        Loop *best = NULL;
        for (int k = 0; k < n; k++)
            if (l[k].in[b] && (!best || l[k].size < best->size))
                best = &l[k];
        for (LLVMValueRef i = LLVMGetFirstInstruction(c.bb[b]); i;
             i = LLVMGetNextInstruction(i)) {
            if (!strcmp(called(i), "__fx_dataflow")) {
                tasks = true;
                PUSH(flows, nflows, f);
                PUSH(dead, ndead, i);
                continue;
            }
            bool pipe = !strcmp(called(i), "__fx_pipeline");
            if (!pipe && strcmp(called(i), "__fx_unroll"))
                continue;
            if (!best)
                reject(loc_of(i), "put it first in the body of a loop",
                       "a loop directive outside any loop");
            if (pipe) {
                unsigned k = LLVMGetNumArgOperands(i);
                LLVMValueRef v = LLVMGetOperand(i, k - 1);
                if (!LLVMIsAConstantInt(v) || LLVMConstIntGetSExtValue(v) < 1 ||
                    LLVMConstIntGetSExtValue(v) > 4096)
                    reject(loc_of(i), "write a number: FX_PIPELINE(mac, 1)",
                           "the interval of a pipelined loop must be a "
                           "constant of 1 to 4096");
                best->ii = (int)LLVMConstIntGetSExtValue(v);
                best->name = k > 1 ? global_string(LLVMGetOperand(i, 0)) : "";
            } else {
                best->unroll = true;
            }
            PUSH(dead, ndead, i);
        }
    }
    for (int i = 0; i < ndead; i++)
        LLVMInstructionEraseFromParent(dead[i]);
    for (int k = 0; k < n; k++) {
        l[k].unroll |= tasks;
        for (int j = 0; j < n; j++)
            if (j != k && l[j].ii && l[j].in[l[k].header] && !l[k].ii &&
                l[j].size > l[k].size)
                l[k].unroll = true;
        set_loop_md(LLVMGetBasicBlockTerminator(c.bb[l[k].latch]), &l[k]);
    }
}

/* Is p a constant place in an argument of the function? */
static bool in_argument(LLVMValueRef p)
{
    while (LLVMIsAGetElementPtrInst(p)) {
        for (int k = 1; k < LLVMGetNumOperands(p); k++)
            if (!LLVMIsAConstantInt(LLVMGetOperand(p, (unsigned)k)))
                return false;
        p = LLVMGetOperand(p, 0);
    }
    return LLVMIsAArgument(p);
}

/* What a module reads of its ports struct never changes while it runs: all such
 * loads go to the entry, with the address before them. */
void mark_invariant(LLVMValueRef f)
{
    unsigned kind = LLVMGetMDKindIDInContext(llctx, "invariant.load", 14);
    LLVMValueRef empty = LLVMMDNodeInContext(llctx, NULL, 0);
    LLVMBuilderRef builder = LLVMCreateBuilderInContext(llctx);
    LLVMValueRef *v = NULL, *moved = NULL;
    int n = 0, nmoved = 0;
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b;
         b = LLVMGetNextBasicBlock(b))
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i;
             i = LLVMGetNextInstruction(i))
            if (LLVMIsALoadInst(i) && !LLVMGetVolatile(i) &&
                in_argument(LLVMGetOperand(i, 0)))
                PUSH(v, n, i);
    LLVMValueRef first = LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(f));
    for (int k = 0; k < n; k++) {
        LLVMSetMetadata(v[k], kind, empty);
        LLVMValueRef chain[8] = {v[k]};
        int len = 1;
        for (LLVMValueRef p = LLVMGetOperand(v[k], 0);
             LLVMIsAGetElementPtrInst(p) && len < 8; p = LLVMGetOperand(p, 0))
            chain[len++] = p;
        LLVMPositionBuilderBefore(builder, first);
        while (len--) {
            bool done = chain[len] == first;
            for (int j = 0; j < nmoved; j++)
                done |= moved[j] == chain[len];
            if (done)
                continue;
            LLVMInstructionRemoveFromParent(chain[len]);
            LLVMInsertIntoBuilder(builder, chain[len]);
            PUSH(moved, nmoved, chain[len]);
        }
    }
    LLVMDisposeBuilder(builder);
}
