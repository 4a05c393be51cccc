/* SPDX-License-Identifier: Apache-2.0 */
/* fx/elem.h -- element types of beats, once for every view.
 *
 *   X(name, bits, is signed, native lane container, type FX_GET gives)
 */
#ifndef FX_ELEM_H
#define FX_ELEM_H
#define FX_ELEMENTS(X)                                                         \
    X(u1, 1, 0, uint8_t, int32_t)                                              \
    X(u2, 2, 0, uint8_t, int32_t)                                              \
    X(i4, 4, 1, int8_t, int32_t)                                               \
    X(u4, 4, 0, uint8_t, int32_t)                                              \
    X(i8, 8, 1, int8_t, int32_t)                                               \
    X(u8, 8, 0, uint8_t, int32_t)                                              \
    X(i16, 16, 1, int16_t, int32_t)                                            \
    X(u16, 16, 0, uint16_t, int32_t)                                           \
    X(i27, 27, 1, int32_t, int32_t)                                            \
    X(i32, 32, 1, int32_t, int32_t)                                            \
    X(u32, 32, 0, uint32_t, uint32_t)                                          \
    X(i40, 40, 1, int64_t, int64_t)                                            \
    X(i48, 48, 1, int64_t, int64_t)                                            \
    X(i64, 64, 1, int64_t, int64_t)                                            \
    X(u64, 64, 0, uint64_t, uint64_t)                                          \
    X(scale, 32, 0, uint32_t, uint32_t)
#endif
