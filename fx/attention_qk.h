/* SPDX-License-Identifier: Apache-2.0 */
/* fx/attention_qk.h -- scores of TP queries with every position of the cache.
 *
 *     s[t][kvh][pos][r] = sum over i of q[t][kvh share + r][i] k[kvh][pos][i]
 *
 *     q --> [ qbuf: HP x HEAD ] --+
 *     k --> [ word ] -----------> MAC[TP][KP] --> [ ring: HP ] --> s
 *
 *   FX_NAME  the function to make      FX_HP    most query heads that share
 *   FX_TP    tokens side by side                a key/value head
 *   FX_KP    channels of a key beat    FX_HEAD  most channels of a head
 *
 * A key is read once and meets all query heads that share it, in turn. What a
 * token must not see is masked later: only positions that some token of the
 * group sees are asked for, so the work is a triangle, not a square.
 *
 * units    i8 codes of -127 .. 127 in, exact sums out
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   nkv * share * head/KP * (positions + 1)
 * proof    tests/fx/attention_qk.c
 */
#include "fx/fx.h"

#if !defined FX_NAME || !defined FX_TP || !defined FX_KP || !defined FX_HP ||  \
    !defined FX_HEAD
#error "fx/attention_qk.h needs FX_NAME, FX_TP, FX_KP, FX_HP and FX_HEAD"
#endif
_Static_assert(FX_TP >= 1 && FX_KP >= 1 && FX_HP >= 1,
               "fx/attention_qk.h: FX_TP, FX_KP and FX_HP must be at least 1");
_Static_assert(FX_HEAD >= 1 && FX_HEAD <= 1024,
               "fx/attention_qk.h: FX_HEAD must be 1 .. 1024");

struct FX_(ports) {
    FX_IN(i8, FX_TP *FX_KP) q; /* (kvh, r, head/KP) beats, lane c * TP + t */
    FX_IN(i8, FX_KP) k;        /* (kvh, pos, head/KP) beats */
    FX_OUT(i27, FX_TP) s;      /* (kvh, pos, r) beats */
    int nkv;                   /* key/value heads */
    int share;                 /* query heads of each, up to HP */
    int head;                  /* channels, a multiple of KP, up to HEAD */
    int positions;             /* positions * share * head < 2^31 */
};

/* 127 * 127 < 2^14. */
typedef FX_INT(15 + FX_CLOG2(FX_HEAD)) FX_(sum);

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    FX_BEAT(i8, FX_TP * FX_KP) qbuf[FX_CEIL(FX_HEAD, FX_KP) * FX_HP];
    FX_(sum) ring[FX_HP][FX_TP]; /* its first entry is of the current head */
    FX_BEAT(i8, FX_KP) key = FX_ZERO;

    for (int h = 0; h < p->nkv; h++) {
        FX_NEST;
        int i = 0, r = 0, row = 0; /* row: HP * i/KP, the address of chunk i */
        for (int n = 0; n < p->share * p->head; n += FX_KP) {
            FX_PIPELINE(query, 1);
            qbuf[row + r] = FX_READ(p->q);
            i += FX_KP;
            row += FX_HP;
            if (i >= p->head) {
                i = 0;
                row = 0;
                r++;
            }
        }
        i = 0;
        r = 0;
        row = 0;
        for (int n = 0; n < p->positions * p->share * p->head; n += FX_KP) {
            FX_PIPELINE(score, 1);
            FX_BEAT(i8, FX_TP * FX_KP) q = qbuf[row + r];
            FX_BEAT(i27, FX_TP) s = FX_ZERO;
            if (r == 0)
                key = FX_READ(p->k);
            for (int t = 0; t < FX_TP; t++) {
                FX_UNROLL;
                int32_t dot = 0;
                for (int c = 0; c < FX_KP; c++) {
                    FX_UNROLL;
                    dot += FX_GET(i8, q, c * FX_TP + t) * FX_GET(i8, key, c);
                }
                dot += i == 0 ? (int32_t)0 : (int32_t)ring[0][t];
                for (int j = 0; j < FX_HP; j++) {
                    FX_UNROLL;
                    ring[j][t] = j == p->share - 1 ? (FX_(sum))dot
                                                   : ring[(j + 1) % FX_HP][t];
                }
                FX_SET(i27, s, t, (int32_t)(FX_(sum))dot);
            }
            if (i >= p->head - FX_KP)
                FX_WRITE(p->s, s);
            int turn = r == p->share - 1, end = i >= p->head - FX_KP;
            r = turn ? 0 : r + 1;
            row = !turn ? row : end ? 0 : row + FX_HP;
            i = !turn ? i : end ? 0 : i + FX_KP;
        }
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    uint64_t nkv = (uint64_t)p->nkv;
    uint64_t n = nkv * p->share * FX_CEIL(p->head, FX_KP) *
                 ((uint64_t)p->positions + 1);
    if (p->positions == 0)
        return FX_NEST_CYCLES(query, nkv, n / FX_MAX(nkv, 1));
    if (nkv == 0)
        return FX_WAY_NONE;
    return n + FX_WAY_IN(query, 1) + nkv * FX_WAY(query, score, 0) +
           (nkv - 1) * FX_WAY(score, query, 1) + FX_WAY_OUT(score, 0);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0,
    .mul = FX_TP * FX_KP,
    .ram_bits = 8ull * FX_TP * FX_HP * FX_HEAD,
};
#include "fx/end.h"
