/* SPDX-License-Identifier: Apache-2.0 */
/* all.h -- the one header of fxc: the netlist and who works on it.
 *
 *     C --clang--> LLVM IR --intake--> Fn of Blocks of Nodes
 *       --region--> Regions: pipelined loops, and straight pieces of sequence
 *       --predicate, fold, width, lower, mem, sched--> Nodes with a step
 *       --emit--> SystemVerilog
 *
 * A Node is one value of `w` bits. Its value does not depend on a clock; the
 * scheduler gives it the step of its region in which it is computed. Memory is
 * never freed: fxc compiles one file and exits.
 */
#ifndef FXC_ALL_H
#define FXC_ALL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct Loc Loc;
typedef struct Node Node;
typedef struct Block Block;
typedef struct Region Region;
typedef struct Port Port;
typedef struct Scalar Scalar;
typedef struct Mem Mem;
typedef struct Edge Edge;
typedef struct Fifo Fifo;
typedef struct Inst Inst;
typedef struct Fn Fn;
typedef struct Target Target;
typedef struct Buf Buf;
typedef struct Way Way;
typedef struct Unit Unit;

struct Loc {
    const char *file; /* NULL: nowhere in particular */
    int line, col;
};

enum Class {
    Cfree,
    Cwire,
    Clogic,
    Cadd,
    Ccmp,
    Cmux,
    Cshift,
    Cmul,
    Cphi,
    Cmem,
    Cport,
};

#define OP(name, arity, class, text) O##name,
enum Op {
#include "fxc/ops.h"
    Ocount
};
#undef OP

typedef struct OpInfo {
    const char *name;
    int arity;
    enum Class class;
    const char *text;
} OpInfo;
extern const OpInfo opinfo[Ocount];

/* A byte address, before banking: off + sum of term * stride. */
typedef struct Term {
    Node *n;
    int64_t stride;
} Term;

struct Node {
    int id;
    enum Op op;
    int w; /* bits of the value, before narrowing */
    int nin;
    Node **in;
    uint64_t *bits; /* Oconst: the value, 64 bits a word, low word first */
    int lo;         /* Oslice: the first bit taken */
    Loc loc;
    const char *name; /* the user's, cleaned; "" if none */
    Block *blk;
    Region *rgn;  /* NULL: a constant or an argument */
    Node *alias;  /* replaced by this one */
    Block **from; /* Ophi: where in[k] comes from */
    Node *reg;    /* Ophi: whose register it has; coalesce.c */
    Port *port;
    Mem *mem;
    Scalar *scalar;
    Node *pred; /* memory and port operations: NULL means always */
    /* memory accesses */
    int64_t off;
    int nterm;
    Term *term;
    int bank;
    /* widths: fits in uw bits unsigned, in sw bits signed */
    int uw, sw, dem, clamp;
    bool sgn; /* how to extend rw bits */
    int rw;   /* bits kept in hardware */
    /* schedule */
    int step, lat;  /* starts in step; the result is there in step + lat */
    int lb;         /* lower bound of step */
    double at;      /* ns after the clock edge when it is there */
    double from_at; /* ... when its operands are */
    Unit *unit;     /* Omul: the multiplier it shares, or NULL; share.c */
    int last;       /* last step of its own region that uses it */
    bool ext;       /* used by another region */
    bool live;
    int mark;
    bool
        data; /* made of words of streams or memories; a loop's control is not */
    bool nsw, nuw; /* C promises that it does not wrap */
    bool undef;    /* Oconst: C says nothing, no register need take it */
};

struct Block {
    int id;
    const char *name;
    int nnode;
    Node **node;
    Node *cond;     /* NULL: one successor, or none */
    Block *succ[2]; /* taken when cond is 1, 0 */
    int nsucc;
    int npred;
    Block **pred;
    int ii; /* > 0: latch of a loop pipelined so */
    const char *loopname;
    Loc loc;
    Region *rgn;
    Node *bp; /* runs when this is 1; NULL: whenever the region does */
    int order;
};

/* b may not be earlier than a + lat, one iteration being dist * ii apart. */
struct Edge {
    Node *a, *b;
    int lat, dist;
};

typedef struct Exit {
    Node *cond;       /* NULL: otherwise */
    Block *from, *to; /* to NULL: return */
} Exit;

