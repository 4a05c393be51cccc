/* SPDX-License-Identifier: Apache-2.0 */
/* fx/fht.h -- fast Hadamard transform of whole vectors (R4) or of heads (R3).
 *
 *     y[t][i] = sat27(round(sum over j of H[i][j] * x[t][j] / 2^k))
 *     H = I_blocks (x) H_m (x) S_p    n = blocks m p    k = log2(m p) / 2
 *
 *     x --> S_BP in the beat --> [ buf: DIM ] <--> +-[ M sums ] --> [ M ] --+
 *                                    |  ^------------ one digit a pass -----+
 *                                    +--> round --> y
 *
 *   FX_NAME  the function to make      FX_DIM  most channels
 *   FX_TP    tokens side by side       FX_M    sums side by side, 2 .. 36,
 *   FX_BP    channels side by side,            not fewer than m
 *            a power of two
 *
 * p is written in digits of radix R, the largest power of two within M; m is
 * one more digit. A pass transforms one digit: it reads the r values that
 * differ only there, one a cycle, adds each with its sign to r sums at once,
 * and puts them back in place while the next r are read. The first pass reads
 * x, and the digit inside a beat is done on the way. Exact until the rounding.
 *
 * m = p = 1 passes everything through (blocks = n). Else p is a multiple of BP.
 *
 * units    x and y have the same fraction bits
 * errors   a bad parameter stops the compile; no input value is an error
 * cycles   groups * ((passes + 1) n/BP + digits), digits the sum of the r
 * source   matrices of num/hadamard.h (Sylvester, Paley)
 * proof    tests/fx/fht.c, against gold_fht
 */
#include "fx/fx.h"
#include "num/hadamard_tab.h"

#if !defined FX_NAME || !defined FX_TP || !defined FX_BP || !defined FX_DIM || \
    !defined FX_M
#error "fx/fht.h needs FX_NAME, FX_TP, FX_BP, FX_DIM and FX_M"
#endif
_Static_assert(FX_BP >= 1 && (FX_BP & (FX_BP - 1)) == 0,
               "fx/fht.h: FX_BP must be a power of two");
_Static_assert(FX_M >= 2 && FX_M <= 36, "fx/fht.h: FX_M must be 2 .. 36");
_Static_assert(FX_TP >= 1 && FX_DIM >= 1 && FX_DIM <= 1 << 17,
               "fx/fht.h: FX_DIM must be 1 .. 2^17");

struct FX_(ports) {
    FX_IN(i27, FX_TP *FX_BP) x;  /* (group, n/BP) beats, lane c * TP + t */
    FX_OUT(i27, FX_TP *FX_BP) y; /* the same */
    int groups;                  /* of TP tokens */
    int blocks, m, p;            /* n = blocks m p, up to DIM */
};

/* A sum of DIM values of 27 bits; no row has only minus signs. */
typedef FX_INT(27 + FX_CLOG2(FX_DIM)) FX_(sum);

#ifndef FX_FHT_ROW
#define FX_FHT_ROW
/* Row r of H_m, or of Sylvester's matrix where m is 0, as bits; r constant. */
NUM_FN int fx_fht_neg(int m, int r, int c)
{
    uint64_t a = r < 12 ? num_had12_tab[r < 12 ? r : 0] : 0;
    uint64_t b = r < 20 ? num_had20_tab[r < 20 ? r : 0] : 0;
    uint64_t d = r < 28 ? num_had28_tab[r < 28 ? r : 0] : 0;
    uint64_t e = num_had36_tab[r];
    uint64_t row = m == 12 ? a : m == 20 ? b : m == 28 ? d : m == 36 ? e : 0;
    int odd = r & c;
    odd ^= odd >> 4;
    odd ^= odd >> 2;
    odd ^= odd >> 1;
    return m == 0 ? odd & 1 : (int)(row >> c & 1);
}

/* Walks the vector digit by digit: c within the digit, then the lower part,
 * then the higher. */
struct fx_fht_walk {
    int at, c, low;
};
NUM_FN struct fx_fht_walk fx_fht_next(struct fx_fht_walk w, int r, int stride,
                                      int back)
{
    if (w.c < r - 1) {
        w.c++;
        w.at += stride;
    } else if (w.low < stride - 1) {
        w.c = 0;
        w.low++;
        w.at += 1 - back;
    } else {
        w.c = 0;
        w.low = 0;
        w.at++;
    }
    return w;
}
#endif

/* S_BP over the channels of a beat. */
NUM_FN void FX_(inside)(int64_t v[FX_TP * FX_BP])
{
    int64_t w[FX_TP * FX_BP];
    for (int half = FX_TP; half < FX_TP * FX_BP; half *= 2) {
        FX_UNROLL;
        for (int l = 0; l < FX_TP * FX_BP; l++) {
            FX_UNROLL;
            w[l] = l / half % 2 ? v[l - half] - v[l] : v[l] + v[l + half];
        }
        for (int l = 0; l < FX_TP * FX_BP; l++) {
            FX_UNROLL;
            v[l] = w[l];
        }
    }
}

