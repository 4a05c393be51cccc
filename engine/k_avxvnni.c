/* SPDX-License-Identifier: Apache-2.0 */
/* engine/k_avxvnni.c -- the kernels for AVX-VNNI (processors with vpdpbusd but
 * without AVX-512): engine/vnni_tmpl.h in vectors of 32 bytes. With ENG_SIMDE
 * the intrinsics are SIMDe's portable ones, see k_avx512.c.
 */
#ifdef ENG_SIMDE
#define SIMDE_NO_NATIVE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#define V_DP(s, u, i) _mm256_dpbusd_epi32(s, u, i)
#else
#include <immintrin.h>
#define V_DP(s, u, i) _mm256_dpbusd_avx_epi32(s, u, i)
#endif

#define OPS(name)     avxvnni_##name
#define vec           __m256i
#define V_LOAD(p)     _mm256_loadu_si256((const __m256i *)(p))
#define V_STORE(p, v) _mm256_storeu_si256((__m256i *)(p), v)
#define V_SET1(x)     _mm256_set1_epi32(x)
#define V_AND(a, b)   _mm256_and_si256(a, b)
#define V_XOR(a, b)   _mm256_xor_si256(a, b)
#define V_SRL4(v)     _mm256_srli_epi16(v, 4)
#define V_ADD(a, b)   _mm256_add_epi32(a, b)
#define V_MUL(a, b)   _mm256_mullo_epi32(a, b)

enum { VEC = 32, ROWS = 6 };

#include "engine/vnni_tmpl.h"

const struct eng_kernels eng_k_avxvnni = VNNI_TABLE("avx-vnni");
