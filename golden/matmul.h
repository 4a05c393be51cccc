/* SPDX-License-Identifier: Apache-2.0 */
/* golden/matmul.h -- the one fast loop of the fp32 model.
 *
 *     y[t][o] = sum over i of w[o][i] * x[t][i]      t < n, o < dout, i < din
 *
 * Strides (ldw, ldx, ldy) are in floats and count from one row to the next.
 * The sum runs in eight lanes (i mod 8), each in order, and the lanes are
 * added in order: a result depends on its own row and column only, not on n,
 * on the machine or on threads. (No fused multiply-add for the same reason;
 * on the machines at hand it would not be faster, as the adders are separate.)
 */
#ifndef GOLDEN_MATMUL_H
#define GOLDEN_MATMUL_H
#include <stddef.h>

/* On the calling thread. */
void gold_matmul(const float *w, size_t ldw, const float *x, size_t ldx,
                 float *y, size_t ldy, int n, int din, int dout);

/* Rows packed (ldw = din, ldx = din, ldy = dout), shared out over OpenMP's
 * threads. */
void gold_linear_fp32(const float *w, const float *x, float *y, int n, int din,
                      int dout);

/* x[i] = e^x[i], n of them, relative error below 3e-7; 0 below -87. x <= 80. */
void gold_exp_fp32(float *x, int n);

/* The Hadamard transform of num/hadamard.h on x (n), in place, times
 * 2^-num_fht_shift(block). */
void gold_fht_fp32(float *x, int n);

#if defined(__SANITIZE_ADDRESS__)
#define GOLD_CLONES
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GOLD_CLONES /* clones are chosen before the sanitizer is ready */
#endif
#endif
#if !defined(GOLD_CLONES) && defined(__x86_64__) && defined(__linux__)
#define GOLD_CLONES __attribute__((target_clones("avx2", "default")))
#elif !defined(GOLD_CLONES)
#define GOLD_CLONES
#endif

#endif
