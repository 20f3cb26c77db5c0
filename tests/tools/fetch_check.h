/* SPDX-License-Identifier: MIT */
/* fetch_check.h - what the unit tests of `asyncio fetch` share: one suite a file, each test in its
 * own process. */
#ifndef FETCH_CHECK_H
#define FETCH_CHECK_H

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static inline int fetch_run(const char *name, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tc = tcase_create(name);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define FETCH_MAIN(name, ...)                                                                      \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = { __VA_ARGS__ };                                              \
        return fetch_run(name, tests, sizeof tests / sizeof *tests);                               \
    }

/* The text is this; free it. */
#define ck_text(t, expected)                                                                       \
    do {                                                                                           \
        ck_assert_int_eq((t)->error, 0);                                                           \
        ck_assert_str_eq((t)->data ? (t)->data : "", expected);                                    \
        text_free(t);                                                                              \
    } while (0)

#endif
