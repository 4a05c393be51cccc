/* SPDX-License-Identifier: Apache-2.0 */
/* First inputs for fuzz_gguf: tiny models, a vocabulary, one tensor of each
 * type.
 */
#include "model/dequant.h"
#include "tests/fuzz/vocab.h"
#include "tests/model/tiny.h"

static int failed;

static void put(const char *dir, const char *name, struct gb *b)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(b->data, 1, b->size, f) != b->size || fclose(f) != 0)
        failed = 1;
}

int main(int argc, char **argv)
{
    struct gb b = {0};
    if (argc != 2)
        return 1;
    tiny_build(&b, "llama", 0, 1, NULL);
    put(argv[1], "llama", &b);
    tiny_build(&b, "qwen2", 1, 0, NULL);
    put(argv[1], "qwen2", &b);
    vocab_bytes(&b, "smollm");
    put(argv[1], "bytes", &b);
    gb_start(&b, 2);
    uint64_t at = 0;
    for (uint32_t type = 0; type < DQ_TYPES; type++) {
        const struct dq_info *info = dq_info(type);
        if (!info)
            continue;
        gb_tensor(&b, info->name, 256, 0, type, at);
        at += 256 / info->block * info->bytes;
        at = (at + 31) / 32 * 32;
    }
    gb_align(&b, 32);
    for (uint64_t k = 0; k < at; k++)
        gb_put(&b, "\1", 1);
    put(argv[1], "types", &b);
    free(b.data);
    return failed;
}
