/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/gguf.c -- GGUF files, well made and hostile. */
#include "tests/model/check.h"
#include "model/gguf.h"
#include "tests/model/gguf_build.h"

static void small(struct gb *b)
{
    gb_start(b, 3);
    gb_key_u32(b, "a.count", 7);
    gb_key_f32(b, "a.eps", 0.5f);
    gb_key_str(b, "a.name", "tiny");
    gb_key_array(b, "a.words", 8, 3);
    gb_str(b, "one");
    gb_str(b, "");
    gb_str(b, "three");
    gb_key_array(b, "a.nested", 9, 2);
    for (int i = 0; i < 2; i++) {
        gb_u32(b, 0);
        gb_u64(b, 3);
        gb_put(b, "abc", 3);
    }
    gb_tensor(b, "w", 2, 3, 0, 0);
    gb_tensor(b, "v", 32, 0, 8, 32);
    gb_align(b, 32);
    float w[6] = {1, 2, 3, 4, 5, 6};
    gb_put(b, w, sizeof w);
    gb_align(b, 32);
    for (int i = 0; i < 34; i++)
        gb_put(b, "\1", 1);
}

static void reads(void **state)
{
    struct fl_error err = {0};
    for (uint32_t version = 2; version <= 3; version++) {
        struct gb b = {0};
        struct gguf g;
        small(&b);
        memcpy(b.data + 4, &version, 4);
        WORKS(gguf_parse(&g, b.data, b.size, "t", &err), err);
        assert_int_equal(g.version, version);
        int64_t n = 0;
        double f = 0;
        struct gguf_str s;
        assert_true(gguf_int(&g, "a.count", &n, &err) && n == 7);
        assert_true(gguf_float(&g, "a.eps", &f, &err) && f == 0.5);
        assert_true(gguf_string(&g, "a.name", &s, &err) && s.n == 4 &&
                    memcmp(s.s, "tiny", 4) == 0);
        assert_false(gguf_int(&g, "a.none", &n, &err));
        FAILS(gguf_int(&g, "a.eps", &n, &err), err, "a.eps");
        FAILS(gguf_float(&g, "a.count", &f, &err), err, "a.count");
        const struct gguf_key *k = gguf_find(&g, "a.words");
        assert_true(k && k->count == 3);
        size_t at = 0, bytes = 0;
        for (int i = 0; i < 3; i++)
            bytes += gguf_item_next(k, &at).n;
        assert_int_equal(bytes, 8);
        const struct gguf_tensor *w = gguf_find_tensor(&g, "w");
        const struct gguf_tensor *v = gguf_find_tensor(&g, "v");
        assert_true(w && v && !gguf_find_tensor(&g, "u"));
        assert_true(w->dim[0] == 2 && w->dim[1] == 3 && w->bytes == 24);
        float got[6];
        assert_true(dq_run(w->type, w->data, got, 6) && got[5] == 6);
        assert_true(v->data - w->data == 32 && v->bytes == 34);
        gguf_close(&g);
        free(b.data);
    }
}

/* Every prefix is refused: the file ends with its last tensor's data. */
static void truncated(void **state)
{
    struct gb b = {0};
    struct fl_error err;
    struct gguf g;
    small(&b);
    for (size_t n = 0; n < b.size; n++) {
        uint8_t *exact = malloc(n ? n : 1); /* so that asan sees the end */
        memcpy(exact, b.data, n);
        assert_false(gguf_parse(&g, exact, n, "t", &err));
        free(exact);
    }
    free(b.data);
}

/* One byte or one word changed anywhere: never a crash. */
static void mutated(void **state)
{
    struct gb b = {0};
    struct gguf g;
    static const uint64_t words[] = {
        0, 1, 1ull << 31, 1ull << 62, 1ull << 63, UINT64_MAX, INT64_MAX};
    small(&b);
    uint8_t *copy = malloc(b.size);
    for (size_t at = 0; at + 8 <= b.size; at++)
        for (size_t k = 0; k < sizeof words / sizeof *words; k++)
            for (size_t n = 1; n <= 8; n *= 2) {
                memcpy(copy, b.data, b.size);
                memcpy(copy + at, &words[k], n);
                if (gguf_parse(&g, copy, b.size, "t", NULL))
                    gguf_close(&g);
            }
    free(copy);
    free(b.data);
}

/* One tensor or one key that is wrong, built by `make`, and what is said. */
static void refused(void (*make)(struct gb *), const char *part)
{
    struct gb b = {0};
    struct gguf g;
    struct fl_error err;
    make(&b);
    FAILS(gguf_parse(&g, b.data, b.size, "t.gguf", &err), err, part);
    FAILS(gguf_parse(&g, b.data, b.size, "t.gguf", &err), err, "t.gguf");
    free(b.data);
}

