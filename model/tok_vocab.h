/* SPDX-License-Identifier: Apache-2.0 */
/* model/tok_vocab.h -- inside a tokenizer: what its readers fill and its
 * encoder uses. For the tok_*.c files only.
 *
 * A reader calls tok_new, tok_add once for each id in order, then tok_index;
 * then, where merges are a list, tok_merges and tok_add_merge for each; then
 * tok_finish. Piece bytes are real bytes: readers undo the byte alphabet of
 * GPT-2 and the "lower one eighth block" that stands for a space.
 */
#ifndef MODEL_TOK_VOCAB_H
#define MODEL_TOK_VOCAB_H
#include "model/tokenizer.h"

enum tok_kind {
    TOK_TEXT,    /* found by merging */
    TOK_UNKNOWN, /* never found; decodes to nothing */
    TOK_CONTROL, /* found with TOK_SPECIAL, shown with `show` */
    TOK_USER,    /* found always, before anything is merged */
    TOK_UNUSED,
    TOK_BYTE /* a byte that text could not cover */
};

/* How the next merge is chosen. */
enum tok_order {
    TOK_BY_SCORE, /* the merged piece with the highest score */
    TOK_BY_ID,    /* the merged piece with the lowest id */
    TOK_BY_PAIR   /* the pair that is first in the list of merges */
};

enum tok_space { TOK_SPACE_NONE, TOK_SPACE_FIRST, TOK_SPACE_ALWAYS };

struct tok_piece {
    uint32_t at, n; /* in tok.bytes */
    float score;
    uint8_t kind;
};

struct tok_pair {
    int32_t left, right; /* left < 0: an empty slot */
    int32_t rank, id;
};

struct tok_split;

struct tok {
    char *name; /* of the file */
    char family[64];
    uint8_t *bytes;
    size_t used, room;
    struct tok_piece *piece;
    int count, piece_room;
    int32_t *slot; /* hash of TEXT pieces; -1 empty */
    uint32_t slot_mask;
    struct tok_pair *pair;
    uint32_t pair_mask, pairs, pairs_max;
    int32_t byte_id[256]; /* -1: none */
    int32_t *special;     /* CONTROL and USER, by first byte, then longest */
    int specials;
    int special_first[257]; /* where each first byte starts in special[] */
    enum tok_order order;
    bool chars; /* merging starts from characters, not from bytes */
    bool whole; /* a word that is a token is not merged at all */
    enum tok_space space;
    struct tok_split *split; /* NULL: the text is one word */
    int bos, eos, unk;
    bool wants_bos;
    char *chat_template;
};

struct tok *tok_new(const char *name, struct fl_error *err);
bool tok_add(struct tok *t, const void *s, size_t n, enum tok_kind kind,
             float score, struct fl_error *err);
/* After the last tok_add. The first of two equal pieces wins. */
bool tok_index(struct tok *t, struct fl_error *err);
/* Room for `count` merges. */
bool tok_merges(struct tok *t, size_t count, struct fl_error *err);
/* Rank = number of calls so far. All three pieces must be in the vocabulary. */
bool tok_add_merge(struct tok *t, const uint8_t *left, size_t nl,
                   const uint8_t *right, size_t nr, struct fl_error *err);
/* Collects special tokens and checks the rest. */
bool tok_finish(struct tok *t, struct fl_error *err);

/* The TEXT piece that is exactly s[0..n), or -1. */
int tok_lookup(const struct tok *t, const uint8_t *s, size_t n);
const struct tok_pair *tok_lookup_pair(const struct tok *t, int left,
                                       int right);
bool tok_set_template(struct tok *t, const char *s, size_t n,
                      struct fl_error *err);

/* GPT-2's alphabet: to[0..) gets the bytes that the characters of s stand
 * for; characters outside the alphabet stay as they are. Returns their
 * number, at most n. */
size_t tok_from_alphabet(const char *s, size_t n, uint8_t *to);
/* U+2581 becomes a space; at most n bytes. */
size_t tok_from_blocks(const char *s, size_t n, uint8_t *to);
/* The byte of "<0x0A>" or -1. */
int tok_byte_name(const uint8_t *s, size_t n);

/* tok_json.c: what a tokenizer_config.json beside `path` adds, if both are
 * called so. */
bool tok_read_config(struct tok *t, const char *path, struct fl_error *err);

/* tok_split.c: pre-tokenisers. NULL and an error for an unknown name. */
struct tok_split *tok_split_new(const char *name, size_t n,
                                struct fl_error *err);
void tok_split_free(struct tok_split *s);
/* A name that tok_split_new takes. */
const char *tok_split_name(const struct tok_split *s);
/* The name of the pre-tokeniser with exactly this regular expression as its
 * last stage, or NULL. */
const char *tok_split_named(const char *regex);

typedef bool tok_word_fn(void *state, const uint8_t *s, size_t n,
                         struct fl_error *err);
/* Calls word() for the words of s[0..n) in order; together they are s. */
bool tok_split_run(const struct tok_split *split, const uint8_t *s, size_t n,
                   tok_word_fn *word, void *state, struct fl_error *err);

/* tok_merge.c: scratch space for merging, kept from word to word. */
struct tok_merger;
struct tok_merger *tok_merger_new(const struct tok *t);
void tok_merger_free(struct tok_merger *m);
/* Appends the tokens of one word. */
bool tok_merge(struct tok_merger *m, const uint8_t *s, size_t n,
               struct tok_ids *ids, struct fl_error *err);

#endif
