/* SPDX-License-Identifier: Apache-2.0 */
/* fx/attention_av.h -- values weighed by probabilities, then normalised.
 *
 *     a[t][h][i] = sum over pos of p[t][pos][h] * v[kvh(h)][pos][i]     exact
 *     y[t][h][i] = sat27(round(a[t][h][i] * scale[kvh] / l[t][h]))
 *
 *     v --> [ word ] --+
 *     p -------------> MAC[KP][TP] --> [ ring: HP ] --> [ abuf ]
 *                                                          | NP channels
 *     l --> 1/l -----------------------------------------> * --> y
 *
 *   FX_NAME  the function to make      FX_HP    most query heads that share
 *   FX_TP    tokens side by side                a key/value head
 *   FX_KP    channels of a value beat  FX_HEAD  most channels of a head
 *   FX_BP    channels of a result's    FX_SEQ   most positions
 *            beat, divides KP          FX_NP    channels normalised at once,
 *                                               divides BP
 *
 * Values come chunk by chunk of KP channels, a chunk for all positions, and so
 * lie in the cache: the running sums then are KP x TP a query head, and each
 * value is read once for all of them. p comes again for every chunk. Results
 * are few beside the products, so only NP x TP of them are normalised at once.
 *
 * units    u8 probabilities (not normalised) and i8 codes in, activations out;
 *          scale takes a value code to y's format
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   nkv * share * (head/KP * positions + TP + head/NP)
 * proof    tests/fx/attention_av.c, against gold_attention
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_TP || !defined FX_KP || !defined FX_BP ||  \
    !defined FX_NP || !defined FX_HP || !defined FX_HEAD || !defined FX_SEQ
#error "fx/attention_av.h needs FX_NAME, FX_TP, FX_KP, FX_BP, FX_NP, FX_HP, \
FX_HEAD and FX_SEQ"
#endif
_Static_assert(FX_TP >= 1 && FX_KP >= 1 && FX_HP >= 1,
               "fx/attention_av.h: FX_TP, FX_KP and FX_HP must be at least 1");
_Static_assert(FX_NP >= 1 && FX_BP % FX_NP == 0 && FX_KP % FX_BP == 0,
               "fx/attention_av.h: FX_NP must divide FX_BP, FX_BP FX_KP");
_Static_assert(FX_HEAD >= 1 && FX_HEAD <= 1024,
               "fx/attention_av.h: FX_HEAD must be 1 .. 1024");
_Static_assert(FX_SEQ >= 1 && FX_SEQ <= 1 << 22,
               "fx/attention_av.h: FX_SEQ must be 1 .. 2^22");

struct FX_(ports) {
    FX_IN(u8, FX_TP) p;          /* (kvh, head/KP, pos, r) beats */
    FX_IN(u32, FX_TP) l;         /* (kvh, r) beats: sums of p, at least 1 */
    FX_IN(i8, FX_KP) v;          /* (kvh, head/KP, pos) beats */
    FX_IN(scale, 1) scale;       /* (kvh) beats */
    FX_OUT(i27, FX_TP *FX_BP) y; /* (kvh, r, head/BP), lane c * TP + t */
    int nkv;                     /* key/value heads */
    int share;                   /* query heads of each, up to HP */
    int head;                    /* channels, a multiple of KP, up to HEAD */
    int positions; /* up to SEQ; positions * share * head < 2^31 */
};

