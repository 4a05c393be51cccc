/* SPDX-License-Identifier: Apache-2.0 */
/* golden/ops.c -- the operations, in the order of docs/numerics.md. What is
 * per element comes from num/num.h; what is here are the loops. */
#include "golden/ops.h"

void gold_embed(const int8_t *code, uint16_t mant, int exp, int res_frac, int d,
                int32_t *r)
{
    struct num_scale s = {mant, (int16_t)(exp + res_frac)};
    for (int i = 0; i < d; i++)
        r[i] = (int32_t)num_sat(num_scaled(code[i], s), NUM_RES_BITS);
}

void gold_rmsnorm(const int32_t *r, int d, uint64_t eps_q,
                  struct num_scale sqrt_d, int32_t *y)
{
    uint32_t amax = 0;
    for (int i = 0; i < d; i++)
        amax = num_abs32(r[i]) > amax ? num_abs32(r[i]) : amax;
    int shift = num_norm_shift(amax);
    uint64_t sum = 0;
    for (int i = 0; i < d; i++)
        sum += num_norm_term(r[i], shift);
    struct num_scale f = num_norm_scale(sum, shift, eps_q, sqrt_d);
    for (int i = 0; i < d; i++)
        y[i] = num_norm(r[i], f);
}

/* The input of the quantiser: the site's mean taken out. */
static int32_t centred(const struct num_qsite *site, const int32_t *x, int i)
{
    return site->mean == 0
               ? x[i]
               : (int32_t)num_sat((int64_t)x[i] - site->mean[i], NUM_ACT_BITS);
}

struct num_qparam gold_quantise(const struct num_qsite *site, const int32_t *x,
                                int n, int8_t *code)
{
    int wide = site->abits == 4 ? site->wide : 0;
    int32_t mn = 0, mx = 0; /* the range always holds 0 */
    uint32_t most = 0;
    for (int i = 0; i < wide; i++) {
        uint32_t v = num_abs32(centred(site, x, i));
        most = v > most ? v : most;
    }
    for (int i = wide; i < n; i++) {
        int32_t v = centred(site, x, i);
        mn = v < mn ? v : mn;
        mx = v > mx ? v : mx;
    }
    struct num_qparam p;
    if (site->abits == 4) {
        p = num_qparam_u4w(mn, mx, most, site->clip, site->frac);
        for (int i = 0; i < wide; i++)
            code[i] = (int8_t)num_code_u4w(centred(site, x, i), p);
        for (int i = wide; i < n; i++)
            code[i] = (int8_t)num_code_u4(centred(site, x, i), p);
    } else {
        uint32_t amax =
            num_abs32(mn) > num_abs32(mx) ? num_abs32(mn) : num_abs32(mx);
        p = num_qparam_i8(amax, site->clip, site->frac);
        for (int i = 0; i < n; i++)
            code[i] = (int8_t)num_code_i8(centred(site, x, i), p);
    }
    return p;
}

void gold_linear(const struct num_qlinear *lin, const int8_t *code, int zp,
                 int64_t *acc)
{
    int group = lin->group > 0 ? lin->group : lin->din;
    int groups = lin->din / group;
    for (int o = 0; o < lin->dout; o++) {
        int64_t sum = 0;
        for (int g = 0; g < groups; g++) {
            int64_t part = 0;
            for (int i = g * group; i < (g + 1) * group; i++)
                part += code[i] * num_weight(lin, o, i);
            sum += lin->group > 0 ? part * lin->mul[(int64_t)o * groups + g]
                                  : part;
        }
        acc[o] = sum - (int64_t)zp * lin->colsum[o];
    }
}

void gold_dequant(const struct num_qlinear *lin, const int64_t *acc,
                  struct num_scale token, int32_t *y)
{
    for (int o = 0; o < lin->dout; o++) {
        struct num_scale row = {lin->mant[o], lin->exp[o]};
        int32_t bias = lin->bias == 0 ? 0 : lin->bias[o];
        y[o] = (int32_t)num_dequant(acc[o], token, row, lin->frac, bias,
                                    lin->obits);
    }
}

