/* SPDX-License-Identifier: Apache-2.0 */
/* tests/check.h -- counts what is not as it must be, and goes on.
 *
 *     CHECK(cond, "format", ...)    the place and the words, of the first 20
 *     return failures != 0;         at the end of main
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H
#include <stdio.h>

static int failures;

#define CHECK(cond, ...)                                                       \
    do {                                                                       \
        if (!(cond) && failures++ < 20) {                                      \
            printf("%s:%d: ", __FILE__, __LINE__);                             \
            printf(__VA_ARGS__);                                               \
            putchar('\n');                                                     \
        }                                                                      \
    } while (0)

#endif
