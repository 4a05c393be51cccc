/* SPDX-License-Identifier: Apache-2.0 */
/* model/tok_pack.h -- a tokenizer as bytes, for a package.
 *
 *   "FLTK" | i32 version count merges order chars whole space wants_bos bos
 *   eos unk | string family, pre-tokeniser (empty: none), template (empty:
 *   none) | count x { u8 kind | f32 score | string piece } |
 *   merges x { i32 left | i32 right }        string: u32 length | bytes
 *
 * Little-endian. Merges stand in the order of their rank.
 */
#ifndef MODEL_TOK_PACK_H
#define MODEL_TOK_PACK_H
#include "model/tokenizer.h"

/* *data is the caller's to free. */
bool tok_pack(const struct tok *t, uint8_t **data, size_t *size,
              struct fl_error *err);
/* Any bytes may be given; `name` is for messages. */
bool tok_unpack(struct tok **t, const uint8_t *data, size_t size,
                const char *name, struct fl_error *err);

#endif
