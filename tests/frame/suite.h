/* SPDX-License-Identifier: MIT */
/* suite.h - define tests and the program that runs them.
 *
 *   TEST(name) { ... }      define a test whose body is a plain function
 *   SUITE(name, tests...)   define main(), which runs these tests
 *   suite_run()             the same for a program that has a main() of its own
 *
 * A program is one suite. Each test runs in a process of its own, so a crash fails one test only.
 * Results are written to stdout as TAP. A test whose body is a coroutine is a LOOP_TEST, see
 * loop_test.h. */
#ifndef TESTS_FRAME_SUITE_H
#define TESTS_FRAME_SUITE_H

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "assertions.h"

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define UNDER_VALGRIND RUNNING_ON_VALGRIND
#else
#define UNDER_VALGRIND 0
#endif

/* The number of elements of an array. */
#define countof(array) (sizeof(array) / sizeof *(array))

/* How long a test may take, in seconds of real time, before its process is killed. A file may
 * define another value before it includes this header. */
#ifndef SUITE_SECONDS
#define SUITE_SECONDS 60
#endif

#define TEST(name) START_TEST(name)

static inline int suite_run(const char *name, double seconds, void (*add_tests)(TCase *tc))
{
    Suite *suite = suite_create(name);
    TCase *tc = tcase_create(name);
    tcase_set_timeout(tc, seconds);
    add_tests(tc);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define SUITE(name, ...)                                                                           \
    static void suite_add_tests(TCase *tc)                                                         \
    {                                                                                              \
        const TTest *const tests[] = { __VA_ARGS__ };                                              \
        for (size_t i = 0; i < countof(tests); i++)                                                \
            tcase_add_test(tc, tests[i]);                                                          \
    }                                                                                              \
    int main(void)                                                                                 \
    {                                                                                              \
        return suite_run(name, SUITE_SECONDS, suite_add_tests);                                    \
    }

/* Return n, or $TEST_MANY if that is less. A test of a large number calls this, so that it can be
 * run where everything is slow: valgrind, for example, searches all stacks at each switch. */
static inline int reduced_count(size_t n)
{
    const char *many = getenv("TEST_MANY");
    int most = many ? atoi(many) : 0;
    return most > 0 && (size_t)most < n ? most : (int)n;
}

/* Return how much slower than usual this process runs. Delays and timeouts in real time are
 * multiplied by it. */
static inline double slowdown(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload") ? 20 : 1;
}

#endif
