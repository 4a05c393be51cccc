/* SPDX-License-Identifier: Apache-2.0 */
/* base/error.h -- how a library function says what went wrong.
 *
 * Libraries never print and never exit. A function that can fail returns
 * bool (or a pointer, NULL for failure) and fills the caller's fl_error:
 *
 *     FL_FAIL_IF(n > max, err, FL_RANGE, pos, "%s: %d rows, at most %d", ...);
 *     FL_TRY(gguf_open(&g, path, err));
 *
 * The message is one line a user can act on: it names the file, the place in
 * it and the remedy where there is one. `err` may be NULL: the caller then
 * only learns that it failed.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H
#include <stdbool.h>
#include <stdint.h>

#define FL_CODES(X)                                                           \
    X(FL_OK, "no error")                                                      \
    X(FL_NOMEM, "out of memory")                                              \
    X(FL_IO, "read or write failed")                                          \
    X(FL_FORMAT, "the file is not what it claims to be")                      \
    X(FL_RANGE, "a number is outside its stated range")                       \
    X(FL_UNSUPPORTED, "valid, but not something this program handles")

#define FL_CODE_ENUM(code, text) code,
enum fl_code { FL_CODES(FL_CODE_ENUM) FL_CODE_COUNT };
#undef FL_CODE_ENUM

struct fl_error {
    enum fl_code code;
    uint64_t pos;  /* byte, line or beat where it was found; 0 if none */
    char msg[512]; /* one sentence, no newline */
};

/* Fills *err (if not NULL). A newline in the text becomes a space. */
__attribute__((format(printf, 4, 5))) void
fl_fail(struct fl_error *err, enum fl_code code, uint64_t pos, const char *fmt,
        ...);

/* The text of a code; never NULL. */
const char *fl_code_text(enum fl_code code);

#define FL_FAIL_IF(cond, err, code, pos, ...)                                 \
    do {                                                                      \
        if (cond) {                                                           \
            fl_fail(err, code, pos, __VA_ARGS__);                             \
            return false;                                                     \
        }                                                                     \
    } while (0)

#define FL_TRY(call)                                                          \
    do {                                                                      \
        if (!(call))                                                          \
            return false;                                                     \
    } while (0)

#endif
