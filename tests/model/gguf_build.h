/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/gguf_build.h -- GGUF files made in memory, right and wrong.
 *
 * Call gb_start, the gb_key_* calls, gb_tensor for each tensor, gb_align and
 * then gb_put for the data. The numbers of keys and tensors stand at fixed
 * places (16 and 8) and are counted up by the calls.
 */
#ifndef TESTS_MODEL_GGUF_BUILD_H
#define TESTS_MODEL_GGUF_BUILD_H
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct gb {
    uint8_t *data;
    size_t size, room;
};

static inline void gb_put(struct gb *b, const void *from, size_t n)
{
    if (b->size + n > b->room) {
        b->room = 2 * (b->size + n);
        b->data = realloc(b->data, b->room);
        assert(b->data);
    }
    if (n)
        memcpy(b->data + b->size, from, n);
    b->size += n;
}

static inline void gb_u32(struct gb *b, uint32_t v)
{
    gb_put(b, &v, 4);
}

static inline void gb_u64(struct gb *b, uint64_t v)
{
    gb_put(b, &v, 8);
}

static inline void gb_str(struct gb *b, const char *s)
{
    gb_u64(b, strlen(s));
    gb_put(b, s, strlen(s));
}

static inline void gb_count(struct gb *b, size_t at)
{
    uint64_t n;
    memcpy(&n, b->data + at, 8);
    n++;
    memcpy(b->data + at, &n, 8);
}

static inline void gb_start(struct gb *b, uint32_t version)
{
    b->size = 0;
    gb_put(b, "GGUF", 4);
    gb_u32(b, version);
    gb_u64(b, 0);
    gb_u64(b, 0);
}

/* The head of a key; its value follows by gb_put. Kinds: 4 u32, 6 f32,
 * 7 bool, 8 string, 9 array. */
static inline void gb_key(struct gb *b, const char *name, uint32_t kind)
{
    gb_count(b, 16);
    gb_str(b, name);
    gb_u32(b, kind);
}

static inline void gb_key_u32(struct gb *b, const char *name, uint32_t v)
{
    gb_key(b, name, 4);
    gb_u32(b, v);
}

static inline void gb_key_f32(struct gb *b, const char *name, float v)
{
    gb_key(b, name, 6);
    gb_put(b, &v, 4);
}

static inline void gb_key_str(struct gb *b, const char *name, const char *v)
{
    gb_key(b, name, 8);
    gb_str(b, v);
}

static inline void gb_key_array(struct gb *b, const char *name, uint32_t item,
                                uint64_t count)
{
    gb_key(b, name, 9);
    gb_u32(b, item);
    gb_u64(b, count);
}

/* d1 = 0: one dimension. */
static inline void gb_tensor(struct gb *b, const char *name, uint64_t d0,
                             uint64_t d1, uint32_t type, uint64_t at)
{
    gb_count(b, 8);
    gb_str(b, name);
    gb_u32(b, d1 ? 2 : 1);
    gb_u64(b, d0);
    if (d1)
        gb_u64(b, d1);
    gb_u32(b, type);
    gb_u64(b, at);
}

static inline void gb_align(struct gb *b, size_t to)
{
    while (b->size % to)
        gb_put(b, "", 1);
}

#endif