#define CASE(name, ...)                                                        \
    static void name(struct gb *b)                                             \
    {                                                                          \
        gb_start(b, 3);                                                        \
        __VA_ARGS__;                                                           \
        gb_align(b, 32);                                                       \
        for (int i_ = 0; i_ < 256; i_++)                                       \
            gb_put(b, "", 1);                                                  \
    }

CASE(bad_magic, b->data[0] = 'X')
CASE(bad_version, b->data[4] = 9)
CASE(old_version, b->data[4] = 1)
CASE(big_endian, memcpy(b->data + 4, "\0\0\0\3", 4))
CASE(many_tensors, b->data[15] = 0x80)
CASE(many_keys, b->data[23] = 0x80)
CASE(bad_kind, gb_key(b, "k", 13))
CASE(long_key, gb_count(b, 16); gb_u64(b, 1ull << 63))
CASE(long_string, gb_key(b, "k", 8); gb_u64(b, UINT64_MAX))
CASE(long_array, gb_key_array(b, "k", 10, 1ull << 61))
CASE(
    deep_array, gb_key_array(b, "k", 9, 1); for (int i = 0; i < 8; i++) {
        gb_u32(b, 9);
        gb_u64(b, 1);
    })
CASE(two_keys, gb_key_u32(b, "k", 1); gb_key_u32(b, "k", 1))
CASE(alignment_zero, gb_key_u32(b, "general.alignment", 0))
CASE(alignment_odd, gb_key_u32(b, "general.alignment", 48))
CASE(alignment_text, gb_key_str(b, "general.alignment", "32"))
CASE(zero_dim, gb_tensor(b, "w", 0, 0, 0, 0))
CASE(wide_dim, gb_tensor(b, "w", 1ull << 40, 1ull << 40, 0, 0))
CASE(large_dim, gb_tensor(b, "w", 1ull << 62, 0, 0, 0))
CASE(many_dims, gb_tensor(b, "w", 1, 0, 0, 0); b->data[24 + 9] = 5)
CASE(no_dims, gb_tensor(b, "w", 1, 0, 0, 0); b->data[24 + 9] = 0)
CASE(bad_type, gb_tensor(b, "w", 32, 0, 16, 0))
CASE(huge_type, gb_tensor(b, "w", 32, 0, 1u << 31, 0))
CASE(part_block, gb_tensor(b, "w", 33, 0, 8, 0))
CASE(odd_offset, gb_tensor(b, "w", 4, 0, 0, 4))
CASE(far_offset, gb_tensor(b, "w", 4, 0, 0, 1ull << 62))
CASE(past_end, gb_tensor(b, "w", 16, 0, 0, 224))
CASE(overlap, gb_tensor(b, "w", 16, 0, 0, 0); gb_tensor(b, "v", 4, 0, 0, 32))
CASE(twice, gb_tensor(b, "w", 4, 0, 0, 0); gb_tensor(b, "w", 4, 0, 0, 32))

static void hostile(void **state)
{
    refused(bad_magic, "not a GGUF");
    refused(bad_version, "version 9");
    refused(old_version, "version 1");
    refused(big_endian, "big-endian");
    refused(many_tensors, "do not fit");
    refused(many_keys, "do not fit");
    refused(bad_kind, "unknown value type 13");
    refused(long_key, "9223372036854775808 bytes long");
    refused(long_string, "18446744073709551615 bytes long");
    refused(long_array, "does not fit");
    refused(deep_array, "nested");
    refused(two_keys, "key k is there twice");
    refused(alignment_zero, "general.alignment is 0");
    refused(alignment_odd, "general.alignment is 48");
    refused(alignment_text, "general.alignment");
    refused(zero_dim, "tensor w: dimension 0 is 0");
    refused(wide_dim, "tensor w: dimension 1");
    refused(large_dim, "tensor w is too large");
    refused(many_dims, "tensor w has 5 dimensions");
    refused(no_dims, "tensor w has 0 dimensions");
    refused(bad_type, "tensor w has type 16");
    refused(huge_type, "type 2147483648");
    refused(part_block, "tensor w: rows of 33");
    refused(odd_offset, "tensor w is at offset 4");
    refused(far_offset, "tensor w reaches past the end");
    refused(past_end, "tensor w reaches past the end");
    refused(overlap, "tensor v overlaps tensor w");
    refused(twice, "tensor w is there twice");
}

static void real_file(void **state)
{
    const char *path = shared_path("data/models/stories260K.f32.gguf");
    struct gguf g;
    struct fl_error err;
    FAILS(gguf_open(&g, "tests/model/none.gguf", &err), err, "none.gguf");
    if (!present(path, "a real GGUF file"))
        return;
    WORKS(gguf_open(&g, path, &err), err);
    int64_t layers = 0;
    assert_true(gguf_int(&g, "llama.block_count", &layers, &err));
    assert_int_equal(layers, 5);
    assert_int_equal(g.tensors, 47);
    gguf_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads), cmocka_unit_test(truncated),
        cmocka_unit_test(mutated), cmocka_unit_test(hostile),
        cmocka_unit_test(real_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
