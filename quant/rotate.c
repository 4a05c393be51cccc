/* SPDX-License-Identifier: Apache-2.0 */
/* quant/rotate.c -- Hadamard rotations with random signs, applied to weights
 * offline. The online one (R4) is golden's transform itself. */
#include "golden/matmul.h"
#include "num/hadamard.h"
#include "quant/work.h"
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

bool qt_rotation_init(struct qt_rotation *r, int n, uint64_t seed, bool on)
{
    *r = (struct qt_rotation){.n = n};
    if (!on)
        return true;
    r->sign = malloc((size_t)n * sizeof *r->sign);
    for (int i = 0; r->sign != NULL && i < n; i++)
        r->sign[i] = next(&seed) >> 63 ? -1 : 1;
    return r->sign != NULL;
}

void qt_rotation_free(struct qt_rotation *r)
{
    free(r->sign);
    free(r->matrix);
    free(r->room);
    r->sign = r->matrix = r->room = NULL;
}

/* Each row of x (rows, n) times the transposed matrix. */
static void multiply(const struct qt_rotation *r, float *x, size_t rows)
{
    size_t n = (size_t)r->n;
    for (size_t at = 0; at < rows; at += QT_PART) {
        size_t part = rows - at < QT_PART ? rows - at : QT_PART;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)part, r->n,
                    r->n, 1, x + at * n, r->n, r->matrix, r->n, 0, r->room,
                    r->n);
        memcpy(x + at * n, r->room, part * n * sizeof *x);
    }
}

void qt_rotate_rows(const struct qt_rotation *r, float *x, size_t rows)
{
    struct num_had h = num_had_split(r->n);
    int block = h.m * h.p;
    float f = (float)(ldexp(1, num_fht_shift(block)) / sqrt(block));
    if (r->matrix != NULL)
        multiply(r, x, rows);
    if (r->sign == NULL)
        return;
#pragma omp parallel for schedule(static)
    for (size_t t = 0; t < rows; t++) {
        float *row = x + t * (size_t)r->n;
        for (int i = 0; i < r->n; i++)
            row[i] *= r->sign[i] * f;
        gold_fht_fp32(row, r->n);
    }
}

bool qt_rotate_columns(const struct qt_rotation *r, float *x, size_t columns)
{
    size_t n = (size_t)r->n;
    if (r->sign == NULL && r->matrix == NULL)
        return true;
    float *y = malloc(n * columns * sizeof *y);
    if (y == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < columns; c++)
            y[c * n + i] = x[i * columns + c];
    qt_rotate_rows(r, y, columns);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < columns; c++)
            x[i * columns + c] = y[c * n + i];
    free(y);
    return true;
}

float *qt_rotation_matrix(int n, bool signs, uint64_t seed, double factor)
{
    struct num_had h = num_had_split(n);
    struct qt_rotation r;
    size_t s = (size_t)n;
    float *a = malloc(s * s * sizeof *a);
    if (!qt_rotation_init(&r, n, seed, signs) || a == NULL) {
        qt_rotation_free(&r);
        free(a);
        return NULL;
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            a[(size_t)i * s + (size_t)j] =
                (float)(factor * num_had_entry(h, i, j)) *
                (r.sign == NULL ? 1 : r.sign[j]);
    qt_rotation_free(&r);
    return a;
}
