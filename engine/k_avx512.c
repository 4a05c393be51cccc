/* SPDX-License-Identifier: Apache-2.0 */
/* engine/k_avx512.c -- the kernels for AVX-512 with VNNI: engine/vnni_tmpl.h
 * in vectors of 64 bytes. With ENG_SIMDE the intrinsics are SIMDe's portable
 * ones and any machine runs the file: so tests do.
 */
#ifdef ENG_SIMDE
#define SIMDE_NO_NATIVE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#else
#include <immintrin.h>
#endif

#define OPS(name)     avx512_##name
#define vec           __m512i
#define V_LOAD(p)     _mm512_loadu_si512((const void *)(p))
#define V_STORE(p, v) _mm512_storeu_si512((void *)(p), v)
#define V_SET1(x)     _mm512_set1_epi32(x)
#define V_AND(a, b)   _mm512_and_si512(a, b)
#define V_XOR(a, b)   _mm512_xor_si512(a, b)
#define V_SRL4(v)     _mm512_srli_epi16(v, 4)
#define V_DP(s, u, i) _mm512_dpbusd_epi32(s, u, i)
#define V_ADD(a, b)   _mm512_add_epi32(a, b)
#define V_MUL(a, b)   _mm512_mullo_epi32(a, b)

enum { VEC = 64, ROWS = 8 };

#include "engine/vnni_tmpl.h"

const struct eng_kernels eng_k_avx512 = VNNI_TABLE("avx512-vnni");
