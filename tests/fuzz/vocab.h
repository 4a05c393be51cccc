/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/vocab.h -- small whole vocabularies in GGUF: the tokenizers that
 * text is thrown at.
 */
#ifndef TESTS_FUZZ_VOCAB_H
#define TESTS_FUZZ_VOCAB_H
#include "tests/model/gguf_build.h"
#include <stdio.h>

/* A byte as a character of GPT-2's alphabet; at most 3 bytes with the 0. */
static inline void alphabet(int byte, char to[3])
{
    int other = 0;
    for (int b = 0; b < byte; b++)
        other += !((b >= 33 && b <= 126) || (b >= 161 && b != 173));
    int itself = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
    int code = itself ? byte : 256 + other;
    if (code < 128) {
        to[0] = (char)code;
        to[1] = 0;
    } else {
        to[0] = (char)(0xc0 | code >> 6);
        to[1] = (char)(0x80 | (code & 63));
        to[2] = 0;
    }
}

/* Byte-level BPE: 256 bytes, seven merges, two specials, one user token. */
static inline void vocab_bytes(struct gb *b, const char *pre)
{
    static const char *const merges[][2] = {
        {"t", "h"},   {"th", "e"},          {"\u0120", "the"},   {"a", "a"},
        {"aa", "aa"}, {"\u0120", "\u0120"}, {"\u00c3", "\u00a9"}};
    enum { MERGES = sizeof merges / sizeof *merges };
    gb_start(b, 3);
    gb_key_str(b, "tokenizer.ggml.model", "gpt2");
    gb_key_str(b, "tokenizer.ggml.pre", pre);
    gb_key_array(b, "tokenizer.ggml.tokens", 8, 256 + MERGES + 3);
    for (int k = 0; k < 256; k++) {
        char name[3];
        alphabet(k, name);
        gb_str(b, name);
    }
    char text[32];
    for (int k = 0; k < MERGES; k++) {
        snprintf(text, sizeof text, "%s%s", merges[k][0], merges[k][1]);
        gb_str(b, text);
    }
    gb_str(b, "<|im_start|>");
    gb_str(b, "<|im_end|>");
    gb_str(b, "<user>");
    gb_key_array(b, "tokenizer.ggml.token_type", 5, 256 + MERGES + 3);
    for (int k = 0; k < 256 + MERGES + 3; k++)
        gb_u32(b, k < 256 + MERGES ? 1 : k < 256 + MERGES + 2 ? 3 : 4);
    gb_key_array(b, "tokenizer.ggml.merges", 8, MERGES);
    for (int k = 0; k < MERGES; k++) {
        snprintf(text, sizeof text, "%s %s", merges[k][0], merges[k][1]);
        gb_str(b, text);
    }
    gb_key_u32(b, "tokenizer.ggml.bos_token_id", 256 + MERGES);
    gb_align(b, 32);
}

#endif
