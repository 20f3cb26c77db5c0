/* SPDX-License-Identifier: MIT */
/* loop_test.h - tests whose body is a coroutine.
 *
 *   LOOP_TEST(name) { ... return 0; }   define a test that runs in a loop with a virtual clock
 *   REAL_LOOP_TEST(name) { ... }        the same with the real clock
 *   expect_run_ok(co, options...)       run a coroutine in such a loop; it must return 0
 *   run_silently(co, &opts)             run a coroutine that must write nothing to stderr
 *   expect_time(seconds)                compare the loop's clock, which starts at 0
 *   expect_eventually(condition)        wait up to ten seconds until another thread or process has
 *                                       done something
 *
 * Whatever the library writes to stderr fails such a test, unless the test reads it with
 * captured_stderr(). So does everything that a loop still owns when it closes, because the leak
 * check reports it there. */
#ifndef TESTS_FRAME_LOOP_TEST_H
#define TESTS_FRAME_LOOP_TEST_H

#include <asyncio.h>

#include "assertions.h"
#include "capture.h"
#include "event_log.h"
#include "suite.h"

static inline int run_silently(async_co co, const struct async_run_opts *opts)
{
    capture_stderr_begin();
    int r = async_run_opt(co, opts);
    const char *text = captured_stderr();
    capture_stderr_end();
    frame_expects(!text[0], "stderr: expected nothing, got \"%s\"", text);
    return r;
}

#define expect_run_ok(co, ...)                                                                     \
    expect_ok(run_silently(                                                                        \
            (co), &(const struct async_run_opts){ .virtual_clock = true, ##__VA_ARGS__ }))

#define LOOP_TEST(name)                                                                            \
    ASYNC_CHECK static int await_##name##_case(void);                                              \
    ASYNC_CO(name##_case)                                                                          \
    TEST(name)                                                                                     \
    {                                                                                              \
        expect_run_ok(name##_case());                                                              \
    }                                                                                              \
    static int await_##name##_case(void)

/* The same with the real clock, for files and other things that the virtual clock does not know. */
#define REAL_LOOP_TEST(name)                                                                       \
    ASYNC_CHECK static int await_##name##_case(void);                                              \
    ASYNC_CO(name##_case)                                                                          \
    TEST(name)                                                                                     \
    {                                                                                              \
        expect_ok(run_silently(name##_case(), NULL));                                              \
    }                                                                                              \
    static int await_##name##_case(void)

#define expect_time(seconds) expect_near(async_time(), seconds, 1e-6)

#define expect_eventually(condition)                                                               \
    do {                                                                                           \
        for (int i_ = 0; i_ < 10000 * slowdown() && !(condition); i_++)                            \
            expect_ok(await_sleep(0.001));                                                         \
        expect_that(condition, "%s: expected true within 10 s", #condition);                       \
    } while (0)

#endif
