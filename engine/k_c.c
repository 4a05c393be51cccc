/* SPDX-License-Identifier: Apache-2.0 */
/* engine/k_c.c -- the kernels in portable C: what runs where nothing better
 * does, and what the others are tested against. Vectors of 16 bytes, so a
 * panel has 8 rows.
 */
#define OPS(name)         c_##name
#define OPS_P             uint8_t
#define OPS_FLOOR4(v)     c_floor4(v)
#define OPS_GATHER8(t, i) c_gather8(t, i)
#define OPS_ANY(m)        c_any(m)
#include <stdint.h>

typedef double c_v4d __attribute__((vector_size(32)));
typedef int32_t c_v8i __attribute__((vector_size(32)));

static inline __attribute__((always_inline)) c_v4d c_floor4(c_v4d v)
{
    return (c_v4d){__builtin_floor(v[0]), __builtin_floor(v[1]),
                   __builtin_floor(v[2]), __builtin_floor(v[3])};
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

/* The k-th input's weight of row o in a 4-bit panel, with its offset of 8. */
static int nibble(const uint8_t *w, int o, int k)
{
    int byte = w[k / 4 * VEC + o % 4 * 4 + k % 4];
    return o < 4 ? byte & 15 : byte >> 4;
}

static void mm(const struct eng_tile *q, int bits)
{
    for (int t = 0; t < q->n; t++) {
        const int8_t *x = q->x + t * q->xs;
        const int32_t *pre = q->pre + t * q->ps;
        for (int o = 0; o < P; o++) {
            uint32_t acc = 0;
            for (int b = 0, g = 0; b < q->blocks; b += q->gblocks, g++) {
                int end = b + q->gblocks;
                int32_t s = bits == 4 ? -8 * (pre[end] - pre[b]) : 0;
                for (int k = b * ENG_KB; k < end * ENG_KB; k++)
                    s += x[k] * (bits == 4
                                     ? nibble(q->w, o, k)
                                     : (int8_t)q->w[(k / 4 * 2 + o / 4) * VEC +
                                                    o % 4 * 4 + k % 4]);
                acc += (uint32_t)s * (q->mul ? q->mul[g * P + o] : 1u);
            }
            q->acc[t * P + o] = (int32_t)acc;
        }
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
    for (int r = 0; r < n; r++)
        for (int t = 0; t < blocks * ENG_TB; t++) {
            const int8_t *kt = k + (t / 16 * (hp / 4) * 16 + t % 16) * 4;
            int32_t sum = 0;
            for (int i = 0; i < hp; i++)
                sum += q[r * hp + i] * kt[i / 4 * 64 + i % 4];
            s[r * ss + t] = sum;
        }
}

static void c_av(const void *p, ptrdiff_t ps, int n, const int8_t *v, int hp,
                 int blocks, int32_t *acc)
{
    for (int r = 0; r < n; r++) {
        const uint8_t *pr = (const uint8_t *)p + r * ps;
        for (int i = 0; i < hp; i++)
            acc[r * hp + i] = 0;
        for (int t = 0; t < blocks * ENG_TB; t++)
            for (int i = 0; i < hp; i++)
                acc[r * hp + i] += pr[t] * v[(t / 4 * hp + i) * 4 + t % 4];
    }
}

const struct eng_kernels eng_k_c = {
    .name = "portable",
    .vec = VEC,
    .rows = ROWS,
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
