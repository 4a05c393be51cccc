/* SPDX-License-Identifier: Apache-2.0 */
/* fx/end.h -- closes a template instance: makes its task entry and forgets
 * every parameter, so that the next instance cannot inherit one. No include
 * guard: it is meant to be included many times. */
FX_ENTRY(FX_NAME)
#undef FX_NAME
#undef FX_TP
#undef FX_BP
#undef FX_WP
#undef FX_HP
#undef FX_KP
#undef FX_N
#undef FX_M
#undef FX_LANES_IN
#undef FX_LANES_OUT
#undef FX_ELEM
#undef FX_ELEM_X
#undef FX_ELEM_Y
#undef FX_ELEM_W
#undef FX_PACK
#undef FX_WAYS
#undef FX_BURST
#undef FX_XBITS
#undef FX_WBITS
#undef FX_OBITS
#undef FX_GROUP
#undef FX_BLOCK
#undef FX_DIN
#undef FX_DOUT
#undef FX_DIM
#undef FX_HEAD
#undef FX_NQ
#undef FX_NKV
#undef FX_SEQ
#undef FX_VOCAB
#undef FX_DEPTH
#undef FX_SHIFT
#undef FX_FRAC
#undef FX_TOPK
#undef FX_TILE
#undef FX_WIDE
#undef FX_NP
