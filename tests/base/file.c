/* SPDX-License-Identifier: Apache-2.0 */
/* base/file.h and base/error.h: nothing is lost, every failure is one line. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>
#include <dirent.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/file.h"

static char dir[] = "/tmp/flexllm_base_XXXXXX";

static const char *in_dir(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static int files_in_dir(void)
{
    DIR *d = opendir(dir);
    int n = 0;
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void write_text(const char *path, const char *text)
{
    struct fl_out o;
    struct fl_error err;
    assert_true(fl_out_open(&o, path, &err));
    fputs(text, o.f);
    assert_true(fl_out_commit(&o, &err));
}

static void check_text(const char *path, const char *want)
{
    struct fl_map m;
    assert_true(fl_map_open(&m, path, NULL));
    assert_int_equal(m.size, strlen(want));
    assert_memory_equal(m.data, want, m.size);
    fl_map_close(&m);
}

static void commit_replaces(void **state)
{
    const char *p = in_dir("a");
    write_text(p, "one");
    check_text(p, "one");
    write_text(p, "three");
    check_text(p, "three");
    assert_int_equal(files_in_dir(), 1);
    unlink(p);
}

static void abort_keeps_old(void **state)
{
    const char *p = in_dir("b");
    write_text(p, "old");
    struct fl_out o;
    assert_true(fl_out_open(&o, p, NULL));
    fputs("new", o.f);
    fl_out_abort(&o);
    check_text(p, "old");
    assert_int_equal(files_in_dir(), 1);
    unlink(p);
}

/* A full disk, as the kernel shows it to a process: a file size limit. */
static void full_disk_is_reported(void **state)
{
    const char *p = in_dir("c");
    write_text(p, "old");
    struct rlimit was, tight;
    getrlimit(RLIMIT_FSIZE, &was);
    signal(SIGXFSZ, SIG_IGN);
    tight = was;
    tight.rlim_cur = 4096;
    setrlimit(RLIMIT_FSIZE, &tight);
    struct fl_out o;
    struct fl_error err = {0};
    assert_true(fl_out_open(&o, p, &err));
    for (int i = 0; i < 100000; i++)
        fputc('x', o.f);
    bool ok = fl_out_commit(&o, &err);
    setrlimit(RLIMIT_FSIZE, &was);
    assert_false(ok);
    assert_int_equal(err.code, FL_IO);
    assert_non_null(strstr(err.msg, p));
    check_text(p, "old");
    assert_int_equal(files_in_dir(), 1);
    unlink(p);
}

static void unwritable_path_is_one_line(void **state)
{
    struct fl_out o;
    struct fl_error err = {0};
    assert_false(fl_out_open(&o, in_dir("no/such/folder"), &err));
    assert_non_null(strstr(err.msg, "no/such/folder"));
    assert_null(strchr(err.msg, '\n'));
}

static void map_edges(void **state)
{
    struct fl_map m;
    struct fl_error err = {0};
    assert_false(fl_map_open(&m, in_dir("absent"), &err));
    assert_non_null(strstr(err.msg, "absent"));
    assert_false(fl_map_open(&m, dir, &err));
    assert_non_null(strstr(err.msg, "not a regular file"));
    const char *p = in_dir("empty");
    write_text(p, "");
    assert_true(fl_map_open(&m, p, &err));
    assert_int_equal(m.size, 0);
    fl_map_close(&m);
    unlink(p);
}

static void message_is_one_line(void **state)
{
    struct fl_error err;
    fl_fail(&err, FL_RANGE, 7, "a\nb %d", 3);
    assert_string_equal(err.msg, "a b 3");
    assert_int_equal(err.pos, 7);
    for (int c = 0; c < FL_CODE_COUNT; c++)
        assert_true(strlen(fl_code_text((enum fl_code)c)) > 0);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commit_replaces),
        cmocka_unit_test(abort_keeps_old),
        cmocka_unit_test(full_disk_is_reported),
        cmocka_unit_test(unwritable_path_is_one_line),
        cmocka_unit_test(map_edges),
        cmocka_unit_test(message_is_one_line),
    };
    int bad = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(dir);
    return bad;
}
