/* SPDX-License-Identifier: Apache-2.0 */
/* big_model DIR TOKENIZER -- a checkpoint with the shape of Llama-3.2-1B and
 * weights of no meaning, 2.5 GB, to see what the quantiser takes of memory:
 *
 *     big_model DIR tok512.bin
 *     flexllm quantize DIR -o big.fxq --rtn --sequences 2 --length 128 --json
 *
 * BF16, tied head; TOKENIZER, of llama2.c, is copied; its tokens are the first rows.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    D = 2048,
    FFN = 8192,
    LAYERS = 16,
    HEADS = 32,
    KV = 8,
    HEAD = 64,
    VOCAB = 128256
};

static FILE *file;
static uint64_t at, seed = 1;

static void entry(const char *name, uint64_t rows, uint64_t cols)
{
    uint64_t bytes = rows * cols * 2;
    fprintf(file, "%s\"%s\":{\"dtype\":\"BF16\",\"shape\":[", at ? "," : "",
            name);
    if (rows > 1)
        fprintf(file, "%llu,", (unsigned long long)rows);
    fprintf(file, "%llu],\"data_offsets\":[%llu,%llu]}",
            (unsigned long long)cols, (unsigned long long)at,
            (unsigned long long)(at + bytes));
    at += bytes;
}

/* Random signs and magnitudes of about 1 / sqrt(cols), or ones. */
static void values(uint64_t rows, uint64_t cols)
{
    static uint16_t row[FFN];
    int top = 127; /* exponent of a value below 1 / sqrt(cols) */
    for (uint64_t c = cols; c > 1; c /= 4)
        top--;
    for (uint64_t r = 0; r < rows; r++) {
        for (uint64_t c = 0; c < cols; c++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            row[c] = rows == 1 ? 0x3F80
                               : (uint16_t)((seed >> 63 << 15) |
                                            (uint64_t)(top << 7) |
                                            (seed >> 40 & 127));
        }
        fwrite(row, 2, cols, file);
    }
}

static void all(void (*each)(const char *name, uint64_t rows, uint64_t cols))
{
    static const struct {
        const char *name;
        uint64_t rows, cols;
    } part[] = {{"input_layernorm", 1, D},
                {"post_attention_layernorm", 1, D},
                {"self_attn.q_proj", HEADS * HEAD, D},
                {"self_attn.k_proj", KV * HEAD, D},
                {"self_attn.v_proj", KV * HEAD, D},
                {"self_attn.o_proj", D, HEADS * HEAD},
                {"mlp.gate_proj", FFN, D},
                {"mlp.up_proj", FFN, D},
                {"mlp.down_proj", D, FFN}};
    char name[96];
    each("model.embed_tokens.weight", VOCAB, D);
    for (int l = 0; l < LAYERS; l++)
        for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
            snprintf(name, sizeof name, "model.layers.%d.%s.weight", l,
                     part[i].name);
            each(name, part[i].rows, part[i].cols);
        }
    each("model.norm.weight", 1, D);
}

static void named_values(const char *name, uint64_t rows, uint64_t cols)
{
    (void)name;
    values(rows, cols);
}

static FILE *in_folder(const char *dir, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    if (f == NULL) {
        perror(path);
        exit(1);
    }
    return f;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: big_model DIR TOKENIZER\n");
        return 2;
    }
    FILE *f = in_folder(argv[1], "config.json");
    fprintf(f,
            "{\"model_type\":\"llama\",\"hidden_act\":\"silu\","
            "\"hidden_size\":%d,\"intermediate_size\":%d,"
            "\"num_hidden_layers\":%d,\"num_attention_heads\":%d,"
            "\"num_key_value_heads\":%d,\"head_dim\":%d,\"vocab_size\":%d,"
            "\"max_position_embeddings\":2048,\"rms_norm_eps\":1e-5,"
            "\"rope_theta\":500000,\"tie_word_embeddings\":true,"
            "\"bos_token_id\":1,\"eos_token_id\":2}\n",
            D, FFN, LAYERS, HEADS, KV, HEAD, VOCAB);
    fclose(f);
    FILE *from = fopen(argv[2], "rb");
    if (from == NULL) {
        perror(argv[2]);
        return 1;
    }
    f = in_folder(argv[1], "tokenizer.bin");
    for (int c; (c = getc(from)) != EOF;)
        putc(c, f);
    fclose(from);
    fclose(f);

    file = in_folder(argv[1], "model.safetensors");
    uint64_t length = 0;
    fwrite(&length, 8, 1, file);
    putc('{', file);
    all(entry);
    putc('}', file);
    while (ftell(file) % 8)
        putc(' ', file);
    length = (uint64_t)ftell(file) - 8;
    all(named_values);
    rewind(file);
    fwrite(&length, 8, 1, file);
    if (fclose(file) != 0) {
        perror("model.safetensors");
        return 1;
    }
    return 0;
}
