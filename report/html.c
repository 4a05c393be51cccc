/* SPDX-License-Identifier: Apache-2.0 */
#include "report/html.h"
#include <math.h>
#include <stdarg.h>
#include <stdint.h>

/* Bytes of the character at s and its number; 0: it is none that XML knows. */
static int character(const unsigned char *s, uint32_t *c)
{
    int n = s[0] < 0x80             ? 1
            : (s[0] & 0xE0) == 0xC0 ? 2
            : (s[0] & 0xF0) == 0xE0 ? 3
            : (s[0] & 0xF8) == 0xF0 ? 4
                                    : 0;
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (n == 0)
        return 0;
    *c = n == 1 ? s[0] : s[0] & (0x7Fu >> n);
    for (int k = 1; k < n; k++) {
        if ((s[k] & 0xC0) != 0x80)
            return 0;
        *c = *c << 6 | (s[k] & 0x3F);
    }
    if (*c < least[n] || *c > 0x10FFFF || (*c >= 0xD800 && *c < 0xE000) ||
        *c == 0xFFFE || *c == 0xFFFF || (*c >= 0x7F && *c < 0xA0) ||
        (*c < ' ' && *c != '\t' && *c != '\n'))
        return 0;
    return n;
}

void rep_text(FILE *f, const char *s)
{
    for (uint32_t c; *s != 0;) {
        int n = character((const unsigned char *)s, &c);
        if (n == 0)
            fputs("&#xFFFD;", f);
        else if (n == 1 &&
                 (c == '<' || c == '>' || c == '&' || c == '"' || c == '\''))
            fprintf(f, "&#%u;", (unsigned)c);
        else
            fwrite(s, 1, (size_t)n, f);
        s += n == 0 ? 1 : n;
    }
}

void rep_textf(FILE *f, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    rep_text(f, text);
}

void rep_open(FILE *f, const char *title)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
          "<meta charset=\"utf-8\"/>\n"
          "<meta name=\"viewport\" "
          "content=\"width=device-width, initial-scale=1\"/>\n"
          "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>",
          f);
    rep_text(f, title);
    fprintf(f, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n",
            rep_style);
}

void rep_close(FILE *f)
{
    fputs("</main>\n</body>\n</html>\n", f);
}

void rep_section(FILE *f, const char *id, const char *title)
{
    fprintf(f, "<section id=\"%s\">\n<h2>%s</h2>\n", id, title);
}

void rep_section_end(FILE *f)
{
    fputs("</section>\n", f);
}

void rep_absent(FILE *f, const char *html)
{
    fprintf(f, "<p class=\"absent\">%s</p>\n", html);
}

void rep_si(FILE *f, double v, const char *unit)
{
    static const struct {
        double at;
        const char *prefix;
    } steps[] = {{1e12, "T"}, {1e9, "G"},  {1e6, "M"},         {1e3, "k"},
                 {1, ""},     {1e-3, "m"}, {1e-6, "\xC2\xB5"}, {1e-9, "n"}};
    int k = 0;
    while (k < 7 && fabs(v) < steps[k].at * 0.9995)
        k++;
    if (v == 0)
        k = 4;
    double x = v / steps[k].at;
    fprintf(f, "%.*f %s%s",
            fabs(x) < 9.995   ? 2
            : fabs(x) < 99.95 ? 1
                              : 0,
            x, steps[k].prefix, unit);
}

void rep_count(FILE *f, double n)
{
    char text[64];
    int len = snprintf(text, sizeof text, "%.0f", n);
    for (int k = 0; k < len; k++)
        fprintf(f, "%c%s", text[k],
                text[k] != '-' && k + 1 < len && (len - k - 1) % 3 == 0 ? ","
                                                                        : "");
}
