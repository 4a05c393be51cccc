/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"
#include <stdarg.h>
#include <stdio.h>

void fl_fail(struct fl_error *err, enum fl_code code, uint64_t pos,
             const char *fmt, ...)
{
    if (!err)
        return;
    err->code = code;
    err->pos = pos;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    for (char *c = err->msg; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

const char *fl_code_text(enum fl_code code)
{
#define FL_CODE_TEXT(c, text) text,
    static const char *const text[] = {FL_CODES(FL_CODE_TEXT)};
#undef FL_CODE_TEXT
    return code < FL_CODE_COUNT ? text[code] : "unknown error";
}
