/* SPDX-License-Identifier: Apache-2.0 */
/* train/real.h -- the number the trainer computes with. Every file of train/
 * is compiled twice: with float into the library `train`, and with double
 * (TRAIN_DOUBLE) into `train_double`, whose only use is to hold the very
 * same source against finite differences. A program links one of the two.
 *
 * The BLAS is asked for one thread: work is shared out by whole sequences
 * (train/train.h), which makes results independent of the thread count.
 */
#ifndef TRAIN_REAL_H
#define TRAIN_REAL_H
#include <cblas.h>
#include <math.h>
#include <stddef.h>

#ifdef TRAIN_DOUBLE
typedef double real;
#define REAL_GEMM cblas_dgemm
#define REAL_SQRT sqrt
#else
typedef float real;
#define REAL_GEMM cblas_sgemm
#define REAL_SQRT sqrtf
#endif

/* c (m, n) = alpha a (m, k) . b^T + beta c, b is (n, k); ld*: row strides */
static inline void real_abt(int m, int n, int k, real alpha, const real *a,
                            int lda, const real *b, int ldb, real beta, real *c,
                            int ldc)
{
    REAL_GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, alpha, a, lda,
              b, ldb, beta, c, ldc);
}

/* c (m, n) = alpha a (m, k) . b + beta c, b is (k, n) */
static inline void real_ab(int m, int n, int k, real alpha, const real *a,
                           int lda, const real *b, int ldb, real beta, real *c,
                           int ldc)
{
    REAL_GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, alpha, a, lda,
              b, ldb, beta, c, ldc);
}

/* c (m, n) = alpha a^T . b + beta c, a is (k, m), b is (k, n) */
static inline void real_atb(int m, int n, int k, real alpha, const real *a,
                            int lda, const real *b, int ldb, real beta, real *c,
                            int ldc)
{
    REAL_GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, m, n, k, alpha, a, lda,
              b, ldb, beta, c, ldc);
}

#endif
