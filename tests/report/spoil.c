/* SPDX-License-Identifier: Apache-2.0 */
/* A timed run or a search that was cut or changed anywhere gives one line or a
 * page, and never more; and what a name holds never opens an element. */
#include "base/file.h"
#include "explore/json.h"
#include "report/html.h"
#include "report/report.h"
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int pages;
static struct xpl_design design;
static struct rep_times times, good;
static struct rep_search search;

/* Reads the text as one or the other; writes the page where it can. */
static bool page(const char *text, size_t size, int is_search,
                 struct fl_error *err)
{
    cJSON *o = cJSON_ParseWithLength(text, size);
    if (o == 0) {
        fl_fail(err, FL_FORMAT, 0, "no JSON");
        return false;
    }
    bool ok = is_search ? rep_search_read(&search, o, "search", &design, err)
                        : rep_times_read(&times, o, "run", &design, err);
    cJSON_Delete(o);
    if (!ok)
        return false;
    char *out = 0;
    size_t bytes = 0;
    FILE *f = open_memstream(&out, &bytes);
    if (f != 0) {
        rep_write(f, &design, is_search ? &good : &times,
                  is_search ? &search : 0);
        fclose(f);
        CHECK(strstr(out, "</html>") != 0, "a page without an end");
        CHECK(strstr(out, "nan ") == 0 && strstr(out, "inf ") == 0 &&
                  strstr(out, "nan\"") == 0 && strstr(out, "inf\"") == 0,
              "a page with a figure that is none");
        pages++;
    }
    free(out);
    return true;
}

static void spoil(const char *path, int is_search)
{
    struct fl_map m;
    struct fl_error err = {0};
    if (!fl_map_open(&m, path, &err)) {
        CHECK(0, "%s", err.msg);
        return;
    }
    CHECK(page((const char *)m.data, m.size, is_search, &err), "%s: %s", path,
          err.msg);
    char *text = malloc(m.size + 1);
    uint64_t seed = 88172645463325252u;
    for (size_t round = 0; text != 0 && round < 2000; round++) {
        size_t size = m.size;
        memcpy(text, m.data, size);
        if (round % 8 == 0)
            size = size * round / 2000;
        for (int k = 0; round % 8 != 0 && k < 1 + (int)round / 700; k++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            text[seed % size] = "0}]{[,:\"-e9\n\x80<&."[(seed >> 40) % 16];
        }
        err = (struct fl_error){0};
        bool ok = page(text, size, is_search, &err);
        CHECK(ok || (err.msg[0] != 0 && strchr(err.msg, '\n') == 0),
              "%s, change %zu: no message", path, round);
    }
    free(text);
    fl_map_close(&m);
}

/* Every byte alone and every pair of a hard set: no markup, no bad UTF-8. */
static void escapes(void)
{
    static const char *const hard[] = {"<",
                                       ">",
                                       "&",
                                       "\"",
                                       "'",
                                       "\x01",
                                       "\x7F",
                                       "\x80",
                                       "\xC3",
                                       "\xC3\xA4",
                                       "\xC0\xBC",
                                       "\xE2\x82",
                                       "\xED\xA0\x80",
                                       "\xEF\xBF\xBF",
                                       "\xF0\x9F\x98\x80",
                                       "\xF4\x90\x80\x80",
                                       "\xFF"};
    enum { N = sizeof hard / sizeof *hard };
    for (int a = 0; a < N; a++)
        for (int b = 0; b < N; b++) {
            char in[16], out[256] = {0};
            snprintf(in, sizeof in, "%s%sz", hard[a], hard[b]);
            FILE *f = fmemopen(out, sizeof out, "w");
            rep_text(f, in);
            fclose(f);
            CHECK(strpbrk(out, "<>\"'") == 0, "%d %d: markup: %s", a, b, out);
            for (const char *c = out; (c = strchr(c, '&')) != 0; c++)
                CHECK(c[1] == '#', "%d %d: an entity: %s", a, b, out);
            CHECK(strchr("\x80\xC0\xFF", out[0]) == 0 || out[0] == 0,
                  "%d %d: no UTF-8: %s", a, b, out);
            CHECK(out[strlen(out) - 1] == 'z', "%d %d: lost: %s", a, b, out);
        }
    static const char *const exact[][2] = {
        {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80",
         "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {"a\xC3", "a&#xFFFD;"},
        {"<&>\"'", "&#60;&#38;&#62;&#34;&#39;"},
        {"\xC0\xBC", "&#xFFFD;&#xFFFD;"},
    };
    for (size_t k = 0; k < sizeof exact / sizeof *exact; k++) {
        char out[64] = {0};
        FILE *f = fmemopen(out, sizeof out, "w");
        rep_text(f, exact[k][0]);
        fclose(f);
        CHECK(strcmp(out, exact[k][1]) == 0, "'%s', not '%s'", out,
              exact[k][1]);
    }
    struct {
        double v;
        const char *want;
    } si[] = {{0, "0.00 s"},      {1.5, "1.50 s"},          {0.0123, "12.3 ms"},
              {999.7, "1.00 ks"}, {1e-6, "1.00 \xC2\xB5s"}, {2.5e9, "2.50 Gs"}};
    for (size_t k = 0; k < sizeof si / sizeof *si; k++) {
        char out[64] = {0};
        FILE *f = fmemopen(out, sizeof out, "w");
        rep_si(f, si[k].v, "s");
        fclose(f);
        CHECK(strcmp(out, si[k].want) == 0, "%g: '%s', not '%s'", si[k].v, out,
              si[k].want);
    }
}

int main(void)
{
    struct fl_error err = {0};
    CHECK(xpl_design_load(&design, "tests/report/design.json", &err), "%s",
          err.msg);
    escapes();
    cJSON *run = xpl_json_open("tests/report/time.json", &err);
    CHECK(run != 0 && rep_times_read(&good, run, "run", &design, &err), "%s",
          err.msg);
    cJSON_Delete(run);
    spoil("tests/report/time.json", 0);
    spoil("tests/report/explore.json", 1);
    printf("report_spoil: %d pages, %d failures\n", pages, failures);
    return failures != 0;
}
