/* SPDX-License-Identifier: Apache-2.0 */
/* intake.c -- from C to Blocks of Nodes; the only file that sees LLVM.
 *
 * clang runs as a child and gives bitcode as it left the front end: nothing
 * optimised, so that loop marks and the declared type of every access (TBAA)
 * are still there. Our own list of LLVM passes then makes loops of one block,
 * and leaves out what is bad for hardware: -O2's jump threading splits a
 * select over 16 multipliers into a forest of blocks, its load elimination
 * turns m[i] + m[i+1] into shift registers, its loop idioms make memset.
 *
 * A module is `void f(const struct f_ports *p)`. Its members are streams
 * (pointers of address space 1: in, 2: out) and scalars; the debug information
 * has their names. An access to a stream is a volatile load or store.
 */
#include "fxc/intake.h"
#include <fcntl.h>
#include <llvm-c/BitReader.h>
#include <llvm-c/Error.h>
#include <llvm-c/Support.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <sys/wait.h>
#include <unistd.h>

LLVMContextRef llctx;
LLVMTargetDataRef layout;
static LLVMModuleRef mod;
static const char *source;
static Fn **fns;
static int nfns;
static const char **opened; /* functions whose tasks are being read */
static int nopen;

/* Everything is inlined before marks are read, so that a loop of a helper
 * called in a pipelined loop is seen inside that loop. */
static const char passes_inline[] = "globaldce,always-inline,function(sroa)";
static const char passes_main[] =
    "function(early-cse,simplifycfg,instcombine<no-verify-fixpoint>,"
    "loop-simplify,lcssa,loop(loop-rotate<no-header-duplication>),"
    "loop(loop-rotate,indvars,loop-unroll-full),"
    "sroa,early-cse,instcombine<no-verify-fixpoint>,simplifycfg,"
    "loop-simplify,lcssa,loop(loop-rotate,indvars,loop-unroll-full),"
    "sroa,early-cse,instcombine<no-verify-fixpoint>,simplifycfg,"
    "gvn<no-pre;no-load-pre>,instcombine<no-verify-fixpoint>,"
    "sroa,early-cse,instcombine<no-verify-fixpoint>,"
    "simplifycfg<bonus-inst-threshold=100>,lower-switch,adce,"
    "loop-simplify,lcssa)";

Loc loc_of(LLVMValueRef v)
{
    unsigned len = 0;
    const char *f = LLVMGetDebugLocFilename(v, &len);
    Loc l = {NULL, 0, 0};
    if (f && len) {
        l.file = fmt("%.*s", (int)len, f);
        l.line = (int)LLVMGetDebugLocLine(v);
        l.col = LLVMIsAInstruction(v) ? (int)LLVMGetDebugLocColumn(v) : 1;
    }
    return l;
}

/* ---- clang ---- */

static void run_clang(const struct Options *o, const char *out)
{
    const char *fixed[] = {"clang-19",
                           "-std=c23",
                           "-O1",
                           "-g",
                           "-Xclang",
                           "-disable-llvm-passes",
                           "-fno-discard-value-names",
                           "-fno-builtin",
                           "-femit-all-decls",
                           "-Wall",
                           "-Wno-unused-function",
                           "-Werror=incompatible-pointer-types",
                           "-DFX_VIEW_FXC",
                           "-c",
                           "-emit-llvm",
                           "-o",
                           out,
                           o->file};
    const char **argv = NULL;
    int n = 0;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        PUSH(argv, n, fixed[i]);
    for (int i = 0; i < o->narg; i++)
        PUSH(argv, n, o->arg[i]);
    PUSH(argv, n, NULL);
    pid_t pid = fork();
    if (pid < 0)
        die("cannot start a process");
    if (pid == 0) {
        execvp(argv[0], (char **)argv);
        fprintf(stderr, "fxc: cannot run clang-19: install clang-19\n");
        _exit(127);
    }
    int status = 0;
    if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) ||
        WEXITSTATUS(status)) {
        unlink(out);
        exit(1); /* clang has said why */
    }
}

