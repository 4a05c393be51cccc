/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/tiny.h -- a whole model in a few KiB of GGUF: architecture
 * qwen2 or llama, d 32, ffn 64, 2 layers, 4 query and 2 key/value heads of
 * 8, 260 tokens (unknown, <s>, </s>, the bytes, one space), tied head.
 * Weight k of the file's tensors together is k / 1024.
 */
#ifndef TESTS_MODEL_TINY_H
#define TESTS_MODEL_TINY_H
#include "tests/model/gguf_build.h"
#include <stdio.h>

enum { TINY_D = 32, TINY_FFN = 64, TINY_LAYERS = 2, TINY_VOCAB = 260 };

static inline void tiny_tokens(struct gb *b)
{
    gb_key_str(b, "tokenizer.ggml.model", "llama");
    gb_key_array(b, "tokenizer.ggml.tokens", 8, TINY_VOCAB);
    gb_str(b, "<unk>");
    gb_str(b, "<s>");
    gb_str(b, "</s>");
    for (int k = 0; k < 256; k++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", k);
        gb_str(b, name);
    }
    gb_str(b, "\xe2\x96\x81");
    gb_key_array(b, "tokenizer.ggml.scores", 6, TINY_VOCAB);
    for (int k = 0; k < TINY_VOCAB; k++)
        gb_u32(b, 0);
    gb_key_array(b, "tokenizer.ggml.token_type", 5, TINY_VOCAB);
    for (int k = 0; k < TINY_VOCAB; k++)
        gb_u32(b, k == 0 ? 2 : k < 3 ? 3 : k < 259 ? 6 : 1);
    gb_key_u32(b, "tokenizer.ggml.bos_token_id", 1);
    gb_key_u32(b, "tokenizer.ggml.eos_token_id", 2);
}

static inline void tiny_key(struct gb *b, const char *arch, const char *name,
                            uint32_t v)
{
    char key[100];
    snprintf(key, sizeof key, "%s.%s", arch, name);
    gb_key_u32(b, key, v);
}

/* `wrong`: the name of a tensor that gets one row too many, or NULL. `at`:
 * 32-byte aligned offset so far. */
static inline void tiny_tensor(struct gb *b, const char *name, int cols,
                               int rows, const char *wrong, uint64_t *at)
{
    if (wrong && strcmp(wrong, name) == 0)
        rows++;
    gb_tensor(b, name, (uint64_t)cols, (uint64_t)rows, 0, *at);
    *at += 4ull * (uint64_t)cols * (uint64_t)(rows ? rows : 1);
    *at = (*at + 31) / 32 * 32;
}

/* bias: with q, k and v biases. rope: with rope_freqs.weight. */
static inline void tiny_build(struct gb *b, const char *arch, int bias,
                              int rope, const char *wrong)
{
    static const struct {
        const char *name;
        int cols, rows;
    } part[] = {{"attn_norm.weight", TINY_D, 0},
                {"ffn_norm.weight", TINY_D, 0},
                {"attn_q.weight", TINY_D, 32},
                {"attn_k.weight", TINY_D, 16},
                {"attn_v.weight", TINY_D, 16},
                {"attn_output.weight", 32, TINY_D},
                {"ffn_gate.weight", TINY_D, TINY_FFN},
                {"ffn_up.weight", TINY_D, TINY_FFN},
                {"ffn_down.weight", TINY_FFN, TINY_D},
                {"attn_q.bias", 32, 0},
                {"attn_k.bias", 16, 0},
                {"attn_v.bias", 16, 0}};
    gb_start(b, 3);
    gb_key_str(b, "general.architecture", arch);
    tiny_key(b, arch, "block_count", TINY_LAYERS);
    tiny_key(b, arch, "context_length", 128);
    tiny_key(b, arch, "embedding_length", TINY_D);
    tiny_key(b, arch, "feed_forward_length", TINY_FFN);
    tiny_key(b, arch, "attention.head_count", 4);
    tiny_key(b, arch, "attention.head_count_kv", 2);
    tiny_tokens(b);
    uint64_t at = 0;
    tiny_tensor(b, "token_embd.weight", TINY_D, TINY_VOCAB, wrong, &at);
    tiny_tensor(b, "output_norm.weight", TINY_D, 0, wrong, &at);
    if (rope)
        tiny_tensor(b, "rope_freqs.weight", 4, 0, wrong, &at);
    for (int l = 0; l < TINY_LAYERS; l++)
        for (int k = 0; k < (bias ? 12 : 9); k++) {
            char name[64];
            snprintf(name, sizeof name, "blk.%d.%s", l, part[k].name);
            tiny_tensor(b, name, part[k].cols, part[k].rows, wrong, &at);
        }
    gb_align(b, 32);
    for (uint64_t k = 0; k < at / 4; k++) {
        float w = (float)(k + 1) / 1024;
        gb_put(b, &w, 4);
    }
}

#endif
