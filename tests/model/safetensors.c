/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/safetensors.c -- safetensors files, well made and hostile. */
#include "tests/model/check.h"
#include "model/safetensors.h"

static char path[4096];

/* Writes a file with this header and `data` bytes behind it. */
static void put(const char *header, size_t data)
{
    FILE *f = fopen(path, "wb");
    uint64_t n = strlen(header);
    assert_non_null(f);
    assert_int_equal(fwrite(&n, 8, 1, f), 1);
    assert_int_equal(fwrite(header, 1, n, f), n);
    for (size_t k = 0; k < data; k++)
        fputc((int)k, f);
    assert_int_equal(fclose(f), 0);
}

#define W(dtype, shape, from, to)                                              \
    "\"w\":{\"dtype\":\"" dtype "\",\"shape\":[" shape                         \
    "],\"data_offsets\":[" from "," to "]}"

static void reads(void **state)
{
    struct st s;
    struct fl_error err;
    put("{\"__metadata__\":{\"format\":\"pt\"}," W(
            "BF16", "2,3", "0", "12") ",\"n\":{\"dtype\":\"I64\",\"shape\":[],"
                                      "\"data_offsets\":[12,20]}}",
        20);
    WORKS(st_open(&s, path, &err), err);
    assert_int_equal(s.tensors, 2);
    const struct st_tensor *w = st_find(&s, "w"), *n = st_find(&s, "n");
    assert_true(w && n && !st_find(&s, "x") && !st_find(&s, "__metadata__"));
    assert_true(w->type == DQ_BF16 && w->ndim == 2 && w->dim[0] == 2);
    assert_true(w->dim[1] == 3 && w->dim[2] == 1 && w->bytes == 12);
    assert_true(w->data[0] == 0 && n->data[0] == 12);
    assert_true(n->type == -1 && n->ndim == 0);
    st_close(&s);
}

static void refused(void **state)
{
    static const struct {
        const char *header, *part;
        size_t data;
    } bad[] = {
        {"", "header is not JSON", 0},
        {"[]", "header is not JSON", 0},
        {"{\"w\"", "header is not JSON", 0},
        {"{\"w\":7}", "element type ''", 0},
        {"{" W("Q4", "1", "0", "4") "}", "element type 'Q4'", 4},
        {"{\"w\":{\"dtype\":\"F32\"}}", "no shape", 4},
        {"{" W("F32", "-1", "0", "4") "}", "bad shape", 4},
        {"{" W("F32", "0", "0", "0") "}", "bad shape", 4},
        {"{" W("F32", "1.5", "0", "4") "}", "bad shape", 4},
        {"{" W("F32", "1e300", "0", "4") "}", "bad shape", 4},
        {"{" W("F32", "\"1\"", "0", "4") "}", "bad shape", 4},
        {"{" W("F32", "4294967296,4294967296", "0", "4") "}", "bad shape", 4},
        {"{" W("F32", "1,1,1,1,1,1,1,1,1", "0", "4") "}", "bad shape", 4},
        {"{" W("F32", "1", "0", "4") "}", "past the end", 3},
        {"{" W("F32", "1", "4", "0") "}", "past the end", 8},
        {"{" W("F32", "1", "0", "-4") "}", "past the end", 8},
        {"{" W("F32", "1", "9007199254740992", "9007199254740996") "}",
         "past the end", 8},
        {"{" W("F32", "1", "0", "8") "}", "has 8 bytes, its shape needs 4", 8},
        {"{" W("F32", "1", "0", "4") ",\"v\":{\"dtype\":\"F32\",\"shape\":[1],"
                                     "\"data_offsets\":[2,6]}}",
         "tensor v overlaps tensor w", 8},
        {"{" W("F32", "1", "0", "4") "," W("F32", "1", "4", "8") "}",
         "tensor w is there twice", 8},
    };
    struct st s;
    struct fl_error err;
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        put(bad[k].header, bad[k].data);
        FAILS(st_open(&s, path, &err), err, bad[k].part);
        assert_true(s.maps == 0 && s.tensors == 0);
    }
}

/* The header's length, and files cut short. */
static void cut(void **state)
{
    static const char header[] = "{" W("F32", "2", "0", "8") "}";
    struct st s;
    struct fl_error err;
    uint8_t all[8 + sizeof header + 8];
    size_t size = 8 + sizeof header - 1 + 8;
    put(header, 8);
    FILE *f = fopen(path, "rb");
    assert_true(f && fread(all, 1, sizeof all, f) == size);
    fclose(f);
    for (size_t n = 0; n < size; n++) {
        f = fopen(path, "wb");
        assert_true(f && fwrite(all, 1, n, f) == n && fclose(f) == 0);
        FAILS(st_open(&s, path, &err), err, path);
    }
    static const uint64_t lengths[] = {UINT64_MAX, 1ull << 63, 1ull << 32,
                                       sizeof header + 8};
    for (size_t k = 0; k < 4; k++) {
        f = fopen(path, "wb");
        memcpy(all, &lengths[k], 8);
        assert_true(f && fwrite(all, 1, size, f) == size && fclose(f) == 0);
        FAILS(st_open(&s, path, &err), err, "header of");
    }
}

static int make_file(void **state)
{
    const char *at = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/st_test.XXXXXX", at ? at : P_tmpdir);
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads),
                                       cmocka_unit_test(refused),
                                       cmocka_unit_test(cut)};
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
