/* SPDX-License-Identifier: Apache-2.0 */
/* quant/tasks.h: each format becomes the right pairs; bad lines are named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "quant/tasks.h"

static struct task read_ok(const char *text)
{
    struct task t;
    struct fl_error err = {0};
    if (!task_read(&t, text, strlen(text), 0, "q.jsonl", &err))
        fail_msg("%s", err.msg);
    return t;
}

static void pair_is(const struct task *t, int k, const char *context,
                    const char *continuation)
{
    assert_string_equal(t->item[0].context[k], context);
    assert_string_equal(t->item[0].continuation[k], continuation);
}

static void hellaswag(void **state)
{
    struct task t = read_ok(
        "{\"activity_label\": \"Roof\", \"ctx_a\": \"A man [header] sits. "
        "[title] Up\", \"ctx_b\": \"he\", \"endings\": [\"is  up.\", "
        "\"falls.\"], \"label\": \"1\"}\n");
    assert_int_equal(t.kind, TASK_HELLASWAG);
    assert_int_equal(t.item[0].choices, 2);
    assert_int_equal(t.item[0].gold, 1);
    pair_is(&t, 0, "Roof: A man sits.. Up He", " is up.");
    pair_is(&t, 1, "Roof: A man sits.. Up He", " falls.");
    task_free(&t);
}

static void piqa_and_blank_lines(void **state)
{
    struct task t = read_ok("\n{\"goal\":\"G?\",\"sol1\":\"a\",\"sol2\":\"b\","
                            "\"label\":1}\n  \n{\"goal\":\"H\",\"sol1\":\"c\","
                            "\"sol2\":\"d\",\"label\":0}");
    assert_int_equal(t.n, 2);
    assert_int_equal(t.item[0].gold, 1);
    assert_int_equal(t.item[1].gold, 0);
    pair_is(&t, 1, "Question: G?\nAnswer:", " b");
    task_free(&t);
}

static void arc(void **state)
{
    struct task t =
        read_ok("{\"question\":\"Q\",\"choices\":{\"text\":[\"x\",\"y\",\"z\"],"
                "\"label\":[\"1\",\"2\",\"3\"]},\"answerKey\":\"3\"}");
    assert_int_equal(t.item[0].choices, 3);
    assert_int_equal(t.item[0].gold, 2);
    pair_is(&t, 2, "Question: Q\nAnswer:", " z");
    task_free(&t);
}

static void winogrande(void **state)
{
    struct task t = read_ok("{\"sentence\":\"Sa saw Mo so _ ran off.\","
                            "\"option1\":\"Sa\",\"option2\":\"Mo\","
                            "\"answer\":\"2\"}");
    assert_int_equal(t.item[0].gold, 1);
    pair_is(&t, 0, "Sa saw Mo so Sa", " ran off.");
    pair_is(&t, 1, "Sa saw Mo so Mo", " ran off.");
    task_free(&t);
}

static void lambada_and_limit(void **state)
{
    const char *line = "{\"context\":\"a b\",\"continuation\":\" c\"}\n";
    struct task t = read_ok(line);
    assert_int_equal(t.item[0].choices, 1);
    pair_is(&t, 0, "a b", " c");
    task_free(&t);
    char many[200] = "";
    for (int i = 0; i < 4; i++)
        strcat(many, line);
    assert_true(task_read(&t, many, strlen(many), 3, "q", NULL));
    assert_int_equal(t.n, 3);
    task_free(&t);
}

static void bad_lines_are_named(void **state)
{
    static const char *const bad[] = {
        "",
        "\n\n",
        "{}",
        "[1]",
        "{\"goal\":\"g\"}",
        "not json",
        "{\"context\":\"a\",\"continuation\":3}",
        "{\"goal\":\"g\",\"sol1\":\"a\",\"sol2\":\"b\",\"label\":2}",
        "{\"sentence\":\"no gap\",\"option1\":\"a\",\"option2\":\"b\","
        "\"answer\":\"1\"}",
        "{\"question\":\"Q\",\"choices\":{\"text\":[\"x\"],\"label\":[]},"
        "\"answerKey\":\"A\"}",
        "{\"context\":\"a\",\"continuation\":\" b\"}\n{\"goal\":\"mixed\"}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct task t;
        struct fl_error err = {0};
        assert_false(task_read(&t, bad[i], strlen(bad[i]), 0, "q.jsonl", &err));
        assert_non_null(strstr(err.msg, "q.jsonl"));
        assert_null(t.item);
    }
    struct task t;
    struct fl_error err;
    const char *two = "{\"context\":\"a\",\"continuation\":\" b\"}\nx";
    assert_false(task_read(&t, two, strlen(two), 0, "q", &err));
    assert_int_equal(err.pos, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hellaswag),
        cmocka_unit_test(piqa_and_blank_lines),
        cmocka_unit_test(arc),
        cmocka_unit_test(winogrande),
        cmocka_unit_test(lambada_and_limit),
        cmocka_unit_test(bad_lines_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