struct Region {
    int id;
    const char *name;
    const char *label; /* pipe: the name the user gave the loop */
    bool pipe;
    int ii;
    int nblk;
    Block **blk; /* topological order; blk[0] is the header */
    int nnode;
    Node **node; /* topological order */
    int nexit;
    Exit *exit; /* the first whose cond holds is taken */
    Block *latch;
    Node *stop; /* pipe: 1 in the last iteration */
    int nstep;
    int drain; /* pipe: steps that must be empty before control goes on */
    int stopstep;
    int freefrom; /* pipe: from this step on nothing can stall */
    Node *credit; /* pipe: a late write behind a FIFO with room for all that
                   * is in flight, or NULL; sched.c */
    int room;     /* words of that FIFO */
    int nedge;
    Edge *edge;
    int64_t trip; /* -1: not known */
    Loc loc;
    Region *host; /* sequence: evaluated when this region is left; absorb.c */
    double depth; /* ns into that cycle */
};

struct Port {
    const char *name;
    bool out;
    int w;
    int64_t off; /* byte offset in the ports struct */
    Loc loc;
    int nop;
    Node **op;
};

struct Scalar {
    const char *name;
    int w;
    bool sgn;
    int64_t off;
    Node *arg;
};

enum MemKind { Mram, Mreg, Mrom };

struct Mem {
    int id;
    const char *name;
    Loc loc;
    enum MemKind kind;
    int w, storew;
    int nd;
    int64_t dim[8], stride[8];
    bool banked[8];
    int nbank;
    int64_t depth;
    bool constant;
    uint64_t *init; /* constant: one 64-bit word an element */
    int64_t ninit;
    int nacc;
    Node **acc;
    int nnodep;
    Block **nodep; /* in the loop of this block the user vouches for it */
    int uw, sw;
    bool sgn;
};

/* Dataflow: what an instance's port is wired to. */
struct Fifo {
    const char *name;
    int w;
    int64_t depth;
    Inst *writer, *reader;
    Loc loc;
};

typedef struct Wire {
    Port *port;   /* of the callee */
    Port *outer;  /* a port of the caller, or */
    Fifo *fifo;   /* a local FIFO */
    Scalar *scal; /* or a scalar of the callee, given by */
    Node *value;
} Wire;

struct Inst {
    const char *name;
    Fn *fn;
    int nwire;
    Wire *wire;
    Loc loc;
};

struct Fn {
    const char *name;
    const char *source;
    bool dataflow;
    int nport;
    Port **port;
    int nscalar;
    Scalar **scalar;
    int nblk;
    Block **blk;
    int nnode;
    Node **node;
    int nrgn;
    Region **rgn;
    Region *start; /* host of the first region, if it needs no state */
    int nmem;
    Mem **mem;
    int ninst;
    Inst **inst;
    int nfifo;
    Fifo **fifo;
    int nunit;
    Unit **unit;
    int nstate;
    long pipebits, ctlbits; /* registers between steps; of what is no data */
    Loc loc;
};

/* A multiplier with several uses, signed, a x b bits. share.c */
struct Unit {
    int id;
    int a, b, w; /* w: bits of the product */
    int nuse;
    Node **use;
};

/* From one loop to the next; NULL: the start, the finish. timing.c. */
struct Way {
    const Region *from, *to;
    int levels; /* bodies of outer loops that begin on it */
    int lo, hi; /* cycles, least and most */
};

/* A value that the next iteration needs. critical.c. */
typedef struct Recurrence {
    const char *name;
    Loc loc;
    int cycles; /* the interval it asks for */
    double ns;  /* once round, from the register to the register */
} Recurrence;

/* What a family of chips costs, in ns; see target.c. */
struct Target {
    const char *name;
    double clkq, setup;   /* flip-flop */
    double lut;           /* one level of logic with its wire */
    int inputs;           /* of a LUT */
    double carry, carry1; /* carry chain: start, and each bit */
    double cmp;           /* more, until the last carry is on a wire */
    double spread;        /* a bit that decides over 16 others, over 32 twice */
    double mul;           /* one DSP multiplier, unregistered */
    double ramq;          /* clock to data of a block RAM */
    double port;          /* clock to data of a FIFO */
    int mula, mulb;       /* widest signed operands of one DSP */
};

struct Buf {
    char *s;
    size_t n, cap;
};

extern const Target *target;
extern double period;
extern const char *debug_passes;

