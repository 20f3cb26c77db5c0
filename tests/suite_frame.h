/* SPDX-License-Identifier: MIT */
/* suite_frame.h - a program that is one suite of Check's. Who includes it has said what SUITE_SECONDS each test may
 * take. */
#ifndef TESTS_SUITE_FRAME_H
#define TESTS_SUITE_FRAME_H

#include <check.h>
#include <stdlib.h>

static inline int suite_run(const char *name, const TTest *const *tests, size_t count, double seconds)
{
    Suite *suite = suite_create(name);
    TCase *tc = tcase_create(name);
    tcase_set_timeout(tc, seconds);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define SUITE(name, ...)                                                                           \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = { __VA_ARGS__ };                                              \
        return suite_run(name, tests, sizeof tests / sizeof *tests, SUITE_SECONDS);                \
    }

#endif
