/* SPDX-License-Identifier: Apache-2.0 */
/* engine/fht_tmpl.h -- part of ops_tmpl.h: the Hadamard transform of one
 * token, docs/numerics.md step 9, exact.
 *
 * Every sum on the way is a signed sum of some inputs, so nothing exceeds
 * sum |x|. Where that is below 2^31 the sums are made in 32-bit lanes, else in
 * doubles (below 2^43: exact). A run of p goes by butterflies, the m runs of
 * a block by additions whose signs are constants.
 */

/* Unrolled, the signs are constants; sanitizers would take minutes to compile
 * what that gives. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FHT_UNROLL
#endif
#endif
#ifndef FHT_UNROLL
#define FHT_UNROLL _Pragma("GCC unroll 36")
#endif

/* Butterflies of distance 1, 2, 4 inside a vector of eight. */
OPS_FN v8i fht_in8(v8i v)
{
    const v8i m1 = {0, -1, 0, -1, 0, -1, 0, -1};
    const v8i m2 = {0, 0, -1, -1, 0, 0, -1, -1};
    const v8i m4 = {0, 0, 0, 0, -1, -1, -1, -1};
    v = __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6) + ((v ^ m1) - m1);
    v = __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5) + ((v ^ m2) - m2);
    return __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3) +
           ((v ^ m4) - m4);
}

/* S_p, p a multiple of 8, in place. */
static void OPS(fht_run8)(int32_t *x, int p)
{
    for (int i = 0; i < p; i += 8)
        ops_store8(x + i, fht_in8(ops_load8(x + i)));
    int h = 8;
    for (; 4 * h <= p; h *= 4) /* two levels a pass */
        for (int i = 0; i < p; i += 4 * h)
            for (int j = i; j < i + h; j += 8) {
                v8i a = ops_load8(x + j), b = ops_load8(x + j + h);
                v8i c = ops_load8(x + j + 2 * h), d = ops_load8(x + j + 3 * h);
                v8i s = a + b, t = a - b, u = c + d, w = c - d;
                ops_store8(x + j, s + u);
                ops_store8(x + j + h, t + w);
                ops_store8(x + j + 2 * h, s - u);
                ops_store8(x + j + 3 * h, t - w);
            }
    for (; h < p; h *= 2)
        for (int i = 0; i < p; i += 2 * h)
            for (int j = i; j < i + h; j += 8) {
                v8i a = ops_load8(x + j), b = ops_load8(x + j + h);
                ops_store8(x + j, a + b);
                ops_store8(x + j + h, a - b);
            }
}

/* H_m on m runs of p, p a multiple of 8; m is a constant after inlining. */
OPS_FN void fht_cols8(int32_t *x, int p, int m, const uint64_t *sign)
{
    for (int j = 0; j < p; j += 8) {
        v8i v[36];
        for (int c = 0; c < m; c++)
            v[c] = ops_load8(x + c * p + j);
        FHT_UNROLL
        for (int r = 0; r < m; r++) {
            v8i s = {0};
            FHT_UNROLL
            for (int c = 0; c < m; c++)
                s = sign[r] >> c & 1 ? s - v[c] : s + v[c];
            ops_store8(x + r * p + j, s);
        }
    }
}

static void OPS(fht8)(int32_t *x, struct num_had h, int n)
{
    for (int i = 0; i < n; i += h.p)
        OPS(fht_run8)(x + i, h.p);
    if (h.m == 12)
        fht_cols8(x, h.p, 12, num_had12_tab);
    else if (h.m == 20)
        fht_cols8(x, h.p, 20, num_had20_tab);
    else if (h.m == 28)
        fht_cols8(x, h.p, 28, num_had28_tab);
    else if (h.m == 36)
        fht_cols8(x, h.p, 36, num_had36_tab);
}

/* Any split, in doubles: x becomes the exact sums over one block. */
static void OPS(fht_wide)(double *x, struct num_had h)
{
    int n = h.m * h.p;
    for (int d = 1; d < h.p; d *= 2)
        for (int i = 0; i < n; i += 2 * d)
            for (int j = i; j < i + d; j++) {
                double a = x[j], b = x[j + d];
                x[j] = a + b;
                x[j + d] = a - b;
            }
    for (int j = 0; j < h.p && h.m > 1; j++) {
        double v[36];
        for (int c = 0; c < h.m; c++)
            v[c] = x[c * h.p + j];
        for (int r = 0; r < h.m; r++) {
            double s = 0;
            for (int c = 0; c < h.m; c++)
                s += num_had_neg(h.m, r, c) ? -v[c] : v[c];
            x[r * h.p + j] = s;
        }
    }
}

static void OPS(fht)(int32_t *x, int n)
{
    struct num_had h = num_had_split(n);
    int size = h.m * h.p, k = num_fht_shift(size);
    /* sum |x| in single precision, to one part in 2^9 or better: lanes of at
     * most 2^14 terms, each addition rounding to one part in 2^24 */
    v8f mass = {0};
    int i = 0;
    for (; i + 8 <= n; i += 8) {
        v8f a = __builtin_convertvector(ops_load8(x + i), v8f);
        mass += (v8f)((v8i)a & INT32_MAX);
    }
    double sum = 0;
    for (int j = 0; j < 8; j++)
        sum += mass[j];
    if (sum < 2140000000.0 && h.p % 8 == 0) {
        for (int b = 0; b < n; b += size)
            OPS(fht8)(x + b, h, size);
        for (i = 0; i < n; i += 8) {
            v8i v = ops_round8(ops_load8(x + i), k);
            v8i over = v > 67108863;
            v = (over & 67108863) | (~over & v);
            v8i under = v < -67108864;
            ops_store8(x + i, (under & -67108864) | (~under & v));
        }
        return;
    }
    double w[ENG_FHT_WIDE];
    for (int b = 0; b < n; b += size) {
        for (i = 0; i < size; i++)
            w[i] = x[b + i];
        OPS(fht_wide)(w, h);
        for (i = 0; i < size; i++)
            x[b + i] =
                (int32_t)num_sat(num_round((int64_t)w[i], k), NUM_ACT_BITS);
    }
}