FX_MODULE void FX_NAME(const struct FX_(ports) *p)
{
    enum {
        LANES = FX_TP * FX_BP,
        LOG_BP = FX_CLOG2(FX_BP),
        LOG_R = FX_BITS(FX_M) - 1,
        R = 1 << LOG_R,
    };
    FX_BEAT(i48, LANES) buf[FX_CEIL(FX_DIM, FX_BP)];
    FX_(sum) sum[FX_M][LANES], out[FX_M][LANES];
    int size = p->m * p->p, shift = num_fht_shift(size);
    int rows = (p->blocks * size) >> LOG_BP;

    for (int g = 0; g < p->groups; g++) {
        FX_NEST;
        int left = p->p < FX_BP ? 1 : p->p >> LOG_BP; /* of p */
        int m = p->m, stride = 1;

        for (int pass = 0; pass == 0 || left > 1 || m > 1; pass++) {
            FX_NEST;
            int r = left == 1 ? m : left < R ? left : (int)R;
            int kind = left == 1 ? m : 0, back = (r - 1) * stride;
            struct fx_fht_walk in = {0, 0, 0}, to = {0, 0, 0};

            for (int k = 0; k < rows + r; k++) {
                FX_PIPELINE(digit, 1);
                FX_NODEP(buf); /* in place: read before it is written */
                FX_BEAT(i48, LANES) x = FX_ZERO, y = FX_ZERO;
                FX_BEAT(i27, LANES) fresh = FX_ZERO;
                int64_t v[LANES], w[LANES];
                if (k < rows && pass == 0)
                    fresh = FX_READ(p->x);
                if (k < rows && pass > 0)
                    x = buf[in.at];
                for (int l = 0; l < LANES; l++) {
                    FX_UNROLL;
                    v[l] = FX_GET(i27, fresh, l);
                    w[l] = v[l];
                }
                FX_(inside)(w);
                for (int l = 0; l < LANES; l++) {
                    FX_UNROLL;
                    w[l] = p->p < FX_BP ? v[l] : w[l];
                    v[l] = pass == 0 ? w[l] : FX_GET(i48, x, l);
                }
                for (int l = 0; l < LANES; l++) {
                    FX_UNROLL;
                    FX_SET(i48, y, l, (int64_t)out[0][l]);
                }
                if (k >= r) {
                    buf[to.at] = y;
                    to = fx_fht_next(to, r, stride, back);
                }
                for (int o = 0; o < FX_M; o++) {
                    FX_UNROLL;
                    int neg = fx_fht_neg(kind, o, in.c);
                    for (int l = 0; l < LANES; l++) {
                        FX_UNROLL;
                        int64_t s = in.c == 0 ? (int64_t)0 : (int64_t)sum[o][l];
                        sum[o][l] = (FX_(sum))(neg ? s - v[l] : s + v[l]);
                        out[o][l] = in.c == r - 1  ? sum[o][l]
                                    : o < FX_M - 1 ? out[(o + 1) % FX_M][l]
                                                   : out[o][l];
                    }
                }
                in = fx_fht_next(in, r, stride, back);
            }
            stride = left > R ? stride << LOG_R : p->p >> LOG_BP;
            m = left == 1 ? 1 : m;
            left = left > R ? left >> LOG_R : 1;
        }
        for (int k = 0; k < rows; k++) {
            FX_PIPELINE(round, 1);
            FX_BEAT(i48, LANES) x = buf[k];
            FX_BEAT(i27, LANES) y = FX_ZERO;
            for (int l = 0; l < LANES; l++) {
                FX_UNROLL;
                FX_SET(
                    i27, y, l,
                    num_sat(num_round(FX_GET(i48, x, l), shift), NUM_ACT_BITS));
            }
            FX_WRITE(p->y, y);
        }
    }
}

FX_COST uint64_t FX_(cycles)(const struct FX_(ports) *p)
{
    uint64_t rows = (uint64_t)p->blocks * p->m * p->p / FX_BP, n = rows;
    uint64_t groups = (uint64_t)p->groups, passes = 0;
    int radix = 1 << (FX_BITS(FX_M) - 1), left = p->p / FX_BP;
    for (; left > 1; left = left > radix ? left / radix : 1) {
        n += rows + (uint64_t)FX_MIN(left, radix);
        passes++;
    }
    if (p->m > 1 || p->p <= FX_BP) {
        n += rows + (uint64_t)p->m;
        passes++;
    }
    if (groups == 0)
        return FX_WAY_NONE;
    return groups * (n + (passes - 1) * FX_WAY(digit, digit, 1) +
                     FX_WAY(digit, round, 0)) +
           FX_WAY_IN(digit, 2) + (groups - 1) * FX_WAY(round, digit, 2) +
           FX_WAY_OUT(round, 0);
}

FX_COST const struct fx_cost FX_(cost) = {
    .fill = 0,
    .mul = 0,
    .ram_bits = 48ull * FX_TP * FX_DIM,
};
#include "fx/end.h"