/* 255 * 127 < 2^15. */
typedef FX_INT(16 + FX_CLOG2(FX_SEQ)) FX_(sum);
#if FX_SEQ <= 1 << 16
#define FX_ELEM_A i32
_Static_assert(FX_SEQ <= 1 << 16, "fx/attention_av.h: FX_SEQ is no number");
#else
#define FX_ELEM_A i40
#endif

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    enum {
        LANES = FX_TP * FX_KP,
        OUT = FX_TP * FX_BP,
        NORMS = FX_TP * FX_NP,
        PARTS = FX_KP / FX_NP,
    };
    FX_BEAT(FX_ELEM_A, LANES) abuf[FX_CEIL(FX_HEAD, FX_KP) * FX_HP];
    FX_(sum) ring[FX_HP][LANES];
    uint32_t mant[FX_HP][FX_TP]; /* scale / l */
    int exp[FX_HP][FX_TP];
    FX_BEAT(i8, FX_KP) v = FX_ZERO;

    for (int h = 0; h < p->nkv; h++) {
        FX_NEST;
        int r = 0, pos = 0, row = 0; /* row: HP * chunk */
        for (int n = 0; n < p->positions * p->share * p->head; n += FX_KP) {
            FX_PIPELINE(weigh, 1);
            FX_BEAT(u8, FX_TP) w = FX_READ(p->p);
            FX_BEAT(FX_ELEM_A, LANES) a = FX_ZERO;
            if (r == 0)
                v = FX_READ(p->v);
            for (int l = 0; l < LANES; l++) {
                FX_UNROLL;
                int64_t old = (int64_t)ring[0][l];
                for (int j = 1; j < FX_HP; j++) {
                    FX_UNROLL; /* sent in `share` iterations ago */
                    old = j == FX_HP - p->share ? (int64_t)ring[j][l] : old;
                }
                old = pos == 0 ? (int64_t)0 : old;
                old += FX_GET(u8, w, l % FX_TP) * FX_GET(i8, v, l / FX_TP);
                for (int j = 0; j < FX_HP; j++) {
                    FX_UNROLL;
                    ring[j][l] = j == FX_HP - 1 ? (FX_(sum))old
                                                : ring[(j + 1) % FX_HP][l];
                }
                FX_SET(FX_ELEM_A, a, l, (int64_t)(FX_(sum))old);
            }
            if (pos == p->positions - 1)
                abuf[row + r] = a;
            int turn = r == p->share - 1, end = pos == p->positions - 1;
            r = turn ? 0 : r + 1;
            row = turn && end ? row + FX_HP : row;
            pos = !turn ? pos : end ? 0 : pos + 1;
        }

        FX_BEAT(u32, FX_TP) l = FX_ZERO;
        FX_BEAT(scale, 1) scale = FX_ZERO;
        uint32_t part_mant[FX_TP];
        int part_exp[FX_TP];
        int t0 = 0;
        for (int n = 0; n < p->share * FX_TP; n++) {
            FX_PIPELINE(factor, 1); /* token t0 is at 0; the others queue */
            if (n == 0)
                scale = FX_READ(p->scale);
            if (t0 == 0)
                l = FX_READ(p->l);
            struct num_scale s = num_attn_scale(
                FX_GET(u32, l, 0), fx_scale(FX_GET(scale, scale, 0)));
            for (int t = 0; t < FX_TP - 1; t++) {
                FX_UNROLL;
                FX_SET(u32, l, t, FX_GET(u32, l, t + 1));
                part_mant[t] = part_mant[t + 1];
                part_exp[t] = part_exp[t + 1];
            }
            part_mant[FX_TP - 1] = s.mant;
            part_exp[FX_TP - 1] = s.exp;
            t0 = t0 == FX_TP - 1 ? 0 : t0 + 1;
            for (int j = 0; j < FX_HP; j++) {
                FX_UNROLL;
                int last = j == p->share - 1;
                for (int t = 0; t < FX_TP; t++) {
                    FX_UNROLL;
                    uint32_t m = last ? part_mant[t] : mant[(j + 1) % FX_HP][t];
                    int e = last ? part_exp[t] : exp[(j + 1) % FX_HP][t];
                    mant[j][t] = t0 == 0 ? m : mant[j][t]; /* all t have one */
                    exp[j][t] = t0 == 0 ? e : exp[j][t];
                }
            }
        }

        FX_BEAT(i27, OUT) y = FX_ZERO;
        int i = 0, part = 0, full = 0; /* of beats of abuf, of y */
        r = 0;
        row = 0;
        for (int n = 0; n < p->share * p->head; n += FX_NP) {
            FX_PIPELINE(normalise, 1);
            FX_BEAT(FX_ELEM_A, LANES) a = abuf[row + r];
            for (int b = FX_CLOG2(PARTS) - 1; b >= 0; b--) {
                FX_UNROLL; /* what is left of a begins with part mod 2^b */
                int half = NORMS << b, rest = FX_MIN(half, LANES - half);
                for (int k = 0; k < rest; k++) {
                    FX_UNROLL;
                    if (part >> b & 1)
                        FX_SET(FX_ELEM_A, a, k, FX_GET(FX_ELEM_A, a, k + half));
                }
            }
            for (int k = 0; k < OUT - NORMS; k++) {
                FX_UNROLL;
                FX_SET(i27, y, k, FX_GET(i27, y, k + NORMS));
            }
            for (int k = 0; k < NORMS; k++) {
                FX_UNROLL;
                struct num_scale f = {(uint16_t)mant[0][k % FX_TP],
                                      (int16_t)exp[0][k % FX_TP]};
                FX_SET(i27, y, OUT - NORMS + k,
                       num_attn(FX_GET(FX_ELEM_A, a, k), f));
            }
            if (full == FX_BP / FX_NP - 1)
                FX_WRITE(p->y, y);
            full = full == FX_BP / FX_NP - 1 ? 0 : full + 1;
            int next = part == PARTS - 1;
            part = next ? 0 : part + 1;
            i += FX_NP;
            row = next ? row + FX_HP : row;
            if (i >= p->head) {
                i = 0;
                row = 0;
                r++;
                for (int j = 0; j < FX_HP - 1; j++) {
                    FX_UNROLL;
                    for (int t = 0; t < FX_TP; t++) {
                        FX_UNROLL;
                        mant[j][t] = mant[j + 1][t];
                        exp[j][t] = exp[j + 1][t];
                    }
                }
            }
        }
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    uint64_t nkv = (uint64_t)p->nkv;
    if (nkv == 0)
        return FX_WAY_NONE;
    uint64_t head = (uint64_t)p->head;
    return nkv * p->share *
               (FX_CEIL(head, FX_KP) * (uint64_t)p->positions + FX_TP +
                FX_CEIL(head, FX_NP)) +
           FX_WAY_IN(weigh, 1) +
           nkv * (FX_WAY(weigh, factor, 0) + FX_WAY(factor, normalise, 0)) +
           (nkv - 1) * FX_WAY(normalise, weigh, 1) + FX_WAY_OUT(normalise, 0);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0,
    .mul = FX_TP * FX_KP + 2 * FX_TP * FX_NP + 1,
    .ram_bits = (FX_SEQ <= 1 << 16 ? 32ull : 40ull) * FX_TP * FX_HP * FX_HEAD,
};
#undef FX_ELEM_A
#include "fx/end.h"
