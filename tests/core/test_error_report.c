/* SPDX-License-Identifier: MIT */
/* Tests of error reports: by async_main(), in the background, and of errors that were never
 * retrieved. */
#include "errors.h"

/* --- async_main(): traceback on stderr, exit status --- */

TEST(async_main_prints_traceback_of_error)
{
    capture_stderr_begin();
    moment = 0; /* async_main's clock is the real one */
    expect_int(async_main(second()), EXIT_FAILURE);
    const char *printed = captured_stderr();
    capture_stderr_end();
    expect_contains(printed, "second: Input/output error: deep is broken\n");
    expect_contains(printed, "at await_first, ");
    expect_contains(printed, "at await_second, ");
    expect_true(strstr(printed, "await_first") < strstr(printed, "await_second"));
}

TEST(async_main_prints_error_tree)
{
    capture_stderr_begin();
    moment = 0; /* async_main's clock is the real one */
    expect_int(async_main(family()), EXIT_FAILURE);
    const char *printed = captured_stderr();
    capture_stderr_end();
    expect_contains(printed, "family: Input/output error");
    expect_contains(printed, "child 1: Input/output error: door is broken");
}

TEST(async_main_returns_success_for_positive_result)
{
    capture_stderr_begin();
    moment = 0; /* async_main's clock is the real one */
    expect_int(async_main(fails_with(7)), EXIT_SUCCESS);
    expect_text(captured_stderr(), "");
    capture_stderr_end();
}

/* An older error does not show in the traceback of a newer one. */
ASYNC_DEF(recovers)
{
    expect_int(await_second(), -EIO);
    return -EPROTO;
}

TEST(handled_error_is_not_in_later_traceback)
{
    capture_stderr_begin();
    moment = 0; /* async_main's clock is the real one */
    expect_int(async_main(recovers()), EXIT_FAILURE);
    const char *printed = captured_stderr();
    capture_stderr_end();
    expect_contains(printed, "recovers: Protocol error\n");
    expect_true(strstr(printed, "await_first") == NULL);
}

LOOP_TEST(failure_in_background_is_reported_once_and_cancels_nothing)
{
    async_spawn(async_background(), second(), .name = "worker");
    async_spawn(async_background(), async_sleep(3));
    expect_ok(await_sleep(2));
    const char *printed = captured_stderr();
    expect_contains(printed, "worker: Input/output error: deep is broken\n");
    expect_contains(printed, "at await_first, ");
    expect_true(strstr(strstr(printed, "worker") + 1, "worker") == NULL);
    expect_ok(await_sleep(5));
    expect_text(captured_stderr(), "");
    return 0;
}

/* --- errors that were never retrieved --- */

LOOP_TEST(error_never_retrieved_is_reported_when_handle_is_dropped)
{
    {
        await_task_auto t = async_create_task(second(), .name = "lonely");
        expect_ok(await_sleep(2));
        expect_text(captured_stderr(), "");
        (void)t;
    }
    const char *printed = captured_stderr(); /* once the last handle has gone */
    char once[512];
    expect_contains(printed,
                    "asyncio: task error was never retrieved:\nlonely: Input/output error: deep is "
                    "broken (");
    expect_contains(printed, "\n    at await_first, ");
    expect_contains(printed, "\n    at await_second, ");
    expect_contains(printed,
                    "\n    created in "
                    "await_error_never_retrieved_is_reported_when_handle_is_dropped_case, ");
    expect_true(snprintf(once, sizeof once, "%s", strstr(printed, "lonely") + 1) <
                (int)sizeof once);
    expect_true(!strstr(once, "lonely"));
    expect_ok(await_sleep(1));
    return 0;
}

/* The error of a lost handle is found when the loop closes. */
ASYNC_DEF(loses_a_handle)
{
    async_task *t = async_create_task(second(), .name = "lost");
    expect_ok(await_sleep(t ? 2 : 0));
    expect_text(captured_stderr(), "");
    return 0;
}

TEST(error_of_lost_handle_is_reported_when_loop_closes)
{
    capture_stderr_begin();
    expect_ok(async_run(loses_a_handle(), .virtual_clock = true));
    const char *printed = captured_stderr();
    expect_contains(
            printed,
            "asyncio: task error was never retrieved:\nlost: Input/output error: deep is broken (");
    expect_contains(printed, "\n    created in await_loses_a_handle, ");
    capture_stderr_end();
}

LOOP_TEST(retrieved_errors_are_not_reported)
{
    {
        await_task_auto t = async_create_task(second());
        expect_int(await_task(t), -EIO);
        await_task_auto u = async_create_task(second());
        expect_ok(await_sleep(2));
        expect_int(async_task_result(u), -EIO);
        await_task_auto v = async_create_task(second());
        expect_int(await_gather(NULL, async_joining(v)), -EIO);
    }
    expect_text(captured_stderr(), "");
    return 0;
}

