/* SPDX-License-Identifier: Apache-2.0 */
/* First inputs for fuzz_tokenizer, one of each kind. */
#include <stdio.h>
#include <string.h>

static int failed;

static void put(const char *dir, const char *name, int what, const void *data,
                size_t n)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    if (!f || fputc(what, f) != what || fwrite(data, 1, n, f) != n ||
        fclose(f) != 0)
        failed = 1;
}

int main(int argc, char **argv)
{
    static const char pieces[] =
        "{\"added_tokens\":[{\"id\":0,\"content\":\"<s>\",\"special\":true}],"
        "\"normalizer\":{\"type\":\"Prepend\",\"prepend\":\"\u2581\"},"
        "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":["
        "{\"SpecialToken\":{\"id\":\"<s>\"}}]},"
        "\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,"
        "\"vocab\":{\"\u2581\":1,\"t\":2,\"h\":3,\"th\":4,\"<0x65>\":5},"
        "\"merges\":[\"t h\"]}}";
    static const char bytes[] =
        "{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":["
        "{\"type\":\"Digits\",\"individual_digits\":true},"
        "{\"type\":\"ByteLevel\"}]},\"model\":{\"type\":\"BPE\","
        "\"ignore_merges\":true,\"vocab\":{\"t\":0,\"h\":1,\"th\":2},"
        "\"merges\":[[\"t\",\"h\"]]}}";
    static const char llama2c[] = "\5\0\0\0"
                                  "\0\0\0\0\5\0\0\0<unk>"
                                  "\0\0\0\0\3\0\0\0<s>"
                                  "\0\0\0\0\4\0\0\0</s>"
                                  "\0\0\0\0\6\0\0\0<0x00>"
                                  "\0\0\x80\xbf\2\0\0\0th";
    static const char ranks[] = "dA== 0\naA== 1\ndGg= 2\n";
    static const char text[] = "It's the caf\u00e9, aaaaa  1234\r\n\n\tx "
                               "<|im_start|><user> \u2581 \U0001f600";
    static const char spm[] = "\n\7\n\5<unk>"
                              "\n\7\n\3<s>\x18\3"
                              "\n\10\n\4</s>\x18\3"
                              "\n\10\n\1t\x15\0\0\x80\xbf"
                              "\x12\2\x18\2\x1a\2\x20\0";
    static const unsigned char ids[] = {116, 0, 195, 0, 169, 0,   255,
                                        0,   1, 1,   8, 1,   226, 0};
    if (argc != 2)
        return 1;
    put(argv[1], "pieces", 0, pieces, sizeof pieces - 1);
    put(argv[1], "bytes", 0, bytes, sizeof bytes - 1);
    put(argv[1], "llama2c", 1, llama2c, sizeof llama2c - 1);
    put(argv[1], "ranks", 2, ranks, sizeof ranks - 1);
    for (int k = 3; k < 9; k++) {
        char name[16];
        snprintf(name, sizeof name, "text%d", k);
        put(argv[1], name, k, text, sizeof text - 1);
    }
    put(argv[1], "spm", 9, spm, sizeof spm - 1);
    put(argv[1], "ids", 7, ids, sizeof ids);
    return failed;
}
