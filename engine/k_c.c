/* SPDX-License-Identifier: Apache-2.0 */
/* engine/k_c.c -- the kernels in portable C: what runs where nothing better
 * does, and what the others are tested against. Vectors of 16 bytes, so a
 * panel has 8 rows.
 */
#define OPS(name)         c_##name
#define OPS_P             uint8_t
#define OPS_FLOOR4(v)     c_floor4(v)
#define OPS_GATHER8(t, i) c_gather8(t, i)
#define OPS_MUL15(a, b)   ((a) * (b))
#define OPS_ANY(m)        c_any(m)
#include <stdint.h>

typedef double c_v4d __attribute__((vector_size(32)));
typedef int32_t c_v8i __attribute__((vector_size(32)));

/* Adding 1.5 2^52 rounds |v| < 2^51 to an integer, at most one too large. A
 * larger v only has to stay large: every use saturates to 32 bits or less. */
static inline __attribute__((always_inline)) c_v4d c_floor4(c_v4d v)
{
    typedef int64_t v4l __attribute__((vector_size(32)));
    const double m = 6755399441055744.0;
    const c_v4d one = {1, 1, 1, 1};
    c_v4d r = (v + m) - m;
    return r - (c_v4d)((v4l)one & (r > v));
}

static inline __attribute__((always_inline)) c_v8i c_gather8(const uint32_t *t,
                                                             c_v8i i)
{
    c_v8i r;
    for (int j = 0; j < 8; j++)
        r[j] = (int32_t)t[i[j]];
    return r;
}

static inline __attribute__((always_inline)) int c_any(c_v8i m)
{
    int any = 0;
    for (int j = 0; j < 8; j++)
        any |= m[j];
    return any;
}

#include "engine/ops_tmpl.h"

enum { VEC = 16, P = 8, ROWS = 4 };

/* Products of a vector of weights and four inputs, by byte: sum[j] gathers
 * row j/4, input j%4. The loops have the form that compilers vectorise. */
OPS_FN void step(int32_t *sum, const uint8_t *w, const int8_t *x, int bits)
{
    int32_t c[VEC];
    for (int j = 0; j < VEC; j++)
        c[j] = x[j % 4];
    if (bits == 4)
        for (int j = 0; j < VEC; j++) {
            sum[j] += (w[j] & 15) * c[j];
            sum[VEC + j] += (w[j] >> 4) * c[j];
        }
    else
        for (int j = 0; j < 2 * VEC; j++)
            sum[j] += (int8_t)w[j] * c[j % VEC];
}

OPS_FN void mm(const struct eng_tile *q, int bits)
{
    for (int t = 0; t < q->n; t++) {
        const int8_t *x = q->x + t * q->xs;
        const int32_t *pre = q->pre + t * q->ps;
        uint32_t acc[P] = {0};
        for (int b = 0, g = 0; b < q->blocks; b += q->gblocks, g++) {
            int end = b + q->gblocks;
            int32_t off = bits == 4 ? 8 * (pre[end] - pre[b]) : 0;
            int32_t sum[2 * VEC] = {0};
            for (int k = b * ENG_KB; k < end * ENG_KB; k += 4)
                step(sum, q->w + (ptrdiff_t)k / 4 * VEC * (bits / 4), x + k,
                     bits);
            for (int o = 0; o < P; o++) {
                int32_t s = sum[4 * o] + sum[4 * o + 1] + sum[4 * o + 2] +
                            sum[4 * o + 3] - off;
                acc[o] += (uint32_t)s * (q->mul ? q->mul[g * P + o] : 1u);
            }
        }
        memcpy(q->acc + t * P, acc, sizeof acc);
    }
}

static void c_mm4(const struct eng_tile *q)
{
    mm(q, 4);
}

static void c_mm8(const struct eng_tile *q)
{
    mm(q, 8);
}

static void c_qk(const int8_t *q, int n, const int8_t *k, int hp, int blocks,
                 int32_t *s, ptrdiff_t ss)
{
    for (int b = 0; b < blocks; b++, s += ENG_TB, k += ENG_TB * hp)
        for (int r = 0; r < n; r++) {
            int32_t sum[4 * ENG_TB] = {0};
            for (int i = 0; i < hp; i += 4) {
                int32_t c[4 * ENG_TB];
                for (int j = 0; j < 4 * ENG_TB; j++)
                    c[j] = q[r * hp + i + j % 4];
                for (int j = 0; j < 4 * ENG_TB; j++)
                    sum[j] += k[i * ENG_TB + j] * c[j];
            }
            for (int t = 0; t < ENG_TB; t++)
                s[r * ss + t] = sum[4 * t] + sum[4 * t + 1] + sum[4 * t + 2] +
                                sum[4 * t + 3];
        }
}

static void c_av(const void *p, ptrdiff_t ps, int n, const int8_t *v, int hp,
                 int blocks, int32_t *acc)
{
    for (int r = 0; r < n; r++) {
        const uint8_t *w = (const uint8_t *)p + r * ps;
        int32_t *a = acc + r * hp;
        memset(a, 0, (size_t)hp * sizeof *a);
        for (int t = 0; t < blocks * ENG_TB; t += 4)
            for (int i = 0; i < hp; i++) {
                const int8_t *c = v + (ptrdiff_t)t * hp + 4 * i;
                a[i] += w[t] * c[0] + w[t + 1] * c[1] + w[t + 2] * c[2] +
                        w[t + 3] * c[3];
            }
    }
}

const struct eng_kernels eng_k_c = {
    .name = "portable",
    .vec = VEC,
    .rows = ROWS,
    .unit = ROWS,
    .p_bytes = 1,
    .p_rows = 4,
    .mm4a8 = c_mm4,
    .mm4a4 = c_mm4,
    .mm8 = c_mm8,
    .dequant = c_dequant,
    .norm = c_norm,
    .scaled = c_scaled,
    .quant = c_quant,
    .silu = c_silu,
    .fht = c_fht,
    .rope = c_rope,
    .codes = c_codes,
    .qk = c_qk,
    .prob = c_prob,
    .av = c_av,
};
