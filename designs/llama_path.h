/* SPDX-License-Identifier: Apache-2.0 */
/* designs/llama_path.h -- the modules of both designs outside attention, and
 * the tasks that call them step by step.
 *
 *     embed --> enter --> total --> norm --> choose --> quantise --> linear
 *                 ^                           ^  ^                      |
 *                 |       attention ----------'  '-- rotate <-- gate    v
 *                 |           ^                                  ^ dequantise
 *                 |           |                                  |      |
 *                 `-----------`------------------- route --------'<-----'
 */
#ifndef DESIGNS_LLAMA_PATH_H
#define DESIGNS_LLAMA_PATH_H
#include "designs/llama.h"

/* ---- lookup, enter, total: the residual stream -------------------------- */

#define FX_NAME embed
#define FX_TP   TP
#define FX_BP   BP
#define FX_N    KP
#define FX_DIM  MAX_D
#include "fx/embed.h"

#define FX_NAME lookup
struct FX_(ports) {
    FX_IN(u32, 1) go;  /* a pass: groups that come; 0 after an end token */
    FX_IN(u32, TP) id; /* a group */
    FX_OUT(u32, 2) req;
    FX_IN(i8, KP) data;
    FX_OUT(i32, XLANES) y;
    int passes, d, row; /* words of a row */
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->passes; n++) {
        FX_BEAT(u32, 1) go = FX_READ(p->go);
        FX_CALL(embed, .id = p->id, .req = p->req, .data = p->data, .y = p->y,
                .groups = (int)FX_GET(u32, go, 0), .d = p->d, .base = 0,
                .stride = (uint32_t)p->row);
    }
}
#include "fx/end.h"

/* What is added up: the embedding first, then the results of o and down. */
#define FX_NAME enter
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i32, XLANES) embed;
    FX_IN(i32, XLANES) res;
    FX_OUT(i32, XLANES) y;
    int rounds, d;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        int first = IS_KV(c) && GET(c, DSN_LAYER) == 0;
        int res = KIND(c) == DSN_O || KIND(c) == DSN_DOWN;
        int d = first || res ? p->d : 0;
        for (int i = 0; i < d; i += BP) {
            FX_PIPELINE(forward, 1);
            FX_BEAT(i32, XLANES) x = FX_ZERO;
            if (first)
                x = FX_READ(p->embed);
            if (!first)
                x = FX_READ(p->res);
            FX_WRITE(p->y, x);
        }
    }
}
#include "fx/end.h"

#define FX_NAME residual
#define FX_TP   TP
#define FX_BP   BP
#define FX_DIM  (TURNS * MAX_D) /* vectors of all groups, one after another */
#include "fx/residual.h"

#define FX_NAME total
struct FX_(ports) {
    FX_IN(u32, 1) go; /* as lookup's */
    FX_IN(i32, XLANES) x;
    FX_OUT(i32, XLANES) y;
    int passes, vectors, d;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->passes; n++) {
        FX_BEAT(u32, 1) go = FX_READ(p->go);
        int groups = (int)FX_GET(u32, go, 0);
        FX_CALL(residual, .x = p->x, .y = p->y,
                .vectors = groups != 0 ? p->vectors : 0, .d = groups * p->d);
    }
}
#include "fx/end.h"

/* ---- norm --------------------------------------------------------------- */

#define FX_NAME rmsnorm
#define FX_TP   TP
#define FX_BP   BP
#define FX_DIM  MAX_D
#include "fx/rmsnorm.h"

#define FX_NAME norm
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i32, XLANES) x;
    FX_OUT(i27, XLANES) y;
    int rounds, d;
    uint64_t eps_q;
    uint32_t sqrt_d;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        FX_CALL(rmsnorm, .x = p->x, .y = p->y, .groups = IS_NORMED(c),
                .d = p->d, .eps_q = p->eps_q, .sqrt_d = p->sqrt_d);
    }
}
#include "fx/end.h"

/* ---- codes of the engine's input ---------------------------------------- */

#define FX_NAME quantise
#define FX_TP   TP
#define FX_BP   BP
#define FX_DIM  MAX_IN
#define FX_WIDE WIDE
#include "fx/quantise.h"

#define FX_NAME encode
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i27, XLANES) x;
    FX_IN(i32, BP) mean;
    FX_OUT(i8, XLANES) y;
    FX_OUT(scale, TP) s;
    int rounds;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        FX_CALL(quantise, .x = p->x, .mean = p->mean, .y = p->y, .s = p->s,
                .groups = KIND(c) != DSN_NONE, .din = GET(c, DSN_DIN),
                .abits = ABITS(c),
#if WIDE
                .wide = WIDTH(c),
#endif
                .clip = FX_GET(u32, c, DSN_CLIP), .frac = 0);
    }
}
#include "fx/end.h"

/* ---- feed-forward: silu(gate) * up, rotated ----------------------------- */

#define FX_NAME silu_mul
#define FX_TP   TP
#define FX_BP   BP
#include "fx/silu_mul.h"

#define FX_NAME gate
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i27, XLANES) x; /* gate, up, gate, up ... beats */
    FX_OUT(i27, XLANES) y;
    int rounds;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        FX_CALL(silu_mul, .x = p->x, .y = p->y, .groups = KIND(c) == DSN_GU,
                .n = GET(c, DSN_DOUT) >> 1, .gf = GET(c, DSN_FRAC) & 255,
                .uf = GET(c, DSN_FRAC) >> 8 & 255,
                .hf = GET(c, DSN_FRAC) >> 16 & 255);
    }
}
#include "fx/end.h"

#define FX_NAME fht4
#define FX_TP   TP
#define FX_BP   BP
#define FX_DIM  MAX_FFN
#define FX_M    MAX_M
#include "fx/fht.h"

/* Blocks, m and p of the transform are those of num_had_split(ffn); without a
 * transform ffn, 1 and 1: every block of one passes through. */
#define FX_NAME rotate
struct FX_(ports) {
    FX_IN(u32, DSN_WORDS) cmd;
    FX_IN(i27, XLANES) x;
    FX_OUT(i27, XLANES) y;
    int rounds, blocks, m, p;
};

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    for (int n = 0; n < p->rounds; n++) {
        STEP c = FX_READ(p->cmd);
        FX_CALL(fht4, .x = p->x, .y = p->y, .groups = KIND(c) == DSN_GU,
                .blocks = p->blocks, .m = p->m, .p = p->p);
    }
}
#include "fx/end.h"

#endif
