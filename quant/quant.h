/* SPDX-License-Identifier: Apache-2.0 */
/* quant/quant.h -- from a checkpoint to a package.
 *
 * The order of work, layer by layer, so that memory is bounded:
 *
 *   fold      gamma into the weights; rotate: R1 on the residual stream
 *             (embedding, inputs of q k v gate up head, outputs of o down),
 *             R2 on each value head, R4 on the input of down. Exact in real
 *             numbers, so the fp32 model's outputs do not change.
 *   observe   the calibration text, as the layers quantised so far pass it
 *             on: each site's mean, second moments H = sum x x^T, ranges
 *   round     a row's scale by a search over clips, weighted by H; codes to
 *             nearest (RTN) or by GPTQ, then sweeps that change one code at a
 *             time where that lowers (w - s q) H (w - s q)^T
 *   correct   what the mean contributed, W * mean, becomes the bias
 *
 * Papers: QuaRot (2404.00456) and SpinQuant (2405.16406) for where rotations
 * go, GPTQ (2210.17323), GPTAQ (2504.02692) for targets from the unquantised
 * model. docs/quantization.md has what each is worth, measured.
 *
 * The same options, model and text give the same package on the same machine.
 */
#ifndef QUANT_QUANT_H
#define QUANT_QUANT_H
#include "base/error.h"

/* inputs of: q k v | o | gate up | down | head */
enum { QUANT_HEAD = 4, QUANT_SITES = 5 };

/* Bits of single tensors, over the scheme's; quant/mix.h reads and chooses. */
struct quant_pick {
    int layer; /* -1: the head */
    int site;
    int abits, wbits; /* 4, 8; 0: the scheme's */
};
struct quant_mix {
    int n;
    struct quant_pick *pick;
};

/* What a run found; quant/head.c says which loss. */
struct quant_result {
    double loss;   /* nats a token of calibration text */
    uint32_t turn; /* seed of the signs that were kept */
};

struct quant_options {
    const char *scheme;     /* w4a8kv8, w4a4kv8, w8a8kv8 */
    const char *calib;      /* text file; NULL: the text built in */
    int calib_sequences;    /* how many */
    int calib_length;       /* tokens each */
    uint32_t seed;          /* signs of the rotations, choice of sequences */
    int rtn;                /* 1: round to nearest instead of GPTQ */
    int no_rotate;          /* 1: no R1, R2, R4 */
    int no_r4;              /* 1: no R4 */
    int no_mean;            /* 1: means stay in the inputs */
    int no_balance;         /* 1: no gains between v and o, up and down */
    int r3;                 /* 1: Hadamard on queries and keys at run time */
    int seeds;              /* rotations tried: seed, seed + 1 .. */
    int no_clip;            /* 1: a row's scale from its largest weight */
    int wide;               /* channels of the residual stream, the ones of
                               most energy, with 8 bits in a scheme of 4 */
    int group;              /* 0, or inputs that share a multiplier */
    int head_wbits;         /* 4 or 8; 0: the scheme's */
    double act_clip;        /* share of a u4 input's range kept; 0: by
                               each site's least error */
    double damp;            /* share of H's mean diagonal added; 0: 0.01 */
    double asym;            /* 0..1: share of the correction towards the
                             unquantised model's inputs */
    int sweeps;             /* passes of coordinate descent after GPTQ */
    int abits[QUANT_SITES]; /* 0: the scheme's; 4 or 8: of that site in every
                             layer */
    struct quant_mix mix;   /* borrowed */
    int seq;                /* longest sequence; 0: the model's, at most 8192 */
    const char *hmt;        /* a memory file whose LoRA is merged first; NULL */
    /* Called with the share done, 0..1, and what is being done; may be NULL. */
    void (*progress)(void *state, double done, const char *what);
    void *progress_state;
    struct quant_report *report; /* quant/report.h; filled if not NULL */
    struct quant_result *result; /* filled if not NULL */
};

/* The options of a scheme, as `flexllm quantize` takes them. False: unknown
 * scheme. */
bool quant_defaults(struct quant_options *o, const char *scheme,
                    struct fl_error *err);

/* Quantises the checkpoint `model` to the package `out`. */
bool quant_run(const struct quant_options *o, const char *model,
               const char *out, struct fl_error *err);

#endif
