/* SPDX-License-Identifier: MIT */
/* suite_frame.h - a program that is one suite of Check's: each test in a process of its own, TAP on stdout.
 *
 * SUITE("name", test, ...)         the whole program; who includes this has said what SUITE_SECONDS each test may take
 * suite_run("name", seconds, add)  for a main() that has more to do; add() adds the tests */
#ifndef TESTS_SUITE_FRAME_H
#define TESTS_SUITE_FRAME_H

#include <check.h>
#include <stdlib.h>

static inline int suite_run(const char *name, double seconds, void (*add)(TCase *tc))
{
    Suite *suite = suite_create(name);
    TCase *tc = tcase_create(name);
    tcase_set_timeout(tc, seconds);
    add(tc);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define SUITE(name, ...)                                                                           \
    static void suite_tests(TCase *tc)                                                             \
    {                                                                                              \
        const TTest *const tests[] = { __VA_ARGS__ };                                              \
        for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)                                  \
            tcase_add_test(tc, tests[i]);                                                          \
    }                                                                                              \
    int main(void)                                                                                 \
    {                                                                                              \
        return suite_run(name, SUITE_SECONDS, suite_tests);                                        \
    }

#endif
