/* SPDX-License-Identifier: Apache-2.0 */
/* One number over every function of num/num.h on many inputs: the same in C
 * and in C++, or the two languages read the header differently. */
#include "num/hadamard.h"

static uint64_t digest_mix(uint64_t h, uint64_t x)
{
    return (h ^ x) * 0x100000001B3u + (h >> 31);
}

static uint64_t digest_scale(uint64_t h, struct num_scale s)
{
    return digest_mix(h, (uint64_t)s.mant << 16 | (uint16_t)s.exp);
}

static uint64_t digest(void)
{
    uint64_t h = 1, z = 12345;
    for (int n = 0; n < 200000; n++) {
        z = z * 6364136223846793005u + 1442695040888963407u;
        int bits = (int)(z >> 58) % 27;
        int32_t x = (int32_t)(z >> 20 & 0x7FFFFFF) - 0x4000000;
        x >>= bits;
        int32_t y = (int32_t)(z >> 11 & 0x7FFFFFF) - 0x4000000;
        struct num_scale a = {(uint16_t)(0x8000 | z >> 49), (int16_t)-bits};
        struct num_scale b = {(uint16_t)(0x8000 | z >> 33), (int16_t)-9};
        uint32_t mag = num_abs32(x);
        h = digest_mix(h, (uint64_t)num_round(y, bits));
        h = digest_mix(h, (uint64_t)num_shift(y, bits - 12));
        h = digest_mix(h, (uint64_t)num_scaled(y, a));
        h = digest_scale(h, num_scale_mul(a, b));
        h = digest_scale(h, num_recip(mag + 1));
        h = digest_scale(h, num_rsqrt((uint64_t)mag * mag + 1));
        h = digest_mix(h, num_exp2n(mag));
        h = digest_mix(h, num_sigmoid(y, bits));
        struct num_qparam p = num_qparam_i8(mag, 60000, bits);
        h = digest_mix(h, (uint64_t)num_code_i8(y, p));
        h = digest_scale(h, p.scale);
        p = num_qparam_u4(x < 0 ? x : 0, (int32_t)mag, 50000, bits);
        h = digest_mix(h, (uint64_t)num_code_u4(y, p));
        h = digest_scale(h, p.scale);
        h = digest_mix(h, (uint64_t)num_dequant(y, a, b, 16, x, 27));
        h = digest_mix(h, (uint64_t)num_static_i8(x, b));
        int sh = num_norm_shift(mag);
        struct num_scale f =
            num_norm_scale(num_norm_term(x, sh) * 7, sh, z >> 30, a);
        h = digest_mix(h, (uint64_t)num_norm(x, f));
        h = digest_mix(h, (uint64_t)num_rope_a(x, y, bits * 999, 7 - bits));
        h = digest_mix(h, (uint64_t)num_rope_b(x, y, bits * 999, 7 - bits));
        h = digest_mix(h, (uint64_t)num_silu_mul(x, 14, y, 15, 16));
        h = digest_mix(h, num_prob(mag, b));
        h = digest_mix(h, (uint64_t)num_attn(y, num_attn_scale(mag + 255, a)));
        h = digest_mix(h, num_rand((uint32_t)x, (uint32_t)n));
        h = digest_mix(h, num_sample_weight(mag, b));
    }
    for (int n = 1; n < 300; n++) {
        struct num_had s = num_had_split(n);
        for (int i = 0; i < n; i++)
            h = digest_mix(h, (uint64_t)num_had_entry(s, i, i * 7 % n));
    }
    return h;
}
