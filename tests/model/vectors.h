/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/vectors.h -- texts with the tokens other programs make of them.
 */
#ifndef TESTS_MODEL_VECTORS_H
#define TESTS_MODEL_VECTORS_H
#include "base/file.h"
#include "model/tokenizer.h"
#include "tests/model/check.h"
#include <cjson/cJSON.h>

static inline char *slurp(const char *path, size_t *n)
{
    struct fl_map map;
    *n = 0;
    if (!fl_map_open(&map, path, NULL))
        fail_msg("cannot read %s", path);
    char *s = malloc(map.size + 1);
    memcpy(s, map.data, map.size);
    s[map.size] = 0;
    *n = map.size;
    fl_map_close(&map);
    return s;
}

static inline void show(const char *what, const int32_t *id, size_t n)
{
    print_message("  %s", what);
    for (size_t k = 0; k < n; k++)
        print_message(" %d", id[k]);
    print_message("\n");
}

/* Tokens are `want`, and give the text back, whole and piece by piece. */
static inline void one(const struct tok *t, const char *text, size_t n,
                       const int32_t *want, size_t count, bool whole_text)
{
    struct tok_ids ids = {0};
    struct tok_text all = {0};
    struct tok_stream s;
    struct fl_error err;
    WORKS(tok_encode(t, text, n, 0, &ids, &err), err);
    if (ids.n != count ||
        (count && memcmp(ids.id, want, count * sizeof *want) != 0)) {
        show("got", ids.id, ids.n);
        show("want", want, count);
        fail_msg("text '%s'", text);
    }
    tok_stream_start(&s, t, true);
    for (size_t k = 0; k < ids.n; k++)
        assert_true(tok_stream_put(&s, ids.id[k], &all));
    assert_true(tok_stream_end(&s, &all));
    if (whole_text && ids.lost == 0 &&
        (all.n != n || (n && memcmp(all.s, text, n) != 0)))
        fail_msg("'%s' comes back as '%s'", text, all.s ? all.s : "");
    tok_ids_free(&ids);
    tok_text_free(&all);
}

static inline int json_vectors(const struct tok *t, const char *path)
{
    size_t n;
    char *s = slurp(path, &n);
    cJSON *root = cJSON_ParseWithLength(s, n);
    assert_true(cJSON_IsArray(root));
    const cJSON *v, *id;
    int done = 0;
    cJSON_ArrayForEach(v, root)
    {
        int32_t want[4096];
        size_t count = 0;
        const char *text =
            cJSON_GetObjectItemCaseSensitive(v, "text")->valuestring;
        cJSON_ArrayForEach(id, cJSON_GetObjectItemCaseSensitive(v, "ids"))
        {
            want[count++] = (int32_t)id->valuedouble;
        }
        one(t, text, strlen(text), want, count, true);
        done++;
    }
    cJSON_Delete(root);
    free(s);
    return done;
}

/* llama.cpp's files: texts between marks, and a line of tokens for each. */
static inline int ggml_vectors(const struct tok *t, const char *name)
{
    static const char mark[] = "\n__ggml_vocab_test__\n";
    char in[200], out[200];
    snprintf(in, sizeof in, "data/tokenizers/ggml-vocab/%s.inp", name);
    snprintf(out, sizeof out, "data/tokenizers/ggml-vocab/%s.out", name);
    if (!present(shared_path(in), "llama.cpp's tokens"))
        return 0;
    size_t ni, no;
    char *texts = slurp(shared_path(in), &ni);
    char *lines = slurp(shared_path(out), &no);
    char *text = texts, *line = lines;
    int done = 0;
    for (char *end; (end = strstr(text, mark)); done++) {
        int32_t want[4096];
        size_t count = 0;
        char *stop = strchr(line, '\n');
        *end = *stop = 0;
        for (char *at = line; at < stop;) {
            char *next;
            long id = strtol(at, &next, 10);
            if (next == at)
                break;
            want[count++] = (int32_t)id;
            at = next;
        }
        one(t, text, (size_t)(end - text), want, count, true);
        text = end + strlen(mark);
        line = stop + 1;
    }
    free(texts);
    free(lines);
    return done;
}

#endif
