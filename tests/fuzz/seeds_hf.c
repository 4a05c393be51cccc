/* SPDX-License-Identifier: Apache-2.0 */
/* First inputs for fuzz_hf: models of d 4, ffn 2, one layer, one head, three
 * tokens, with and without biases and an untied head.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int rows, cols;
} part[] = {{"model.embed_tokens", 3, 4},
            {"model.norm", 0, 4},
            {"model.layers.0.input_layernorm", 0, 4},
            {"model.layers.0.post_attention_layernorm", 0, 4},
            {"model.layers.0.self_attn.q_proj", 4, 4},
            {"model.layers.0.self_attn.k_proj", 4, 4},
            {"model.layers.0.self_attn.v_proj", 4, 4},
            {"model.layers.0.self_attn.o_proj", 4, 4},
            {"model.layers.0.mlp.gate_proj", 2, 4},
            {"model.layers.0.mlp.up_proj", 2, 4},
            {"model.layers.0.mlp.down_proj", 4, 2},
            {"lm_head", 3, 4},
            {"model.layers.0.self_attn.q_proj.bias", -1, 4},
            {"model.layers.0.self_attn.k_proj.bias", -1, 4},
            {"model.layers.0.self_attn.v_proj.bias", -1, 4}};

enum { TIED = 11, BIASED = 15, ROOM = 1 << 16 };

static int write_one(const char *dir, const char *name, const char *config,
                     int parts)
{
    static char header[ROOM];
    char path[4096];
    size_t n = 0, at = 0;
    for (int k = 0; k < parts; k++) {
        int rows = part[k].rows, cols = part[k].cols;
        size_t bytes = 4 * (size_t)cols * (size_t)(rows > 0 ? rows : 1);
        char shape[32];
        if (rows > 0)
            snprintf(shape, sizeof shape, "%d,%d", rows, cols);
        else
            snprintf(shape, sizeof shape, "%d", cols);
        n += (size_t)snprintf(header + n, ROOM - n,
                              "%c\"%s%s\":{\"dtype\":\"F32\",\"shape\":[%s],"
                              "\"data_offsets\":[%zu,%zu]}",
                              k ? ',' : '{', part[k].name,
                              rows < 0 ? "" : ".weight", shape, at, at + bytes);
        at += bytes;
    }
    header[n++] = '}';
    uint64_t length = n;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    if (!f)
        return 1;
    fwrite(config, 1, strlen(config) + 1, f);
    fwrite(&length, 8, 1, f);
    fwrite(header, 1, n, f);
    for (size_t k = 0; k < at; k++)
        fputc(1, f);
    return ferror(f) | (fclose(f) != 0);
}

int main(int argc, char **argv)
{
    static const char llama[] =
        "{\"model_type\":\"llama\",\"hidden_size\":4,"
        "\"intermediate_size\":2,\"num_hidden_layers\":1,"
        "\"num_attention_heads\":1,\"num_key_value_heads\":1,"
        "\"head_dim\":4,\"vocab_size\":3,\"max_position_embeddings\":64,"
        "\"rms_norm_eps\":1e-5,\"rope_theta\":10000.0,"
        "\"hidden_act\":\"silu\",\"tie_word_embeddings\":true,"
        "\"eos_token_id\":[1,2],\"sliding_window\":null,"
        "\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8.0,"
        "\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,"
        "\"original_max_position_embeddings\":32}}";
    static const char qwen2[] =
        "{\"model_type\":\"qwen2\",\"hidden_size\":4,"
        "\"intermediate_size\":2,\"num_hidden_layers\":1,"
        "\"num_attention_heads\":1,\"vocab_size\":3,"
        "\"use_sliding_window\":true,\"sliding_window\":32,"
        "\"rope_parameters\":{\"type\":\"linear\",\"factor\":2,"
        "\"rope_theta\":1e6}}";
    if (argc != 2)
        return 1;
    return write_one(argv[1], "llama", llama, TIED) |
           write_one(argv[1], "qwen2", qwen2, BIASED);
}