void gold_rope(int32_t *x, int heads, int head, const int16_t *cs)
{
    for (int h = 0; h < heads; h++)
        for (int j = 0; j < head / 2; j++) {
            int32_t *pair = x + h * head + 2 * j;
            int32_t a = pair[0], b = pair[1];
            int32_t c = cs[2 * j], s = cs[2 * j + 1];
            pair[0] = num_rope_a(a, b, c, s);
            pair[1] = num_rope_b(a, b, c, s);
        }
}

void gold_static(const int32_t *x, int heads, int head,
                 const struct num_scale *scale, int8_t *code)
{
    for (int h = 0; h < heads; h++)
        for (int i = 0; i < head; i++)
            code[h * head + i] =
                (int8_t)num_static_i8(x[h * head + i], scale[h]);
}

static int32_t score(const int8_t *q, const int8_t *k, int head)
{
    int32_t s = 0;
    for (int i = 0; i < head; i++)
        s += q[i] * k[i];
    return s;
}

void gold_attention(const int8_t *q, const int8_t *k, const int8_t *v, int n,
                    int head, struct num_scale s_scale,
                    struct num_scale o_scale, int32_t *y)
{
    int32_t max = score(q, k, head);
    for (int t = 1; t < n; t++) {
        int32_t s = score(q, k + (int64_t)t * head, head);
        max = s > max ? s : max;
    }
    uint32_t sum = 0;
    int64_t av[NUM_MAX_HEAD] = {0};
    for (int t = 0; t < n; t++) {
        int64_t at = (int64_t)t * head;
        uint32_t p = num_prob(max - score(q, k + at, head), s_scale);
        sum += p;
        for (int i = 0; i < head; i++)
            av[i] += (int64_t)p * v[at + i];
    }
    struct num_scale f = num_attn_scale(sum, o_scale);
    for (int i = 0; i < head; i++)
        y[i] = num_attn(av[i], f);
}

void gold_silu_mul(const int32_t *g, int gf, const int32_t *u, int uf, int n,
                   int hf, int32_t *h)
{
    for (int i = 0; i < n; i++)
        h[i] = num_silu_mul(g[i], gf, u[i], uf, hf);
}

/* One block: S_p by butterflies within each of the m runs of p, then H_m
 * across the runs. The sums are exact, so the order of additions is free. */
static void fht_block(int32_t *x, struct num_had had)
{
    int n = had.m * had.p;
    int64_t y[NUM_MAX_DIM];
    for (int i = 0; i < n; i++)
        y[i] = x[i];
    for (int half = 1; half < had.p; half *= 2)
        for (int i = 0; i < n; i++)
            if ((i % had.p & half) == 0) {
                int64_t a = y[i], b = y[i + half];
                y[i] = a + b;
                y[i + half] = a - b;
            }
    int shift = num_fht_shift(n);
    for (int i = 0; i < n; i++) {
        int64_t sum = 0;
        for (int c = 0; c < had.m; c++) {
            int64_t v = y[c * had.p + i % had.p];
            sum += num_had_neg(had.m, i / had.p, c) ? -v : v;
        }
        x[i] = (int32_t)num_sat(num_round(sum, shift), NUM_ACT_BITS);
    }
}

void gold_fht(int32_t *x, int n)
{
    struct num_had had = num_had_split(n);
    for (int b = 0; b < had.blocks; b++)
        fht_block(x + b * had.m * had.p, had);
}

void gold_residual(int32_t *r, const int32_t *y, int d)
{
    for (int i = 0; i < d; i++)
        r[i] = (int32_t)num_sat((int64_t)r[i] + y[i], NUM_RES_BITS);
}

