/* SPDX-License-Identifier: Apache-2.0 */
/* num/qmodel.h -- a quantised model as data: what the package holds and what
 * every engine (golden, integer, HLS, RTL) reads. docs/numerics.md says what
 * is computed from it, to the bit.
 *
 * Nothing here is owned: the pointers go into a mapped package or into the
 * arrays of whoever built the model.
 */
#ifndef NUM_QMODEL_H
#define NUM_QMODEL_H
#include "num/num.h"
#include "num/shape.h"

/* A vector as input of the first layer: a row of the embedding, or one that
 * stands in the place of a token. Channel i is code[i] * mant * 2^exp. */
struct num_row {
    const int8_t *code; /* (d) */
    struct num_scale scale;
};

/* Where a linear's input is quantised. q, k, v share one site; gate and up
 * share one. The input is in fixed point with `frac` fraction bits. */
struct num_qsite {
    int abits;           /* 8: i8 symmetric, 4: u4 asymmetric; per token */
    int frac;            /* fraction bits of the input */
    uint32_t clip;       /* share of the range kept, Q0.16; 65536 = all */
    const int32_t *mean; /* (in) taken out before quantising, NULL: none */
    int wide;            /* with abits 4: so many channels, from the first,
                            have i8 codes of the others' step */
};

/* y[o] = sat_obits( acc[o] * (sx * sw[o]) * 2^frac + bias[o] )
 * acc[o] = sum over groups g of mul[o][g] * sum over i in g of
 *          (xcode[i] - zp) * w[o][i]                                exact */
struct num_qlinear {
    int din, dout;
    int wbits;             /* 4 or 8, two's complement codes */
    int wide;              /* with wbits 4: so many inputs, from the first, have
                             i8 codes, in w8; of the others' each then
                             counts NUM_WIDE_UNIT */
    int group;             /* inputs a group; 0: one scale a row, no mul */
    int obits;             /* the result saturates to this many bits */
    int frac;              /* fraction bits of the result */
    const uint8_t *w;      /* (dout, din) codes; wbits 4: (dout, ceil(din/2)),
                             low nibble = even input; without the wide ones */
    const int8_t *w8;      /* (dout, wide) */
    const uint16_t *mant;  /* (dout) weight scale, mantissa */
    const int8_t *exp;     /* (dout) weight scale, power of two */
    const uint8_t *mul;    /* (dout, din/group) group multipliers, 1..255 */
    const int32_t *colsum; /* (dout) sum over g of mul[g] * sum of w: the
                              factor of the zero point */
    const int32_t *bias;   /* (dout) in the result's format, NULL: none */
};

/* Weight code (o, i), in units of the row's scale. */
NUM_FN int num_weight(const struct num_qlinear *l, int o, int i)
{
    if (l->wbits == 8)
        return (int8_t)l->w[(int64_t)o * l->din + i];
    if (i < l->wide)
        return l->w8[(int64_t)o * l->wide + i];
    int at = i - l->wide, bytes = (l->din - l->wide + 1) / 2;
    int b = l->w[(int64_t)o * bytes + at / 2] >> at % 2 * 4 & 15;
    return ((b ^ 8) - 8) * (l->wide > 0 ? NUM_WIDE_UNIT : 1);
}

/* Bits that hold every code of a linear, or of a site. */
NUM_FN int num_weight_bits(const struct num_qlinear *l)
{
    return l->wide > 0 ? 8 : l->wbits;
}

NUM_FN int num_input_bits(const struct num_qsite *s)
{
    return s->wide > 0 ? 8 : s->abits;
}

/* Most that a code of a site can be away from the zero point. */
NUM_FN int num_input_most(const struct num_qsite *s)
{
    return s->abits == 8 ? 127 : s->wide > 0 ? 127 + 15 : 15;
}

enum num_site { NUM_SITE_ATTN, NUM_SITE_O, NUM_SITE_FFN, NUM_SITE_DOWN };
enum num_linear {
    NUM_Q,
    NUM_K,
    NUM_V,
    NUM_O,
    NUM_GATE,
    NUM_UP,
    NUM_DOWN,
    NUM_LINEARS
};

struct num_qlayer {
    struct num_qsite site[4];            /* by enum num_site */
    struct num_qlinear lin[NUM_LINEARS]; /* by enum num_linear */
    const struct num_scale *q_scale;     /* (qh)  code = x * scale, i8 */
    const struct num_scale *k_scale;     /* (kvh) the same */
    const struct num_scale *v_scale;     /* (kvh) the same */
    const struct num_scale *s_scale;     /* (qh)  (max - score) * scale = the
                                        negated power of two, Q.16 */
    const struct num_scale *o_scale;     /* (kvh) v code * scale = attention
                                        output in site[NUM_SITE_O] format */
    int h_frac;                          /* fraction bits of silu(gate) * up */
};

struct num_qmodel {
    struct num_shape shape;
    int seq;                    /* rows of rope: longest sequence usable */
    int kvbits;                 /* 8 */
    int wide;                   /* wide channels of the residual stream */
    int r3;                     /* Hadamard on q and k after RoPE */
    int r4;                     /* Hadamard before down */
    int res_frac;               /* fraction bits of the residual stream */
    uint64_t eps_q;             /* round(eps * d * 2^(2 res_frac)) */
    struct num_scale sqrt_d;    /* sqrt(d) */
    const int8_t *embed;        /* (v, d) codes */
    const uint16_t *embed_mant; /* (v) */
    const int8_t *embed_exp;    /* (v) real scale: residual adds res_frac */
    const int16_t *rope;        /* (seq, h/2, {cos, sin}) Q1.15 */
    const int8_t *turn;         /* (d) signs D of the basis H D of the residual
                                   stream; zeros: the checkpoint's own basis;
                                   NULL: not stated */
    const float *basis;         /* (d, d) the basis itself, where it is no H D:
                                   row i is channel i's direction; or NULL */
    struct num_qlayer *layer;   /* (layer) */
    struct num_qsite head_site;
    struct num_qlinear head; /* (v, d) */
};

#endif
