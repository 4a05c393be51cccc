/* SPDX-License-Identifier: Apache-2.0 */
/* quant/tasks.h -- questions with a known answer, from JSON lines.
 *
 * Each line is one object; which task it belongs to shows in its keys:
 *
 *   HellaSwag    activity_label ctx_a ctx_b endings[] label
 *   PIQA         goal sol1 sol2 label
 *   ARC          question choices{text[], label[]} answerKey
 *   WinoGrande   sentence (with a "_") option1 option2 answer
 *   LAMBADA      context continuation
 *
 * and becomes a list of (context, continuation) pairs whose continuation a
 * model scores. The texts are put together as EleutherAI's evaluation harness
 * documents it, so that results can be set beside published ones:
 *
 *   HellaSwag    "LABEL: CTX_A Ctx_b" + " ENDING", bracketed marks removed
 *   PIQA, ARC    "Question: Q\nAnswer:" + " CHOICE"
 *   WinoGrande   sentence up to the gap with each option put in; what follows
 *                the gap is the continuation of both
 *   LAMBADA      as they stand; right where every token is the likeliest one
 */
#ifndef QUANT_TASKS_H
#define QUANT_TASKS_H
#include "base/error.h"
#include <stddef.h>

enum { TASK_CHOICES = 8 };

enum task_kind {
    TASK_HELLASWAG,
    TASK_PIQA,
    TASK_ARC,
    TASK_WINOGRANDE,
    TASK_LAMBADA
};

struct task_item {
    int choices; /* 1: LAMBADA */
    int gold;
    char *context[TASK_CHOICES]; /* may be the same text for all */
    char *continuation[TASK_CHOICES];
};

struct task {
    enum task_kind kind;
    struct task_item *item;
    size_t n;
};

const char *task_name(enum task_kind kind);

/* Reads at most `limit` items (0: all); `name` is for messages, which name
 * the line. On failure *t holds nothing. */
bool task_read(struct task *t, const char *text, size_t size, size_t limit,
               const char *name, struct fl_error *err);
void task_free(struct task *t);

#endif
