/* SPDX-License-Identifier: Apache-2.0 */
#include "golden/matmul.h"
#include <stdint.h>
#include <string.h>

enum { LANES = 8, OT = 4, TT = 2 }; /* lanes of a sum; tile: outputs, tokens */

typedef float lanes __attribute__((vector_size(LANES * 4), aligned(4)));

/* The lanes in order. */
static inline __attribute__((always_inline)) float lanes_sum(const lanes *s)
{
    float y = (*s)[0];
    for (int i = 1; i < LANES; i++)
        y += (*s)[i];
    return y;
}

/* A tile of `os` outputs by `ts` tokens; both are constants where inlined. */
static inline __attribute__((always_inline)) void
tile(const float *w, size_t ldw, const float *x, size_t ldx, float *y,
     size_t ldy, int din, int os, int ts)
{
    lanes s[OT][TT] = {0};
    int i = 0;
    for (; i + LANES <= din; i += LANES)
        for (int t = 0; t < ts; t++) {
            lanes xv = *(const lanes *)(x + (size_t)t * ldx + i);
            for (int o = 0; o < os; o++)
                s[o][t] += *(const lanes *)(w + (size_t)o * ldw + i) * xv;
        }
    for (int lane = 0; i < din; i++, lane++)
        for (int t = 0; t < ts; t++)
            for (int o = 0; o < os; o++)
                s[o][t][lane] +=
                    w[(size_t)o * ldw + (size_t)i] * x[(size_t)t * ldx + i];
    for (int t = 0; t < ts; t++)
        for (int o = 0; o < os; o++)
            y[(size_t)t * ldy + (size_t)o] = lanes_sum(&s[o][t]);
}

GOLD_CLONES void gold_matmul(const float *w, size_t ldw, const float *x,
                             size_t ldx, float *y, size_t ldy, int n, int din,
                             int dout)
{
    int o = 0;
    for (; o + OT <= dout; o += OT) {
        int t = 0;
        for (; t + TT <= n; t += TT)
            tile(w + (size_t)o * ldw, ldw, x + (size_t)t * ldx, ldx,
                 y + (size_t)t * ldy + o, ldy, din, OT, TT);
        if (t < n)
            tile(w + (size_t)o * ldw, ldw, x + (size_t)t * ldx, ldx,
                 y + (size_t)t * ldy + o, ldy, din, OT, 1);
    }
    for (; o < dout; o++)
        for (int t = 0; t < n; t++)
            tile(w + (size_t)o * ldw, ldw, x + (size_t)t * ldx, ldx,
                 y + (size_t)t * ldy + o, ldy, din, 1, 1);
}

void gold_linear_fp32(const float *w, const float *x, float *y, int n, int din,
                      int dout)
{
    enum { ROWS = 64 }; /* a thread's share */
    int parts = (dout + ROWS - 1) / ROWS;
    size_t in = (size_t)din, out = (size_t)dout;
#pragma omp parallel for schedule(dynamic)
    for (int p = 0; p < parts; p++) {
        int o = p * ROWS, rows = dout - o < ROWS ? dout - o : ROWS;
        gold_matmul(w + (size_t)o * in, in, x, in, y + o, out, n, din, rows);
    }
}

/* 2^k e^r, k the nearest integer to x / ln 2; |r| <= 0.35: Taylor to r^7. */
GOLD_CLONES void gold_exp_fp32(float *x, int n)
{
    for (int i = 0; i < n; i++) {
        float v = x[i] < -87.0f ? -87.0f : x[i];
        int32_t k = (int32_t)(v * 1.44269504f + (v < 0 ? -0.5f : 0.5f));
        float r = (v - (float)k * 0.693359375f) + (float)k * 2.12194440e-4f;
        float p = 1.0f / 5040;
        p = p * r + 1.0f / 720;
        p = p * r + 1.0f / 120;
        p = p * r + 1.0f / 24;
        p = p * r + 1.0f / 6;
        p = p * r + 0.5f;
        p = p * r + 1.0f;
        p = p * r + 1.0f;
        int32_t bits = (k + 127) * (1 << 23);
        float scale;
        memcpy(&scale, &bits, sizeof scale);
        x[i] = x[i] < -87.0f ? 0.0f : p * scale;
    }
}
