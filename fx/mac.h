/* SPDX-License-Identifier: Apache-2.0 */
/* fx/mac.h -- the part that the two linear arrays share: element types by
 * parameter, and the packing of two 4-bit weights into one multiplier operand.
 * Included by a template between its parameters and its ports; no guard.
 *
 *     operand  w0 + w1 * 2^FIELD    27 bits: one port of a DSP48E2
 *     word     | sum of x * w1 : 48 - FIELD | sum of x * w0 : FIELD |
 *
 * |x * w| <= 2^10, so 2^(FIELD - 12) products (_chunk) keep each sum within
 * 2^(FIELD - 2): 1,024 of them with FIELD = 22. The low sum is the word's low
 * FIELD bits, sign-extended; the high one is what remains when it has been
 * subtracted (a negative low sum borrows from the high field). 8-bit weights
 * are not packed: the word is the sum, below 2^25.
 *
 *   FX_FIELD  22; 20 leaves 25 bits and 256 products, for the port of a
 *             DSP48E1 (7-series)
 */
#ifndef FX_FIELD
#define FX_FIELD 22
#endif
_Static_assert(FX_FIELD >= 16 && FX_FIELD <= 22,
               "fx/mac.h: FX_FIELD must be 16 .. 22");
#if FX_XBITS == 8
#define FX_ELEM_X i8
#elif FX_XBITS == 4
#define FX_ELEM_X u4
#else
#error "fx/mac.h: FX_XBITS must be 8 or 4"
#endif
#if FX_WBITS == 4
#define FX_ELEM_W i4
#define FX_PACK   2
#elif FX_WBITS == 8
#define FX_ELEM_W i8
#define FX_PACK   1
#else
#error "fx/mac.h: FX_WBITS must be 4 or 8"
#endif
_Static_assert(FX_GROUP >= 0 && FX_GROUP <= 1024,
               "fx/linear: FX_GROUP must be 0 .. 1024");
_Static_assert(FX_DIN >= 1 && FX_DIN <= 1 << 17,
               "fx/linear: FX_DIN must be 1 .. 2^17");

/* A word of the array: 48 bits is the accumulator of a DSP. */
#if FX_PACK == 2
typedef FX_INT(48) FX_(word);
#else
typedef FX_INT(26) FX_(word);
#endif

/* Products that a word holds. */
enum { FX_(chunk) = FX_GROUP ? FX_GROUP : 1 << (FX_FIELD - 12) };
_Static_assert(FX_(chunk) <= 1 << (FX_FIELD - 12),
               "fx/linear: FX_GROUP is more than 2^(FX_FIELD - 12)");

/* What a multiplier takes for two weights (w1 is ignored where there is but
 * one); said to be so narrow, so that fxc need not find out. */
typedef FX_INT(FX_FIELD + 5) FX_(pair);

NUM_FN FX_(pair) FX_(operand)(int32_t w0, int32_t w1)
{
    return (FX_(pair))(FX_PACK == 2 ? w0 + w1 * (1 << FX_FIELD) : w0);
}

/* A finished sum: XBITS + WBITS bits a product, 2^17 of them; a multiplier of
 * a weight group adds 8 bits, but the packer keeps every row below 2^38. */
enum { FX_(sum_bits) = FX_GROUP ? 40 : FX_XBITS + FX_WBITS + 17 };
typedef FX_INT(FX_(sum_bits)) FX_(sum);

/* The sum of output `half` (0, 1) of a word. */
NUM_FN int32_t FX_(field)(FX_(word) word, int half)
{
#if FX_PACK == 2
    int64_t all = (int64_t)word;
    int32_t low = (int32_t)((uint32_t)(uint64_t)all << (32 - FX_FIELD)) >>
                  (32 - FX_FIELD);
    return half ? (int32_t)((all - low) >> FX_FIELD) : low;
#else
    return (int32_t)word;
#endif
}
