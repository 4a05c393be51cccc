/* SPDX-License-Identifier: Apache-2.0 */
/* fx/softmax.h -- unnormalised probabilities of a row of scores, and their sum.
 *
 *     p[t][pos][r] = round(255 * 2^(-(max over pos of s - s[pos]) * scale[r]))
 *     l[t][r]      = sum over pos of p[t][pos][r]                exact
 *
 *     s --> [ sbuf: SEQ x HP ] ------+
 *       --> max[HP][TP] -----------> 2^-x --> p
 *                                      +----> sum[HP][TP] --> l
 *
 *   FX_NAME  the function to make      FX_HP   most query heads that share a
 *   FX_TP    tokens side by side               key/value head
 *                                      FX_SEQ  most positions
 *
 * The maximum is the whole row's, so the bits do not depend on any tiling; the
 * division by l is left to attention_av. Token t of the group sees positions
 * 0 .. first + t; others do not enter the maximum and have p = 0. p is sent
 * `sweeps` times: once for every chunk of value channels.
 *
 * units    s in units of code products; scale takes them to powers of two with
 *          NUM_EXP2_FRAC fraction bits
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   nkv * share * (positions * (1 + sweeps) + 1)
 * proof    tests/fx/softmax.c, and attention_av.c against gold_attention
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_TP || !defined FX_HP || !defined FX_SEQ
#error "fx/softmax.h needs FX_NAME, FX_TP, FX_HP and FX_SEQ"
#endif
_Static_assert(FX_TP >= 1 && FX_HP >= 1,
               "fx/softmax.h: FX_TP and FX_HP must be at least 1");
_Static_assert(FX_SEQ >= 1 && FX_SEQ <= 1 << 22,
               "fx/softmax.h: FX_SEQ must be 1 .. 2^22");

struct FX_(ports) {
    FX_IN(i27, FX_TP) s;   /* (kvh, pos, r) beats */
    FX_IN(scale, 1) scale; /* (kvh, r) beats */
    FX_OUT(u8, FX_TP) p;   /* (kvh, sweep, pos, r) beats */
    FX_OUT(u32, FX_TP) l;  /* (kvh, r) beats, after the last p of the head */
    int nkv;               /* key/value heads */
    int share;             /* query heads of each, up to HP */
    int positions;         /* at least 1 where nkv is, up to SEQ */
    int first;             /* the last position that token 0 sees */
    int sweeps;            /* at least 1; times positions, share: below 2^31 */
};

typedef FX_UINT(8 + FX_CLOG2(FX_SEQ)) FX_(sum);

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_BEAT(i27, FX_TP) sbuf[FX_SEQ * FX_HP];
    int32_t max[FX_HP][FX_TP];
    FX_(sum) sum[FX_HP][FX_TP];
    uint32_t scale[FX_HP];

    for (int h = 0; h < p->nkv; h++) {
        FX_NEST;
        int pos = 0, r = 0;
        for (int n = 0; n < p->positions * p->share; n++) {
            FX_PIPELINE(max, 1);
            FX_BEAT(i27, FX_TP) s = FX_READ(p->s);
            FX_BEAT(scale, 1) word = FX_ZERO;
            sbuf[n] = s;
            if (pos == 0)
                word = FX_READ(p->scale);
            for (int j = 0; j < FX_HP; j++) {
                FX_UNROLL;
                if (j == r && pos == 0)
                    scale[j] = FX_GET(scale, word, 0);
                for (int t = 0; t < FX_TP; t++) {
                    FX_UNROLL; /* every token sees position 0 */
                    int seen = j == r && pos <= p->first + t;
                    int32_t v = FX_GET(i27, s, t);
                    if (seen && (pos == 0 || v > max[j][t]))
                        max[j][t] = v;
                }
            }
            int turn = r == p->share - 1;
            r = turn ? 0 : r + 1;
            pos = turn ? pos + 1 : pos;
        }
        int at = 0;
        pos = 0;
        r = 0;
        for (int n = 0; n < p->sweeps * p->positions * p->share; n++) {
            FX_PIPELINE(prob, 1);
            FX_BEAT(i27, FX_TP) s = sbuf[at];
            FX_BEAT(u8, FX_TP) y = FX_ZERO;
            uint32_t sc = scale[0];
            for (int j = 1; j < FX_HP; j++) {
                FX_UNROLL;
                sc = j == r ? scale[j] : sc;
            }
            for (int t = 0; t < FX_TP; t++) {
                FX_UNROLL;
                int32_t m = max[0][t];
                for (int j = 1; j < FX_HP; j++) {
                    FX_UNROLL;
                    m = j == r ? max[j][t] : m;
                }
                int64_t below = (int64_t)m - FX_GET(i27, s, t);
                uint32_t v = num_prob(below, fx_scale(sc));
                v = pos <= p->first + t ? v : (uint32_t)0;
                FX_SET(u8, y, t, v);
                for (int j = 0; j < FX_HP; j++) {
                    FX_UNROLL;
                    uint32_t old = pos == 0 ? (uint32_t)0 : (uint32_t)sum[j][t];
                    if (j == r) /* every sweep sums the same */
                        sum[j][t] = (FX_(sum))(old + v);
                }
            }
            FX_WRITE(p->p, y);
            int turn = r == p->share - 1;
            int end = turn && pos == p->positions - 1;
            r = turn ? 0 : r + 1;
            at = end ? 0 : at + 1;
            pos = end ? 0 : turn ? pos + 1 : pos;
        }
        for (int n = 0; n < p->share; n++) {
            FX_PIPELINE(sum, 1);
            FX_BEAT(u32, FX_TP) l = FX_ZERO;
            for (int t = 0; t < FX_TP; t++) {
                FX_UNROLL;
                FX_SET(u32, l, t, (uint32_t)sum[0][t]);
                for (int j = 0; j < FX_HP - 1; j++) {
                    FX_UNROLL;
                    sum[j][t] = sum[j + 1][t];
                }
            }
            FX_WRITE(p->l, l);
        }
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    uint64_t nkv = (uint64_t)p->nkv;
    if (nkv == 0)
        return FX_WAY_NONE;
    return nkv * p->share *
               ((uint64_t)p->positions * (1 + (uint64_t)p->sweeps) + 1) +
           FX_WAY_IN(max, 1) +
           nkv * (FX_WAY(max, prob, 0) + FX_WAY(prob, sum, 0)) +
           (nkv - 1) * FX_WAY(sum, max, 1) + FX_WAY_OUT(sum, 0);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0,
    .mul = 3 * FX_TP,
    .ram_bits = 27ull * FX_TP * FX_HP * FX_SEQ,
};
#include "fx/end.h"
