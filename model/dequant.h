/* SPDX-License-Identifier: Apache-2.0 */
/* model/dequant.h -- stored weights to fp32, one block at a time.
 *
 * A row is a whole number of blocks. Fields of a block in file order, all
 * little-endian; d and m are fp16, q the codes, s the sub-block scales:
 *
 *   F32 F16 BF16   one value
 *   Q4_0   32   d, 16 bytes of two codes          w = d (q - 8)
 *   Q4_1   32   d, m, 16 bytes                    w = d q + m
 *   Q5_0   32   d, 32 fifth bits, 16 bytes        w = d (q - 16)
 *   Q5_1   32   d, m, 32 fifth bits, 16 bytes     w = d q + m
 *   Q8_0   32   d, 32 signed bytes                w = d q
 *   Q2_K  256   16 x (4-bit s, 4-bit m), 64 bytes, d, dm
 *                                                 w = d s q - dm m
 *   Q3_K  256   256 third bits, 64 bytes, 16 x 6-bit s, d
 *                                                 w = d (s - 32) (q - 4)
 *   Q4_K  256   d, dm, 8 x (6-bit s, 6-bit m), 128 bytes
 *                                                 w = d s q - dm m
 *   Q5_K  256   d, dm, 8 x (s, m), 256 fifth bits, 128 bytes, as Q4_K
 *   Q6_K  256   128 bytes low, 64 bytes high, 16 signed bytes s, d
 *                                                 w = d s (q - 32)
 *
 * The layouts are those of ggml, whose type numbers dq_type keeps.
 */
#ifndef MODEL_DEQUANT_H
#define MODEL_DEQUANT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dq_type {
    DQ_F32 = 0,
    DQ_F16 = 1,
    DQ_Q4_0 = 2,
    DQ_Q4_1 = 3,
    DQ_Q5_0 = 6,
    DQ_Q5_1 = 7,
    DQ_Q8_0 = 8,
    DQ_Q2_K = 10,
    DQ_Q3_K = 11,
    DQ_Q4_K = 12,
    DQ_Q5_K = 13,
    DQ_Q6_K = 14,
    DQ_BF16 = 30,
    DQ_TYPES
};

struct dq_info {
    const char *name;
    unsigned block; /* weights */
    unsigned bytes;
    void (*blocks)(const uint8_t *from, float *to, size_t blocks);
};

/* NULL for a type this program does not read. */
const struct dq_info *dq_info(uint32_t type);

/* fp16 to fp32, exact; infinities and NaN included. */
float dq_half(const uint8_t *from);

/* to[0..n) from a packed run of n weights; n is a multiple of the block.
 * False if a result is not finite: a scale was NaN or infinite. */
bool dq_run(enum dq_type type, const uint8_t *from, float *to, size_t n);

#endif
