/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/source.h"
#include "cli/opts.h"
#include "base/file.h"
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

bool cli_source_open(struct cli_source *s, const char *path,
                     struct fl_error *err)
{
    *s = (struct cli_source){.path = path};
    if (pkg_is(path)) {
        FL_TRY(pkg_open(&s->pkg, path, err));
        s->is_pkg = true;
        s->tok = s->pkg.tok;
        s->shape = &s->pkg.model.shape;
        return true;
    }
    if (model_open(&s->model, path, err)) {
        s->tok = model_tok(s->model);
        s->shape = model_shape(s->model);
        return true;
    }
    if (tok_open(&s->own, path, NULL)) {
        s->tok = s->own;
        return true;
    }
    return false;
}

void cli_source_close(struct cli_source *s)
{
    if (s->is_pkg)
        pkg_close(&s->pkg);
    model_close(s->model);
    tok_free(s->own);
    *s = (struct cli_source){0};
}

const struct tok *cli_source_tok(const struct cli_source *s)
{
    if (!s->tok)
        cli_die("%s: no tokenizer: %s", s->path,
                s->model ? model_tok_why(s->model)
                         : "the package was made without one");
    return s->tok;
}

static bool read_stream(struct cli_text *t, FILE *f, const char *name,
                        struct fl_error *err)
{
    size_t room = 0;
    for (;;) {
        if (room - t->n < 65536) {
            room = room ? 2 * room : 1 << 17;
            char *more = realloc(t->s, room);
            if (!more) {
                cli_text_free(t);
                fl_fail(err, FL_NOMEM, 0, "%s: out of memory", name);
                return false;
            }
            t->s = more;
        }
        size_t got = fread(t->s + t->n, 1, room - t->n - 1, f);
        t->n += got;
        if (!got)
            break;
    }
    if (ferror(f)) {
        cli_text_free(t);
        fl_fail(err, FL_IO, 0, "%s: cannot read: %s", name, strerror(errno));
        return false;
    }
    t->s[t->n] = 0;
    return true;
}

bool cli_text_get(struct cli_text *t, const char *text, const char *file,
                  struct fl_error *err)
{
    *t = (struct cli_text){0};
    if (file && strcmp(file, "-") == 0)
        return read_stream(t, stdin, "standard input", err);
    struct fl_map m = {(const uint8_t *)text, text ? strlen(text) : 0};
    if (file)
        FL_TRY(fl_map_open(&m, file, err));
    t->n = m.size;
    t->s = malloc(m.size + 1);
    if (t->s) {
        memcpy(t->s, m.data, m.size);
        t->s[m.size] = 0;
    }
    if (file)
        fl_map_close(&m);
    FL_FAIL_IF(!t->s, err, FL_NOMEM, 0, "%s: out of memory",
               file ? file : "text");
    return true;
}

void cli_text_free(struct cli_text *t)
{
    free(t->s);
    *t = (struct cli_text){0};
}

void cli_warn_lost(const struct tok_ids *ids)
{
    if (ids->lost)
        fprintf(stderr,
                "flexllm: %zu bytes of the text have no token in this "
                "vocabulary and were left out\n",
                ids->lost);
}

void cli_json_print(struct cJSON *o)
{
    char *text = cJSON_PrintUnformatted(o);
    if (!text)
        cli_die("out of memory");
    puts(text);
    cJSON_free(text);
    cJSON_Delete(o);
}

int cli_flush(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        cli_die("standard output: cannot write: %s", strerror(errno));
    return 0;
}

double cli_peak_mib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024;
}