int gold_sample(const int32_t *logits, int n, const struct gold_sampler *s,
                uint32_t step)
{
    int best[64]; /* ids, best first */
    int count = 0;
    for (int t = 0; t < n; t++) {
        int at = count; /* behind every candidate at least as large */
        while (at > 0 && logits[best[at - 1]] < logits[t])
            at--;
        if (at >= s->k)
            continue;
        count += count < s->k;
        for (int j = count - 1; j > at; j--)
            best[j] = best[j - 1];
        best[at] = t;
    }
    uint32_t w[64];
    uint64_t total = 0;
    for (int j = 0; j < count; j++) {
        int64_t below = (int64_t)logits[best[0]] - logits[best[j]];
        w[j] = num_sample_weight(below, s->t_scale);
        total += w[j];
    }
    uint64_t want = (total * s->top_p + 65535) >> 16;
    uint64_t kept = 0;
    int nucleus = 0;
    do
        kept += w[nucleus++];
    while (nucleus < count && kept < want);
    uint64_t u = (num_rand(s->seed, step) * kept) >> 32;
    uint64_t cum = w[0];
    int pick = 0;
    while (pick < nucleus - 1 && cum <= u)
        cum += w[++pick];
    return best[pick];
}

/* ---- the memory of an HMT ------------------------------------------------ */

void gold_hmt_project(const struct num_hmt_matrix *w, int dm, int d,
                      const int8_t *code, struct num_scale state, int16_t *y)
{
    for (int o = 0; o < dm; o++) {
        int64_t hi = 0, lo = 0;
        for (int i = 0; i < d; i++) {
            int32_t v = w->w[(int64_t)o * d + i];
            hi += code[i] * num_hmt_hi(v);
            lo += code[i] * num_hmt_lo(v);
        }
        struct num_scale s = {w->mant[o], w->exp[o]};
        struct num_scale s16 = num_scale_shift(s, 4);
        int64_t a = num_dequant(hi, state, s16, w->frac, 0, NUM_ACT_BITS);
        int64_t b = num_dequant(lo, state, s, w->frac, 0, NUM_ACT_BITS);
        y[o] = (int16_t)num_hmt_i16((int32_t)a, (int32_t)b);
    }
}

void gold_hmt_memory(const int8_t *code, struct num_scale state,
                     struct num_scale size, int m_frac, int d, int16_t *m)
{
    for (int i = 0; i < d; i++) {
        int64_t v = num_dequant(code[i], state, size, m_frac, 0, NUM_ACT_BITS);
        m[i] = (int16_t)num_hmt_i16((int32_t)v, 0);
    }
}

void gold_hmt_search(const int16_t *q, const int16_t *key, const int16_t *m,
                     int n, int dm, int d, struct num_scale s_scale, int32_t *y)
{
    int32_t score[NUM_HMT_MAX_MEMORIES];
    int32_t max = INT32_MIN;
    for (int s = 0; s < n; s++) {
        int64_t dot = 0;
        for (int i = 0; i < dm; i++)
            dot += (int64_t)q[i] * key[(int64_t)s * dm + i];
        score[s] = num_hmt_score(dot, s_scale);
        max = score[s] > max ? score[s] : max;
    }
    uint32_t total = 0;
    for (int s = 0; s < n; s++)
        total += num_hmt_weight((int64_t)max - score[s]);
    struct num_scale f = num_hmt_mean_scale(total);
    for (int i = 0; i < d; i++) {
        int64_t sum = 0;
        for (int s = 0; s < n; s++)
            sum += (int64_t)num_hmt_weight((int64_t)max - score[s]) *
                   m[(int64_t)s * d + i];
        y[i] = num_hmt_mean(sum, f);
    }
}

struct num_scale gold_hmt_row(const int32_t *y, int d, int frac, int8_t *code)
{
    struct num_qsite site = {.abits = 8, .frac = frac, .clip = 65536};
    return gold_quantise(&site, y, d, code).scale;
}