static void load_module(const struct Options *o)
{
    const char *dir = getenv("TMPDIR");
    char *path = fmt("%s/fxc-XXXXXX", dir && *dir ? dir : "/tmp");
    int fd = mkstemp(path);
    if (fd < 0)
        die("cannot make a temporary file %s", path);
    close(fd);
    run_clang(o, path);
    LLVMMemoryBufferRef mb;
    char *msg = NULL;
    if (LLVMCreateMemoryBufferWithContentsOfFile(path, &mb, &msg))
        die("%s", msg);
    unlink(path);
    llctx = LLVMContextCreate();
    if (LLVMParseBitcodeInContext2(llctx, mb, &mod))
        die("clang's bitcode cannot be read");
    layout = LLVMGetModuleDataLayout(mod);
}

static void run_passes(const char *list)
{
    LLVMPassBuilderOptionsRef po = LLVMCreatePassBuilderOptions();
    LLVMErrorRef e = LLVMRunPasses(mod, list, NULL, po);
    if (e)
        die("%s", LLVMGetErrorMessage(e));
    LLVMDisposePassBuilderOptions(po);
}

/* ---- functions ---- */

/* The module of f; made, with all that it calls, when first asked for. */
Fn *fn_of(LLVMValueRef f)
{
    size_t len;
    const char *name = LLVMGetValueName2(f, &len);
    for (int i = 0; i < nfns; i++)
        if (!strcmp(fns[i]->name, name))
            return fns[i];
    for (int i = 0; i < nopen; i++)
        if (!strcmp(opened[i], name))
            reject(loc_of(f), "hardware does not recurse",
                   "task '%s' calls itself", name);
    PUSH(opened, nopen, name);
    Fn *fn = xalloc(sizeof *fn);
    fn->name = name;
    fn->source = source;
    take_ports(fn, f);
    bool tasks = is_dataflow(f);
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(f); b && tasks;
         b = LLVMGetNextBasicBlock(b))
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i;
             i = LLVMGetNextInstruction(i))
            if (is_task_call(i))
                fn_of(LLVMGetCalledValue(i));
    map_clear();
    if (tasks)
        take_tasks(fn, f);
    else
        take_code(fn, f);
    nopen--;
    PUSH(fns, nfns, fn);
    return fn;
}

int intake(const struct Options *o, Fn ***out)
{
    /* The first option keeps counters at their declared width; the others let
     * a wide array unroll and a loop test be as long as it likes. */
    const char *opt[] = {"fxc", "-indvars-widen-indvars=false",
                         "-pragma-unroll-threshold=100000000",
                         "-rotation-max-header-size=1000"};
    LLVMParseCommandLineOptions(4, opt, NULL);
    source = o->file;
    load_module(o);
    LLVMValueRef top = LLVMGetNamedFunction(mod, o->top);
    if (!top || LLVMIsDeclaration(top))
        reject((Loc){o->file, 0, 0}, NULL, "%s defines no function '%s'",
               o->file, o->top);
    for (LLVMValueRef f = LLVMGetFirstFunction(mod); f;
         f = LLVMGetNextFunction(f))
        if (f != top && !LLVMIsDeclaration(f))
            LLVMSetLinkage(f, LLVMInternalLinkage);
    LLVMSetLinkage(top, LLVMExternalLinkage);
    for (LLVMValueRef f = LLVMGetFirstFunction(mod); f;
         f = LLVMGetNextFunction(f))
        inline_calls(f);
    run_passes(passes_inline);
    run_passes("globaldce");
    for (LLVMValueRef f = LLVMGetFirstFunction(mod); f;
         f = LLVMGetNextFunction(f))
        if (!LLVMIsDeclaration(f)) {
            take_marks(f);
            mark_invariant(f);
        }
    run_passes(passes_main);
    if (strchr(debug_passes, 'L'))
        LLVMDumpModule(mod);
    top = LLVMGetNamedFunction(mod, o->top);
    fn_of(top);
    *out = fns;
    return nfns;
}
