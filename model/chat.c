/* SPDX-License-Identifier: Apache-2.0 */
#include "model/chat.h"
#include <string.h>

#define IM_START     "<|im_start|>"
#define IM_END       "<|im_end|>"
#define START_HEADER "<|start_header_id|>"
#define END_HEADER   "<|end_header_id|>"
#define EOT          "<|eot_id|>"

enum chat_kind chat_kind_of(const struct tok *t)
{
    bool chatml = tok_special(t, IM_START) >= 0 && tok_special(t, IM_END) >= 0;
    bool llama3 = tok_special(t, START_HEADER) >= 0 &&
                  tok_special(t, END_HEADER) >= 0 && tok_special(t, EOT) >= 0;
    const char *template = tok_chat_template(t);
    if (template && strstr(template, IM_START))
        return chatml ? CHAT_CHATML : CHAT_NONE;
    if (template && strstr(template, START_HEADER))
        return llama3 ? CHAT_LLAMA3 : CHAT_NONE;
    /* Without a template the tokens decide; with a foreign one, nothing. */
    if (template)
        return CHAT_NONE;
    return chatml ? CHAT_CHATML : llama3 ? CHAT_LLAMA3 : CHAT_NONE;
}

const char *chat_kind_name(enum chat_kind kind)
{
    return kind == CHAT_CHATML   ? "ChatML"
           : kind == CHAT_LLAMA3 ? "Llama 3"
                                 : "none";
}

struct writer {
    const struct tok *t;
    struct tok_ids *ids;
    struct tok_text text; /* since the last mark */
    struct fl_error *err;
};

static bool put(struct writer *w, const char *s, size_t n)
{
    FL_FAIL_IF(!tok_text_put(&w->text, s, n), w->err, FL_NOMEM, 0,
               "chat: out of memory");
    return true;
}

static bool flush(struct writer *w)
{
    bool ok = w->text.n == 0 ||
              tok_encode(w->t, w->text.s, w->text.n,
                         w->ids->n ? TOK_CONTINUE : 0, w->ids, w->err);
    w->text.n = 0;
    return ok;
}

static bool mark(struct writer *w, const char *name)
{
    int id = tok_special(w->t, name);
    FL_FAIL_IF(id < 0, w->err, FL_UNSUPPORTED, 0,
               "chat: the vocabulary has no %s", name);
    return flush(w) && tok_ids_push(w->ids, id, w->err);
}

static bool chatml_turn(struct writer *w, const char *role, const char *text,
                        size_t n)
{
    return mark(w, IM_START) && put(w, role, strlen(role)) && put(w, "\n", 1) &&
           put(w, text, n) && mark(w, IM_END) && put(w, "\n", 1);
}

/* The system message a ChatML template falls back to: what stands between
 * "<|im_start|>system\n" and "<|im_end|>" if that is plain text. The newline
 * is one or is written \n. */
static const char *default_system(const char *template, size_t *n)
{
    static const char start[] = IM_START "system";
    const char *s = template;
    while (s && (s = strstr(s, start))) {
        s += strlen(start);
        if (*s == '\n')
            s++;
        else if (s[0] == '\\' && s[1] == 'n')
            s += 2;
        else
            continue;
        const char *end = strstr(s, IM_END);
        *n = end ? (size_t)(end - s) : 0;
        if (*n && strcspn(s, "'\"{}\\") >= *n)
            return s;
    }
    return NULL;
}

static bool chatml(struct writer *w, const struct chat_message *m, size_t n,
                   bool ask)
{
    size_t len;
    const char *system = default_system(tok_chat_template(w->t), &len);
    if (system && w->ids->n == 0 && n && strcmp(m[0].role, "system") != 0)
        FL_TRY(chatml_turn(w, "system", system, len));
    for (size_t k = 0; k < n; k++)
        FL_TRY(chatml_turn(w, m[k].role, m[k].text, strlen(m[k].text)));
    return (!ask || (mark(w, IM_START) && put(w, "assistant\n", 10))) &&
           flush(w);
}

static bool llama3_header(struct writer *w, const char *role)
{
    return mark(w, START_HEADER) && put(w, role, strlen(role)) &&
           mark(w, END_HEADER) && put(w, "\n\n", 2);
}

static bool llama3(struct writer *w, const struct chat_message *m, size_t n,
                   bool ask)
{
    static const char spaces[] = " \t\n\r\v\f";
    int bos = tok_bos(w->t);
    if (w->ids->n == 0 && bos >= 0)
        FL_TRY(tok_ids_push(w->ids, bos, w->err));
    for (size_t k = 0; k < n; k++) {
        const char *s = m[k].text + strspn(m[k].text, spaces);
        size_t len = strlen(s);
        while (len && strchr(spaces, s[len - 1]))
            len--;
        FL_TRY(llama3_header(w, m[k].role) && put(w, s, len) && mark(w, EOT));
    }
    return (!ask || llama3_header(w, "assistant")) && flush(w);
}

bool chat_encode(const struct tok *t, enum chat_kind kind,
                 const struct chat_message *message, size_t n, bool ask,
                 struct tok_ids *ids, struct fl_error *err)
{
    FL_FAIL_IF(kind == CHAT_NONE, err, FL_UNSUPPORTED, 0,
               "chat: this model has no ChatML or Llama 3 template; use a "
               "plain prompt");
    size_t before = ids->n, lost = ids->lost;
    struct writer w = {t, ids, {0}, err};
    bool ok = kind == CHAT_CHATML ? chatml(&w, message, n, ask)
                                  : llama3(&w, message, n, ask);
    if (!ok) {
        ids->n = before;
        ids->lost = lost;
    }
    tok_text_free(&w.text);
    return ok;
}