/* util.c */
void *xalloc(size_t);
void *vec_grow(void *, int n, size_t size);
#define PUSH(v, n, x) ((v) = vec_grow((v), (n), sizeof *(v)), (v)[(n)++] = (x))
char *fmt(const char *, ...) __attribute__((format(printf, 1, 2)));
void put(Buf *, const char *, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void die(const char *, ...) __attribute__((format(printf, 1, 2)));
/* A refusal: prints place, line, caret and hint (may be NULL), exits 1. */
_Noreturn void reject(Loc, const char *hint, const char *, ...)
    __attribute__((format(printf, 3, 4)));
int clog2(int64_t);
const char *cleanname(const char *);

/* node.c */
Node *node_new(Fn *, enum Op, int w, int nin);
Node *node_const(Fn *, int w, uint64_t);
Node *node_wide(Fn *, int w, const uint64_t *);
Node *node_op(Fn *, Node *at, enum Op, int w, Node *, Node *);
Node *node_slice(Fn *, Node *at, Node *, int lo, int w);
Node *node_ext(Fn *, Node *at, Node *, int w, bool sgn);
Node *node_select(Fn *, Node *at, Node *, Node *, Node *);
Node *node_cat(Fn *, Node *at, int n, Node **in);
void node_flush(Region *); /* puts nodes made `at` others into place */
Node *node_real(Node *);   /* follows aliases */
bool is_const(const Node *, uint64_t);
bool const_small(const Node *, uint64_t *);
void fn_print(Fn *, FILE *);

/* intake.c: the only file that sees LLVM */
struct Options {
    const char *file, *top;
    int narg;
    const char **arg; /* -I and -D, handed to clang */
    const char *self;
};
/* All functions, callees before callers; the top is the last. */
int intake(const struct Options *, Fn ***);

/* The passes, in order. */
void bank(Fn *);
void region(Fn *);
bool is_header(Fn *, Block *);
void predicate(Fn *);
void lower(Fn *);
void fold(Fn *);
void balance(Fn *);
void width(Fn *);
void split(Fn *);
void memory(Fn *);
void ahead(Fn *);
void sched(Fn *);
void absorb(Fn *);
void coalesce(Fn *);
void share(Fn *);
void check(Fn *);

Node *update_of(const Region *, const Node *phi);
int update_step(const Region *, const Node *phi);

bool vouched(const Region *, const Mem *);

/* A comparison with a constant that needs no carry chain: x < bound, or not,
 * for a bound of 0, 2^k or -2^k. */
typedef struct BitTest {
    Node *x;
    bool sgn, inverted; /* x is signed; the result is inverted */
    int bound;          /* 0: zero, 1: 2^k, -1: -2^k */
    int k;
} BitTest;

/* target.c */
const Target *target_find(const char *);
bool bit_test(const Node *, BitTest *);
int compare_width(const Node *);
double op_delay(const Node *);
double steer_delay(int exits, int bits);
double turn_delay(double at, int uses);
int op_lat(const Node *);

/* emit.c */
const char *name_of(const Node *);
Node *source_of(Node *, int w);
Node *shared_register(const Node *);
bool stays(const Node *phi, int k);
bool is_word(const char *name);
const char *held(const Node *); /* the register other regions read */
bool owns_held(const Node *);   /* ... is its own, not a loop's */
const char *ref(Node *, const Region *, int step, int w);
const char *fire(const Region *, int step);
const char *where(Loc);
int avail(const Node *);
bool is_wire(const Node *);
void emit_module(Fn *, Buf *);
extern const Region *leaving;

/* emit_mem.c */
const char *element(const Mem *, int bank, int64_t word);
void emit_mem(Fn *, Mem *, Buf *decl, Buf *body);
void emit_reg_load(Node *, Buf *body);

/* emit_unit.c */
void emit_unit(Unit *, Buf *decl, Buf *body, Buf *clocked);

/* emit_ctl.c */
void emit_control(Fn *, Buf *decl, Buf *body);

/* emit_top.c */
void emit_top(Fn *, Buf *);
void emit_head(Fn *, Buf *);

/* timing.c */
int ways(Fn *, Way **);
const char *way_from(const Way *);
const char *way_to(const Way *);
void loop_ports(const Region *, int *pop, int *push);
void timing(Fn **fn, int n, const char *path);

/* critical.c */
Recurrence critical_recurrence(Region *);

/* delays.c */
void delays(void);

/* report.c */
void report(Fn **, int n, const char *path);
#endif
