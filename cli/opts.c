/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/opts.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cli_die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("flexllm: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

void cli_die_error(const struct fl_error *err)
{
    cli_die("%s", err->msg[0] ? err->msg : fl_code_text(err->code));
}

void cli_usage(const struct cli_command *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "flexllm %s: ", c->name);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "; see flexllm %s --help\n", c->name);
    va_end(ap);
    exit(2);
}

static void print_option(const struct cli_opt *o)
{
    char left[64];
    snprintf(left, sizeof left, "%s%c%s--%s%s%s", o->letter ? "-" : "",
             o->letter ? o->letter : ' ', o->letter ? ", " : "   ", o->name,
             o->arg ? " " : "", o->arg ? o->arg : "");
    printf("  %-24s", left);
    int column = 26;
    if (strlen(left) > 23) {
        printf("\n%26s", "");
    }
    for (const char *p = o->help; *p;) {
        size_t word = strcspn(p, " ");
        if (column + (int)word > 79) {
            printf("\n%26s", "");
            column = 26;
        }
        printf("%.*s", (int)word, p);
        column += (int)word;
        p += word;
        if (*p == ' ') {
            if (column < 79)
                putchar(' ');
            column++;
            p++;
        }
    }
    putchar('\n');
}

static _Noreturn void help(const struct cli_command *c,
                           const struct cli_opt *opts, int count)
{
    printf("flexllm %s - %s\n\nUSAGE\n  flexllm %s %s\n\nDESCRIPTION\n%s\n",
           c->name, c->summary, c->name, c->synopsis, c->description);
    puts("\nOPTIONS");
    for (int i = 0; i < count; i++)
        print_option(&opts[i]);
    puts("  -h, --help              this text");
    if (c->examples)
        printf("\nEXAMPLES\n%s\n", c->examples);
    puts("\nEXIT STATUS\n"
         "  0 it worked, 1 it failed (one line on standard error says why), "
         "2 wrong usage");
    exit(0);
}

static void store(const struct cli_command *c, const struct cli_opt *o,
                  const char *value)
{
    char *end;
    errno = 0;
    if (o->kind == CLI_FLAG) {
        *(bool *)o->to = true;
    } else if (o->kind == CLI_TEXT) {
        *(const char **)o->to = value;
    } else if (o->kind == CLI_INT) {
        long long v = strtoll(value, &end, 10);
        if (!*value || *end || errno || (double)v < o->lo || (double)v > o->hi)
            cli_usage(c,
                      "--%s takes a whole number from %.0f to %.0f, not "
                      "'%s'",
                      o->name, o->lo, o->hi, value);
        *(int64_t *)o->to = v;
    } else {
        double v = strtod(value, &end);
        if (!*value || *end || errno || !isfinite(v) || v < o->lo || v > o->hi)
            cli_usage(c, "--%s takes a number from %g to %g, not '%s'", o->name,
                      o->lo, o->hi, value);
        *(double *)o->to = v;
    }
}

static const struct cli_opt *find(const struct cli_opt *opts, int count,
                                  const char *name, size_t n, char letter)
{
    for (int i = 0; i < count; i++)
        if (letter ? opts[i].letter == letter
                   : strlen(opts[i].name) == n &&
                         memcmp(opts[i].name, name, n) == 0)
            return &opts[i];
    return NULL;
}

void cli_parse(const struct cli_command *c, const struct cli_opt *opts,
               int opt_count, int argc, char **argv, const char **words,
               int min, int max)
{
    int n = 0;
    bool only_words = false;
    for (int i = 0; i < max; i++)
        words[i] = NULL;
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (only_words || a[0] != '-' || !a[1]) {
            if (n == max)
                cli_usage(c, "'%s' is one word too many", a);
            words[n++] = a;
            continue;
        }
        if (strcmp(a, "--") == 0) {
            only_words = true;
            continue;
        }
        if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0)
            help(c, opts, opt_count);
        bool is_long = a[1] == '-';
        const char *name = a + 2;
        size_t len = is_long ? strcspn(name, "=") : 0;
        const struct cli_opt *o =
            find(opts, opt_count, name, len, is_long ? 0 : a[1]);
        if (!o)
            cli_usage(c, "there is no option '%s'", a);
        const char *value = NULL;
        if (is_long && name[len] == '=')
            value = name + len + 1;
        else if (!is_long && a[2])
            value = a + 2;
        if (o->kind == CLI_FLAG) {
            if (value)
                cli_usage(c, "--%s takes no value", o->name);
        } else if (!value) {
            if (i + 1 == argc)
                cli_usage(c, "--%s wants a value: %s", o->name, o->arg);
            value = argv[++i];
        }
        store(c, o, value);
    }
    if (n < min)
        cli_usage(c, "too few words: usage is flexllm %s %s", c->name,
                  c->synopsis);
}
