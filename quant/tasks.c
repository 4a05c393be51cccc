/* SPDX-License-Identifier: Apache-2.0 */
#include "quant/tasks.h"
#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *task_name(enum task_kind kind)
{
    static const char *const name[] = {"HellaSwag", "PIQA", "ARC", "WinoGrande",
                                       "LAMBADA"};
    return name[kind];
}

static const char *text_of(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsString(v) ? v->valuestring : NULL;
}

/* A label as a number, whether it is written 3 or "3"; -1: neither. */
static int number_of(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    if (cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble < 1e6)
        return (int)v->valuedouble;
    if (cJSON_IsString(v) && isdigit((unsigned char)v->valuestring[0]))
        return atoi(v->valuestring);
    return -1;
}

/* a + b + c, allocated. */
static char *join(const char *a, const char *b, const char *c)
{
    size_t n = strlen(a) + strlen(b) + strlen(c) + 1;
    char *s = malloc(n);
    if (s)
        snprintf(s, n, "%s%s%s", a, b, c);
    return s;
}

/* HellaSwag's texts come from WikiHow: " [title]" is the end of a sentence,
 * other bracketed marks go, double spaces become single ones. In place. */
static void clean(char *s)
{
    static const char title[] = " [title]";
    char *to = s;
    for (const char *p = s; *p;) {
        if (strncmp(p, title, sizeof title - 1) == 0) {
            *to++ = '.';
            *to++ = ' ';
            p += sizeof title - 1;
        } else if (*p == '[' && strchr(p, ']')) {
            p = strchr(p, ']') + 1;
        } else {
            *to++ = *p++;
        }
    }
    *to = 0;
    to = s;
    for (const char *p = s; *p; p++)
        if (!(*p == ' ' && (p[1] == ' ')))
            *to++ = *p;
    *to = 0;
}

static bool add(struct task_item *it, char *context, char *continuation)
{
    it->context[it->choices] = context;
    it->continuation[it->choices] = continuation;
    it->choices++;
    return context && continuation;
}

/* Each reader returns false where a key is missing or memory is out. */
static bool hellaswag(const cJSON *o, struct task_item *it)
{
    const char *label = text_of(o, "activity_label");
    const char *a = text_of(o, "ctx_a"), *b = text_of(o, "ctx_b");
    const cJSON *endings = cJSON_GetObjectItemCaseSensitive(o, "endings");
    if (!label || !a || !b || !cJSON_IsArray(endings))
        return false;
    char *tail = join(" ", b, "");
    if (!tail)
        return false;
    tail[1] = (char)toupper((unsigned char)tail[1]);
    char *head = join(label, ": ", a);
    bool ok = head != NULL;
    const cJSON *e;
    cJSON_ArrayForEach(e, endings)
    {
        if (!ok || !cJSON_IsString(e) || it->choices == TASK_CHOICES) {
            ok = false;
            break;
        }
        ok = add(it, join(head, *b ? tail : "", ""),
                 join(" ", e->valuestring, ""));
        if (ok) {
            clean(it->context[it->choices - 1]);
            clean(it->continuation[it->choices - 1]);
        }
    }
    free(tail);
    free(head);
    it->gold = number_of(o, "label");
    return ok;
}

static bool piqa(const cJSON *o, struct task_item *it)
{
    const char *goal = text_of(o, "goal");
    const char *one = text_of(o, "sol1"), *two = text_of(o, "sol2");
    if (!goal || !one || !two)
        return false;
    it->gold = number_of(o, "label");
    return add(it, join("Question: ", goal, "\nAnswer:"), join(" ", one, "")) &&
           add(it, join("Question: ", goal, "\nAnswer:"), join(" ", two, ""));
}

static bool arc(const cJSON *o, struct task_item *it)
{
    const char *q = text_of(o, "question"), *key = text_of(o, "answerKey");
    const cJSON *c = cJSON_GetObjectItemCaseSensitive(o, "choices");
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(c, "text");
    const cJSON *label = cJSON_GetObjectItemCaseSensitive(c, "label");
    if (!q || !key || !cJSON_IsArray(text) || !cJSON_IsArray(label))
        return false;
    it->gold = -1;
    const cJSON *l = label->child, *e;
    cJSON_ArrayForEach(e, text)
    {
        if (!cJSON_IsString(e) || !cJSON_IsString(l) ||
            it->choices == TASK_CHOICES)
            return false;
        if (strcmp(l->valuestring, key) == 0)
            it->gold = it->choices;
        if (!add(it, join("Question: ", q, "\nAnswer:"),
                 join(" ", e->valuestring, "")))
            return false;
        l = l->next;
    }
    return true;
}

