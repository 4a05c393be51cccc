/* SPDX-License-Identifier: Apache-2.0 */
/* model/tokenizer.h -- text to tokens and back.
 *
 * Three families, told apart by the file they come from:
 *
 *   byte-level BPE   words by a regular expression, bytes merged by rank.
 *                    Pre-tokenisers gpt-2, smollm, llama-bpe and qwen2.
 *   tiktoken         the same with ranks instead of a list of merges
 *   SentencePiece    whole text, characters merged by score (or rank), a
 *                    space put in front, unknown characters as bytes
 *
 * Encoding takes O(n log n) in the text. Text must be UTF-8: a byte that is
 * not is an error with its position. Qwen2 and others normalise to NFC
 * first; this program does not, so give it NFC text.
 *
 * ownership  a tokenizer copies what it needs from its file
 * threads    a tokenizer is read-only once made: any number of threads
 */
#ifndef MODEL_TOKENIZER_H
#define MODEL_TOKENIZER_H
#include "base/error.h"
#include "model/gguf.h"
#include <stddef.h>

struct tok;

/* Each makes *t from one kind of file, or fails and leaves it NULL. */
bool tok_from_gguf(struct tok **t, const struct gguf *g, struct fl_error *err);
/* tokenizer.json of Hugging Face; `name` is for messages. */
bool tok_from_json(struct tok **t, const char *text, size_t size,
                   const char *name, struct fl_error *err);
/* tokenizer.bin of llama2.c. */
bool tok_from_llama2c(struct tok **t, const uint8_t *data, size_t size,
                      const char *name, struct fl_error *err);
/* Lines of base64 and rank. 128000 of them are taken for Llama 3 and 151643
 * for Qwen2, whose special tokens follow; others have none and split words
 * as Llama 3 does. */
bool tok_from_tiktoken(struct tok **t, const uint8_t *data, size_t size,
                       const char *name, struct fl_error *err);
/* tokenizer.model of SentencePiece, BPE only. */
bool tok_from_spm(struct tok **t, const uint8_t *data, size_t size,
                  const char *name, struct fl_error *err);
/* Any of the above, by content. A tokenizer_config.json beside a JSON file
 * is read too, for the beginning and end tokens and the chat template. */
bool tok_open(struct tok **t, const char *path, struct fl_error *err);
void tok_free(struct tok *t);
/* Beginning and end tokens for a file that names none; -1 or an id outside
 * the vocabulary changes nothing. */
void tok_default_ends(struct tok *t, int bos, int eos);

int tok_count(const struct tok *t);
/* -1 where there is none. */
int tok_bos(const struct tok *t);
int tok_eos(const struct tok *t);
/* Whether the model wants the beginning token in front of a prompt. */
bool tok_wants_bos(const struct tok *t);
/* Whether `id` ends a generation: end of text, of turn, of message. */
bool tok_is_end(const struct tok *t, int id);
/* A special token by its text, -1 where there is none. */
int tok_special(const struct tok *t, const char *text);
/* The bytes of a token, not terminated; n = 0 for ids out of range. */
const uint8_t *tok_bytes(const struct tok *t, int id, size_t *n);
/* The file's chat template, NULL where it has none. */
const char *tok_chat_template(const struct tok *t);
/* "byte-level BPE, smollm" and the like; for people. */
const char *tok_family(const struct tok *t);

/* Tokens; start from all zeros. */
struct tok_ids {
    int32_t *id;
    size_t n, room;
    size_t lost; /* bytes of text the vocabulary has no token for */
};

bool tok_ids_push(struct tok_ids *ids, int id, struct fl_error *err);
void tok_ids_free(struct tok_ids *ids);

enum tok_flags {
    TOK_BOS = 1,      /* put the beginning token first, if there is one */
    TOK_SPECIAL = 2,  /* "<|im_end|>" in the text means that token */
    TOK_CONTINUE = 4, /* the text goes on from earlier tokens: no space is
                         put in front */
};

/* Appends the tokens of text[0..n). On failure `ids` keeps what it had. */
bool tok_encode(const struct tok *t, const char *text, size_t n, unsigned flags,
                struct tok_ids *ids, struct fl_error *err);

/* Growing text; start from all zeros. s[n] is 0 once anything was put. */
struct tok_text {
    char *s;
    size_t n, room;
};

bool tok_text_put(struct tok_text *text, const char *s, size_t n);
void tok_text_free(struct tok_text *text);

/* Tokens to text, as they come. What is put out is always whole UTF-8
 * characters: bytes wait until their character is complete; bytes that
 * cannot become one are put out as U+FFFD once that is known. */
struct tok_stream {
    const struct tok *t;
    uint8_t wait[4];
    int waiting;
    bool show;  /* special tokens as their text instead of nothing */
    bool strip; /* take the next leading space away (SentencePiece) */
};

/* `start`: the first token begins a text, so that SentencePiece's extra
 * space is removed; false after a prompt. */
void tok_stream_start(struct tok_stream *s, const struct tok *t, bool start);
/* False only if out of memory. An id outside the vocabulary adds nothing. */
bool tok_stream_put(struct tok_stream *s, int id, struct tok_text *out);
bool tok_stream_end(struct tok_stream *s, struct tok_text *out);

#endif