/* Two awaits are cancelled by their timeouts, and the task fails later. */
LOOP_TEST(error_after_two_timed_out_awaits_is_reported_once)
{
    {
        await_task_auto t = async_create_task(broken("it"), .name = "lonely");
        expect_int(await_wait_for(async_joining(t), 0.25), -ETIMEDOUT);
        expect_int(await_wait_for(async_joining(t), 0.25), -ETIMEDOUT);
        expect_ok(await_sleep(2));
    }
    const char *printed = captured_stderr();
    expect_contains(printed, "lonely");
    expect_true(strstr(strstr(printed, "lonely") + 1, "lonely") == NULL);
    {
        await_task_auto t = async_create_task(async_sleep(1));
        expect_int(await_wait_for(async_joining(t), 0.25), -ETIMEDOUT);
        expect_ok(await_sleep(2));
    }
    expect_text(captured_stderr(), ""); /* it succeeded */
    return 0;
}

ASYNC_DEF(fails_far_below, (int)depth)
{
    if (depth == 0)
        return async_fail(-EIO, "the bottom is reached");
    ASYNC_TRY(await_fails_far_below(depth - 1));
    return 0;
}

/* It starts where the error comes from. */
LOOP_TEST(traceback_of_deep_error_is_cut_at_16_lines)
{
    async_task *t = async_create_task(fails_far_below(40));
    expect_ok(await_sleep(1));
    await_task_drop(&t);
    int lines = 0;
    const char *printed = captured_stderr();
    expect_contains(printed, "fails_far_below-2: Input/output error: the bottom is reached");
    while ((printed = strstr(printed, "at await_fails_far_below, "))) {
        printed++;
        lines++;
    }
    expect_int(lines, 16);
    return 0;
}

/* --- reports of large and deep trees --- */

static int lines_of(const char *text)
{
    int lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

ASYNC_DEF(fails_when_set, (async_event *)e)
{
    ASYNC_TRY(await_event_wait(e));
    return async_fail(-EIO, "one of many");
}

ASYNC_DEF(has_many_failing_children, (int)n)
{
    async_event e = { 0 };
    int r;
    await_group (r, g) {
        for (int i = 0; i < n; i++)
            async_spawn(g, fails_when_set(&e));
        ASYNC_TRY(await_sleep(1));
        async_event_set(&e);
    }
    return r;
}

ASYNC_DEF(fails_in_groups, (int)depth)
{
    int r;
    if (depth == 0)
        return -EIO;
    await_group (r, g)
        async_spawn(g, fails_in_groups(depth - 1));
    return r;
}

/* A file keeps the whole report, which may be longer than what captured_stderr() returns. */
static char *report_of(async_co co, bool debug)
{
    static char text[256 * 1024];
    FILE *real = stderr, *file = fmemopen(text, sizeof text, "w");
    expect_true(file != NULL);
    /* written to stderr itself, because printing needs the stack of the task */
    setvbuf(file, NULL, _IONBF, 0);
    stderr = file;
    expect_int(async_main(co, .debug = debug, .virtual_clock = true, .slow_step = 1e9),
               EXIT_FAILURE);
    stderr = real;
    fclose(file);
    return text;
}

TEST(error_report_of_many_errors_ends_after_200_lines)
{
    char *printed = report_of(has_many_failing_children(1000), false);
    expect_true(lines_of(printed) <= 202);
    expect_contains(printed, "\n    and 800 more errors");
}

TEST(error_report_of_deep_tree_ends_after_200_lines)
{
    char *printed = report_of(fails_in_groups(1000), false);
    expect_true(lines_of(printed) <= 202);
    expect_contains(printed, " more errors");
}

ASYNC_DEF(prints_at_the_bottom, (int)depth)
{
    int r;
    if (depth == 0) {
        async_print_tasks();
        return 0;
    }
    await_group (r, g)
        async_spawn(g, prints_at_the_bottom(depth - 1), .stack_size = 16384);
    return r;
}

ASYNC_DEF(prints_a_deep_tree)
{
    ASYNC_TRY(await_prints_at_the_bottom(198));
    return -EIO;
}

/* Printing does not recurse, so the smallest stack is enough for a tree of any depth. */
TEST(deep_tree_of_tasks_is_printed_on_smallest_stack)
{
    expect_contains(report_of(prints_a_deep_tree(), true), "prints_at_the_bottom");
}

SUITE("core-error_report", error_report_of_many_errors_ends_after_200_lines,
      error_report_of_deep_tree_ends_after_200_lines,
      deep_tree_of_tasks_is_printed_on_smallest_stack, traceback_of_deep_error_is_cut_at_16_lines,
      async_main_prints_traceback_of_error, async_main_prints_error_tree,
      async_main_returns_success_for_positive_result, handled_error_is_not_in_later_traceback,
      failure_in_background_is_reported_once_and_cancels_nothing,
      error_never_retrieved_is_reported_when_handle_is_dropped,
      error_of_lost_handle_is_reported_when_loop_closes, retrieved_errors_are_not_reported,
      error_after_two_timed_out_awaits_is_reported_once)
