/* SPDX-License-Identifier: Apache-2.0 */
/* model/tok_split.c -- pre-tokenisers: text to words by regular expressions.
 *
 * The expressions are written as their models publish them. A pre-tokeniser
 * has one or two stages; the second sees each word of the first alone, so
 * that its look-ahead ends there. What no expression matches is a word too.
 *
 * \s and \S mean Unicode's White_Space in those expressions and ASCII in
 * PCRE2, so they are replaced by explicit classes before compilation.
 */
#include "model/tok_vocab.h"
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

enum { STAGES = 2, MAX_REGEX = 1024 };

#define GPT2_WORDS                                                             \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+"        \
    "|\\s+(?!\\S)|\\s+"
#define LLAMA3_WORDS(number)                                                   \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" number       \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

static const struct {
    const char *name;
    const char *stage[STAGES];
} known[] = {
    {"gpt-2", {GPT2_WORDS}},
    {"smollm", {"\\p{N}", GPT2_WORDS}},
    {"llama-bpe", {LLAMA3_WORDS("\\p{N}{1,3}")}},
    {"qwen2", {LLAMA3_WORDS("\\p{N}")}},
};

/* Other names of the same thing in GGUF files. */
static const struct {
    const char *name, *same;
} aliases[] = {{"llama3", "llama-bpe"}, {"llama-v3", "llama-bpe"}};

struct tok_split {
    const char *name;
    int stages;
    pcre2_code *code[STAGES];
};

static void expand(const char *regex, char *to, size_t room)
{
    static const char spaces[] = "\\t-\\r\\x{85}\\p{Z}";
    bool inside = false;
    size_t n = 0;
    for (const char *r = regex; *r && n + 40 < room; r++) {
        if (r[0] == '\\' && (r[1] == 's' || r[1] == 'S')) {
            r++;
            n += (size_t)snprintf(to + n, room - n,
                                  inside      ? "%s"
                                  : *r == 's' ? "[%s]"
                                              : "[^%s]",
                                  spaces);
            continue;
        }
        inside = *r == '[' || (inside && *r != ']');
        to[n++] = *r;
        if (*r == '\\')
            to[n++] = *++r;
    }
    to[n] = 0;
}

struct tok_split *tok_split_new(const char *name, size_t n,
                                struct fl_error *err)
{
    for (size_t k = 0; k < sizeof aliases / sizeof *aliases; k++)
        if (strlen(aliases[k].name) == n &&
            memcmp(aliases[k].name, name, n) == 0) {
            name = aliases[k].same;
            n = strlen(name);
        }
    size_t k = 0, count = sizeof known / sizeof *known;
    while (k < count &&
           (strlen(known[k].name) != n || memcmp(known[k].name, name, n) != 0))
        k++;
    if (k == count) {
        fl_fail(err, FL_UNSUPPORTED, 0,
                "pre-tokeniser '%.*s' is not known; known are gpt-2, smollm, "
                "llama-bpe, qwen2",
                n < 60 ? (int)n : 60, name);
        return NULL;
    }
    struct tok_split *s = calloc(1, sizeof *s);
    if (s)
        s->name = known[k].name;
    for (int i = 0; s && i < STAGES && known[k].stage[i]; i++) {
        char regex[MAX_REGEX];
        int code;
        PCRE2_SIZE at;
        expand(known[k].stage[i], regex, sizeof regex);
        s->code[i] = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
                                   PCRE2_UTF, &code, &at, NULL);
        if (!s->code[i]) {
            tok_split_free(s);
            s = NULL;
            break;
        }
        /* Without a just-in-time compiler matching is only slower. */
        (void)pcre2_jit_compile(s->code[i], PCRE2_JIT_COMPLETE);
        s->stages = i + 1;
    }
    if (!s)
        fl_fail(err, FL_NOMEM, 0, "pre-tokeniser %.*s: out of memory", (int)n,
                name);
    return s;
}

void tok_split_free(struct tok_split *s)
{
    for (int i = 0; s && i < STAGES; i++)
        pcre2_code_free(s->code[i]);
    free(s);
}

const char *tok_split_name(const struct tok_split *s)
{
    return s->name;
}

const char *tok_split_named(const char *regex)
{
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (!known[k].stage[1] && strcmp(known[k].stage[0], regex) == 0)
            return known[k].name;
    return NULL;
}

struct run {
    const struct tok_split *split;
    pcre2_match_data *match;
    tok_word_fn *word;
    void *state;
    struct fl_error *err;
};

static bool run_stage(struct run *r, int stage, const uint8_t *s, size_t n)
{
    if (n == 0)
        return true;
    if (stage == r->split->stages)
        return r->word(r->state, s, n, r->err);
    size_t at = 0;
    while (at < n) {
        int rc = pcre2_match(r->split->code[stage], s, n, at,
                             PCRE2_NO_UTF_CHECK, r->match, NULL);
        if (rc == PCRE2_ERROR_NOMATCH)
            break;
        FL_FAIL_IF(rc < 0, r->err, FL_RANGE, at,
                   "text: cannot be split into words at byte %zu", at);
        const PCRE2_SIZE *o = pcre2_get_ovector_pointer(r->match);
        size_t from = o[0], to = o[1];
        if (to == from)
            break; /* none of the expressions matches nothing */
        FL_TRY(run_stage(r, stage + 1, s + at, from - at) &&
               run_stage(r, stage + 1, s + from, to - from));
        at = to;
    }
    return run_stage(r, stage + 1, s + at, n - at);
}

bool tok_split_run(const struct tok_split *split, const uint8_t *s, size_t n,
                   tok_word_fn *word, void *state, struct fl_error *err)
{
    struct run r = {split, pcre2_match_data_create(1, NULL), word, state, err};
    FL_FAIL_IF(!r.match, err, FL_NOMEM, 0, "text: out of memory");
    bool ok = run_stage(&r, 0, s, n);
    pcre2_match_data_free(r.match);
    return ok;
}
