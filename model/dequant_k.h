/* SPDX-License-Identifier: Apache-2.0 */
/* model/dequant_k.h -- the 256-weight blocks, for the table in dequant.c. */
#ifndef MODEL_DEQUANT_K_H
#define MODEL_DEQUANT_K_H
#include <stddef.h>
#include <stdint.h>

void dq_blocks_q2_k(const uint8_t *from, float *to, size_t blocks);
void dq_blocks_q3_k(const uint8_t *from, float *to, size_t blocks);
void dq_blocks_q4_k(const uint8_t *from, float *to, size_t blocks);
void dq_blocks_q5_k(const uint8_t *from, float *to, size_t blocks);
void dq_blocks_q6_k(const uint8_t *from, float *to, size_t blocks);

#endif
