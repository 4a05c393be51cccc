/* SPDX-License-Identifier: Apache-2.0 */
/* tests/model/check.h -- cmocka with what it wants included first, and where
 * the shared data are.
 */
#ifndef TESTS_MODEL_CHECK_H
#define TESTS_MODEL_CHECK_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/error.h"

/* A path under the shared data, in one of eight static buffers. */
static inline const char *shared_path(const char *rest)
{
    static char buf[8][4096];
    static int turn;
    char *to = buf[turn++ % 8];
    const char *root = getenv("FL_SHARED");
    snprintf(to, sizeof buf[0], "%s/%s", root ? root : "../shared", rest);
    return to;
}

static inline const char *cache_path(const char *rest)
{
    static char buf[8][4096];
    static int turn;
    char *to = buf[turn++ % 8];
    const char *root = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (root && *root)
        snprintf(to, sizeof buf[0], "%s/flexllm/%s", root, rest);
    else
        snprintf(to, sizeof buf[0], "%s/.cache/flexllm/%s", home ? home : ".",
                 rest);
    return to;
}

/* False, and says so, where a file is not there. */
static inline bool present(const char *path, const char *what)
{
    if (access(path, R_OK) == 0)
        return true;
    print_message("NOT CHECKED: %s (no %s)\n", what, path);
    return false;
}

/* A call that must fail, with `part` somewhere in its message. */
#define FAILS(call, err, part)                                                \
    do {                                                                      \
        (err).msg[0] = 0;                                                     \
        if (call)                                                             \
            fail_msg("accepted, but should say '%s'", part);                  \
        if (!strstr((err).msg, part))                                         \
            fail_msg("says '%s', should say '%s'", (err).msg, part);          \
    } while (0)

#define WORKS(call, err)                                                      \
    do {                                                                      \
        if (!(call))                                                          \
            fail_msg("%s", (err).msg);                                        \
    } while (0)

#endif
