/* SPDX-License-Identifier: Apache-2.0 */
/* util.c -- memory that is never freed, text, and how fxc refuses.
 *
 *     up.c:12:9: error: two reads of 'x' in one iteration
 *        12 |         a = FX_READ(p->x) + FX_READ(p->x);
 *           |                             ^
 *        hint: read it once, or raise the interval of the loop
 *
 * The first refusal ends the program: there is no list of errors.
 */
#include "fxc/all.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void die(const char *f, ...)
{
    va_list a;
    va_start(a, f);
    fprintf(stderr, "fxc: internal error: ");
    vfprintf(stderr, f, a);
    fputc('\n', stderr);
    exit(3);
}

void *xalloc(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    if (!p)
        die("out of memory");
    return p;
}

/* Room for one more element: the capacity is the next power of two. */
void *vec_grow(void *p, int n, size_t size)
{
    if (n & (n - 1))
        return p;
    size_t cap = n ? (size_t)n * 2 : 1;
    p = realloc(p, cap * size);
    if (!p)
        die("out of memory");
    return p;
}

static char *vfmt(const char *f, va_list a)
{
    va_list b;
    va_copy(b, a);
    int n = vsnprintf(NULL, 0, f, b);
    va_end(b);
    char *s = xalloc((size_t)n + 1);
    vsnprintf(s, (size_t)n + 1, f, a);
    return s;
}

char *fmt(const char *f, ...)
{
    va_list a;
    va_start(a, f);
    char *s = vfmt(f, a);
    va_end(a);
    return s;
}

void put(Buf *b, const char *f, ...)
{
    for (;;) {
        va_list a;
        va_start(a, f);
        size_t room = b->cap - b->n;
        int n = vsnprintf(b->s ? b->s + b->n : NULL, room, f, a);
        va_end(a);
        if ((size_t)n < room) {
            b->n += (size_t)n;
            return;
        }
        b->cap = (b->cap + (size_t)n + 1) * 2;
        b->s = realloc(b->s, b->cap);
        if (!b->s)
            die("out of memory");
    }
}

static void show_line(Loc at)
{
    FILE *f = fopen(at.file, "r");
    if (!f)
        return;
    char line[512] = "";
    for (int i = 0; i < at.line; i++)
        if (!fgets(line, sizeof line, f))
            line[0] = 0;
    fclose(f);
    line[strcspn(line, "\n")] = 0;
    for (char *c = line; *c; c++)
        if (*c == '\t')
            *c = ' ';
    fprintf(stderr, "%5d | %s\n      | %*s^\n", at.line, line,
            at.col > 0 ? at.col - 1 : 0, "");
}

_Noreturn void reject(Loc at, const char *hint, const char *f, ...)
{
    va_list a;
    va_start(a, f);
    if (at.file && at.line)
        fprintf(stderr, "%s:%d:%d: ", at.file, at.line, at.col);
    else
        fprintf(stderr, "fxc: ");
    fprintf(stderr, "error: %s\n", vfmt(f, a));
    if (at.file && at.line)
        show_line(at);
    if (hint)
        fprintf(stderr, "   hint: %s\n", hint);
    exit(1);
}

int clog2(int64_t x)
{
    int r = 0;
    while (((int64_t)1 << r) < x)
        r++;
    return r;
}

/* acc.sroa.0.12 -> acc, arrayidx7 -> arrayidx7; "" stays "". */
const char *cleanname(const char *s)
{
    char *r = xalloc(strlen(s) + 1), *d = r;
    for (; *s && *s != '.'; s++)
        if (isalnum((unsigned char)*s) || *s == '_')
            *d++ = *s;
    if (isdigit((unsigned char)r[0]))
        r[0] = 0;
    return r;
}