static bool winogrande(const cJSON *o, struct task_item *it)
{
    const char *s = text_of(o, "sentence");
    const char *option[2] = {text_of(o, "option1"), text_of(o, "option2")};
    const char *gap = s ? strchr(s, '_') : NULL;
    if (!gap || !option[0] || !option[1])
        return false;
    const char *rest = gap + 1 + strspn(gap + 1, " ");
    for (int k = 0; k < 2; k++) {
        char *before = strndup(s, (size_t)(gap - s));
        bool ok =
            before && add(it, join(before, option[k], ""), join(" ", rest, ""));
        free(before);
        if (!ok)
            return false;
    }
    it->gold = number_of(o, "answer") - 1;
    return true;
}

static bool lambada(const cJSON *o, struct task_item *it)
{
    const char *context = text_of(o, "context");
    const char *last = text_of(o, "continuation");
    it->gold = 0;
    return context && last &&
           add(it, join(context, "", ""), join(last, "", ""));
}

static const struct {
    const char *key; /* tells the task */
    bool (*read)(const cJSON *o, struct task_item *it);
} reader[] = {
    [TASK_HELLASWAG] = {"ctx_a", hellaswag},
    [TASK_PIQA] = {"sol1", piqa},
    [TASK_ARC] = {"answerKey", arc},
    [TASK_WINOGRANDE] = {"sentence", winogrande},
    [TASK_LAMBADA] = {"continuation", lambada},
};
enum { KINDS = sizeof reader / sizeof *reader };

static void free_item(struct task_item *it)
{
    for (int k = 0; k < TASK_CHOICES; k++) {
        free(it->context[k]);
        free(it->continuation[k]);
    }
}

static bool read_line(struct task *t, const char *line, size_t n,
                      struct task_item *it)
{
    cJSON *o = cJSON_ParseWithLength(line, n);
    if (t->n == 0)
        for (int k = 0; k < KINDS; k++)
            if (cJSON_HasObjectItem(o, reader[k].key))
                t->kind = (enum task_kind)k;
    bool ok = o && cJSON_HasObjectItem(o, reader[t->kind].key) &&
              reader[t->kind].read(o, it) && it->gold >= 0 &&
              it->gold < it->choices;
    cJSON_Delete(o);
    return ok;
}

bool task_read(struct task *t, const char *text, size_t size, size_t limit,
               const char *name, struct fl_error *err)
{
    *t = (struct task){0};
    size_t room = 0, line = 0;
    for (size_t at = 0; at < size && (!limit || t->n < limit);) {
        const char *p = text + at;
        const char *end = memchr(p, '\n', size - at);
        size_t n = end ? (size_t)(end - p) : size - at;
        at += n + 1;
        line++;
        if (strspn(p, " \t\r\n") >= n)
            continue;
        if (t->n == room) {
            room = room ? 2 * room : 256;
            struct task_item *more = realloc(t->item, room * sizeof *more);
            if (!more) {
                task_free(t);
                fl_fail(err, FL_NOMEM, 0, "%s: out of memory", name);
                return false;
            }
            t->item = more;
        }
        struct task_item *it = &t->item[t->n];
        *it = (struct task_item){0};
        if (!read_line(t, p, n, it)) {
            free_item(it);
            task_free(t);
            fl_fail(err, FL_FORMAT, line,
                    "%s: line %zu is not a question of a known task "
                    "(HellaSwag, PIQA, ARC, WinoGrande, LAMBADA)",
                    name, line);
            return false;
        }
        t->n++;
    }
    FL_FAIL_IF(t->n == 0, err, FL_FORMAT, 0, "%s: no questions in it", name);
    return true;
}

void task_free(struct task *t)
{
    for (size_t i = 0; i < t->n; i++)
        free_item(&t->item[i]);
    free(t->item);
    *t = (struct task){0};
}
