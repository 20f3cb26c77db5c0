/* SPDX-License-Identifier: MIT */
/* run.h - old names of the frame in tests/frame, for files that do not use the new ones yet. */
#ifndef TESTS_RUN_H
#define TESTS_RUN_H

#include "../frame/loop_test.h"

#include <poll.h>

#define is(expr, expected)       expect_int(expr, expected)
#define ok(expr)                 expect_ok(expr)
#define is_true(expr)            expect_true(expr)
#define is_false(expr)           expect_false(expr)
#define is_text(expr, expected)  expect_text(expr, expected)
#define has_text(expr, part)     expect_contains(expr, part)
#define is_time(seconds)         expect_time(seconds)
#define shown(r)                 result_text(r)
#define trail                    event_log
#define ears                     capture
#define note(...)                log_event(__VA_ARGS__)
#define is_trail(words)          expect_events(words)
#define forget_trail()           clear_events()
#define ears_open()              capture_stderr_begin()
#define ears_close()             capture_stderr_end()
#define heard()                  captured_stderr()
#define run_heard(co, opts)      run_silently(co, opts)
#define RUN(...)                 expect_run_ok(__VA_ARGS__)
#define CASE(name)               LOOP_TEST(name)
#define at_most(n)               reduced_count(n)

#endif
